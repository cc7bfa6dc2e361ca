//! Transcripts: what a person texts, and what they must get for it.

use super::bench::Bench;

impl Bench {
    /// Plays a transcript: `number > text` is a message in, `number < text` a reply that must follow, in order.
    /// Lines that begin with `#` and empty ones do not count. Nothing but the replies that it lists may come.
    ///
    /// # Panics
    /// At the first line that does not come true, with what came in its place.
    pub async fn transcript(&self, script: &str) {
        let mut from = self.gateway.taken().len();
        for (at, line) in script.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let place = at + 1;
            if let Some((number, text)) = split(line, '>') {
                self.nothing_more(from, place);
                if let Err(problem) = self.receive(number, text, None).await {
                    panic!("line {place}: {line}\n  was not taken: {problem}");
                }
                self.work_off().await;
            } else if let Some((number, text)) = split(line, '<') {
                let taken = self.gateway.taken();
                let Some(reply) = taken.get(from) else { panic!("line {place}: {line}\n  did not come") };
                let (to, said) = (reply.connection.identity.as_str(), reply.text.as_str());
                assert!(to == number && said == text, "line {place}: {line}\n  instead: {to} < {said}");
                from += 1;
            } else {
                panic!("line {place}: {line}\n  is neither `number > text` nor `number < text`");
            }
        }
        self.nothing_more(from, script.lines().count());
    }

    fn nothing_more(&self, from: usize, place: usize) {
        if let Some(reply) = self.gateway.taken().get(from) {
            let to = reply.connection.identity.as_str();
            panic!("before line {place}, nobody expected: {to} < {}", reply.text);
        }
    }
}

/// The number before the sign and the text behind it. The sign stands alone, so that texts can hold it.
fn split(line: &str, sign: char) -> Option<(&str, &str)> {
    let at = line.find(['<', '>'])?;
    let (number, rest) = line.split_at(at);
    let text = rest.strip_prefix(sign)?;
    Some((number.trim(), text.strip_prefix(' ').unwrap_or(text)))
}
