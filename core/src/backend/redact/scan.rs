//! Hides the values of secret fields. The body may be broken, because nobody could read it; so this module only
//! searches for the names of fields. All other text stays exactly as it is.

use percent_encoding::percent_decode_str;

use super::HIDDEN;
use crate::settings::looks_secret;

/// Hides secret values in a query or in the body of a form.
pub(super) fn form(raw: &str) -> String {
    let pair = |pair: &str| {
        let Some((name, _)) = pair.split_once('=') else { return pair.to_owned() };
        let plain = percent_decode_str(name).decode_utf8_lossy().into_owned();
        if looks_secret(&plain) { format!("{name}={HIDDEN}") } else { pair.to_owned() }
    };
    raw.split('&').map(pair).collect::<Vec<_>>().join("&")
}

/// Hides secret values in JSON, or in text that looks like JSON.
pub(super) fn json(raw: &str) -> String {
    let mut kept = String::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let rest = &raw[at..];
        let Some(quote) = rest.find('"') else {
            kept.push_str(rest);
            break;
        };
        let name_end = quote + string_end(&rest[quote..]);
        let name = &rest[quote..name_end];
        let colon = &rest[name_end..];
        let value_at =
            colon.trim_start().strip_prefix(':').map(|value| rest.len() - value.trim_start().len());
        match value_at {
            Some(value_at) if looks_secret(name) => {
                kept.push_str(&rest[..value_at]);
                kept.push('"');
                kept.push_str(HIDDEN);
                kept.push('"');
                at += value_at + value_end(&rest[value_at..]);
            }
            _ => {
                kept.push_str(&rest[..name_end]);
                at += name_end;
            }
        }
    }
    kept
}

/// Returns the length of a JSON string with its quotation marks, or of its beginning if the end is missing.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns the length of a JSON value.
fn value_end(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '"' => {
                at += string_end(&text[at..]);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            '{' | '[' => depth += 1,
            '}' | ']' | ',' | '\n' if depth == 0 => return at,
            '}' | ']' if depth == 1 => return at + 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        at += c.len_utf8();
    }
    text.len()
}

/// Hides secret values in the elements and attributes of XML.
pub(super) fn xml(raw: &str) -> String {
    let mut kept = String::with_capacity(raw.len());
    for (nth, part) in raw.split('<').enumerate() {
        if nth > 0 {
            kept.push('<');
        }
        let Some((tag, content)) = part.split_once('>') else {
            kept.push_str(&attributes(part));
            continue;
        };
        let name = tag.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        let local = name.rsplit(':').next().unwrap_or_default();
        let secret = nth > 0 && !tag.starts_with('/') && !tag.ends_with('/') && looks_secret(local);
        kept.push_str(&attributes(tag));
        kept.push('>');
        kept.push_str(if secret && !content.trim().is_empty() { HIDDEN } else { content });
    }
    kept
}

/// Hides secret values in the inside of a tag: `name one="…" two='…'`.
fn attributes(tag: &str) -> String {
    let mut kept = String::with_capacity(tag.len());
    let mut rest = tag;
    while let Some(equals) = rest.find('=') {
        let (before, value) = rest.split_at(equals + 1);
        kept.push_str(before);
        let name = before[..equals].trim_end().rsplit(|c: char| c.is_whitespace() || c == ':').next();
        let spaces = value.len() - value.trim_start().len();
        let (space, quoted) = value.split_at(spaces);
        kept.push_str(space);
        let quote = quoted.chars().next().filter(|c| *c == '"' || *c == '\'');
        let end = match quote {
            Some(quote) => quoted[1..].find(quote).map_or(quoted.len(), |end| end + 2),
            None => quoted.find(char::is_whitespace).unwrap_or(quoted.len()),
        };
        if name.is_some_and(looks_secret) {
            kept.push('"');
            kept.push_str(HIDDEN);
            kept.push('"');
        } else {
            kept.push_str(&quoted[..end]);
        }
        rest = &quoted[end..];
    }
    kept.push_str(rest);
    kept
}
