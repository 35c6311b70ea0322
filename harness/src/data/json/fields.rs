//! The fields of a row that is a JSON object.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Key;
use crate::data::field::Field;
use crate::data::layout::Layout;
use crate::data::row_error::RowError;
use crate::task::Column;

/// The members that are wanted, as dotted paths (`labels.real-label`), each with its slot.
pub(super) fn paths(layout: &Layout) -> Vec<(&str, usize)> {
    let columns = layout.columns.iter().enumerate();
    columns
        .filter_map(|(slot, column)| match column {
            Column::Name(name) => Some((name.as_str(), slot)),
            // A task that was loaded has none of these.
            Column::Index(_) => None,
        })
        .collect()
}

/// Says which field a row lacks, if it does.
pub(super) fn check_complete(
    layout: &Layout,
    fields: &[Field<'_>],
    line: u32,
    content: &str,
) -> Result<(), RowError> {
    let is_missing = |slot: usize| fields[slot] == Field::Absent;
    let Some(slot) = (0..fields.len()).find(|slot| is_missing(*slot)) else { return Ok(()) };
    Err(RowError::NoField {
        line,
        role: layout.missing(is_missing),
        column: layout.columns[slot].to_string(),
        content: content.to_owned(),
    })
}

/// Fills the wanted slots from an object and passes over everything else.
pub(super) struct FieldsSeed<'s, 'p, 'de> {
    pub(super) wanted: &'s [(&'p str, usize)],
    pub(super) fields: &'s mut [Field<'de>],
}

impl<'de> DeserializeSeed<'de> for FieldsSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldsSeed<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if let Some((path, slot)) = self.wanted.iter().find(|(path, _)| *path == key) {
                if self.fields[*slot] != Field::Absent {
                    return Err(de::Error::custom(format!("`{path}` stands twice")));
                }
                self.fields[*slot] = map.next_value::<Value<'de>>()?.0;
                continue;
            }
            let below = |(path, slot): &(&'_ str, usize)| {
                let rest = path.strip_prefix(key.as_ref())?.strip_prefix('.')?;
                Some((rest.to_owned(), *slot))
            };
            let below: Vec<(String, usize)> = self.wanted.iter().filter_map(below).collect();
            if below.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                let wanted: Vec<(&str, usize)> =
                    below.iter().map(|(path, slot)| (path.as_str(), *slot)).collect();
                map.next_value_seed(FieldsSeed { wanted: &wanted, fields: &mut *self.fields })?;
            }
        }
        Ok(())
    }
}

/// One member.
struct Value<'a>(Field<'a>);

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Value)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false, or a list of these")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field<'de>, E> {
        Ok(Field::Number(number.to_string(), number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field<'de>, E> {
        Ok(Field::Number(number.to_string(), number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field<'de>, E> {
        Ok(Field::Number(format!("{number:?}"), number))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Field<'de>, E> {
        Ok(Field::Bool(value))
    }

    fn visit_unit<E>(self) -> Result<Field<'de>, E> {
        Ok(Field::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(Value(item)) = list.next_element()? {
            items.push(match item {
                Field::Text(text) => text,
                Field::Number(text, _) => Cow::Owned(text),
                other => {
                    let message = format!("{} in a list of texts or numbers", other.kind());
                    return Err(de::Error::custom(message));
                }
            });
        }
        Ok(Field::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Object)
    }
}
