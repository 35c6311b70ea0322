//! From the data to the table, through the functions that the commands call.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use clap::Parser;

use super::{leaderboard, score, task};
use crate::data::{Dataset, DatasetOptions};
use crate::metrics::{IntervalOptions, LabelObservations, Observations, evaluate};
use crate::record::{
    Backend, CellInputs, CellKey, CellRecord, Memory, Output, PluginInfo, PredictionRow, RunDir,
    SCHEMA_VERSION, Status, Throughput, Tokens, WeightsInfo, WeightsSource, rfc3339,
};
use crate::report::Look;
use crate::task::{Registry, Task};

#[derive(Parser)]
struct Score {
    #[command(flatten)]
    args: score::ScoreArgs,
}

#[derive(Parser)]
struct Leaderboard {
    #[command(flatten)]
    args: leaderboard::LeaderboardArgs,
}

#[derive(Parser)]
struct Tasks {
    #[command(subcommand)]
    command: task::TaskCommand,
}

/// What the command prints to standard output.
fn scored(arguments: &[&str]) -> String {
    let args = Score::parse_from([&["score"], arguments].concat()).args;
    let (mut out, mut messages) = (Vec::new(), Vec::new());
    score::run(&args, &Look::default(), &mut out, &mut messages).expect("scored");
    String::from_utf8(out).expect("text")
}

fn assert_valid(schema: &str, json: &serde_json::Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{schema}.schema.json"));
    let schema = serde_json::from_str(&fs::read_to_string(path).expect("a schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema compiles");
    let errors: Vec<String> = validator.iter_errors(json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

/// Writes a run whose model is wrong in every ninth row; the cell as it was written.
fn write_run(path: &Path, task: &Task, data: &Dataset) -> CellRecord {
    let gold = data.gold_labels();
    let predicted: Vec<u32> = (gold.iter().enumerate())
        .map(|(index, label)| if index % 9 == 0 { 1 - label } else { *label })
        .collect();
    let id = |label: u32| Output::Text(data.labels()[label as usize].id.clone());
    let rows: Vec<PredictionRow> = (data.rows().zip(&predicted))
        .map(|(row, predicted)| PredictionRow {
            i: row.index as u64,
            id: row.id.map(str::to_owned),
            gold: id(gold[row.index]),
            pred: id(*predicted),
            logits: Some(vec![0.125, 1.0 / 3.0]),
            also_gold: vec![],
            cluster: None,
        })
        .collect();
    let observations = Observations::Labels(LabelObservations {
        gold: &gold,
        predicted: &predicted,
        scores: None,
    });
    let intervals = IntervalOptions::default();
    let scores =
        evaluate(task, data.labels(), &observations, data.clusters(), &intervals).expect("scored");
    let inputs = CellInputs {
        key: CellKey {
            model: "every-ninth".into(),
            task: task.name.clone(),
            task_version: task.version,
            split: data.split().to_owned(),
            recipe: None,
            seed: None,
        },
        plugin: PluginInfo { name: "test".into(), version: "1.0.0".into(), sha256: "0".repeat(64) },
        weights: WeightsInfo {
            source: WeightsSource::Bundled,
            checkpoint: None,
            sha256: "0".repeat(64),
        },
        data: data.info().clone(),
        limit: None,
        max_seq_len: task.max_seq_len,
        precision: "f32".into(),
        device: "cpu".into(),
        threads: 1,
        options: BTreeMap::new(),
        harness_version: env!("CARGO_PKG_VERSION").into(),
        fine_tune: None,
    };
    let now = rfc3339(SystemTime::now());
    let record = CellRecord {
        schema_version: SCHEMA_VERSION,
        id: inputs.id(),
        inputs,
        status: Status::Done,
        n: scores.n,
        labels: task.labels.iter().map(|label| label.id.clone()).collect(),
        primary_metric: task.metric.name().to_owned(),
        metrics: scores.metrics,
        per_class: scores.per_class,
        per_entity: scores.per_entity,
        throughput: Throughput { rows_per_second: Some(1234.5), ..Throughput::default() },
        memory: Memory::default(),
        telemetry: None,
        tokens: Tokens::default(),
        backend: Backend::default(),
        selection_policy: Some("checkpoint as given".into()),
        training: None,
        predictions: None,
        warnings: vec![],
        plugin_output: None,
        started_at: now.clone(),
        finished_at: now,
        wall_seconds: 0.5,
    };
    let run = RunDir::open_or_create(path).expect("opened");
    run.write_cell(record, Some(&rows)).expect("written")
}

/// Scores a run again, and compares to the last bit.
fn check_round_trip(data: &Dataset, task: &Task, data_dir: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let cell = write_run(&run, task, data);
    let predictions =
        run.join("cells").join(&cell.id).join("predictions.jsonl").display().to_string();
    let common = [
        "-t",
        "nsmc",
        "--split",
        data.split(),
        "--data-dir",
        data_dir,
        "--predictions",
        &predictions,
    ];
    let start = Instant::now();
    let json: serde_json::Value =
        serde_json::from_str(&scored(&[&common[..], &["--format", "json"]].concat()))
            .expect("JSON");
    println!("{} rows scored in {:?}", data.len(), start.elapsed());
    assert_valid("score", &json);
    let accuracy = json["metrics"]["accuracy"]["value"].as_f64().map(f64::to_bits);
    assert_eq!(accuracy, Some(cell.metrics["accuracy"].value.to_bits()));
    println!("{}", scored(&common));

    for format in ["terminal", "markdown", "csv", "json"] {
        let path = run.display().to_string();
        let args =
            Leaderboard::parse_from(["leaderboard", &path, "--verify", "--format", format]).args;
        let (mut out, mut messages) = (Vec::new(), Vec::new());
        leaderboard::run(&args, &Look::default(), &mut out, &mut messages).expect("shown");
        let text = String::from_utf8(out).expect("text");
        println!("{text}");
        assert!(text.contains("every-ninth") && messages.is_empty());
        if format == "json" {
            assert_valid("leaderboard", &serde_json::from_str(&text).expect("JSON"));
        }
    }
    let cell_file =
        fs::read_to_string(run.join("cells").join(&cell.id).join("cell.json")).expect("read");
    assert_valid("cell", &serde_json::from_str(&cell_file).expect("JSON"));
    for line in fs::read_to_string(&predictions).expect("read").lines().take(10) {
        assert_valid("prediction", &serde_json::from_str(line).expect("JSON"));
    }
}

#[test]
fn the_sample_round_trips() {
    let task = Registry::load(&[]).and_then(|registry| registry.get("nsmc")).expect("is there");
    let data = Dataset::open(&task, Some("sample"), &Default::default(), DatasetOptions::default())
        .expect("read");
    check_round_trip(&data, &task, "/nowhere");
}

#[test]
fn the_official_test_split_round_trips() {
    let Some(folder) = std::env::var_os("KOBENCH_DATA").map(PathBuf::from) else {
        println!("skipped: KOBENCH_DATA does not name a folder with nsmc/ratings_test.txt");
        return;
    };
    let folder = folder.display().to_string();
    let task = Registry::load(&[]).and_then(|registry| registry.get("nsmc")).expect("is there");
    let places = crate::data::DataPlaces::new(Some(Path::new(&folder)));
    let data = Dataset::open(&task, None, &places, DatasetOptions::default()).expect("read");
    check_round_trip(&data, &task, &folder);
    for arguments in
        [vec!["task", "list", "--data-dir", &folder], vec!["task", "check", "--data-dir", &folder]]
    {
        let command = Tasks::parse_from(arguments).command;
        let mut out = Vec::new();
        assert!(task::run(&command, &Look::default(), &mut out, &mut Vec::new()).expect("ran"));
        println!("{}", String::from_utf8(out).expect("text"));
    }
}
