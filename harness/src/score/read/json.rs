//! JSON objects, one a line or in one document.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::member::{Members, MembersSeed, Text, ValueVisitor};
use super::{Names, Request};
use crate::score::ScoreError;
use crate::score::lines::lines;
use crate::score::value::{Prediction, Predictions, ScoreKind, Value};
use crate::task::Kind;

/// One object a line; empty lines are skipped.
pub(super) fn read_lines<'t>(
    text: &'t str,
    request: &Request<'_>,
) -> Result<Predictions<'t>, ScoreError> {
    let mut predictions = Predictions::of_lines(text);
    let seed = MembersSeed { names: &request.names, wants_scores: request.wants_scores };
    for (line, content) in lines(text).filter(|(_, content)| !content.trim().is_empty()) {
        let mut json = serde_json::Deserializer::from_str(content);
        let members = seed
            .deserialize(&mut json)
            .and_then(|members| json.end().map(|()| members))
            .map_err(|error| bad_json(request, line, content, &error))?;
        if members.pred.is_none() {
            return Err(no_member(request, line, content, request.names.pred, "--pred-column"));
        }
        if request.names.needs_ids && members.id.is_none() {
            return Err(no_member(request, line, content, request.names.id, "--id-column"));
        }
        if let Some(gold) = request.names.gold
            && members.gold.is_none()
        {
            return Err(no_member(request, line, content, gold, "--gold-column"));
        }
        push(&mut predictions, line, None, members, request)
            .map_err(|message| request.fail(line, message))?;
    }
    Ok(predictions)
}

/// One document: an object of ids and predictions, a list of predictions in the order of the data, or a
/// list of objects such as JSONL has.
pub(super) fn read_document<'t>(
    text: &'t str,
    request: &Request<'_>,
) -> Result<Predictions<'t>, ScoreError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let visitor = DocumentVisitor { request };
    let read = json.deserialize_any(visitor).and_then(|read| json.end().map(|()| read));
    read.map_err(|error| {
        let line = u32::try_from(error.line().max(1)).unwrap_or(u32::MAX);
        let content =
            lines(text).find(|(number, _)| *number == line).map_or("", |(_, content)| content);
        bad_json(request, line, content, &error)
    })
}

/// Adds what one object says; `key` is its id in an object of predictions.
fn push<'t>(
    predictions: &mut Predictions<'t>,
    at: u32,
    key: Option<Cow<'t, str>>,
    members: Members<'t>,
    request: &Request<'_>,
) -> Result<(), String> {
    let labels = request.labels.labels().len();
    if let Some((kind, scores)) = members.scores {
        if kind != ScoreKind::Positive && scores.len() != labels {
            return Err(format!("{} numbers for {labels} labels", scores.len()));
        }
        predictions.scores.set(predictions.rows.len(), kind, &scores)?;
    }
    predictions.rows.push(Prediction {
        at,
        id: key.or(members.id),
        index: members.index,
        pred: members.pred.unwrap_or(Value::Null),
        cut: members.cut && request.kind == Kind::TokenClassification,
    });
    predictions.gold.extend(members.gold);
    Ok(())
}

struct DocumentVisitor<'a> {
    request: &'a Request<'a>,
}

impl<'de> Visitor<'de> for DocumentVisitor<'_> {
    type Value = Predictions<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of ids and predictions, or a list of predictions")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Predictions<'de>, A::Error> {
        let mut predictions = Predictions::new("entry");
        while let Some(Text(id)) = map.next_key()? {
            let members = map.next_value_seed(self.entry())?;
            self.push(&mut predictions, Some(id), members)?;
        }
        Ok(predictions)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Predictions<'de>, A::Error> {
        let mut predictions = Predictions::new("entry");
        while let Some(members) = items.next_element_seed(self.entry())? {
            self.push(&mut predictions, None, members)?;
        }
        Ok(predictions)
    }
}

impl DocumentVisitor<'_> {
    fn entry(&self) -> EntrySeed<'_> {
        EntrySeed(MembersSeed {
            names: &self.request.names,
            wants_scores: self.request.wants_scores,
        })
    }

    fn push<'de, E: serde::de::Error>(
        &self,
        predictions: &mut Predictions<'de>,
        key: Option<Cow<'de, str>>,
        members: Members<'de>,
    ) -> Result<(), E> {
        let names: &Names<'_> = &self.request.names;
        let entry = u32::try_from(predictions.rows.len() + 1).unwrap_or(u32::MAX);
        let lacks = [(names.pred, members.pred.is_none())]
            .into_iter()
            .chain(names.gold.map(|gold| (gold, members.gold.is_none())))
            .find(|(_, lacks)| *lacks);
        if let Some((name, _)) = lacks {
            return Err(E::custom(format_args!("entry {entry} has no member `{name}`")));
        }
        push(predictions, entry, key, members, self.request)
            .map_err(|message| E::custom(format_args!("entry {entry}: {message}")))
    }
}

/// An entry of a document: an object with members, or the prediction itself.
struct EntrySeed<'a>(MembersSeed<'a>);

impl<'de> DeserializeSeed<'de> for EntrySeed<'_> {
    type Value = Members<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Members<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// A prediction without members of its own.
fn alone<E>(pred: Result<Value<'_>, E>) -> Result<Members<'_>, E> {
    Ok(Members { pred: Some(pred?), ..Members::default() })
}

impl<'de> Visitor<'de> for EntrySeed<'_> {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a prediction")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Members<'de>, A::Error> {
        self.0.visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Members<'de>, A::Error> {
        alone(ValueVisitor.visit_seq(items))
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Members<'de>, E> {
        alone(ValueVisitor.visit_borrowed_str(text))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Members<'de>, E> {
        alone(ValueVisitor.visit_str(text))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Members<'de>, E> {
        alone(ValueVisitor.visit_i64(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Members<'de>, E> {
        alone(ValueVisitor.visit_u64(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Members<'de>, E> {
        alone(ValueVisitor.visit_f64(value))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Members<'de>, E> {
        alone(ValueVisitor.visit_bool(value))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Members<'de>, E> {
        alone(ValueVisitor.visit_unit())
    }
}

/// What is wrong with JSON, in words of its own where the reason is one that Python makes.
fn bad_json(
    request: &Request<'_>,
    line: u32,
    content: &str,
    error: &serde_json::Error,
) -> ScoreError {
    let (whole, column) = (error.to_string(), error.column());
    let what = whole.split(" at line ").next().unwrap_or_default();
    let place = if column > 0 { format!(" at column {column}") } else { String::new() };
    let at = content.as_bytes().get(column.saturating_sub(1)..).unwrap_or_default();
    let not_finite = ["NaN", "Infinity", "-Infinity", "aN", "nfinity"];
    if error.is_syntax() && not_finite.iter().any(|name| at.starts_with(name.as_bytes())) {
        return ScoreError::Line {
            path: request.path.to_owned(),
            line,
            message: format!("NaN or an infinity{place}, which is no number that can be scored"),
            hint: Some("see why the system made none; JSON has no such number either".to_owned()),
        };
    }
    request.fail(line, format!("not a prediction: {what}{place}"))
}

/// The object in a line lacks a member.
fn no_member(
    request: &Request<'_>,
    line: u32,
    content: &str,
    name: &str,
    option: &str,
) -> ScoreError {
    let object: Map<String, Json> = serde_json::from_str(content).unwrap_or_default();
    let known: Vec<&str> = object.keys().map(String::as_str).collect();
    request.no_name(line, "member", name, option, &known)
}
