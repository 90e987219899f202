//! The merged sources as a serde deserializer that names key, source and value in every error.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::ConfigError;

/// One key with everything below it.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) path: String,
    pub(super) origin: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Table(BTreeMap<String, Tree>),
    List(Vec<Tree>),
    /// A scalar of a file, which has a type.
    Value(toml::Value),
    /// A scalar of the environment or a flag, which is whatever its key wants.
    Text(String),
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            path: String::new(),
            origin: String::new(),
            kind: Kind::Table(BTreeMap::new()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(_) => f.write_str("a table"),
            Self::List(_) => f.write_str("a list"),
            Self::Value(value) => value.fmt(f),
            Self::Text(text) => fmt::Debug::fmt(text, f),
        }
    }
}

impl Tree {
    /// Reads this node and places what goes wrong at its key.
    fn read<T>(self, read: impl FnOnce(Self) -> Result<T, ConfigError>) -> Result<T, ConfigError> {
        let (path, origin, shown) = (
            self.path.clone(),
            self.origin.clone(),
            self.kind.to_string(),
        );
        read(self).map_err(|error| error.at(&path, &origin, shown))
    }

    fn parsed<'de, T, V>(
        self,
        visitor: V,
        parse: impl FnOnce(&str) -> Option<T>,
        visit: impl FnOnce(V, T) -> Result<V::Value, ConfigError>,
    ) -> Result<V::Value, ConfigError>
    where
        V: Visitor<'de>,
    {
        self.read(|node| match &node.kind {
            Kind::Text(text) => match parse(text.trim()) {
                Some(value) => visit(visitor, value),
                None => Err(ConfigError::invalid_type(Unexpected::Str(text), &visitor)),
            },
            _ => node.deserialize_any(visitor),
        })
    }
}

impl<'de> Deserializer<'de> for Tree {
    type Error = ConfigError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.read(|node| match node.kind {
            Kind::Table(table) => visitor.visit_map(Entries {
                entries: table.into_iter(),
                value: None,
            }),
            Kind::List(items) => visitor.visit_seq(Items(items.into_iter())),
            Kind::Text(text) | Kind::Value(toml::Value::String(text)) => visitor.visit_str(&text),
            Kind::Value(toml::Value::Integer(number)) => visitor.visit_i64(number),
            Kind::Value(toml::Value::Float(number)) => visitor.visit_f64(number),
            Kind::Value(toml::Value::Boolean(flag)) => visitor.visit_bool(flag),
            Kind::Value(other) => visitor.visit_str(&other.to_string()),
        })
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.parsed(visitor, |text| text.parse().ok(), V::visit_bool)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.parsed(visitor, |text| text.parse().ok(), V::visit_i64)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.parsed(visitor, |text| text.parse().ok(), V::visit_f64)
    }

    /// Text is a list when it is one in TOML (`["a", "b"]`), else when split at its commas.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        let Kind::Text(text) = &self.kind else {
            return self.deserialize_any(visitor);
        };
        let items = if text.trim_start().starts_with('[') {
            match toml::from_str::<toml::Table>(&format!("list = {text}")) {
                Ok(mut table) => table.remove("list"),
                Err(_) => None,
            }
        } else {
            Some(
                text.split(',')
                    .map(|item| toml::Value::from(item.trim()))
                    .collect::<Vec<_>>()
                    .into(),
            )
        };
        match items {
            Some(items) => {
                super::layers::planted(&self.path, &self.origin, items).deserialize_any(visitor)
            }
            None => self.read(|_| Err(ConfigError::custom("a list such as [\"a\", \"b\"] or a,b"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        self.read(|node| match node.kind {
            Kind::Text(text) | Kind::Value(toml::Value::String(text)) => {
                visitor.visit_enum(Variant(text.into_deserializer()))
            }
            _ => Err(ConfigError::unknown_variant("", variants)),
        })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct map struct identifier ignored_any
    }
}

struct Entries {
    entries: btree_map::IntoIter<String, Tree>,
    value: Option<Tree>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = ConfigError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ConfigError> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        let section = value.path.strip_suffix(&key).unwrap_or_default();
        let section = section.trim_end_matches('.').to_owned();
        let origin = value.origin.clone();
        self.value = Some(value);
        let key: StringDeserializer<ConfigError> = key.into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|error| error.at(&section, &origin, ""))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, ConfigError> {
        let node = self
            .value
            .take()
            .ok_or_else(|| ConfigError::custom("a value after its key"))?;
        node.read(|node| seed.deserialize(node))
    }
}

struct Items(std::vec::IntoIter<Tree>);

impl<'de> SeqAccess<'de> for Items {
    type Error = ConfigError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ConfigError> {
        self.0
            .next()
            .map(|node| node.read(|node| seed.deserialize(node)))
            .transpose()
    }
}

struct Variant(StringDeserializer<ConfigError>);

impl<'de> EnumAccess<'de> for Variant {
    type Error = ConfigError;
    type Variant = <StringDeserializer<ConfigError> as EnumAccess<'de>>::Variant;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), ConfigError> {
        self.0.variant_seed(seed)
    }
}
