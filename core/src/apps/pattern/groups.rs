//! A deserializer for all groups of a pattern together. It makes the type that the handler wants.

use std::cell::Cell;

use regex::{Captures, Match, Regex};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use super::value::{Unread, Value};
use crate::text::matching::Normal;

/// The groups that a pattern found in the normal form of a message.
pub(super) struct Groups<'t> {
    pub(super) regex: &'t Regex,
    pub(super) found: &'t Captures<'t>,
    pub(super) message: &'t Normal<'t>,
}

impl<'t> Groups<'t> {
    /// Returns the groups in order, without the whole match.
    fn in_order(&self) -> impl Iterator<Item = Value<'t>> + use<'t> {
        let message = self.message;
        self.found.iter().skip(1).map(move |group| Value(group.map(|group| written(message, group))))
    }

    /// Returns the named groups that are present in the text.
    fn by_name(&self) -> impl Iterator<Item = (&'t str, Value<'t>)> + use<'t> {
        let (found, message) = (self.found, self.message);
        let named = self.regex.capture_names().flatten();
        named.filter_map(move |name| Some((name, Value(Some(written(message, found.name(name)?))))))
    }

    fn first(&self) -> Value<'t> {
        self.in_order().next().unwrap_or(Value(None))
    }
}

/// Returns a group as the sender wrote it.
fn written<'t>(message: &'t Normal<'t>, group: Match<'_>) -> &'t str {
    message.written(group.range())
}

macro_rules! first_group {
    ($($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
            self.first().$deserialize(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Groups<'_> {
    type Error = Unread;

    first_group! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_bool deserialize_char
        deserialize_str deserialize_string deserialize_option
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.first().deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_seq(SeqDeserializer::new(self.in_order()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_map(MapDeserializer::new(self.by_name()))
    }

    forward_to_deserialize_any! { bytes byte_buf map struct identifier ignored_any }
}

/// Returns the names of the fields of a struct, or `None` if `T` is not a struct.
pub(super) fn fields_of<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let fields = Cell::new(None);
    // This deserializer holds no values. It only records which fields `T` asks for.
    let _ = T::deserialize(Asked(&fields));
    fields.get()
}

struct Asked<'c>(&'c Cell<Option<&'static [&'static str]>>);

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = Unread;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.0.set(Some(fields));
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unread> {
        Err(Unread::custom("the value is missing"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
