//! From tree to typed value, through serde; every error carries the node at which it arose.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::node::{Content, Entry, Node, Scalar, Sort};

/// Why a value could not be made, and of which node.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) message: String,
    /// The innermost node that was being read.
    pub(super) node: Option<u32>,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), node: None }
    }
}

/// Makes a value of a tree, as if the nodes in `without` (entries of lists, values of mappings) were not there.
pub(super) fn value_of<T: de::DeserializeOwned>(
    tree: &Node,
    without: &BTreeSet<u32>,
) -> Result<T, Wrong> {
    T::deserialize(Reader { node: tree, without })
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
    without: &'a BTreeSet<u32>,
}

impl<'a> Reader<'a> {
    fn of(self, node: &'a Node) -> Self {
        Self { node, ..self }
    }

    /// Gives an error its place, unless it has one from further within.
    fn placed<T>(self, result: Result<T, Wrong>) -> Result<T, Wrong> {
        result.map_err(|wrong| Wrong { node: wrong.node.or(Some(self.node.id)), ..wrong })
    }

    fn list(self, items: &'a [Node]) -> impl Iterator<Item = Self> {
        items
            .iter()
            .filter(move |item| !self.without.contains(&item.id))
            .map(move |item| self.of(item))
    }

    fn map(self, entries: &'a [Entry]) -> impl Iterator<Item = &'a Entry> {
        entries.iter().filter(move |entry| !self.without.contains(&entry.value.id))
    }
}

/// Hands over a scalar as what it is.
fn visit_scalar<'de, V: Visitor<'de>>(scalar: &Scalar, visitor: V) -> Result<V::Value, Wrong> {
    match scalar.sort() {
        Sort::Empty | Sort::Null => visitor.visit_unit(),
        Sort::Bool(is) => visitor.visit_bool(is),
        Sort::Int(number) => match u64::try_from(number) {
            Ok(number) => visitor.visit_u64(number),
            Err(_) => visitor.visit_i64(number),
        },
        Sort::Float(number) => visitor.visit_f64(number),
        Sort::Trap | Sort::Text => visitor.visit_str(&scalar.text),
    }
}

macro_rules! through {
    ($($as_what:ident)*) => {$(
        fn $as_what<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            self.deserialize_any(visitor)
        }
    )*};
}

macro_rules! as_text {
    ($($as_what:ident)*) => {$(
        fn $as_what<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            match &self.node.content {
                Content::Scalar(scalar) => self.placed(visitor.visit_str(&scalar.text)),
                Content::List(_) | Content::Map(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.placed(match &self.node.content {
            Content::Scalar(scalar) => visit_scalar(scalar, visitor),
            Content::List(items) => visitor.visit_seq(Items(self.list(items))),
            Content::Map(entries) => {
                visitor.visit_map(Fields { within: self, entries: self.map(entries), value: None })
            }
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.node.scalar().map(Scalar::sort) {
            Some(Sort::Empty | Sort::Null) => self.placed(visitor.visit_none()),
            _ => self.placed(visitor.visit_some(self)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.placed(visitor.visit_newtype_struct(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let variant = match &self.node.content {
            Content::Scalar(scalar) => Variant { name: &scalar.text, holds: None },
            Content::Map(entries) => {
                let mut left = self.map(entries);
                match (left.next(), left.next()) {
                    (Some(entry), None) => {
                        Variant { name: entry.name(), holds: Some(self.of(&entry.value)) }
                    }
                    _ => return self.placed(Err(de::Error::custom("one field is expected here"))),
                }
            }
            Content::List(_) => {
                return self.placed(Err(de::Error::custom("a word or a mapping is expected here")));
            }
        };
        self.placed(visitor.visit_enum(variant))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    as_text! { deserialize_str deserialize_string deserialize_char deserialize_identifier }

    through! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_seq deserialize_map
    }
}

struct Items<I>(I);

impl<'a, 'de, I: Iterator<Item = Reader<'a>>> SeqAccess<'de> for Items<I> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        self.0.next().map(|item| item.placed(seed.deserialize(item))).transpose()
    }
}

struct Fields<'a, I> {
    within: Reader<'a>,
    entries: I,
    value: Option<&'a Node>,
}

impl<'a, 'de, I: Iterator<Item = &'a Entry>> MapAccess<'de> for Fields<'a, I> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(&entry.value);
        // A key that is refused takes its value with it, so the error belongs to the value's node.
        let key = seed.deserialize(Key(entry.name()));
        self.within.of(&entry.value).placed(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let node = self.value.take().unwrap_or(self.within.node);
        let value = self.within.of(node);
        value.placed(seed.deserialize(value))
    }
}

/// A key: text, or a number where the type wants one.
struct Key<'a>(&'a str);

macro_rules! number_keys {
    ($($as_what:ident $visit:ident)*) => {$(
        fn $as_what<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            match self.0.parse() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(de::Error::custom(format!("`{}` is not a number that fits here", super::parse::shown(self.0)))),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Key<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let text: StrDeserializer<'_, Wrong> = self.0.into_deserializer();
        text.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    number_keys! {
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32 deserialize_i64 visit_i64
    }

    serde::forward_to_deserialize_any! {
        bool f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

struct Variant<'a> {
    name: &'a str,
    holds: Option<Reader<'a>>,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a> {
    type Error = Wrong;
    type Variant = Held<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Held<'a>), Wrong> {
        let name: StrDeserializer<'_, Wrong> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Held(self.holds)))
    }
}

struct Held<'a>(Option<Reader<'a>>);

impl<'a> Held<'a> {
    fn value(self) -> Result<Reader<'a>, Wrong> {
        self.0.ok_or_else(|| de::Error::custom("this word wants a value; write `word: value`"))
    }
}

impl<'de> VariantAccess<'de> for Held<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        if self.0.is_some() {
            return Err(de::Error::custom("this word stands alone; it takes no value"));
        }
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        let reader = self.value()?;
        reader.placed(seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        de::Deserializer::deserialize_any(self.value()?, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        de::Deserializer::deserialize_any(self.value()?, visitor)
    }
}
