//! The training calls.

use std::path::Path;

use kobench_plugin_sdk::{self as sdk, Batch, Error, Head, StepArguments, StepOutcome, Targets};

use super::find::Files;
use super::model::EngineModel;
use super::save;
use super::targets::targets;
use crate::checkpoint::Checkpoint;
use crate::config::ModelConfig;
use crate::error::EngineError;
use crate::train::{Settings, StepOptions, Trainer};

impl EngineModel {
    /// Everything random follows from this number from now on.
    pub(super) fn seed(&mut self, seed: u64) -> sdk::Result<()> {
        self.seed = seed;
        if let Some(trainer) = &mut self.trainer {
            trainer.seed(seed);
        }
        Ok(())
    }

    pub(super) fn train_begin(&mut self, settings: serde_json::Value) -> sdk::Result<()> {
        let seed = self.seed;
        let begun = self.trainer.is_some();
        let model = self.ready()?;
        if begun {
            return Err(Error::invalid_argument("training has begun already; end it first"));
        }
        let settings = Settings::parse(settings, model.logits_width())?;
        self.unpack_weights()?;
        let trainer = Trainer::begin(self.ready()?, settings, seed)?;
        self.unchanged = None;
        self.trainer = Some(Box::new(trainer));
        Ok(())
    }

    pub(super) fn train_step(
        &mut self,
        batch: &Batch<'_>,
        head: Head,
        given: Targets<'_>,
        step: StepArguments,
    ) -> sdk::Result<StepOutcome> {
        if self.trainer.is_none() {
            return Err(not_begun("train_step"));
        }
        self.check_head(head)?;
        let targets = targets(batch, head, given)?;
        self.pack(batch)?;
        let cancel = batch.cancel;
        let between = || cancel.check().map_err(|_| EngineError::Cancelled);
        let options = StepOptions {
            learning_rate: step.learning_rate,
            loss_scale: step.loss_scale,
            accumulate: step.accumulate,
        };
        let (model, trainer, packed) = self.training()?;
        let trainer = trainer.ok_or_else(|| not_begun("train_step"))?;
        let stepped = trainer.step(model, packed, &targets, options, &between)?;
        self.source.trained(&targets);
        Ok(StepOutcome { loss: stepped.loss, grad_norm: stepped.grad_norm })
    }

    pub(super) fn train_end(&mut self) -> sdk::Result<()> {
        let Some(trainer) = self.trainer.take() else { return Err(not_begun("train_end")) };
        self.source.save_as(trainer.settings().save_dtype);
        drop(trainer);
        self.ready()?.release();
        self.pack_weights()
    }

    pub(super) fn save(&mut self, directory: &Path, training_state: bool) -> sdk::Result<()> {
        if training_state && self.trainer.is_none() {
            return Err(not_begun("model_save with the training state"));
        }
        if let Some(trainer) = &self.trainer {
            self.source.save_as(trainer.settings().save_dtype);
        }
        let source = self.source.clone();
        if self.trainer.is_none() {
            self.unpack_weights()?;
        }
        let (model, trainer, _) = self.training()?;
        save::save(model, &source, directory)?;
        match trainer {
            Some(trainer) if training_state => Ok(trainer.save_state(directory, model.params())?),
            Some(_) => Ok(()),
            None => self.pack_weights(),
        }
    }

    pub(super) fn load(&mut self, directory: &Path, training_state: bool) -> sdk::Result<()> {
        if training_state && self.trainer.is_none() {
            return Err(not_begun("model_load with the training state"));
        }
        let (model, trainer, _) = self.training()?;
        let path = directory.join("config.json");
        let json = std::fs::read(&path)
            .map_err(|source| EngineError::Io { path: path.clone(), source })?;
        let origin = path.display().to_string();
        let config = ModelConfig::from_json(model.config().architecture, &json, &origin)?;
        config.check_head(model.kind(), &origin)?;
        if config.logits_width(model.kind()) != model.logits_width() {
            return Err(Error::bad_data(format!(
                "{origin}: {} labels, but the model was opened with {}; open a new one with this checkpoint",
                config.logits_width(model.kind()),
                model.logits_width()
            )));
        }
        let checkpoint = Checkpoint::open(directory)?;
        match trainer {
            None => {
                model.reload(&checkpoint)?;
                self.unchanged = Some(Files::Directory(directory.to_owned()));
                self.pack_weights()
            }
            Some(trainer) => {
                let state = match training_state {
                    true => Some(trainer.open_state(directory)?),
                    false => None,
                };
                model.reload(&checkpoint)?;
                trainer.loaded();
                if let Some(state) = state {
                    trainer.take_state(&state, model.params())?;
                }
                Ok(())
            }
        }
    }
}

fn not_begun(call: &str) -> Error {
    Error::invalid_argument(format!("{call} without train_begin; begin training first"))
}
