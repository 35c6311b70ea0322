//! Runs of many cells, made without a model: for what must stay fast over 1,000 cells, and for statistics over many
//! runs.
//!
//! Cell `c` is model `model-K` on task `TASKS[c % 4]` with `K = c / 4`: classification of two and of three labels with
//! logits, labels for words, and real values. Gold labels follow from the task, the rows and the seed alone, so that
//! runs of one seed are of the same data and can be compared in pairs. Metrics are computed from the predictions by
//! kobench itself (intervals from 100 resamples, to be quick), hashes and sizes are those of the files, and ids those
//! of the inputs. Nothing is synced. The same [`Scale`] gives the same bytes.

mod cell;
mod rows;

use std::fs::{File, create_dir_all, write};
use std::io::{BufWriter, Write};
use std::path::Path;

use kobench::digest::sha256_hex;
use kobench::record::{
    CellInputs, CellRecord, Host, PlannedCell, PredictionRow, PredictionWriter, RunRecord,
    SCHEMA_VERSION,
};
use kobench::task::{Registry, Task};
use rayon::prelude::*;

/// The built-in tasks of the cells, in turn.
pub const TASKS: [&str; 4] = ["nsmc", "naver_ner", "hate_speech", "korsts"];

/// What to write.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// Cells of the run.
    pub cells: usize,
    /// Rows of each cell.
    pub rows: usize,
    /// Gold labels and predictions follow from it.
    pub seed: u64,
    /// Share of each cell's rows (from 0 to 1) that are predicted anew: the other rows have the same prediction in all
    /// runs of one seed.
    pub changed: f64,
    /// Which of many new predictions it is.
    pub draw: u64,
    /// How often a new prediction is wrong; none for as often as the others, so that there is no true difference.
    pub changed_errors: Option<f64>,
    /// Days after the first of 2026 on which the run was made; with it goes the revision of the source.
    pub day: u32,
    /// What speeds are multiplied with, beside noise of 2% that follows from the day and the draw.
    pub speed: f64,
}

impl Scale {
    /// A run of the first day, with nothing changed.
    pub fn new(cells: usize, rows: usize, seed: u64) -> Self {
        Self { cells, rows, seed, changed: 0.0, draw: 0, changed_errors: None, day: 0, speed: 1.0 }
    }

    /// Writes the run into the folder, which is made if need be.
    ///
    /// # Panics
    /// Where a file cannot be written.
    pub fn write(&self, run: &Path) {
        let registry = Registry::load(&[]).expect("built-in tasks");
        let tasks: Vec<Task> =
            TASKS.iter().map(|name| registry.get(name).expect("a built-in task")).collect();
        let gold: Vec<rows::Gold> =
            tasks.iter().map(|task| rows::Gold::new(task, self.rows, self.seed)).collect();
        create_dir_all(run.join("cells")).expect("folders can be made");
        let plan = (0..self.cells).into_par_iter().map(|cell| {
            let (task, model) = (cell % TASKS.len(), cell / TASKS.len());
            let (record, rows) = cell::make(self, &tasks[task], &gold[task], model);
            PlannedCell::new(&write_cell(run, record, &rows))
        });
        write_json(&run.join("run.json"), &self.run_record(plan.collect()));
    }

    fn run_record(&self, plan: Vec<PlannedCell>) -> RunRecord {
        RunRecord {
            schema_version: SCHEMA_VERSION,
            kobench_version: kobench::VERSION.to_owned(),
            git_revision: Some(self.revision()),
            command_line: vec!["kobench".into(), "run".into()],
            host: Host {
                os: "linux".into(),
                arch: "x86_64".into(),
                cpu_model: Some("A CPU".into()),
                logical_cpus: 2,
                memory_bytes: Some(16 << 30),
                kernel: None,
            },
            created_at: self.time(0),
            plan,
        }
    }

    /// Of the source with which the run was made; 40 hexadecimal digits.
    pub fn revision(&self) -> String {
        sha256_hex(format!("revision {}", self.day).as_bytes())[..40].to_owned()
    }

    /// So many seconds after the run was made.
    fn time(&self, seconds: u64) -> String {
        // 2026-01-01T00:00:00Z
        let since = 1_767_225_600 + u64::from(self.day) * 86_400 + seconds;
        kobench::record::rfc3339(std::time::UNIX_EPOCH + std::time::Duration::from_secs(since))
    }
}

/// Writes a run of so many cells and rows: [`Scale::write`] with nothing changed.
///
/// # Panics
/// As [`Scale::write`].
pub fn write_run(run: &Path, cells: usize, rows: usize, seed: u64) {
    Scale::new(cells, rows, seed).write(run);
}

/// Writes a run on the gold labels of [`write_run`] of the same numbers, with this share of the predictions made anew
/// (a `draw` each), as often right as those in whose place they are.
///
/// # Panics
/// As [`Scale::write`].
pub fn write_changed_run(
    run: &Path,
    (cells, rows, seed): (usize, usize, u64),
    changed: f64,
    draw: u64,
) {
    Scale { changed, draw, day: 1, ..Scale::new(cells, rows, seed) }.write(run);
}

/// Writes one cell; its inputs.
fn write_cell(run: &Path, mut record: CellRecord, rows: &[PredictionRow]) -> CellInputs {
    let folder = run.join("cells").join(&record.id);
    create_dir_all(&folder).expect("folders can be made");
    let path = folder.join("predictions.jsonl");
    let file = BufWriter::new(File::create(&path).expect("files can be made"));
    let mut writer = PredictionWriter::new(file, &path);
    for row in rows {
        writer.write(row).expect("written");
    }
    let (mut file, predictions) = writer.finish().expect("written");
    file.flush().expect("written");
    record.predictions = Some(predictions);
    write_json(&folder.join("cell.json"), &record);
    record.inputs
}

fn write_json(path: &Path, value: &impl serde::Serialize) {
    let mut text = serde_json::to_vec_pretty(value).expect("records are JSON");
    text.push(b'\n');
    write(path, text).expect("files can be written");
}
