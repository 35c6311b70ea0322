//! What JSON can hold of a prediction.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de::DeserializeSeed};

use super::Names;
use crate::score::value::{ScoreKind, Value, Word};

/// The members of one object that matter.
#[derive(Debug, Default)]
pub(super) struct Members<'t> {
    pub(super) id: Option<Cow<'t, str>>,
    pub(super) index: Option<u64>,
    pub(super) pred: Option<Value<'t>>,
    pub(super) gold: Option<Value<'t>>,
    pub(super) cut: bool,
    pub(super) scores: Option<(ScoreKind, Vec<f64>)>,
}

/// Reads an object whose members have these names; others are ignored, for a run's rows have `gold` and
/// `logits`, and other systems their own.
#[derive(Debug, Clone, Copy)]
pub(super) struct MembersSeed<'a> {
    pub(super) names: &'a Names<'a>,
    pub(super) wants_scores: bool,
}

impl<'de> DeserializeSeed<'de> for MembersSeed<'_> {
    type Value = Members<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Members<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MembersSeed<'_> {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        while let Some(Text(key)) = map.next_key()? {
            let names = self.names;
            let key = key.as_ref();
            let is_new = if key == names.pred {
                members.pred.replace(map.next_value()?).is_none()
            } else if key == names.id {
                match map.next_value()? {
                    Value::Text(id) => members.id.replace(id).is_none(),
                    Value::Integer(id) => members.id.replace(id.to_string().into()).is_none(),
                    Value::Null => true,
                    other => return Err(unfit("the id", "a string or an integer", &other)),
                }
            } else if Some(key) == names.gold {
                members.gold.replace(map.next_value()?).is_none()
            } else if Some(key) == names.score {
                match map.next_value()? {
                    Value::Null => true,
                    value => {
                        let value = number(&value).ok_or_else(|| unfit(key, "a number", &value))?;
                        members.scores.replace((ScoreKind::Positive, vec![value])).is_none()
                    }
                }
            } else if key == "i" {
                match map.next_value()? {
                    Value::Integer(index) if index >= 0 => {
                        members.index.replace(index.unsigned_abs()).is_none()
                    }
                    Value::Null => true,
                    other => return Err(unfit("the index `i`", "an integer from 0", &other)),
                }
            } else if key == "cut" {
                members.cut = map.next_value::<Option<bool>>()?.unwrap_or(false);
                true
            } else if self.wants_scores && names.score.is_none() {
                self.scores(key, &mut map, &mut members)?
            } else {
                map.next_value::<IgnoredAny>()?;
                true
            };
            if !is_new {
                return Err(de::Error::custom(format_args!("the member `{key}` stands twice")));
            }
        }
        Ok(members)
    }
}

impl MembersSeed<'_> {
    /// Reads the member if it holds numbers for the labels; whether it is the first of its row.
    fn scores<'de, A: MapAccess<'de>>(
        self,
        key: &str,
        map: &mut A,
        members: &mut Members<'de>,
    ) -> Result<bool, A::Error> {
        let scores = match key {
            // A run writes what the model computed, in single precision: read as such, they give the
            // metrics of the run to the last bit.
            "logits" => map
                .next_value::<Option<Vec<f32>>>()?
                .map(|logits| (ScoreKind::Logits, logits.into_iter().map(f64::from).collect())),
            "probs" | "probabilities" | "scores" => map
                .next_value::<Option<Vec<f64>>>()?
                .map(|probabilities| (ScoreKind::Probabilities, probabilities)),
            _ => {
                map.next_value::<IgnoredAny>()?;
                None
            }
        };
        match scores {
            Some(_) if members.scores.is_some() => {
                Err(de::Error::custom(format_args!("`{key}` beside other numbers for the labels")))
            }
            Some(scores) => Ok(members.scores.replace(scores).is_none()),
            None => Ok(true),
        }
    }
}

fn unfit<E: de::Error>(what: &str, expected: &str, found: &Value<'_>) -> E {
    E::custom(format_args!("{what} must be {expected}, found {}", found.describe()))
}

/// A number, or a text that is one.
pub(super) fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Integer(integer) => Some(*integer as f64),
        Value::Number(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A string, borrowed where it has no escapes.
pub(in crate::score) struct Text<'t>(pub(in crate::score) Cow<'t, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// Any JSON value.
pub(super) struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(i64::try_from(value)
            .map_or_else(|_| Value::Text(value.to_string().into()), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value<'de>, E> {
        Ok(Value::Other("a boolean"))
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = items.next_element()? {
            words.push(word);
        }
        Ok(Value::Words(words))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other("an object"))
    }
}

impl<'de> Deserialize<'de> for Word<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordVisitor)
    }
}

/// A label, null, or `{"label": ..., "cut": ...}` as a run writes it.
struct WordVisitor;

impl<'de> Visitor<'de> for WordVisitor {
    type Value = Word<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a label in a list of labels")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Word<'de>, E> {
        Ok(Word { label: Some(Cow::Borrowed(text)), cut: false })
    }

    fn visit_str<E>(self, text: &str) -> Result<Word<'de>, E> {
        Ok(Word { label: Some(Cow::Owned(text.to_owned())), cut: false })
    }

    fn visit_i64<E>(self, value: i64) -> Result<Word<'de>, E> {
        Ok(Word { label: Some(value.to_string().into()), cut: false })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Word<'de>, E> {
        Ok(Word { label: Some(value.to_string().into()), cut: false })
    }

    fn visit_unit<E>(self) -> Result<Word<'de>, E> {
        Ok(Word::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word<'de>, A::Error> {
        let mut word = Word::default();
        while let Some(Text(key)) = map.next_key()? {
            match key.as_ref() {
                "label" => word.label = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0),
                "cut" => word.cut = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(word)
    }
}
