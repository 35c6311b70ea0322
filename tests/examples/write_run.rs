//! Writes a run of many cells without a model, to measure tables and comparisons with:
//! `cargo run --release --example write_run -- DIR CELLS ROWS [SEED [CHANGED [DRAW]]]`.

use std::path::PathBuf;
use std::process::ExitCode;

use kobench_tests::scale::Scale;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((folder, scale)) = parse(&arguments) else {
        eprintln!(
            "usage: write_run DIR CELLS ROWS [SEED [CHANGED [DRAW]]]; CHANGED is a share from 0 to 1"
        );
        return ExitCode::from(2);
    };
    scale.write(&folder);
    ExitCode::SUCCESS
}

fn parse(arguments: &[String]) -> Option<(PathBuf, Scale)> {
    let [folder, cells, rows, more @ ..] = arguments else { return None };
    let number = |index: usize, default: u64| match more.get(index) {
        Some(text) => text.parse().ok(),
        None => Some(default),
    };
    let changed = match more.get(1) {
        Some(text) => text.parse().ok().filter(|share| (0.0..=1.0).contains(share))?,
        None => 0.0,
    };
    let scale = Scale::new(cells.parse().ok()?, rows.parse().ok()?, number(0, 1)?);
    Some((PathBuf::from(folder), Scale { changed, draw: number(2, 0)?, ..scale }))
}
