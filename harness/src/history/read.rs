//! Many runs, read in the order of time.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{HistoryError, HistoryRun};
use crate::record::{
    BenchRecord, BenchSide, CellRecord, RecordError, read_cells, read_record, read_run,
    trust_predictions,
};

const BENCH: &str = "bench";

/// A run with everything that it measured.
#[derive(Debug)]
pub(super) struct RunRecords {
    pub(super) about: HistoryRun,
    pub(super) cells: Vec<CellRecord>,
    pub(super) benches: Vec<BenchRecord>,
}

/// The run directories among `paths`, and directly inside those that are none. Each is there once.
///
/// # Errors
/// [`HistoryError::NoRuns`] with the first path that neither is a run nor holds one.
pub fn find_runs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, HistoryError> {
    let mut runs = Vec::new();
    for path in paths {
        if is_run(path) {
            runs.push(path.clone());
            continue;
        }
        if !path.is_dir() {
            return Err(HistoryError::NoRuns { path: path.clone() });
        }
        let mut inside: Vec<PathBuf> = children(path)?.into_iter().filter(|p| is_run(p)).collect();
        if inside.is_empty() {
            return Err(HistoryError::NoRuns { path: path.clone() });
        }
        inside.sort();
        runs.append(&mut inside);
    }
    let mut seen = Vec::new();
    runs.retain(|run| {
        let place = fs::canonicalize(run).unwrap_or_else(|_| run.clone());
        let is_new = !seen.contains(&place);
        seen.push(place);
        is_new
    });
    Ok(runs)
}

fn is_run(path: &Path) -> bool {
    path.join("run.json").is_file() || path.join("cells").is_dir() || path.join(BENCH).is_dir()
}

/// The runs, oldest first; of the same second in the order of their paths.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<RunRecords>, HistoryError> {
    let runs: Result<Vec<RunRecords>, RecordError> =
        paths.par_iter().map(|path| read_one(path)).collect();
    let mut runs = runs?;
    runs.sort_by(|a, b| {
        (&a.about.created_at, &a.about.path).cmp(&(&b.about.created_at, &b.about.path))
    });
    Ok(runs)
}

fn read_one(path: &Path) -> Result<RunRecords, RecordError> {
    let benches = read_benches(path)?;
    let has_cells = path.join("cells").is_dir();
    let cells = if has_cells || benches.is_empty() { read_cells(path)? } else { Vec::new() };
    cells.iter().try_for_each(|cell| trust_predictions(path, cell))?;
    let about = if path.join("run.json").is_file() {
        let run = read_run(path)?;
        HistoryRun {
            path: path.display().to_string(),
            created_at: run.created_at,
            kobench_version: run.kobench_version,
            git_revision: run.git_revision,
        }
    } else {
        without_run_file(path, &cells, &benches)
    };
    Ok(RunRecords { about, cells, benches })
}

/// What the records of a run say of it: that of its first cell or measurement.
fn without_run_file(path: &Path, cells: &[CellRecord], benches: &[BenchRecord]) -> HistoryRun {
    let of_cells = cells.iter().map(|cell| (&cell.started_at, &cell.inputs.harness_version));
    let of_benches = benches.iter().map(|bench| (&bench.started_at, &bench.inputs.harness_version));
    let (created_at, version) = of_cells
        .chain(of_benches)
        .min()
        .map(|(at, version)| (at.clone(), version.clone()))
        .unwrap_or_default();
    HistoryRun {
        path: path.display().to_string(),
        created_at,
        kobench_version: version,
        git_revision: None,
    }
}

/// Measurements of speed, but for the sides of pairs that others were compared with: those are of another build.
fn read_benches(run: &Path) -> Result<Vec<BenchRecord>, RecordError> {
    let folder = run.join(BENCH);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files: Vec<PathBuf> = children(&folder)?;
    // Files that are being written begin with a dot.
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".json") && !name.starts_with('.')
    });
    files.sort();
    let mut benches: Vec<BenchRecord> =
        files.iter().map(|file| read_record(file)).collect::<Result<_, _>>()?;
    benches.retain(|bench| bench.side != Some(BenchSide::Base));
    Ok(benches)
}

fn children(folder: &Path) -> Result<Vec<PathBuf>, RecordError> {
    fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(RecordError::io("read", folder))
}
