//! What each format of a compared table shows.

use unicode_width::UnicodeWidthStr;

use super::*;
use crate::published::Published;
use crate::record::testing::done;
use crate::record::{CellRecord, MetricValue, validator};
use crate::task::Registry;

/// A whole NSMC cell, in points.
fn cell(model: &str, seed: Option<u64>, [value, ci_low, ci_high]: [f64; 3]) -> CellRecord {
    let mut cell = done();
    cell.inputs.key.model = model.into();
    cell.inputs.key.split = "test".into();
    cell.inputs.key.seed = seed;
    cell.id = cell.inputs.id();
    let metric = MetricValue {
        value: value / 100.0,
        ci_low: ci_low / 100.0,
        ci_high: ci_high / 100.0,
        n: 50_000,
        method: "wilson".into(),
        resamples: None,
        clusters: None,
        seeds: None,
    };
    cell.metrics = [("accuracy".to_owned(), metric)].into();
    cell
}

fn cells() -> Vec<CellRecord> {
    vec![
        cell("kcbert-base", Some(42), [89.622, 89.35, 89.89]),
        cell("kobert", None, [89.55, 89.28, 89.82]),
        cell("distilkobert", None, [88.0, 87.71, 88.28]),
        cell("한국어_모델", None, [91.0, 90.74, 91.25]),
        done(),
    ]
}

fn compared(table: &str, cells: &[CellRecord]) -> Comparison {
    let published = Published::load().expect("loads");
    let registry = Registry::load(&[]).expect("loads");
    Comparison::new(&published, published.table(table).expect("a table"), cells, &registry, 0.5)
}

fn rendered(comparison: &Comparison, format: Format, width: Option<u16>) -> String {
    render_comparison(comparison, format, &Look { width, colour: false }).expect("rendered")
}

#[test]
fn a_wide_terminal_has_the_whole_table() {
    let text = rendered(&compared("kcbert", &cells()), Format::Terminal, None);
    for line in [
        "│ kcbert-base        ┆  417M ┆ A    ┆          89.62  ┆",
        "│   ours             ┆       ┆      ┆          89.62  ┆",
        "│   95% interval     ┆       ┆      ┆ [89.35, 89.89]  ┆",
        "│   verdict          ┆       ┆      ┆      identical  ┆",
        "│ 한국어_모델 (ours) ┆       ┆      ┆          91.00  ┆",
        "│ kcbert-base (seed 42) ┆ NSMC acc ┆ accuracy ┆     89.62 ┆ 89.62 [89.35, 89.89] ┆ 50,000 ┆  0.00 ┆ identical  ┆",
        "verdicts (95% intervals; reproduced within 0.5 points): 1 identical, 1 reproduced, 1 below",
        "left out: kcbert-demo on nsmc/sample: the reported split is test",
        "from KcBERT model card, https://huggingface.co/beomi/kcbert-base",
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    assert!(text.contains("89.63*"), "sources disagree: {text}");
}

#[test]
fn every_width_is_respected_and_loses_no_number_of_ours() {
    for name in ["kcbert", "koelectra", "mdeberta", "klue_sts", "patent", "dialect"] {
        let comparison = compared(name, &cells());
        for width in [80, 100, 120, 160, 250] {
            let text = rendered(&comparison, Format::Terminal, Some(width));
            let widest = text.lines().max_by_key(|line| line.width()).unwrap_or_default();
            assert!(widest.width() <= width.into(), "{name} at {width}: {widest}\n{text}");
            for part in ["identical", "reproduced", "below"] {
                assert!(name != "kcbert" || text.contains(part), "no {part} at {width}\n{text}");
            }
            let tables = text.lines().filter(|line| line.starts_with(['│', '┌', '╞', '└']));
            let mut widths: Vec<usize> = tables.map(UnicodeWidthStr::width).collect();
            widths.dedup();
            assert!(widths.len() <= 4, "columns are aligned: {widths:?}\n{text}");
            assert!(name != "kcbert" || text.contains("93.93*"), "the published table: {text}");
        }
    }
}

#[test]
fn markdown_keeps_its_columns() {
    let text = rendered(&compared("kcbert", &cells()), Format::Markdown, None);
    assert!(text.starts_with(
        "### KcBERT (model card; generation A)\n\n| Model | Size | Gen. | NSMC<br>acc |"
    ));
    assert!(text.contains("| kcbert-base | 417M | A | 89.62 |"), "{text}");
    assert!(text.contains("| 한국어\\_모델 (ours) |"), "{text}");
    let columns = |row: &str| row.replace("\\|", "").matches('|').count();
    let rows: Vec<usize> = text.lines().filter(|l| l.starts_with('|')).map(columns).collect();
    assert!(rows.iter().all(|&columns| columns == 12 || columns == 10), "{rows:?}");
}

#[test]
fn latex_balances() {
    let text = rendered(&compared("kcbert", &cells()), Format::Latex, None);
    assert!(text.contains("\\begin{tabular}{lrlrrrrrrrr}"), "{text}");
    assert!(text.contains("한국어\\_모델 (ours) &"), "{text}");
    assert!(text.contains("kotex") && text.contains("\\toprule"), "{text}");
    let body: Vec<&str> = text.lines().filter(|line| line.ends_with(" \\\\")).collect();
    assert!(body.iter().all(|line| line.matches(" & ").count() == 10), "{body:#?}");
}

#[test]
fn csv_has_a_line_a_cell_with_every_digit() {
    let comparison = compared("kcbert", &cells());
    let text = rendered(&comparison, Format::Csv, None);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|h| h == name).expect("a column");
    let records: Vec<::csv::StringRecord> = reader.records().map(|r| r.expect("parsed")).collect();
    assert_eq!(records.len(), 8 * 8 + 1);
    let first = &records[0];
    assert_eq!(&first[column("published")], "89.62");
    assert_eq!(&first[column("verdict")], "identical");
    let ours: f64 = first[column("ours")].parse().expect("a number");
    assert_eq!(ours.to_bits(), (89.622_f64 / 100.0).to_bits());
    assert_eq!(&records[16][column("disagree")], "0.901 | 89.59 | 89.63");
    assert_eq!(&records[1][column("ours")], "");
}

#[test]
fn json_is_what_its_schema_says() {
    let schema = validator(include_str!("../../../schemas/table.schema.json"));
    let published = Published::load().expect("loads");
    for table in published.tables() {
        for cells in [vec![], cells()] {
            let text = rendered(&compared(&table.name, &cells), Format::Json, None);
            let json: serde_json::Value = serde_json::from_str(&text).expect("parsed");
            let errors: Vec<String> = schema.iter_errors(&json).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", table.name);
        }
    }
    let text = rendered(&compared("kcbert", &cells()), Format::Json, None);
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("parsed");
    assert_eq!(json["rows"][0]["cells"][0]["judgement"]["verdict"], "identical");
    json["rows"][0]["cells"][0]["judgement"]["verdict"] = "fine".into();
    assert!(!schema.is_valid(&json));
}

#[test]
fn many_left_out_cells_are_counted() {
    let mut cells = Vec::new();
    for number in 0..13 {
        let mut cell = done();
        cell.inputs.key.model = format!("model-{number}");
        cell.id = cell.inputs.id();
        cells.push(cell);
    }
    let text = rendered(&compared("kcbert", &cells), Format::Terminal, Some(100));
    assert_eq!(text.matches("left out:").count(), 11);
    assert!(text.contains("left out: 3 more cells; --format json names them"), "{text}");
}

#[test]
fn marks_are_short() {
    assert_eq!(layout::ranges(&[6, 1, 7, 8, 3, 4]), "2 4 5 7-9");
    assert_eq!(layout::ranges(&[0]), "1");
    assert_eq!(layout::ranges(&[]), "");
}
