//! The schema of task files against the task files, and against the types that they are read into.

use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::cli::task::check::tests::validator;
use crate::metrics::Metric;
use crate::task::{
    Columns, EmptyText, Format, Kind, Label, Part, QaOptions, Reader, Scoring, Selection, Split,
    TagScheme, Task, Template,
};

fn schema() -> Value {
    serde_json::from_str(TASK_SCHEMA).expect("JSON")
}

/// The names that serde says a type has, for it is asked for one that it does not have.
fn names_of<T: DeserializeOwned>(wrong: Value) -> BTreeSet<String> {
    let error =
        serde_json::from_value::<T>(wrong).err().expect("no type has this name").to_string();
    let (_, expected) = error.split_once("expected").expect("serde lists the names");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn keys_of<T: DeserializeOwned>() -> BTreeSet<String> {
    names_of::<T>(json!({ "no such key": 1 }))
}

fn variants_of<T: DeserializeOwned>() -> BTreeSet<String> {
    names_of::<T>(json!("no such variant"))
}

fn keys(schema: &Value, place: &str) -> BTreeSet<String> {
    let properties = schema.pointer(place).and_then(Value::as_object).expect("properties");
    properties.keys().cloned().collect()
}

fn values(schema: &Value, place: &str) -> BTreeSet<String> {
    let values = schema.pointer(place).and_then(Value::as_array).expect("an enum");
    values.iter().map(|value| value.as_str().expect("a name").to_owned()).collect()
}

#[test]
fn keys_and_names_are_those_of_the_types() {
    let schema = schema();
    assert_eq!(keys(&schema, "/properties"), keys_of::<Task>());
    let of = |name: &str| keys(&schema, &format!("/$defs/{name}/properties"));
    assert_eq!(of("label"), keys_of::<Label>());
    assert_eq!(of("columns"), keys_of::<Columns>());
    assert_eq!(of("template"), keys_of::<Template>());
    assert_eq!(of("split"), keys_of::<Split>());
    assert_eq!(of("split/properties/part"), keys_of::<Part>());
    assert_eq!(of("selection"), keys_of::<Selection>());
    assert_eq!(of("scoring"), keys_of::<Scoring>());
    assert_eq!(of("qa"), keys_of::<QaOptions>());
    assert_eq!(values(&schema, "/properties/kind/enum"), variants_of::<Kind>());
    let of = |place: &str| values(&schema, &format!("/$defs/{place}/enum"));
    assert_eq!(of("scoring/properties/tags"), variants_of::<TagScheme>());
    assert_eq!(of("metric"), Metric::ALL.iter().map(|metric| metric.name().to_owned()).collect());
    assert_eq!(of("metric"), variants_of::<Metric>());
    // Whatever can be read is in the schema.
    assert!(keys(&schema, "/$defs/reader/properties").is_superset(&keys_of::<Reader>()));
    assert!(of("reader/properties/format").is_superset(&variants_of::<Format>()));
    assert!(of("reader/properties/empty_text").is_superset(&variants_of::<EmptyText>()));
}

#[test]
fn what_is_required_is_what_serde_requires() {
    let schema = schema();
    let required = values(&schema, "/required");
    let text = include_str!("../../../../tasks/nsmc.yaml");
    let whole: Value = serde_yaml::from_str(text).expect("YAML");
    for key in keys_of::<Task>() {
        let mut task = whole.clone();
        task.as_object_mut().expect("an object").remove(&key);
        let is_read = serde_json::from_value::<Task>(task).is_ok();
        assert_eq!(is_read, !required.contains(&key), "{key}");
    }
}

#[test]
fn every_key_is_explained() {
    fn check(value: &Value, place: &str) {
        for (key, property) in value["properties"].as_object().into_iter().flatten() {
            let is_explained =
                ["description", "$ref", "oneOf"].iter().any(|key| property[key] != Value::Null);
            assert!(is_explained, "{place}/{key} has no description");
            check(property, &format!("{place}/{key}"));
        }
    }
    let schema = schema();
    check(&schema, "");
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        check(definition, name);
    }
}

#[test]
fn every_task_file_is_valid() {
    let validator = validator(TASK_SCHEMA);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).expect("tasks/") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("read");
        let task: Value = serde_yaml::from_str(&text).expect("YAML");
        let errors: Vec<String> = (validator.iter_errors(&task))
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        checked += 1;
    }
    assert!(checked > 0);
}

#[test]
fn mistakes_are_found() {
    let validator = validator(TASK_SCHEMA);
    let whole: Value =
        serde_yaml::from_str(include_str!("../../../../tasks/nsmc.yaml")).expect("YAML");
    let mistakes: [fn(&mut Value); 11] = [
        |task| task["lables"] = json!([]),
        |task| task["kind"] = json!("classification"),
        |task| task["metrics"] = json!(["acuracy"]),
        |task| task["labels"] = json!({"0": "negative"}),
        |task| task["labels"][0]["id"] = json!(0),
        |task| task["splits"]["test"]["sha256"] = json!("abc"),
        |task| task["splits"]["test"]["file"] = json!("/data/test.tsv"),
        |task| task["splits"]["test"]["file"] = json!("../test.tsv"),
        |task| task["splits"]["test"]["part"] = json!({"from": 0}),
        |task| task["splits"]["test"]["bundled"] = json!("samples/x"),
        |task| drop(task.as_object_mut().expect("an object").remove("report")),
    ];
    for (index, change) in mistakes.into_iter().enumerate() {
        let mut task = whole.clone();
        change(&mut task);
        assert!(!validator.is_valid(&task), "mistake {index} passes");
    }
}

/// Waits for the readers of the other formats.
mod when_every_format_is_read {
    use super::*;

    #[test]
    fn formats_and_reader_keys_are_those_of_the_types() {
        let schema = schema();
        assert_eq!(keys(&schema, "/$defs/reader/properties"), keys_of::<Reader>());
        assert_eq!(
            values(&schema, "/$defs/reader/properties/format/enum"),
            variants_of::<Format>()
        );
        assert_eq!(
            values(&schema, "/$defs/reader/properties/empty_text/enum"),
            variants_of::<EmptyText>()
        );
    }
}
