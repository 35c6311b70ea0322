//! What a report is made of, read from run directories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::confusion::Confusion;
use super::steps::read_steps;
use crate::record::{
    BenchRecord, CellRecord, RecordError, RunRecord, TrainingStep, predictions_path, read_benches,
    read_cells, read_run,
};

/// Runs with everything that a report shows of them.
#[derive(Debug)]
pub struct Material {
    /// The runs, in the order in which they were given.
    pub(super) runs: Vec<Run>,
    /// Cells, each once, ordered by key and id.
    pub(super) cells: Vec<Cell>,
    /// Measurements of speed, each once.
    pub(super) benches: Vec<BenchRecord>,
    /// What is missing, one sentence each.
    pub(super) notes: Vec<String>,
}

/// A run directory.
#[derive(Debug)]
pub(super) struct Run {
    /// Its path, as the user gave it.
    pub(super) path: PathBuf,
    /// Its record; none of a folder of cells alone.
    pub(super) record: Option<RunRecord>,
}

/// A cell with what was read of its other files.
#[derive(Debug)]
pub(super) struct Cell {
    /// Its record.
    pub(super) record: CellRecord,
    /// What was predicted for what, for tasks with labels.
    pub(super) confusion: Option<Confusion>,
    /// Steps of its training.
    pub(super) steps: Vec<TrainingStep>,
}

impl Material {
    /// Reads run directories. A cell that is in several runs counts once: a done one before a failed one, then the
    /// latest. Predictions and logs of trainings that are not there are left out with a note.
    ///
    /// # Errors
    /// [`RecordError`]: a path that is no run, a record or a line of predictions that is damaged, with its file.
    pub fn read(paths: &[PathBuf]) -> Result<Self, RecordError> {
        let (mut runs, mut benches) = (Vec::new(), BTreeMap::new());
        let mut cells: BTreeMap<String, (PathBuf, CellRecord)> = BTreeMap::new();
        for path in paths {
            for cell in read_cells(path)? {
                let rank = |cell: &CellRecord| (cell.is_done(), cell.finished_at.clone());
                if cells.get(&cell.id).is_none_or(|(_, known)| rank(known) < rank(&cell)) {
                    cells.insert(cell.id.clone(), (path.clone(), cell));
                }
            }
            for bench in read_benches(path)? {
                benches.insert(bench.id.clone(), bench);
            }
            let record = match read_run(path) {
                Ok(record) => Some(record),
                // A folder of cells is enough.
                Err(RecordError::NotARun { .. }) => None,
                Err(error) => return Err(error),
            };
            runs.push(Run { path: path.clone(), record });
        }
        let read: Vec<(Cell, Vec<String>)> = cells
            .into_values()
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|(run, record)| Cell::read(&run, record))
            .collect::<Result<_, _>>()?;
        let (mut cells, notes): (Vec<Cell>, Vec<Vec<String>>) = read.into_iter().unzip();
        let order = |cell: &Cell| (cell.record.inputs.key.clone(), cell.record.id.clone());
        cells.sort_by_cached_key(order);
        let mut benches: Vec<BenchRecord> = benches.into_values().collect();
        benches.sort_by(|a, b| {
            let of = |bench: &BenchRecord| (bench.inputs.key.clone(), bench.scenario.clone());
            of(a).cmp(&of(b)).then_with(|| a.id.cmp(&b.id))
        });
        Ok(Self { runs, cells, benches, notes: notes.concat() })
    }

    /// The records of all cells.
    pub fn records(&self) -> Vec<CellRecord> {
        self.cells.iter().map(|cell| cell.record.clone()).collect()
    }
}

impl Cell {
    fn read(run: &Path, record: CellRecord) -> Result<(Self, Vec<String>), RecordError> {
        let mut notes = Vec::new();
        let mut missing = |what: &str, path: &Path| {
            let label = record.inputs.key.label();
            notes.push(format!("{label}: {what} not shown, for {} is not there", path.display()));
        };
        let predictions = predictions_path(run, &record);
        let confusion = match predictions.filter(|_| record.is_done() && !record.labels.is_empty())
        {
            Some(path) if path.is_file() => Some(Confusion::read(&path, &record)?),
            Some(path) => {
                missing("what was taken for what is", &path);
                None
            }
            None => None,
        };
        let steps = match &record.training {
            Some(training) => {
                let path = run.join("cells").join(&record.id).join(&training.log);
                if path.is_file() {
                    read_steps(&path)?
                } else {
                    missing("the course of its training is", &path);
                    Vec::new()
                }
            }
            None => Vec::new(),
        };
        Ok((Self { record, confusion, steps }, notes))
    }

    /// Names of its labels for people, in the order of the record.
    pub(super) fn label_names(&self) -> Vec<String> {
        let record = &self.record;
        let name = |id: &String| {
            let class = record.per_class.iter().find(|class| class.label == *id);
            class.map(|class| &class.name).filter(|name| !name.is_empty()).unwrap_or(id).clone()
        };
        record.labels.iter().map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::{done, failed, predictions};
    use crate::record::{RunDir, predictions_path};

    fn run(folder: &Path, record: CellRecord) -> CellRecord {
        let run = RunDir::open_or_create(folder).expect("opened");
        let rows = record.is_done().then(predictions);
        run.write_cell(record, rows.as_deref()).expect("written")
    }

    #[test]
    fn a_cell_of_several_runs_counts_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, second) = (folder.path().join("a"), folder.path().join("b"));
        run(&first, done());
        run(&second, CellRecord { finished_at: "2027-01-01T00:00:00Z".into(), ..failed() });
        let material = Material::read(&[first, second]).expect("read");
        assert_eq!((material.runs.len(), material.cells.len()), (2, 1));
        assert!(material.cells[0].record.is_done(), "a done cell counts more than a later failure");
        let confusion = material.cells[0].confusion.as_ref().expect("read");
        assert_eq!(confusion.counts, [[0, 0], [1, 1]]);
        assert_eq!(material.cells[0].label_names(), ["negative", "1"]);
    }

    #[test]
    fn predictions_that_are_gone_are_noted_and_damaged_ones_are_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let record = run(folder.path(), done());
        let path = predictions_path(folder.path(), &record).expect("a path");
        std::fs::write(&path, "{\"i\":0,\"gold\":\"1\",\"pred\":\"1\"}\n{\n").expect("written");
        let error = Material::read(&[folder.path().to_owned()]).expect_err("damaged").to_string();
        assert!(error.contains("predictions.jsonl:2: "), "{error}");
        std::fs::remove_file(&path).expect("removed");
        let material = Material::read(&[folder.path().to_owned()]).expect("read");
        assert!(
            material.notes[0].contains("predictions.jsonl is not there"),
            "{:?}",
            material.notes
        );
    }
}
