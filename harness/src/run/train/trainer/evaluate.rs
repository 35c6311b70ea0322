//! Looks at the model on the way: evaluations, and the best checkpoint so far.

use super::{TrainError, Trainer, save};
use crate::data::Dataset;
use crate::metrics::IntervalOptions;
use crate::recipe::{EvaluateEvery, Select};
use crate::record::EvaluationRecord;
use crate::run::ask::{How, METRICS, ask};
use crate::run::kinds::TaskRows;
use crate::run::train::selection::is_better;
use crate::worker::{Failure, FailureKind};
use std::time::Instant;

impl Trainer<'_, '_> {
    /// Evaluates where the settings say so, and keeps the checkpoint if it is the best so far.
    pub(super) fn look(&mut self) -> Result<(), TrainError> {
        let step = self.progress.step;
        let is_last = step == self.total;
        let settings = &self.training.settings;
        let due = is_last
            || match settings.evaluate_every {
                EvaluateEvery::Steps(steps) => step.is_multiple_of(steps.max(1)),
                EvaluateEvery::Epoch => self.batches.epoch_is_over(),
                EvaluateEvery::Never => false,
            };
        let select = settings.select;
        if !due || (select == Select::Last && (is_last || self.training.dev.is_none())) {
            return Ok(());
        }
        let mut by = None;
        if let Some(dev) = self.training.dev.clone() {
            let value = self.evaluate(&dev.rows, &dev.label)?;
            by = value.filter(|_| select == Select::BestOnDev);
        }
        if select == Select::BestOnTest {
            let split = self.cell.inputs.key.split.clone();
            let rows = self.cell.dataset.clone();
            by = self.evaluate(&rows, &split)?;
        }
        let best = self.progress.best.map(|(_, value)| value);
        if let Some(value) = by.filter(|&value| is_better(self.point.metric, value, best)) {
            let (worker, shown) = (&mut *self.worker, &mut *self.shown);
            self.work.save_best(step, |directory| save(worker, shown, directory, false))?;
            self.progress.best = Some((step, value));
        }
        Ok(())
    }

    /// The ranking metric on some rows, as the weights are now; none where it is not defined, as a correlation
    /// with answers that are all the same.
    fn evaluate(&mut self, rows: &Dataset, label: &str) -> Result<Option<f64>, TrainError> {
        let started = Instant::now();
        // The value alone is wanted here, not its interval.
        let intervals = IntervalOptions { resamples: 1, ..IntervalOptions::default() };
        let asked = TaskRows { task: &self.point, dataset: rows, intervals };
        let shown = &mut *self.shown;
        shown.looks_at(label);
        let how = How { batch_tokens: self.budget, ..self.cell.how(self.stats) };
        let metric = self.point.metric.name();
        let asked = ask(self.worker, asked, how, &mut |heard| shown.heard(heard));
        self.progress.evaluate_seconds += started.elapsed().as_secs_f64();
        let value = match asked {
            Ok((answered, evaluated)) => {
                self.budget = evaluated.budget;
                self.saw(&evaluated.stats);
                answered.scores.metrics.get(metric).map(|metric| metric.value)
            }
            Err(failure) if is_undefined(&failure) => {
                shown.note(&format!(
                    "step {}: no {metric} on {label}: {failure}",
                    self.progress.step
                ));
                None
            }
            Err(failure) => return Err(failure.into()),
        };
        let Some(value) = value else { return Ok(None) };
        self.shown.evaluated(self.progress.step, label, metric, value);
        self.progress.evaluations.push(EvaluationRecord {
            step: self.progress.step,
            epoch: self.batches.epochs(),
            split: label.to_owned(),
            metric: metric.to_owned(),
            value,
        });
        Ok(Some(value))
    }
}

/// Whether all that went wrong is that the metric is not defined for the answers.
fn is_undefined(failure: &Failure) -> bool {
    matches!(&failure.kind, FailureKind::Error { code, .. } if code == METRICS)
}
