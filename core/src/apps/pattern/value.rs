//! A deserializer for one group of a pattern.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::value::StrDeserializer;
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::text::matching::{is_same, key, number, visible};

/// The reason why a group gives no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    /// The text does not fit the type. The person who sent it must know.
    #[error("{0}")]
    Unfit(String),
    /// The pattern has no group for this field. The programmer must know.
    #[error("the pattern has no group for the field {0:?}")]
    Missing(&'static str),
}

impl de::Error for Unread {
    fn custom<T: Display>(problem: T) -> Self {
        Self::Unfit(problem.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// The text that a group matched, or `None` if the group is not in the message.
pub(super) struct Value<'t>(pub(super) Option<&'t str>);

impl<'t> Value<'t> {
    fn text(&self) -> Result<&'t str, Unread> {
        self.0.ok_or_else(|| de::Error::custom("the value is missing"))
    }

    fn number<N: FromStr<Err: Display>>(&self) -> Result<N, Unread> {
        let text = self.text()?;
        number(text).map_err(|problem: N::Err| de::Error::custom(format!("{text:?}: {problem}")))
    }

    fn flag(&self) -> Result<bool, Unread> {
        match key(self.text()?).as_str() {
            "true" | "yes" | "y" | "1" => Ok(true),
            "false" | "no" | "n" | "0" => Ok(false),
            other => Err(de::Error::custom(format!("{other:?} is neither yes nor no"))),
        }
    }
}

macro_rules! numbers {
    ($($deserialize:ident $visit:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
            visitor.$visit(self.number()?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = Unread;

    numbers! {
        deserialize_i8 visit_i8
        deserialize_i16 visit_i16
        deserialize_i32 visit_i32
        deserialize_i64 visit_i64
        deserialize_i128 visit_i128
        deserialize_u8 visit_u8
        deserialize_u16 visit_u16
        deserialize_u32 visit_u32
        deserialize_u64 visit_u64
        deserialize_u128 visit_u128
    }

    /// Refuses `nan` and `inf`: in a message they are words, not numbers.
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.number()? {
            number if f64::is_finite(number) => visitor.visit_f64(number),
            number => Err(de::Error::custom(format!("{number} is no number"))),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.number()? {
            number if f32::is_finite(number) => visitor.visit_f32(number),
            number => Err(de::Error::custom(format!("{number} is no number"))),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_bool(self.flag()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.0 {
            None | Some("") => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        let text = self.text()?;
        let variant = variants.iter().find(|variant| is_same(text, variant)).unwrap_or(&text);
        let variant: StrDeserializer<'_, Unread> = variant.into_deserializer();
        visitor.visit_enum(variant)
    }

    /// Takes a letter with a separate accent for one character.
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_str(&visible(self.text()?))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_str(self.text()?)
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, Unread> for Value<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
