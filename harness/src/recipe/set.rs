//! `--set key=value`: edits of settings, typed and checked.

use std::fmt;

use serde_json::{Map, Value};

use super::check::check;
use super::{RecipeError, Settings};
use crate::suggest::closest;

/// One edit: a key, dotted where it is inside of another (`optimizer.eps`), and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    key: String,
    text: String,
    value: Value,
}

impl Override {
    /// Reads `key=value`. The value is YAML: `3`, `1e-5`, `bf16`, `[a, b]`; `null` or `none` is none.
    ///
    /// # Errors
    /// [`RecipeError::Setting`] without an `=`, or for a value that is no YAML.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let (key, value) = split(text)?;
        Self::new(key, value)
    }

    pub(super) fn new(key: &str, text: &str) -> Result<Self, RecipeError> {
        let is_option = key.starts_with("plugin_options.");
        let value = match text {
            text if is_option => Value::String(text.to_owned()),
            "none" => Value::Null,
            text => serde_yaml::from_str(text).map_err(|_| RecipeError::Setting {
                key: key.to_owned(),
                message: format!("`{text}` cannot be read as a value"),
            })?,
        };
        Ok(Self { key: key.to_owned(), text: text.to_owned(), value })
    }

    /// The dotted key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.text)
    }
}

/// The key and the rest of `key=rest`.
pub(super) fn split(text: &str) -> Result<(&str, &str), RecipeError> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
            Ok((key.trim(), value.trim()))
        }
        _ => Err(RecipeError::Setting {
            key: format!("--set {text}"),
            message: "expected key=value, for instance learning_rate=3e-5".to_owned(),
        }),
    }
}

/// The settings with these edits, in their order.
pub(super) fn apply(settings: &Settings, overrides: &[Override]) -> Result<Settings, RecipeError> {
    let mut edited = settings.clone();
    for edit in overrides {
        edited = apply_one(&edited, edit)?;
    }
    if let (Err(wrong), Some(last)) = (check(&edited), overrides.last()) {
        // The edit that is to blame is the one whose key is named.
        let blamed = overrides.iter().rev().find(|edit| edit.key.ends_with(wrong.key));
        return Err(wrong_value(blamed.unwrap_or(last), wrong.message));
    }
    Ok(edited)
}

fn wrong_value(edit: &Override, message: String) -> RecipeError {
    RecipeError::Setting { key: edit.to_string(), message }
}

fn apply_one(settings: &Settings, edit: &Override) -> Result<Settings, RecipeError> {
    let wrong = |message: String| wrong_value(edit, message);
    let mut root = match serde_json::to_value(settings) {
        Ok(Value::Object(root)) => root,
        Ok(_) | Err(_) => return Err(wrong("settings cannot be edited".to_owned())),
    };
    match edit.key.split_once('.') {
        None => {
            known(&root, &edit.key, &edit.key)?;
            let value = match (edit.key.as_str(), &edit.value) {
                // `optimizer=adalomo`: that optimiser with its default numbers.
                ("optimizer" | "loss", Value::String(name)) => {
                    Value::Object(Map::from_iter([("name".to_owned(), name.as_str().into())]))
                }
                (_, value) => value.clone(),
            };
            match edit.key.as_str() {
                "warmup_steps" => root.insert("warmup_proportion".to_owned(), Value::Null),
                "warmup_proportion" => root.insert("warmup_steps".to_owned(), Value::Null),
                _ => None,
            };
            root.insert(edit.key.clone(), value);
        }
        Some((outer, inner)) => {
            known(&root, outer, &edit.key)?;
            match root.get_mut(outer) {
                Some(Value::Object(members)) => {
                    if outer != "plugin_options" {
                        let prefixed = |name: &String| format!("{outer}.{name}");
                        let keys: Vec<String> = members.keys().map(prefixed).collect();
                        known_of(&keys, &edit.key)?;
                    }
                    members.insert(inner.to_owned(), edit.value.clone());
                }
                _ => return Err(wrong(format!("{outer} has no keys of its own here"))),
            }
        }
    }
    serde_json::from_value(Value::Object(root)).map_err(|error| wrong(wording(&error.to_string())))
}

fn known(settings: &Map<String, Value>, key: &str, whole: &str) -> Result<(), RecipeError> {
    if settings.contains_key(key) {
        return Ok(());
    }
    let keys: Vec<String> = settings.keys().cloned().collect();
    known_of(&keys, if whole.contains('.') { whole } else { key })
}

fn known_of(keys: &[String], key: &str) -> Result<(), RecipeError> {
    if keys.iter().any(|known| known == key) {
        return Ok(());
    }
    Err(RecipeError::UnknownSetting {
        key: key.to_owned(),
        closest: closest(key, keys.iter().map(String::as_str)).map(str::to_owned),
        known: keys.join(", "),
    })
}

/// serde's message in the words of settings.
fn wording(message: &str) -> String {
    let (message, _) = message.split_once(" at line ").unwrap_or((message, ""));
    [
        ("expected u32", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected a list: [a, b]"),
    ]
    .iter()
    .fold(message.to_owned(), |message, (theirs, ours)| message.replace(theirs, ours))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint;
    use crate::recipe::{EvaluateEvery, Optimizer};

    fn edited(texts: &[&str]) -> Result<Settings, RecipeError> {
        let edits: Result<Vec<Override>, RecipeError> =
            texts.iter().map(|text| Override::parse(text)).collect();
        apply(&Settings { warmup_proportion: Some(0.1), ..Settings::default() }, &edits?)
    }

    #[test]
    fn values_take_the_types_of_their_keys() {
        let settings = edited(&[
            "learning_rate=1e-5",
            "epochs=2",
            "warmup_steps=10",
            "optimizer.eps=1e-7",
            "evaluate_every=50",
            "freeze=[bert.embeddings, bert.encoder.layer.0]",
            "plugin_options.clean=none",
            "clip_norm=none",
            "loss=mse",
        ])
        .expect("valid");
        assert_eq!((settings.learning_rate, settings.epochs), (1e-5, 2.0));
        assert_eq!((settings.warmup_steps, settings.warmup_proportion), (Some(10), None));
        assert!(matches!(settings.optimizer, Optimizer::AdamW { eps, .. } if eps == 1e-7));
        assert_eq!(settings.evaluate_every, EvaluateEvery::Steps(50));
        assert_eq!(settings.freeze, ["bert.embeddings", "bert.encoder.layer.0"]);
        assert_eq!(settings.plugin_options["clean"], "none");
        assert_eq!(settings.loss.map(|loss| loss.name()), Some("mse"));
        let lomo = edited(&["optimizer=adalomo", "optimizer.fused=false"]).expect("valid");
        assert!(matches!(lomo.optimizer, Optimizer::AdaLomo { fused: false, .. }));
    }

    #[test]
    fn slips_are_answered() {
        for (text, message, hint) in [
            (
                "learning_rat=1",
                "there is no setting `learning_rat`; there are: ",
                Some("did you mean `learning_rate`?"),
            ),
            (
                "optimizer.esp=1",
                "there is no setting `optimizer.esp`; there are: optimizer.",
                Some("did you mean `optimizer.eps`?"),
            ),
            ("epochs=many", "epochs=many: invalid type: string \"many\", expected a number", None),
            (
                "batch_size=1.5",
                "batch_size=1.5: invalid type: floating point `1.5`, expected a whole number",
                None,
            ),
            (
                "batch_size=-1",
                "batch_size=-1: invalid value: integer `-1`, expected a whole number",
                None,
            ),
            ("batch_size=0", "batch_size=0: batch_size must be at least 1", None),
            ("optimizer=adam", "optimizer=adam: unknown variant `adam`", None),
            ("epochs", "--set epochs: expected key=value", None),
            ("epochs.x=1", "epochs.x=1: epochs has no keys of its own here", None),
            ("optimizer.eps=0", "optimizer.eps=0: eps must be above 0", None),
        ] {
            let error = edited(&[text]).expect_err(text);
            assert!(error.to_string().starts_with(message), "{error}");
            if hint.is_some() {
                assert_eq!(error.hint().as_deref(), hint, "{text}");
            }
        }
    }
}
