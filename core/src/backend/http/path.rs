//! The place of a field in a request: its name or, in JSON, a path such as `payload.message` or `results[].from`.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The place of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    written: String,
    steps: Vec<Step>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// The member of an object with this name, or the element of a list with this number.
    Member(String),
    /// Each element of a list.
    Each,
}

/// A value of JSON as it is written. It stays unread until somebody asks for it, so a number keeps all its digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a>(&'a RawValue);

/// One message in JSON: the whole, and the element at which each `[]` stands.
pub(super) struct Row<'a> {
    nodes: Vec<Node<'a>>,
    at: Vec<usize>,
}

/// The largest number of messages in one request. Each of them must become durable before the answer.
const MOST_ROWS: usize = 500;

impl Path {
    /// Reads a path, or returns the fault in it. Names with other brackets, such as `payload[text]`, are names of form
    /// fields.
    pub(super) fn read(written: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        for part in written.split('.') {
            let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
            let begins_with_list = steps.is_empty() && !rest.is_empty();
            if name.is_empty() && !begins_with_list {
                return Err(
                    "has an empty part: write a path such as payload.text or results[].text".to_owned()
                );
            }
            if !name.is_empty() {
                steps.push(Step::Member(name.to_owned()));
            }
            while !rest.is_empty() {
                let inside = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                let Some((inside, after)) = inside else {
                    return Err("has a bracket without its other half".to_owned());
                };
                match inside {
                    "" => steps.push(Step::Each),
                    number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                        steps.push(Step::Member(number.to_owned()));
                    }
                    _ => return Ok(Self::name(written)),
                }
                rest = after;
            }
        }
        Ok(Self { written: written.to_owned(), steps })
    }

    /// Returns the path of a field without steps.
    pub(super) fn name(name: &str) -> Self {
        Self { written: name.to_owned(), steps: vec![Step::Member(name.to_owned())] }
    }

    /// Returns the path as the settings write it.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// Returns the path with the numbers of the elements, for a fault.
    pub(super) fn shown(&self, row: &Row<'_>) -> String {
        let mut shown = self.written.clone();
        for at in &row.at {
            shown = shown.replacen("[]", &format!("[{at}]"), 1);
        }
        shown
    }

    /// Returns the steps up to the last `[]`.
    fn list(&self) -> &[Step] {
        let end = self.steps.iter().rposition(|step| *step == Step::Each).map_or(0, |at| at + 1);
        &self.steps[..end]
    }

    /// Returns whether the path leads through a list whose elements are messages.
    pub(super) fn has_list(&self) -> bool {
        !self.list().is_empty()
    }

    /// Returns whether the elements of this path are the elements of the other path, or are around them.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        other.list().starts_with(self.list())
    }

    /// Returns the messages in a JSON value: one for each element to which the path leads. `None` if there is no such
    /// list.
    pub(super) fn rows<'a>(&self, root: Node<'a>) -> Result<Vec<Row<'a>>, String> {
        let mut rows = vec![Row { nodes: vec![root], at: Vec::new() }];
        let mut found = true;
        for part in self.list().split_inclusive(|step| *step == Step::Each) {
            let mut next = Vec::new();
            found = false;
            for row in rows {
                let list = row.last().and_then(|node| node.follow(&part[..part.len() - 1]));
                let Some(items) = list.and_then(Node::items) else { continue };
                found = true;
                for (at, item) in items.into_iter().enumerate() {
                    if next.len() == MOST_ROWS {
                        return Err(format!("has more than {MOST_ROWS} messages"));
                    }
                    let nodes = row.nodes.iter().copied().chain([item]).collect();
                    next.push(Row { nodes, at: row.at.iter().copied().chain([at]).collect() });
                }
            }
            rows = next;
        }
        if found { Ok(rows) } else { Err("is missing: there is no such list".to_owned()) }
    }

    /// Returns the value of this field in a message.
    pub(super) fn of<'a>(&self, row: &Row<'a>) -> Option<Node<'a>> {
        let root = row.nodes.first()?;
        if let Some(literal) = root.member(&self.written) {
            return Some(literal);
        }
        let list = self.list();
        let depth = list.iter().filter(|step| **step == Step::Each).count();
        row.nodes.get(depth)?.follow(&self.steps[list.len()..])
    }

    /// Returns every value to which the path leads, whatever the lists.
    pub(super) fn all<'a>(&self, root: Node<'a>) -> Vec<Node<'a>> {
        let rows = self.rows(root).unwrap_or_default();
        rows.iter().filter_map(|row| self.of(row)).collect()
    }
}

impl<'a> Row<'a> {
    /// Returns the row of a request that holds one message.
    pub(super) fn whole(root: Node<'a>) -> Self {
        Self { nodes: vec![root], at: Vec::new() }
    }

    fn last(&self) -> Option<Node<'a>> {
        self.nodes.last().copied()
    }

    /// Returns the values that no path reads, by their paths. Objects through which a path leads are opened.
    pub(super) fn others(&self, known: &[&Path]) -> Vec<(String, Node<'a>)> {
        let mut others = Vec::new();
        if let Some(root) = self.nodes.first() {
            let known: Vec<(&[Step], &str)> =
                known.iter().map(|path| (path.steps.as_slice(), path.written.as_str())).collect();
            self.collect(*root, "", 0, &known, &mut others);
        }
        others
    }

    fn collect(
        &self,
        node: Node<'a>,
        name: &str,
        depth: usize,
        known: &[(&[Step], &str)],
        others: &mut Vec<(String, Node<'a>)>,
    ) {
        for (member, value) in node.members() {
            let path = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
            let mut inner = Vec::new();
            let mut is_known = name.is_empty() && known.iter().any(|(_, written)| *written == member);
            for (steps, written) in known {
                if let Some((Step::Member(first), rest)) = steps.split_first()
                    && *first == member
                {
                    is_known |= rest.is_empty();
                    inner.push((rest, *written));
                }
            }
            if is_known {
                continue;
            }
            if inner.is_empty() {
                others.push((path, value));
                continue;
            }
            let (mut value, mut path, mut depth) = (value, path, depth);
            while inner.iter().any(|(rest, _)| rest.first() == Some(&Step::Each)) {
                let Some(element) = self.nodes.get(depth + 1) else { break };
                depth += 1;
                value = *element;
                path.push_str("[]");
                inner = inner
                    .into_iter()
                    .filter_map(|(rest, written)| match rest.split_first() {
                        Some((Step::Each, rest)) => Some((rest, written)),
                        _ => None,
                    })
                    .collect();
            }
            self.collect(value, &path, depth, &inner, others);
        }
    }
}

impl<'a> Node<'a> {
    /// Reads a JSON value.
    pub(super) fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<&RawValue>(text).map(Self)
    }

    /// Returns the value as it is written.
    pub(super) fn written(self) -> &'a str {
        self.0.get()
    }

    fn begins_with(self, first: u8) -> bool {
        self.written().as_bytes().first() == Some(&first)
    }

    /// Returns whether the value is an object or a list.
    pub(super) fn is_nested(self) -> bool {
        self.begins_with(b'{') || self.begins_with(b'[')
    }

    /// Returns the members of an object; none for any other value.
    pub(super) fn members(self) -> Vec<(String, Node<'a>)> {
        if !self.begins_with(b'{') {
            return Vec::new();
        }
        let object = serde_json::from_str::<BTreeMap<String, &RawValue>>(self.written());
        object.unwrap_or_default().into_iter().map(|(name, value)| (name, Node(value))).collect()
    }

    fn items(self) -> Option<Vec<Node<'a>>> {
        if !self.begins_with(b'[') {
            return None;
        }
        let list = serde_json::from_str::<Vec<&RawValue>>(self.written()).ok()?;
        Some(list.into_iter().map(Node).collect())
    }

    fn member(self, name: &str) -> Option<Node<'a>> {
        if self.begins_with(b'[') {
            return self.items()?.into_iter().nth(name.parse().ok()?);
        }
        self.members().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn follow(self, steps: &[Step]) -> Option<Node<'a>> {
        steps.iter().try_fold(self, |node, step| match step {
            Step::Member(name) => node.member(name),
            Step::Each => None,
        })
    }
}

/// Replaces each escape of half a surrogate pair by that of U+FFFD. JSON allows such an escape, but it is no character.
pub(super) fn without_lone_surrogates(json: &str) -> String {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut mended = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match unit(rest) {
            Some(0xd800..=0xdbff) if matches!(rest.get(6..).and_then(unit), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => {
                mended.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            Some(_) => 6,
            None => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        mended.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    mended + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_surrogate_pairs_are_replaced_and_nothing_else() {
        let table = [
            (r#""ping \ud83d""#, r#""ping \ufffd""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\uD83Dx""#, r#""\ufffdx""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\n\u00e9\""#, r#""\n\u00e9\""#),
            (r#""\ud8"#, r#""\ud8"#),
            (r"\", r"\"),
        ];
        for (json, expected) in table {
            assert_eq!(without_lone_surrogates(json), expected, "{json}");
        }
    }

    #[test]
    fn paths_that_lead_nowhere_are_not_taken() {
        for path in ["a..b", ".a", "a.", "a[", "a[].", "a]b[", "", "a.[]"] {
            assert!(Path::read(path).is_err(), "{path}");
        }
        for path in ["a", "a.b", "a[]", "[].a", "a[0].b", "a[].b[].c", "payload[text]", "a b"] {
            assert!(Path::read(path).is_ok(), "{path}");
        }
    }
}
