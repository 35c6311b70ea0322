//! What the commands print as JSON, against the schemas.

use std::fs;
use std::path::Path;

use clap::Parser;
use serde_json::Value;

use super::{DataCommand, run};
use crate::cli::Exit;
use crate::report::Look;

#[derive(Parser)]
struct Data {
    #[command(subcommand)]
    command: DataCommand,
}

/// Runs `kobench data ARGUMENTS`; the document that it prints, and how it ends.
fn document(arguments: &[&str], schema: &str) -> (Value, Exit) {
    let command = Data::parse_from([&["data"], arguments].concat()).command;
    let mut out = Vec::new();
    let exit = run(&command, &Look::default(), &mut out).expect("the command runs");
    let document: Value = serde_json::from_slice(&out).expect("JSON");
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("the schema is a schema");
    let validator = jsonschema::validator_for(&schema).expect("the schema compiles");
    let errors: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {document}");
    (document, exit)
}

#[test]
fn documents_are_as_the_schemas_say() {
    const LIST: &str = include_str!("../../../schemas/data.schema.json");
    const OUTCOME: &str = include_str!("../../../schemas/data-outcome.schema.json");
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let from = folder.path().join("from");
    fs::create_dir_all(from.join("nsmc")).expect("made");
    fs::write(from.join("nsmc/ratings_test.txt"), "other bytes").expect("written");
    std::os::unix::fs::symlink("loop", from.join("loop")).expect("linked");
    let at = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (data_dir, from_dir) = (at(&data), at(&from));
    let more = ["nsmc", "--format", "json", "--data-dir", &data_dir];

    let (list, exit) = document(&[&["list"], &more[..]].concat(), LIST);
    assert_eq!(exit, Exit::Done);
    assert_eq!(list["splits"][0]["state"], "verified");
    assert_eq!(list["splits"][1]["state"], "missing");

    let (verified, exit) = document(&[&["verify"], &more[..]].concat(), OUTCOME);
    assert_eq!((exit, &verified["good"]), (Exit::Done, &Value::Bool(true)));
    assert_eq!(verified["splits"][0]["outcome"], "right");
    assert_eq!(verified["splits"][0]["rows"], 2000);
    assert_eq!(verified["splits"][1]["outcome"], "missing");

    let (imported, exit) = document(&[&["import", &from_dir], &more[..]].concat(), OUTCOME);
    assert_eq!(exit, Exit::Bad);
    let message = imported["splits"][0]["message"].as_str().expect("a message");
    assert!(message.contains("has the name, but other bytes"), "{message}");
    assert_eq!(imported["unknown"].as_array().map(Vec::len), Some(1));
    assert_eq!(imported["unreadable"].as_array().map(Vec::len), Some(1));

    fs::create_dir_all(data.join("nsmc")).expect("made");
    fs::write(data.join("nsmc/ratings_test.txt"), "other bytes").expect("written");
    let (list, _) = document(&[&["list"], &more[..]].concat(), LIST);
    assert_eq!(list["splits"][1]["state"], "other");
    // Another file is here, so that nothing is asked of any server.
    let fetch = [&["fetch", "--split", "test"], &more[..]].concat();
    let (fetched, exit) = document(&fetch, OUTCOME);
    assert_eq!((exit, &fetched["splits"][0]["outcome"]), (Exit::Bad, &Value::from("wrong")));
}
