//! Where the numbers of a side come from.

use std::path::{Path, PathBuf};

use super::{CompareError, Evidence, Side, SideKind, read_evidence};
use crate::baseline::{self, Baseline, is_baseline};
use crate::record::{
    BenchRecord, CellRecord, RecordError, RunRecord, read_benches, read_cells, read_run,
};
use crate::task::Task;

/// A side with everything that is read at once; its rows are read cell by cell.
#[derive(Debug)]
pub struct Source {
    /// What is said of it in the comparison.
    pub side: Side,
    /// Its cells, done and failed.
    pub cells: Vec<CellRecord>,
    /// Its measurements of speed.
    pub benches: Vec<BenchRecord>,
    rows: RowsOf,
}

/// Where rows are.
#[derive(Debug)]
enum RowsOf {
    /// In the predictions of a run directory.
    Run(PathBuf),
    /// In the files of a baseline.
    Baseline(Box<Baseline>),
}

impl Source {
    /// Opens the run directory or the baseline at `path`.
    ///
    /// # Errors
    /// As [`read_cells`] and [`baseline::read`].
    pub fn open(path: &Path) -> Result<Self, CompareError> {
        if is_baseline(path) {
            return Ok(Self::of_baseline(path, baseline::read(path)?));
        }
        let cells = read_cells(path)?;
        let run = match read_run(path) {
            Ok(run) => Some(run),
            // A folder of cells is enough.
            Err(RecordError::NotARun { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let side = Side {
            path: path.display().to_string(),
            kind: SideKind::Run,
            created_at: run.as_ref().map(|run| run.created_at.clone()),
            kobench_version: run.as_ref().map(|run| run.kobench_version.clone()),
            git_revision: run.as_ref().and_then(|run| run.git_revision.clone()),
            host: run.map(|RunRecord { host, .. }| host),
        };
        Ok(Self { side, cells, benches: read_benches(path)?, rows: RowsOf::Run(path.to_owned()) })
    }

    fn of_baseline(path: &Path, baseline: Baseline) -> Self {
        let run = &baseline.record.run;
        let side = Side {
            path: path.display().to_string(),
            kind: SideKind::Baseline,
            created_at: run.created_at.clone(),
            kobench_version: run.kobench_version.clone(),
            git_revision: run.git_revision.clone(),
            host: run.host.clone(),
        };
        let cells = baseline.cells.iter().map(|cell| cell.record.clone()).collect();
        Self {
            side,
            cells,
            benches: baseline.benches.clone(),
            rows: RowsOf::Baseline(Box::new(baseline)),
        }
    }

    /// The rows of a done cell.
    ///
    /// # Errors
    /// As [`read_evidence`] and [`Baseline::evidence`].
    pub fn evidence(&self, cell: &CellRecord, task: &Task) -> Result<Evidence, CompareError> {
        match &self.rows {
            RowsOf::Run(path) => read_evidence(path, cell, task),
            RowsOf::Baseline(baseline) => {
                let found = baseline.cells.iter().find(|known| known.record.id == cell.id);
                let missing = || CompareError::NoPredictions {
                    cell: cell.inputs.key.label(),
                    path: baseline.path.clone(),
                };
                Ok(baseline.evidence(found.ok_or_else(missing)?)?)
            }
        }
    }
}
