//! What each format of the throughput table shows.

use unicode_width::UnicodeWidthStr;

use super::*;
use crate::record::testing::{done, failed, on_gpu};
use crate::record::validator;

fn cell(model: &str, device: &str, name: Option<&str>, rate: f64) -> CellRecord {
    let mut cell = done();
    cell.inputs.key.model = model.into();
    cell.inputs.device = device.into();
    cell.backend.device_name = name.map(str::to_owned);
    cell.throughput.rows_per_second = Some(rate);
    cell.id = cell.inputs.id();
    cell
}

fn cells() -> Vec<CellRecord> {
    let mut gpu = CellRecord {
        telemetry: on_gpu().telemetry,
        throughput: on_gpu().throughput,
        ..cell("한국어-모델", "cuda", Some("NVIDIA H200"), 0.0)
    };
    gpu.throughput.rows_per_second = Some(12_345.6);
    gpu.inputs.precision = "bf16".into();
    gpu.memory.peak_device_bytes = Some(3 << 30);
    let mut again = cell("kcbert-demo", "cpu", Some("A CPU"), 1200.0);
    again.inputs.key.seed = Some(1);
    again.id = again.inputs.id();
    again.finished_at = "2026-02-01T00:00:00Z".into();
    vec![gpu, cell("kcbert-demo", "cpu", Some("A CPU"), 1000.0), again, failed()]
}

fn rendered(cells: &[CellRecord], format: Format, width: Option<u16>) -> String {
    render_throughput(cells, format, &Look { width, colour: false }).expect("rendered")
}

#[test]
fn models_stand_against_devices() {
    let text = rendered(&cells(), Format::Terminal, None);
    println!("{text}");
    for part in [
        "NVIDIA H200",
        "cuda bf16, 2 threads",
        "45.1%",
        "974 J",
        "513 W",
        "한국어-모델 on nsmc/sample: the GPU's clocks were held down: power cap (25% of the time)",
        "cpu f32, 2 threads",
        "12,346",
        "1,200",
        "3.0 GiB",
        "256.0 MiB",
        "nsmc/sample, 128 tokens",
        "[1] kcbert-demo on nsmc/sample, cpu f32 2 threads: the latest of 2 cells, which have 1,000 to 1,200 rows/s",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    assert!(!text.contains("1,000 │"), "the latest alone");
    let mut widths: Vec<usize> =
        text.lines().filter(|line| line.starts_with('│')).map(UnicodeWidthStr::width).collect();
    widths.dedup();
    assert_eq!(widths.len(), 1, "Hangul is aligned: {text}");
}

#[test]
fn a_narrow_terminal_gets_several_tables() {
    let cells: Vec<CellRecord> = (0..6)
        .map(|device| cell("m", "cuda", Some(&format!("NVIDIA H20{device} NVL 141GB")), 100.0))
        .collect();
    let text = rendered(&cells, Format::Terminal, Some(100));
    assert!(text.lines().all(|line| line.width() <= 100), "{text}");
    assert!(text.matches('┌').count() >= 2 && (0..6).all(|d| text.contains(&format!("H20{d} "))));
    assert_eq!(rendered(&cells, Format::Terminal, None).matches('┌').count(), 1);
}

#[test]
fn programs_get_every_digit() {
    let text = rendered(&cells(), Format::Csv, None);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let records: Vec<::csv::StringRecord> = reader.records().map(|r| r.expect("parsed")).collect();
    assert_eq!(records.len(), 2);
    let column = |name: &str| header.iter().position(|h| h == name).expect("a column");
    assert_eq!(&records[1][column("rows_per_second")], "12345.6");
    assert_eq!(&records[0][column("cells")], "2");
    assert_eq!((&records[1][column("mfu")], &records[0][column("mfu")]), ("0.45125", ""));
    assert_eq!(&records[1][column("energy_joules")], "973.75");

    let schema = validator(include_str!("../../../schemas/throughput.schema.json"));
    let json = rendered(&cells(), Format::Json, None);
    let mut json: serde_json::Value = serde_json::from_str(&json).expect("parsed");
    let errors: Vec<String> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    // The columns are the members, so that neither is forgotten.
    let members: Vec<&String> = json["rows"][0].as_object().expect("an object").keys().collect();
    let mut columns: Vec<&str> = header.iter().collect();
    columns.sort_unstable();
    assert_eq!(members, columns);
    json["rows"][0]["threads"] = "two".into();
    assert!(!schema.is_valid(&json));
}

#[test]
fn no_cells_make_an_empty_table() {
    for format in Format::ALL {
        assert!(rendered(&[failed()], format, Some(100)).ends_with('\n'));
    }
}
