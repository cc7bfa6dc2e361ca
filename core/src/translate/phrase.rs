//! A text that is yet to be said in someone's language.

use std::borrow::Cow;

use super::placeholders::fill;

/// A text that is yet to be said in someone's language, with the values that go into it.
///
/// [`tr!`](crate::tr) makes one and has it checked while it is compiled; [`Phrase::new`] makes one of a text that is
/// known only at run time. [`Context::say`](crate::Context::say) replies with it,
/// [`Context::translate`](crate::Context::translate) gives the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    pub(super) text: Cow<'static, str>,
    is_verbatim: bool,
    pub(super) plural: Option<(Cow<'static, str>, u64)>,
    values: Vec<(Cow<'static, str>, String)>,
}

impl Phrase {
    /// A phrase of this text, which is also the key to its translations.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), is_verbatim: false, plural: None, values: Vec::new() }
    }

    /// A text that is said as it is, in whatever language: nothing in it is translated or filled in.
    pub fn verbatim(text: impl Into<Cow<'static, str>>) -> Self {
        Self { is_verbatim: true, ..Self::new(text) }
    }

    /// A phrase that depends on a number: the first text is for one, the second for any other number in English. The
    /// first is the key to its translations, each of which has as many forms as its language needs.
    pub fn counted(
        one: impl Into<Cow<'static, str>>,
        many: impl Into<Cow<'static, str>>,
        count: u64,
    ) -> Self {
        Self { plural: Some((many.into(), count)), ..Self::new(one) }
    }

    /// Puts `value` where `%(name)s` stands. It is data: nothing in it is filled in or translated.
    // `with("count", 3)` reads better than with a reference.
    #[allow(clippy::needless_pass_by_value)]
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl ToString) -> Self {
        self.values.push((name.into(), value.to_string()));
        self
    }

    /// Whether it is said as it is.
    pub(super) fn is_verbatim(&self) -> bool {
        self.is_verbatim
    }

    /// In the words that it was written in.
    pub fn untranslated(&self) -> String {
        self.filled(match &self.plural {
            Some((many, count)) if *count != 1 => many,
            _ => &self.text,
        })
    }

    /// With these words in the place of its own.
    pub(super) fn filled(&self, words: &str) -> String {
        if self.is_verbatim {
            return words.to_owned();
        }
        let value = |name: &str| self.values.iter().find(|(known, _)| known == name);
        fill(words, |name| value(name).map(|(_, value)| value.as_str()))
    }
}

/// A text to say in the language of whoever gets it: a [`Phrase`], checked while it is compiled.
///
/// Values go where `%(name)s` stands, each under its name; `name` alone is short for `name = name`. Two texts are for
/// one and for any other number, and the first value is that number.
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
/// What does not fit together does not compile:
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
