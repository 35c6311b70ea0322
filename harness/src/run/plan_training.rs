//! The part of a plan that is about training: settings resolved, rows found.

use super::options::FineTune;
use super::plan_error::PlanError;
use super::train::{Dev, Training, hold_out};
use crate::data::{DataPlaces, Dataset, DatasetOptions};
use crate::plugin::Variant;
use crate::recipe::{DevSource, Point, Recipe, Resolved, Select, Settings};
use crate::record::{FineTuneInputs, RecipeRecord, TrainingRows};
use crate::task::Task;
use std::collections::HashMap;
use std::sync::Arc;

/// Training and development rows, each split read once.
pub(super) struct Splits<'a> {
    places: &'a DataPlaces,
    allow_unverified: bool,
    read: HashMap<(String, String, Option<u64>), Arc<Dataset>>,
}

impl<'a> Splits<'a> {
    pub(super) fn new(places: &'a DataPlaces, allow_unverified: bool) -> Self {
        Self { places, allow_unverified, read: HashMap::new() }
    }

    fn open(
        &mut self,
        task: &Task,
        split: &str,
        limit: Option<u64>,
    ) -> Result<Arc<Dataset>, PlanError> {
        let key = (task.name.clone(), split.to_owned(), limit);
        if let Some(dataset) = self.read.get(&key) {
            return Ok(Arc::clone(dataset));
        }
        let how = DatasetOptions { limit, allow_unverified: self.allow_unverified };
        let dataset = Arc::new(Dataset::open(task, Some(split), self.places, how)?);
        self.read.insert(key, Arc::clone(&dataset));
        Ok(dataset)
    }
}

/// A training with what the cell's key and inputs say of it.
pub(super) struct PlannedTraining {
    /// The recipe's name with what was overridden.
    pub(super) label: String,
    pub(super) training: Training,
    pub(super) inputs: FineTuneInputs,
    pub(super) warnings: Vec<String>,
}

/// Every training of one model for one task: each point of the grid with each seed.
pub(super) fn trainings(
    asked: &FineTune,
    recipe: &Recipe,
    model: &Variant,
    task: &Task,
    reported: &str,
    splits: &mut Splits<'_>,
) -> Result<Vec<PlannedTraining>, PlanError> {
    let no_edits: [Point; 1] = [Vec::new()];
    let points = if asked.points.is_empty() { &no_edits[..] } else { &asked.points };
    let mut all = Vec::new();
    for point in points {
        let resolved = recipe.resolve_with(model, task, point)?;
        let from_recipe = [resolved.settings.seed];
        let seeds = if asked.seeds.is_empty() { &from_recipe[..] } else { &asked.seeds };
        for &seed in seeds {
            all.push(training(asked, &resolved, task, reported, seed, splits)?);
        }
    }
    Ok(all)
}

fn training(
    asked: &FineTune,
    resolved: &Resolved,
    task: &Task,
    reported: &str,
    seed: u64,
    splits: &mut Splits<'_>,
) -> Result<PlannedTraining, PlanError> {
    let settings = Settings { seed, ..resolved.settings.clone() };
    let all = splits.open(task, &settings.train_split, settings.train_limit)?;
    let mut warnings = Vec::new();
    if settings.train_split == reported {
        return Err(PlanError::TrainsOnReported {
            task: task.name.clone(),
            split: reported.into(),
        });
    }
    let rows = |rows: &Dataset, held_out: Option<bool>| TrainingRows {
        split: rows.split().to_owned(),
        sha256: rows.info().sha256.clone(),
        rows: rows.len() as u64,
        part: rows.info().part,
        held_out,
    };
    let (train, dev, train_rows, dev_rows) = match settings.dev_source(task, reported) {
        DevSource::Split(split) => match splits.open(task, &split, None) {
            Ok(dev) => {
                let dev_rows = rows(&dev, None);
                let train_rows = rows(&all, None);
                (all, Some(Dev { rows: dev, label: split }), train_rows, Some(dev_rows))
            }
            Err(error) if settings.select == Select::BestOnDev => return Err(error),
            Err(error) => {
                warnings.push(format!("the split {split} was not looked at: {error}"));
                let train_rows = rows(&all, None);
                (all, None, train_rows, None)
            }
        },
        DevSource::HeldOut(fraction) => {
            let (kept, held) = hold_out(&all, fraction, seed);
            let (train, dev) = (all.pick(&kept), all.pick(&held));
            let train_rows = rows(&train, Some(false));
            let dev_rows = rows(&dev, Some(true));
            let label = format!("{} (held out)", settings.train_split);
            (Arc::new(train), Some(Dev { rows: Arc::new(dev), label }), train_rows, Some(dev_rows))
        }
        DevSource::None if settings.select == Select::BestOnDev => {
            return Err(PlanError::NoDev {
                task: task.name.clone(),
                dev: settings.dev_split,
                reported: reported.into(),
            });
        }
        DevSource::None => {
            let train_rows = rows(&all, None);
            (all, None, train_rows, None)
        }
    };
    warnings.extend(train.warnings().iter().cloned());
    let inputs = FineTuneInputs {
        recipe_version: resolved.version,
        settings: serde_json::to_value(&settings).unwrap_or_default(),
        from_scratch: asked.from_scratch,
        train: train_rows,
        dev: dev_rows,
    };
    let recipe = RecipeRecord {
        name: resolved.recipe.clone(),
        version: resolved.version,
        source: resolved.source.clone(),
        notes: resolved.notes.clone(),
    };
    let training = Training { recipe, settings, seed, train, dev, saving: asked.saving };
    Ok(PlannedTraining { label: resolved.label(), training, inputs, warnings })
}
