//! Ranks, formats, and what stands beside them.

use super::*;
use crate::record::testing::{done, failed, trained};
use crate::record::{EvaluationRecord, validator};

/// A cell of a point: its value on the development rows, and on the reported ones.
fn cell(rate: &str, seed: u64, dev: f64, test: f64) -> CellRecord {
    let mut cell = done();
    let (inputs, mut training) = trained();
    training.selection.policy = "best_on_dev".into();
    training.evaluations = [("train (held out)", dev), ("sample", test)]
        .map(|(split, value)| EvaluationRecord {
            step: training.selection.step,
            epoch: 1.0,
            split: split.into(),
            metric: "accuracy".into(),
            value,
        })
        .into();
    cell.inputs.key.recipe = Some(format!("default[learning_rate={rate},select=best_on_dev]"));
    cell.inputs.key.seed = Some(seed);
    (cell.inputs.fine_tune, cell.training) = (Some(inputs), Some(training));
    if let Some(metric) = cell.metrics.get_mut("accuracy") {
        (metric.value, metric.ci_low, metric.ci_high) = (test, test - 0.01, test + 0.01);
    }
    cell.id = cell.inputs.id();
    cell
}

fn cells() -> Vec<CellRecord> {
    let mut broken = failed();
    broken.inputs.key.recipe = Some("default[learning_rate=1e-2,select=best_on_dev]".into());
    vec![
        broken,
        cell("1e-5", 1, 0.80, 0.90),
        cell("1e-5", 2, 0.82, 0.90),
        cell("3e-5", 1, 0.84, 0.70),
        cell("3e-5", 2, 0.86, 0.72),
    ]
}

#[test]
fn the_development_metric_ranks_and_the_reported_one_is_shown() {
    let text = render_sweep(&cells(), Format::Terminal, &Look::default()).expect("rendered");
    let place =
        |needle: &str| text.find(needle).unwrap_or_else(|| panic!("{needle} is not in\n{text}"));
    // The point that is worse on the reported split is first, for it is better on the development rows.
    assert!(
        place("85.00") < place("81.00") && place("81.00") < place("crashed: SIGSEGV"),
        "{text}"
    );
    assert!(place("3e-5") < place("1e-5"), "{text}");
    let header = text.lines().nth(1).expect("a header");
    assert!(
        header.contains("learning_rate") && !header.contains("select"),
        "what is the same is no column"
    );
    place("would flatter");
}

#[test]
fn every_format_has_the_numbers() {
    let json = render_sweep(&cells(), Format::Json, &Look::default()).expect("rendered");
    let json: serde_json::Value = serde_json::from_str(&json).expect("parsed");
    let schema = validator(include_str!("../../../schemas/sweep.schema.json"));
    let errors: Vec<String> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let best = &json["rows"][0];
    assert_eq!((&best["rank"], &best["settings"]["learning_rate"]), (&1.into(), &"3e-5".into()));
    assert_eq!(best["dev"]["values"], serde_json::json!([0.84, 0.86]));
    assert_eq!(best["seeds"], serde_json::json!([1, 2]));
    assert_eq!(json["rows"][2]["rank"], serde_json::Value::Null);

    let text = render_sweep(&cells(), Format::Csv, &Look::default()).expect("rendered");
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let at = |name: &str| header.iter().position(|column| column == name).expect("a column");
    let row = reader.records().next().expect("a row").expect("parsed");
    assert_eq!(&row[at("set.learning_rate")], "3e-5");
    assert!((row[at("dev")].parse::<f64>().expect("a number") - 0.85).abs() < 1e-12);
    for format in Format::ALL {
        assert!(render_sweep(&[], format, &Look::default()).expect("rendered").ends_with('\n'));
    }
}

#[test]
fn a_point_that_was_not_looked_at_has_no_rank() {
    let mut blind = cell("1e-5", 1, 0.9, 0.9);
    if let Some(training) = &mut blind.training {
        training.evaluations.clear();
    }
    let text =
        render_sweep(&[blind, cell("3e-5", 1, 0.5, 0.5)], Format::Markdown, &Look::default())
            .expect("rendered");
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(lines[2].starts_with("| 1 ") && lines[3].starts_with("| - "), "{text}");
    assert!(text.contains("dev\\_fraction=0.1") || text.contains("dev_fraction=0.1"), "{text}");
}
