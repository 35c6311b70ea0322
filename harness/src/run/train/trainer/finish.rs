//! The end of a training: the chosen checkpoint is scored, and what was done is put on record.

use super::{TrainError, Trained, Trainer, save};
use crate::gpu::{TRAINING_PASSES, Work, utilisation};
use crate::recipe::Select;
use crate::record::{
    EvaluationRecord, SelectionRecord, TrainedModel, TrainingRecord, TrainingThroughput,
};
use crate::run::ask::ask;
use crate::run::kinds::TaskRows;
use crate::run::train::selection::alternatives;
use crate::worker::StateRequest;

impl Trainer<'_, '_> {
    /// Takes the chosen checkpoint, and asks it about the cell's rows.
    pub(super) fn finish(mut self, peak_rss_bytes: Option<u64>) -> Result<Trained, TrainError> {
        let settings = &self.training.settings;
        let chosen = self.progress.best.filter(|_| settings.select != Select::Last);
        let step = chosen.map_or(self.total, |(step, _)| step);
        let (worker, shown) = (&mut *self.worker, &mut *self.shown);
        let model = match chosen {
            // Always from its files, so that what is scored is what was saved.
            Some(_) => self.work.best(step),
            None => {
                self.work.save_model(|directory| save(worker, shown, directory, false))?;
                self.work.model()
            }
        };
        let request = StateRequest { directory: model.clone(), training: false };
        worker.load(request, &mut |event| shown.event(event))?;
        shown.looks_at(&self.cell.inputs.key.split);
        let asked = TaskRows::new(&self.cell.task, &self.cell.dataset);
        let how = self.cell.how(self.stats);
        let (answered, evaluated) = ask(worker, asked, how, &mut |heard| shown.heard(heard))?;
        let metric = self.point.metric;
        let reported = &self.cell.inputs.key.split;
        if let (Select::Last, Some(value)) =
            (settings.select, answered.scores.metrics.get(metric.name()))
        {
            self.progress.evaluations.push(EvaluationRecord {
                step,
                epoch: self.batches.epochs(),
                split: reported.clone(),
                metric: metric.name().into(),
                value: value.value,
            });
        }
        let p = &self.progress;
        let dev = self.training.dev.as_ref().map(|dev| dev.label.as_str());
        let mut warnings = Vec::new();
        if self.prepared.truncated_rows > 0 {
            warnings.push(format!(
                "{} rows of the training data were cut at {} tokens",
                self.prepared.truncated_rows, self.cell.inputs.max_seq_len
            ));
        }
        if let Some(limit) = p.micro_tokens {
            warnings.push(format!(
                "{} of {} steps were computed in parts of at most {limit} tokens, for the device's memory holds no more",
                p.split_steps, p.step
            ));
        }
        let work = Work { sequences: p.rows, tokens: p.tokens, pairs: p.pairs };
        let work = (work, TRAINING_PASSES);
        let precision = &self.cell.inputs.precision;
        let mfu = utilisation(self.stats, precision, work, p.step_seconds);
        let per = |n: u64| (p.step_seconds > 0.0).then(|| n as f64 / p.step_seconds);
        let record = TrainingRecord {
            recipe: self.training.recipe.clone(),
            sequences: self.prepared.sequences.len() as u64,
            steps: p.step,
            epochs: self.batches.epochs(),
            final_loss: p.final_loss,
            selection: SelectionRecord {
                policy: settings.select.name().into(),
                step,
                metric: metric.name().into(),
                value: chosen.map(|(_, value)| value),
                caveat: settings.select.caveat().map(Into::into),
                alternatives: alternatives(
                    metric,
                    &p.evaluations,
                    dev,
                    reported,
                    (settings.select, self.total),
                ),
            },
            evaluations: p.evaluations.clone(),
            model: TrainedModel { directory: None, sha256: String::new() },
            log: "train.jsonl".into(),
            throughput: TrainingThroughput {
                rows_per_second: per(p.rows),
                tokens_per_second: per(p.tokens),
                step_seconds: p.step_seconds,
                evaluate_seconds: p.evaluate_seconds,
                tokenize_seconds: self.prepared.tokenize_seconds,
                peak_rss_bytes,
                peak_device_bytes: self.peak_device_bytes,
                mfu: mfu.filter(|_| self.cell.on_gpu()),
                micro_batch_tokens: p.micro_tokens,
            },
            resumed_from: p.resumed_from.clone(),
        };
        Ok(Trained { record, answered, evaluated, model, log: self.work.log(), warnings })
    }
}
