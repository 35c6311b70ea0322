//! What each format shows.

use super::*;
use crate::record::testing::{done, failed, trained};
use crate::record::{MetricValue, validator};

fn cells() -> Vec<CellRecord> {
    let mut better = done();
    better.inputs.key.model = "한국어-모델".into();
    better.inputs.key.seed = Some(42);
    better.inputs.limit = Some(1000);
    better.inputs.data.verified = false;
    if let Some(metric) = better.metrics.get_mut("accuracy") {
        metric.value = 0.9;
    }
    let mut broken = failed();
    broken.inputs.key.model = "a|b\u{1b}[2J".into();
    vec![broken, done(), better]
}

fn rendered(format: Format) -> String {
    render(&cells(), format, &Look::default()).expect("rendered")
}

#[test]
fn the_best_comes_first_and_failures_say_why() {
    let text = rendered(Format::Terminal);
    let place =
        |needle: &str| text.find(needle).unwrap_or_else(|| panic!("{needle} is not in\n{text}"));
    assert!(
        place("한국어-모델 (seed 42)") < place("kcbert-demo")
            && place("kcbert-demo") < place("a|b")
    );
    for needle in [
        "90.00 [84.00, 87.00]",
        "86.00 [84.00, 87.00]",
        "2,000",
        "23,456",
        "crashed: SIGSEGV",
        "] checkpoint selection: best on dev",
        "only the first 1,000 of 2,000 rows",
        "unverified data",
        "crashed: SIGSEGV: the plugin died by SIGSEGV in forward",
    ] {
        place(needle);
    }
    assert!(!text.contains('\u{1b}'), "neither colour nor a plugin's escapes");
    assert_eq!(text.matches("checkpoint selection").count(), 1, "a caveat stands once");
}

#[test]
fn colour_adds_nothing_but_colour() {
    let plain = rendered(Format::Terminal);
    let colour =
        render(&cells(), Format::Terminal, &Look { width: None, colour: true }).expect("rendered");
    assert!(colour.contains('\u{1b}'));
    assert_eq!(anstream::adapter::strip_str(&colour).to_string(), plain);
}

#[test]
fn a_narrow_terminal_is_respected() {
    let text = render(&cells(), Format::Terminal, &Look { width: Some(100), colour: false })
        .expect("rendered");
    let table = text.lines().take_while(|line| !line.starts_with('['));
    assert!(table.map(|line| line.chars().count()).all(|width| width <= 100), "{text}");
}

#[test]
fn markdown_keeps_its_columns() {
    let text = rendered(Format::Markdown);
    let rows: Vec<&str> = text.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 5);
    let columns = |row: &str| row.replace("\\|", "").matches('|').count();
    assert!(rows.iter().all(|row| columns(row) == 14), "{text}");
    assert!(
        text.contains("| crashed: SIGSEGV [4] |") || text.contains("crashed: SIGSEGV \\["),
        "{text}"
    );
}

#[test]
fn csv_and_json_keep_every_digit() {
    let third = 1.0 / 3.0;
    let mut cell = done();
    if let Some(metric) = cell.metrics.get_mut("accuracy") {
        metric.value = third;
    }
    let text = render(&[cell.clone()], Format::Csv, &Look::default()).expect("rendered");
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let record = reader.records().next().expect("a row").expect("parsed");
    assert_eq!(record[7].parse::<f64>().expect("a number").to_bits(), third.to_bits());

    let text = render(&[cell, failed()], Format::Json, &Look::default()).expect("rendered");
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("parsed");
    let schema = validator(include_str!("../../../schemas/leaderboard.schema.json"));
    let errors: Vec<String> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let value = json["rows"][0]["metrics"]["accuracy"]["value"].as_f64();
    assert_eq!(value.map(f64::to_bits), Some(third.to_bits()));
    json["rows"][0]["status"] = "fine".into();
    assert!(!schema.is_valid(&json));
}

#[test]
fn no_cells_make_an_empty_table() {
    for format in Format::ALL {
        assert!(render(&[], format, &Look::default()).expect("rendered").ends_with('\n'));
    }
}

#[test]
fn a_narrow_terminal_loses_columns_before_it_breaks_words() {
    let cells = [done()];
    let look = |width| Look { width: Some(width), colour: false };
    let of = |width| render(&cells, Format::Terminal, &look(width)).expect("rendered");
    let (wide, narrow) = (of(200), of(100));
    assert!(wide.contains("Precision") && !wide.contains("no room"), "{wide}");
    assert!(
        narrow.lines().all(|line| !line.starts_with('│') || line.chars().count() <= 100),
        "{narrow}"
    );
    assert!(narrow.contains("kcbert-demo") && narrow.contains("86.00 [84.00, 87.00]"), "{narrow}");
    assert!(narrow.contains("Precision f32") && narrow.contains("Plugin kcbert 0.1.0"), "{narrow}");
}

/// A cell with three metrics, of which one is no percentage.
fn several() -> Vec<CellRecord> {
    let with = |model: &str, accuracy: f64, loss: f64| {
        let mut cell = done();
        cell.inputs.key.model = model.into();
        let mut add = |name: &str, value: f64, n: u64| {
            let (ci_low, ci_high) = (value - 0.01, value + 0.01);
            let method = "bootstrap".to_owned();
            cell.metrics.insert(
                name.into(),
                MetricValue {
                    value,
                    ci_low,
                    ci_high,
                    n,
                    method,
                    resamples: None,
                    clusters: None,
                    seeds: None,
                },
            );
        };
        add("accuracy", accuracy, 2000);
        add("log_loss", loss, 2000);
        if model == "a" {
            add("macro_f1", 0.8, 1999);
        }
        cell
    };
    vec![with("a", 0.8, 0.3), with("b", 0.9, 0.4), failed()]
}

fn models(text: &str, metric: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.contains(metric));
    lines.map(|line| line.split('|').nth(1).unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn all_metrics_or_one_can_be_shown() {
    let shown = |choice: MetricChoice, format| {
        render_leaderboard(&several(), &choice, format, &Look::default()).expect("rendered")
    };
    let all = shown(MetricChoice::All, Format::Markdown);
    assert_eq!(models(&all, "| accuracy |"), ["b", "a", "kcbert-demo"], "{all}");
    assert_eq!(models(&all, "log\\_loss (nats)"), ["a", "b"], "less is better: {all}");
    assert!(all.contains("| 0.3000 [0.2900, 0.3100] |"), "no percentage: {all}");
    let place = |part: &str| all.find(part).unwrap_or_else(|| panic!("no {part} in {all}"));
    assert!(place("accuracy") < place("macro") && place("macro") < place("log"), "in one order");
    let f1 = shown(MetricChoice::Named("macro_f1".into()), Format::Markdown);
    assert_eq!(models(&f1, "macro\\_f1 |"), ["a", "kcbert-demo"], "{f1}");
    assert!(f1.contains("1 cell has no macro\\_f1"), "{f1}");
    assert!(f1.contains("| 1,999 |"), "the metric's own n: {f1}");
    let primary = shown(MetricChoice::Primary, Format::Markdown);
    assert!(!primary.contains("macro"), "{primary}");
    let latex = shown(MetricChoice::All, Format::Latex);
    assert!(
        latex.contains("log\\_loss (nats) & 0.3000 {[}")
            || latex.contains("log\\_loss (nats) & 0.3000 [")
    );
}

#[test]
fn csv_has_a_line_a_cell_and_metric() {
    let text = render(&several(), Format::Csv, &Look::default()).expect("rendered");
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let records: Vec<::csv::StringRecord> = reader.records().map(|r| r.expect("parsed")).collect();
    let lines: Vec<(&str, &str, &str, &str)> =
        records.iter().map(|r| (&r[0], &r[6], &r[26], &r[27])).collect();
    assert_eq!(
        lines,
        [
            ("b", "accuracy", "true", "2000"),
            ("a", "accuracy", "true", "2000"),
            ("kcbert-demo", "accuracy", "true", ""),
            ("a", "macro_f1", "false", "1999"),
            ("a", "log_loss", "false", "2000"),
            ("b", "log_loss", "false", "2000"),
        ]
    );
    let json = render(&several(), Format::Json, &Look::default()).expect("rendered");
    let json: serde_json::Value = serde_json::from_str(&json).expect("parsed");
    let rows = json["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 3, "one row a cell");
    assert!(rows.iter().any(|row| row["metrics"].as_object().is_some_and(|m| m.len() == 3)));
}

/// Cells of one model with three seeds, chosen on the reported split.
fn seeded() -> Vec<CellRecord> {
    [(1, 0.80), (2, 0.84), (3, 0.88)]
        .into_iter()
        .map(|(seed, value)| {
            let mut cell = done();
            let (inputs, mut training) = trained();
            training.selection.alternatives[0].value = value - 0.01;
            cell.selection_policy = Some(training.selection.policy.clone());
            (cell.inputs.fine_tune, cell.training) = (Some(inputs), Some(training));
            cell.inputs.key.recipe = Some("generation-b".into());
            cell.inputs.key.seed = Some(seed);
            if let Some(metric) = cell.metrics.get_mut("accuracy") {
                (metric.value, metric.ci_low, metric.ci_high) = (value, value - 0.02, value + 0.02);
            }
            cell.id = cell.inputs.id();
            cell
        })
        .collect()
}

#[test]
fn seeds_are_one_line_with_deviation_and_both_parts_of_the_interval() {
    let mut cells = seeded();
    cells.push(done());
    let text = render(&cells, Format::Terminal, &Look::default()).expect("rendered");
    // t(0.975, 2) = 4.3027: a = 4.3027 x 0.04 / sqrt(3) = 0.09937, b = 0.02, joined 0.10136.
    for needle in [
        "kcbert-demo (generation-b, best_on_test, 3 seeds)",
        "84.00 ± 4.00 [73.86, 94.14]",
        "seeds 1, 2, 3: deviation 4.00; half widths 9.94 from seeds and 2.00 from examples",
        "means over seeds: ± is the sample deviation",
        "checkpoint selection: best_on_test: chosen on the rows that it is scored on",
        "in place of best_on_test would have given: last 83.00",
    ] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(needle), "{needle} is not in\n{text}");
    }
    assert_eq!(text.matches("(generation-b").count(), 1, "{text}");

    let text = render(&cells, Format::Csv, &Look::default()).expect("rendered");
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let at = |name: &str| header.iter().position(|column| column == name).expect("a column");
    let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
    let row = rows.iter().find(|row| &row[at("seeds")] == "3").expect("the line of all seeds");
    assert_eq!((&row[at("seed_list")], &row[at("seed")]), ("1 2 3", ""));
    assert!((row[at("deviation")].parse::<f64>().expect("a number") - 0.04).abs() < 1e-12);

    let text = render(&cells, Format::Json, &Look::default()).expect("rendered");
    let json: serde_json::Value = serde_json::from_str(&text).expect("parsed");
    let schema = validator(include_str!("../../../schemas/leaderboard.schema.json"));
    let errors: Vec<String> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let rows = json["rows"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["recipe"] == "generation-b").expect("the row");
    assert_eq!(
        row["metrics"]["accuracy"]["seeds"]["values"],
        serde_json::json!([0.80, 0.84, 0.88])
    );
    assert_eq!(row["alternatives"][0]["policy"], "last");
    for format in [Format::Markdown, Format::Latex] {
        let text = render(&cells, format, &Look::default()).expect("rendered");
        assert!(text.contains("84.00 ± 4.00") || text.contains("84.00 $\\pm$ 4.00"), "{text}");
    }
}

#[test]
fn recipes_and_policies_stay_apart() {
    let mut cells = seeded();
    if let Some(training) = &mut cells[2].training {
        training.selection.policy = "last".into();
        training.selection.alternatives.clear();
    }
    cells[2].selection_policy = Some("last".into());
    if let Some(inputs) = &mut cells[2].inputs.fine_tune {
        inputs.settings["select"] = "last".into();
    }
    let text = render(&cells, Format::Terminal, &Look::default()).expect("rendered");
    assert!(text.contains("best_on_test, 2 seeds)") && text.contains("last, seed 3)"), "{text}");
}
