//! What the commands print, and the schema of recipe files against files and types.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::hint::Hint;
use crate::recipe::{Document, Exception, Library, Recipe, Settings};

#[derive(Parser)]
struct Recipes {
    #[command(subcommand)]
    command: RecipeCommand,
}

fn printed(arguments: &[&str]) -> String {
    let args = Recipes::try_parse_from([&["recipe"], arguments].concat()).expect("arguments");
    let mut out = Vec::new();
    assert!(run(&args.command, &Look::default(), &mut out).is_ok(), "{arguments:?}");
    String::from_utf8(out).expect("text")
}

fn errors(schema: &str, document: &Value) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{schema}.schema.json"));
    let text = std::fs::read_to_string(path).expect("a schema");
    let validator =
        jsonschema::validator_for(&serde_json::from_str(&text).expect("JSON")).expect("a schema");
    validator
        .iter_errors(document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect()
}

#[test]
fn documents_are_what_their_schemas_say() {
    let list: Value = serde_json::from_str(&printed(&["list", "--format", "json"])).expect("JSON");
    assert_eq!(errors("recipe-list", &list), Vec::<String>::new());
    for recipe in list["recipes"].as_array().expect("recipes") {
        let name = recipe["name"].as_str().expect("a name");
        let shown = printed(&["show", name, "--format", "json"]);
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(errors("recipe-show", &shown), Vec::<String>::new(), "{name}");
    }
    let table = printed(&["list"]);
    assert!(table.contains("generation-a") && table.contains("kcbert-large"), "{table}");
}

#[test]
fn a_shown_recipe_is_a_recipe_file() {
    let library = Library::load().expect("loads");
    for recipe in library.recipes() {
        let text = printed(&["show", recipe.name()]);
        let read = Recipe::parse(&text, "shown").expect("a recipe");
        assert_eq!(read.document(), recipe.document());
    }
}

#[test]
fn recipe_files_fit_their_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/recipes");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).expect("tasks/recipes") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("read");
        let document: Value = serde_yaml::from_str(&text).expect("YAML");
        assert_eq!(errors("recipe", &document), Vec::<String>::new(), "{}", path.display());
        checked += 1;
    }
    assert!(checked >= 6);
    let wrong = json!({"name": "x", "version": 1, "title": "x", "source": "x", "tasks": {"nsmc": {"epoch": 1}}});
    assert_eq!(errors("recipe", &wrong).len(), 1);
}

#[test]
fn the_schema_has_the_keys_of_the_types() {
    let schema: Value = serde_json::from_str(RECIPE_SCHEMA).expect("JSON");
    let keys = |place: &str| -> BTreeSet<String> {
        let keys = schema.pointer(place).and_then(Value::as_object).expect("properties");
        keys.keys().cloned().collect()
    };
    let named = |error: String| -> BTreeSet<String> {
        let (_, expected) = error.split_once("expected").expect("serde lists the names");
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let wrong = || json!({ "no such key": 1 });
    let document = serde_json::from_value::<Document<Settings>>(wrong()).expect_err("no key");
    assert_eq!(keys("/properties"), named(document.to_string()));
    let settings = serde_json::from_value::<Settings>(wrong()).expect_err("no key");
    assert_eq!(keys("/$defs/settings/properties"), named(settings.to_string()));
    let exception = serde_json::from_value::<Exception<Settings>>(wrong()).expect_err("no key");
    assert_eq!(keys("/$defs/exception/properties"), named(exception.to_string()));
    let whole = serde_json::to_value(Settings::default()).expect("JSON");
    let file = |settings: &Value| json!({"name": "x", "version": 1, "title": "x", "source": "x", "any_task": true, "settings": settings});
    assert_eq!(errors("recipe", &file(&whole)), Vec::<String>::new());
}

#[test]
fn mistakes_in_a_file_are_pointed_at() {
    let text = include_str!("../../../../tasks/recipes/generation-b.yaml");
    for (from, to, place, hint) in [
        (
            "clip_norm: 1.0",
            "clip_nrom: 1.0",
            ": settings: unknown field `clip_nrom`",
            Some("did you mean `clip_norm`?"),
        ),
        ("clip_norm: 1.0", "clip_norm: -1.0", ": clip_norm must be above 0", None),
        ("version: 1", "version: 0", "r:2: versions count from 1", None),
        ("[hanbert]", "[hanbret]", "the exception's model `hanbret` is not among `models`", None),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Recipe::parse(&text.replacen(from, to, 1), "r").expect_err(to);
        assert!(error.to_string().contains(place), "{error}");
        if hint.is_some() {
            assert_eq!(error.hint().as_deref(), hint);
        }
    }
    let error = Library::load().expect("loads").get("generation-c").expect_err("none");
    assert_eq!(error.hint().as_deref(), Some("did you mean `generation-a`?"));
}
