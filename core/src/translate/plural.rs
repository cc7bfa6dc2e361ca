//! The choice of the plural form for a number: the `Plural-Forms` of a catalogue.

/// The plural rule of a language, as in the head of its catalogue:
/// `nplurals=3; plural=n%10==1 && n%100!=11 ? 0 : n != 0 ? 1 : 2;`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PluralRule {
    /// The number of forms.
    pub(super) forms: usize,
    rule: Expression,
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Count,
    Number(u64),
    Not(Box<Expression>),
    Two(Operator, Box<(Expression, Expression)>),
    Choice(Box<(Expression, Expression, Expression)>),
}

type Operator = &'static str;

/// The operators of C, in the order of precedence, the weakest first. In each group a longer operator stands before a
/// shorter one that it begins with.
const OPERATORS: [&[Operator]; 6] =
    [&["||"], &["&&"], &["==", "!="], &["<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

/// The largest length of a rule, in bytes. The rules of real languages have fewer than 200 characters.
const MAX_LENGTH: usize = 500;

/// The deepest nesting of parentheses.
const MAX_DEPTH: usize = 20;

impl PluralRule {
    /// Reads `nplurals=2; plural=(n != 1);`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut parts = text.split(';').filter_map(|part| part.split_once('='));
        let mut part = |name: &str| {
            let (found, value) = parts.next().ok_or_else(|| format!("has no {name}="))?;
            if found.trim() == name { Ok(value.trim()) } else { Err(format!("has no {name}=")) }
        };
        let (forms, rule) = (part("nplurals")?, part("plural")?);
        let forms = forms.parse().ok().filter(|forms| (1..=10).contains(forms));
        let forms = forms.ok_or("nplurals must be a number from 1 to 10")?;
        if rule.len() > MAX_LENGTH {
            return Err("is too long".to_owned());
        }
        let mut parser = Parser { rest: rule, depth: 0 };
        let rule = parser.choice()?;
        if !parser.rest.trim().is_empty() {
            return Err(format!("has {:?} after its end", parser.rest.trim()));
        }
        let rule = Self { forms, rule };
        match (0..1000).find(|count| rule.form_as_given(*count) >= forms) {
            Some(count) => Err(format!("gives the number {count} a form that does not exist")),
            None => Ok(rule),
        }
    }

    /// Returns the index of the form for `count`, from 0.
    pub(super) fn form(&self, count: u64) -> usize {
        self.form_as_given(count).min(self.forms - 1)
    }

    fn form_as_given(&self, count: u64) -> usize {
        usize::try_from(self.rule.value(count)).unwrap_or(usize::MAX)
    }
}

impl Expression {
    fn value(&self, count: u64) -> u64 {
        match self {
            Self::Count => count,
            Self::Number(number) => *number,
            Self::Not(one) => u64::from(one.value(count) == 0),
            Self::Two(operator, both) => {
                let (a, b) = (both.0.value(count), both.1.value(count));
                match *operator {
                    "||" => u64::from(a != 0 || b != 0),
                    "&&" => u64::from(a != 0 && b != 0),
                    "==" => u64::from(a == b),
                    "!=" => u64::from(a != b),
                    "<=" => u64::from(a <= b),
                    ">=" => u64::from(a >= b),
                    "<" => u64::from(a < b),
                    ">" => u64::from(a > b),
                    "+" => a.saturating_add(b),
                    "-" => a.saturating_sub(b),
                    "*" => a.saturating_mul(b),
                    "/" => a.checked_div(b).unwrap_or(0),
                    _ => a.checked_rem(b).unwrap_or(0),
                }
            }
            Self::Choice(all) => {
                let (condition, yes, no) = &**all;
                if condition.value(count) != 0 { yes.value(count) } else { no.value(count) }
            }
        }
    }
}

struct Parser<'t> {
    rest: &'t str,
    depth: usize,
}

impl Parser<'_> {
    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        let behind = rest.strip_prefix(token);
        self.rest = behind.unwrap_or(rest);
        behind.is_some()
    }

    fn choice(&mut self) -> Result<Expression, String> {
        let condition = self.two(0)?;
        if !self.eat("?") {
            return Ok(condition);
        }
        let yes = self.deeper(Self::choice)?;
        if !self.eat(":") {
            return Err("has a ? without a :".to_owned());
        }
        let no = self.deeper(Self::choice)?;
        Ok(Expression::Choice(Box::new((condition, yes, no))))
    }

    fn two(&mut self, level: usize) -> Result<Expression, String> {
        let Some(operators) = OPERATORS.get(level) else { return self.one() };
        let mut left = self.two(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.eat(operator)) {
            let right = self.two(level + 1)?;
            left = Expression::Two(operator, Box::new((left, right)));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Expression, String> {
        if self.eat("!") {
            return Ok(Expression::Not(Box::new(self.deeper(Self::one)?)));
        }
        if self.eat("(") {
            let inner = self.deeper(Self::choice)?;
            return if self.eat(")") { Ok(inner) } else { Err("has a ( without a )".to_owned()) };
        }
        if self.eat("n") {
            return Ok(Expression::Count);
        }
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().map(Expression::Number).map_err(|_| format!("has no value before {rest:?}"))
    }

    fn deeper(&mut self, parse: fn(&mut Self) -> Result<Expression, String>) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("is nested too deeply".to_owned());
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_languages_are_understood() {
        let table: [(&str, &[(u64, usize)]); 7] = [
            ("nplurals=1; plural=0;", &[(0, 0), (1, 0), (5, 0)]),
            ("nplurals=2; plural=(n != 1);", &[(0, 1), (1, 0), (2, 1)]),
            ("nplurals=2; plural=n>1", &[(0, 0), (1, 0), (2, 1)]),
            ("nplurals=2; plural=!(n == 0 || n == 1)", &[(0, 0), (1, 0), (2, 1)]),
            (
                "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);",
                &[(1, 0), (2, 1), (5, 2), (11, 2), (12, 2), (21, 0), (22, 1), (111, 2)],
            ),
            (
                "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
                &[(0, 0), (1, 1), (2, 2), (3, 3), (10, 3), (11, 4), (99, 4), (100, 5), (103, 3)],
            ),
            ("nplurals=2; plural=n/0 + n%0 - 5 * 0 <= 0 ? 1 : 0", &[(0, 1), (u64::MAX, 1)]),
        ];
        for (text, expected) in table {
            let rule = PluralRule::read(text).unwrap();
            for (count, form) in expected {
                assert_eq!(rule.form(*count), *form, "{text} {count}");
            }
        }
    }

    #[test]
    fn what_is_no_rule_says_why() {
        let deep = format!("nplurals=1; plural={}0{}", "(".repeat(30), ")".repeat(30));
        let table = [
            ("", "has no nplurals="),
            ("nplurals=2;", "has no plural="),
            ("nplurals=0; plural=0", "nplurals must be a number from 1 to 10"),
            ("nplurals=2; plural=n", "gives the number 2 a form that does not exist"),
            ("nplurals=2; plural=n > ", "has no value before \"\""),
            ("nplurals=2; plural=(n > 1", "has a ( without a )"),
            ("nplurals=2; plural=n > 1 ? 1", "has a ? without a :"),
            ("nplurals=2; plural=n > 1 1", "has \"1\" after its end"),
            (&deep, "is nested too deeply"),
        ];
        for (text, problem) in table {
            assert_eq!(PluralRule::read(text), Err(problem.to_owned()), "{text}");
        }
    }
}
