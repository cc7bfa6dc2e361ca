//! The patterns of the numbering plans: the few forms of regular expressions that libphonenumber's metadata uses.
//!
//! A function that gets a message compiles no regular expression for this. The crate `regex` would compile up to three
//! expressions for each country, and keep them. `core/tests/numbers.rs` compares every pattern of the table with the
//! crate `regex`.

/// One pattern over digits: `[2-9]\d{9}|3(?:1|2[07])\d{6}`.
///
/// A pattern knows digits, `\d`, classes, groups, `|`, `?`, `{n}`, `{n,m}` and `$`.
#[derive(Debug)]
pub(super) struct Pattern {
    alternatives: Vec<Vec<Piece>>,
    /// The number of groups with a number, as in `(\d{6})$`.
    groups: usize,
}

/// A part of a pattern, and how often it stands there.
#[derive(Debug)]
struct Piece {
    what: What,
    min: usize,
    max: usize,
}

#[derive(Debug)]
enum What {
    /// One digit of a set. Bit n stands for the digit n.
    Digit(u16),
    /// The end of the text.
    End,
    /// Alternatives in brackets; the number of the group if it has one.
    Group(Option<usize>, Vec<Vec<Piece>>),
}

/// The match of a pattern at the start of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The number of digits that the pattern took.
    pub(super) end: usize,
    /// The last group of the pattern, if it took part.
    pub(super) last_group: Option<(usize, usize)>,
}

const ALL_DIGITS: u16 = 0x3ff;

/// The end of the group that the search entered last, and its place: what the continuation gets to know.
type Group = Option<(usize, usize)>;

impl Pattern {
    /// Reads a pattern. Returns `None` if the text uses a form that no pattern of the table has.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text.as_bytes(), groups: 0 };
        let alternatives = reader.alternatives()?;
        reader.rest.is_empty().then_some(Self { alternatives, groups: reader.groups })
    }

    /// Returns whether the pattern takes the whole text.
    pub(super) fn matches(&self, digits: &str) -> bool {
        let digits = digits.as_bytes();
        self.search(digits, &mut |end, _| end == digits.len())
    }

    /// Returns all that the pattern can take at the start of the text. The first is what Perl would take.
    pub(super) fn starts(&self, digits: &str) -> Vec<Found> {
        let mut found = Vec::new();
        self.search(digits.as_bytes(), &mut |end, last_group| {
            found.push(Found { end, last_group });
            false
        });
        found
    }

    fn search(&self, digits: &[u8], then: &mut dyn FnMut(usize, Group) -> bool) -> bool {
        Search { digits, last: self.groups }.alternatives(&self.alternatives, 0, None, then)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    groups: usize,
}

impl Reader<'_> {
    fn take(&mut self, sign: &[u8]) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn digit(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        let digit = first.checked_sub(b'0').filter(|digit| *digit < 10)?;
        self.rest = rest;
        Some(digit)
    }

    fn alternatives(&mut self) -> Option<Vec<Vec<Piece>>> {
        let mut alternatives = vec![self.pieces()?];
        while self.take(b"|") {
            alternatives.push(self.pieces()?);
        }
        Some(alternatives)
    }

    fn pieces(&mut self) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        while !matches!(self.rest.first(), None | Some(b'|' | b')')) {
            let what = self.what()?;
            let (min, max) = self.times()?;
            pieces.push(Piece { what, min, max });
        }
        Some(pieces)
    }

    fn what(&mut self) -> Option<What> {
        if self.take(b"\\d") {
            return Some(What::Digit(ALL_DIGITS));
        }
        if self.take(b"$") {
            return Some(What::End);
        }
        if self.take(b"[") {
            return self.class().map(What::Digit);
        }
        if self.take(b"(") {
            let number = (!self.take(b"?:")).then(|| {
                self.groups += 1;
                self.groups
            });
            let inside = self.alternatives()?;
            return self.take(b")").then_some(What::Group(number, inside));
        }
        self.digit().map(|digit| What::Digit(1 << digit))
    }

    fn class(&mut self) -> Option<u16> {
        let mut set = 0;
        while !self.take(b"]") {
            let from = self.digit()?;
            let to = if self.take(b"-") { self.digit()? } else { from };
            for digit in from..=to {
                set |= 1 << digit;
            }
        }
        Some(set)
    }

    fn times(&mut self) -> Option<(usize, usize)> {
        if self.take(b"?") {
            return Some((0, 1));
        }
        if !self.take(b"{") {
            return Some((1, 1));
        }
        let min = self.count()?;
        let max = if self.take(b",") { self.count()? } else { min };
        self.take(b"}").then_some((min, max))
    }

    fn count(&mut self) -> Option<usize> {
        let mut count = usize::from(self.digit()?);
        while let Some(digit) = self.digit() {
            count = count.saturating_mul(10).saturating_add(usize::from(digit));
        }
        Some(count)
    }
}

/// A search with backtracking. Each step calls `then` with every place where it can end, until `then` returns true.
struct Search<'a> {
    digits: &'a [u8],
    /// The number of the group that the caller wants to know.
    last: usize,
}

impl Search<'_> {
    fn alternatives(
        &self,
        alternatives: &[Vec<Piece>],
        at: usize,
        group: Group,
        then: &mut dyn FnMut(usize, Group) -> bool,
    ) -> bool {
        alternatives.iter().any(|pieces| self.pieces(pieces, at, group, then))
    }

    fn pieces(
        &self,
        pieces: &[Piece],
        at: usize,
        group: Group,
        then: &mut dyn FnMut(usize, Group) -> bool,
    ) -> bool {
        match pieces.split_first() {
            Some((piece, rest)) => self.piece(piece, 0, rest, at, group, then),
            None => then(at, group),
        }
    }

    /// Tries the piece once more, then the pieces behind it.
    fn piece(
        &self,
        piece: &Piece,
        done: usize,
        rest: &[Piece],
        at: usize,
        group: Group,
        then: &mut dyn FnMut(usize, Group) -> bool,
    ) -> bool {
        let again = done < piece.max
            && self.once(&piece.what, at, group, &mut |end, group| {
                self.piece(piece, done + 1, rest, end, group, then)
            });
        again || (done >= piece.min && self.pieces(rest, at, group, then))
    }

    fn once(&self, what: &What, at: usize, group: Group, then: &mut dyn FnMut(usize, Group) -> bool) -> bool {
        match what {
            What::End => at == self.digits.len() && then(at, group),
            What::Digit(set) => {
                let digit = self.digits.get(at).and_then(|byte| byte.checked_sub(b'0'));
                digit.is_some_and(|digit| digit < 10 && set & (1 << digit) != 0) && then(at + 1, group)
            }
            What::Group(number, inside) => self.alternatives(inside, at, group, &mut |end, group| {
                then(end, if *number == Some(self.last) { Some((at, end)) } else { group })
            }),
        }
    }
}
