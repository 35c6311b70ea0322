//! All checks of all models on all tasks' rows.

use super::checks::{Reference, composition, scenarios};
use super::outcome::{Audit, Check};
use super::session::{Session, rows_of};
use super::{caching, tolerance};
use crate::gpu::Devices;
use crate::plugin::Catalog;
use crate::run::{
    Plan, PlanError, PlannedRun, Progress, RunOptions, default_threads, is_unsupported, plan,
    settle_all,
};
use crate::task::Registry;
use crate::worker::{Failure, RowInput};

/// What an audit works with.
#[derive(Debug)]
pub struct Auditor<'a> {
    /// What is asked for; `threads` are those of the reference.
    pub options: &'a RunOptions,
    /// The plugins.
    pub catalog: &'a Catalog,
    /// The tasks.
    pub registry: &'a Registry,
}

/// A model that could not be asked, so that there is nothing to compare with.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Failed {
    /// The model and the task.
    pub label: String,
    /// What the plugin did instead.
    pub reason: String,
}

impl Auditor<'_> {
    /// Audits every model on every task.
    ///
    /// # Errors
    /// See [`PlanError`]. What a plugin does wrong is no error: it is a check that failed, or among the [`Failed`].
    pub fn audit(&self, progress: &mut Progress) -> Result<(Vec<Audit>, Vec<Failed>), PlanError> {
        let mut plan = self.plan(self.options)?;
        drop(settle_all(&mut plan, progress));
        let (mut audits, mut failed) = (Vec::new(), Vec::new());
        for (index, cell) in plan.cells.iter().enumerate() {
            let label = cell.inputs.key.label();
            progress.note(&format!("[{}/{}] {label}", index + 1, plan.cells.len()));
            match self.cell(&plan, index, progress) {
                Ok(audit) => audits.push(audit),
                Err(failure) => {
                    progress.warn(&format!("{label}: {failure}"));
                    failed.push(Failed { label, reason: failure.to_string() });
                }
            }
        }
        Ok((audits, failed))
    }

    fn plan(&self, options: &RunOptions) -> Result<Plan, PlanError> {
        plan(options, self.catalog, self.registry)
    }

    /// All checks of one cell. An error is one of the reference: then there is nothing to compare with.
    fn cell(&self, plan: &Plan, index: usize, progress: &mut Progress) -> Result<Audit, Failure> {
        let cell = &plan.cells[index];
        let rows = rows_of(cell);
        let mut session = Session::open(plan, cell, progress)?;
        let budget = session.how.batch_tokens;
        let answers = session.evaluate(rows.clone(), budget, progress)?;
        let reference = Reference::new(answers, tolerance(&cell.inputs.precision));
        let mut checks = Vec::new();
        progress.note("batches and order");
        let done = composition(&mut session, &rows, &reference, progress);
        gather(&mut checks, "batches-and-order", done);
        progress.note("scenarios");
        let done = if session.is_dead() {
            Session::open(plan, cell, progress).and_then(|fresh| {
                session = fresh;
                scenarios(&mut session, &rows, &reference, progress)
            })
        } else {
            scenarios(&mut session, &rows, &reference, progress)
        };
        gather(&mut checks, "scenarios", done);
        // Two models are in memory at once nowhere.
        drop(session);
        progress.note("threads and devices");
        for (name, threads) in
            [("one-thread", 1), ("two-threads", 2), ("all-threads", default_threads())]
        {
            checks.push(self.threads(name, threads, (index, cell), &rows, &reference, progress));
        }
        checks.push(self.device((index, cell), &rows, &reference, progress));
        progress.note("caching");
        checks.push(caching_check(plan, cell, &rows, progress));
        Ok(Audit {
            inputs: cell.inputs.clone(),
            rows: rows.len() as u64,
            largest_logit: reference.largest,
            checks,
        })
    }

    /// The same with another number of threads.
    fn threads(
        &self,
        name: &'static str,
        threads: u32,
        cell: (usize, &PlannedRun),
        rows: &[RowInput],
        reference: &Reference,
        progress: &mut Progress,
    ) -> Check {
        let inputs = &cell.1.inputs;
        let how = if threads == 1 { "1 thread".into() } else { format!("{threads} threads") };
        if threads == inputs.threads {
            return Check::skipped(name, format!("{how}: the reference has as many"));
        }
        if threads > default_threads() {
            return Check::skipped(name, format!("{how}: this process may use fewer processors"));
        }
        let options = RunOptions {
            threads,
            devices: as_settled(inputs.device.as_str(), &self.options.devices),
            ..self.options.clone()
        };
        self.again(name, &options, cell.0, rows, reference, &how, progress)
    }

    /// The same on the CPU where the reference is a GPU's, and the other way round.
    fn device(
        &self,
        cell: (usize, &PlannedRun),
        rows: &[RowInput],
        reference: &Reference,
        progress: &mut Progress,
    ) -> Check {
        let inputs = &cell.1.inputs;
        let (devices, how) = if inputs.device == "cpu" {
            (Devices::Cuda(vec![0]), "on a GPU")
        } else {
            (Devices::Cpu, "on the CPU")
        };
        let precision = Some(inputs.precision.clone());
        let options = RunOptions { devices, precision, ..self.options.clone() };
        self.again("device", &options, cell.0, rows, reference, how, progress)
    }

    /// Answers the rows in a session of its own with other options, and compares.
    #[expect(clippy::too_many_arguments, reason = "what, how, and against what")]
    fn again(
        &self,
        name: &'static str,
        options: &RunOptions,
        index: usize,
        rows: &[RowInput],
        reference: &Reference,
        how: &str,
        progress: &mut Progress,
    ) -> Check {
        let plan = match self.plan(options) {
            Ok(plan) => plan,
            // The plugin has no such device: there is nothing to check.
            Err(error) => return Check::skipped(name, format!("{how}: {error}")),
        };
        let Some(cell) = plan.cells.get(index) else {
            return Check::skipped(name, format!("{how}: there is no such cell"));
        };
        let answers = Session::open(&plan, cell, progress).and_then(|mut session| {
            let budget = session.how.batch_tokens;
            session.evaluate(rows.to_vec(), budget, progress)
        });
        match answers {
            Ok(answers) => reference.check(name, &answers, how),
            Err(failure) if is_unsupported(&failure) => {
                Check::skipped(name, format!("{how}: {failure}"))
            }
            Err(failure) => Check::failed(name, format!("{how}: {failure}")),
        }
    }
}

/// The device that `auto` came to; another one is as it was.
fn as_settled(kind: &str, asked: &Devices) -> Devices {
    match asked {
        Devices::Auto if kind == "cpu" => Devices::Cpu,
        asked => asked.clone(),
    }
}

/// The checks of a part, or that it failed.
fn gather(checks: &mut Vec<Check>, part: &'static str, done: Result<Vec<Check>, Failure>) {
    match done {
        Ok(done) => checks.extend(done),
        Err(failure) => checks.push(Check::failed(part, failure.to_string())),
    }
}

/// Each attempt needs a session that was asked nothing.
fn caching_check(
    plan: &Plan,
    cell: &PlannedRun,
    rows: &[RowInput],
    progress: &mut Progress,
) -> Check {
    let mut speedups = Vec::new();
    for _ in 0..caching::ATTEMPTS {
        let speedup = Session::open(plan, cell, progress)
            .and_then(|mut session| caching::speedup(&mut session, rows, progress));
        match speedup {
            Err(failure) => return Check::failed(caching::NAME, failure.to_string()),
            Ok(None) => {
                return Check::skipped(
                    caching::NAME,
                    "there are too few rows to tell; raise --limit",
                );
            }
            Ok(Some(speedup)) => speedups.push(speedup),
        }
        let check = caching::judge(&speedups);
        if check.outcome == super::Outcome::Passed {
            return check;
        }
    }
    caching::judge(&speedups)
}
