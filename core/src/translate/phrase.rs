//! A phrase: a text that is not yet translated.

use std::borrow::Cow;

use super::placeholders::fill;

/// A text that is not yet translated, with the values that go into it.
///
/// [`tr!`](crate::tr) creates a phrase that the compiler checks. [`Phrase::new`] creates a phrase from a text that is
/// known only at run time. [`Context::say`](crate::Context::say) replies with a phrase.
/// [`Context::translate`](crate::Context::translate) returns its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    pub(super) text: Cow<'static, str>,
    is_verbatim: bool,
    pub(super) plural: Option<(Cow<'static, str>, u64)>,
    values: Vec<(Cow<'static, str>, String)>,
}

impl Phrase {
    /// Creates a phrase from this text, which is also the key to its translations.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), is_verbatim: false, plural: None, values: Vec::new() }
    }

    /// Creates a phrase that stays as it is in every language: nothing in it is translated or filled in.
    pub fn verbatim(text: impl Into<Cow<'static, str>>) -> Self {
        Self { is_verbatim: true, ..Self::new(text) }
    }

    /// Creates a phrase that depends on a number. In English the first text is for one, and the second for any other
    /// number. The first text is the key to the translations. Each translation has as many forms as its language needs.
    pub fn counted(
        one: impl Into<Cow<'static, str>>,
        many: impl Into<Cow<'static, str>>,
        count: u64,
    ) -> Self {
        Self { plural: Some((many.into(), count)), ..Self::new(one) }
    }

    /// Puts `value` in the place of `%(name)s`. The value is data: nothing in it is filled in or translated.
    // `with("count", 3)` is easier to read than a call with a reference.
    #[allow(clippy::needless_pass_by_value)]
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl ToString) -> Self {
        self.values.push((name.into(), value.to_string()));
        self
    }

    /// Returns whether the phrase stays as it is.
    pub(super) fn is_verbatim(&self) -> bool {
        self.is_verbatim
    }

    /// Returns the text as it is in the program, with the values filled in.
    pub fn untranslated(&self) -> String {
        self.filled(match &self.plural {
            Some((many, count)) if *count != 1 => many,
            _ => &self.text,
        })
    }

    /// Returns these words with the values filled in, in the place of the phrase's own text.
    pub(super) fn filled(&self, words: &str) -> String {
        if self.is_verbatim {
            return words.to_owned();
        }
        let value = |name: &str| self.values.iter().find(|(known, _)| known == name);
        fill(words, |name| value(name).map(|(_, value)| value.as_str()))
    }
}

/// Creates a text in the language of its recipient: a [`Phrase`] that the compiler checks.
///
/// A value goes in the place of `%(name)s`, under its name; `name` alone is short for `name = name`. With two texts,
/// the first is for the number one and the second for any other number. The first value is then this number.
///
/// ```
/// use threadless::tr;
///
/// let name = "Asha %(x)s 100%";
/// assert_eq!(tr!("Thank you, %(name)s!", name).untranslated(), "Thank you, Asha %(x)s 100%!");
///
/// let cases = |count: u64| tr!("%(count)s case in %(village)s", "%(count)s cases in %(village)s", count, village = "Goro");
/// assert_eq!(cases(1).untranslated(), "1 case in Goro");
/// assert_eq!(cases(3).untranslated(), "3 cases in Goro");
/// ```
///
/// A mistake does not compile:
///
/// ```compile_fail
/// let name = "Asha";
/// threadless::tr!("Thank you, %(nmae)s!", name);
/// ```
#[macro_export]
macro_rules! tr {
    (@value $name:ident) => { $name };
    (@value $name:ident $value:expr) => { $value };
    ($text:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        const _: () = $crate::translate::check(&[$text], &[$(::core::stringify!($name)),*]);
        $crate::translate::Phrase::new($text)
            $(.with(::core::stringify!($name), $crate::tr!(@value $name $($value)?)))*
    }};
    ($one:literal, $many:literal, $count:ident $(= $number:expr)? $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        const _: () = $crate::translate::check(
            &[$one, $many],
            &[::core::stringify!($count), $(::core::stringify!($name)),*],
        );
        let count = $crate::tr!(@value $count $($number)?);
        let number = ::core::convert::TryFrom::try_from(count).unwrap_or(::core::primitive::u64::MAX);
        $crate::translate::Phrase::counted($one, $many, number)
            .with(::core::stringify!($count), count)
            $(.with(::core::stringify!($name), $crate::tr!(@value $name $($value)?)))*
    }};
}
