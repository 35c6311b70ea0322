//! From what a user asks to the cells of a run: models x tasks, with everything resolved and hashed, so
//! that nothing is left to decide (or to fail for want of a file) once the first cell has begun.

use super::Checkpoint;
use super::bundled;
use super::kinds::{head, outputs};
use super::options::{RunOptions, TaskChoice};
use super::plan_error::PlanError;
use super::plan_training::{PlannedTraining, Splits, trainings};
use super::train::Training;
use crate::data::{DataPlaces, Dataset, DatasetOptions};
use crate::digest::HashCache;
use crate::plugin::{Catalog, Description, Entry, ModelRequest, TokenizerRequest, Variant};
use crate::recipe::Library;
use crate::record::{CellInputs, CellKey, PlannedCell, PluginInfo, WeightsInfo, WeightsSource};
use crate::task::{QaOptions, Registry, Task};
use crate::worker::{Encoding, OpenRequest};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A run that is ready to be executed.
#[derive(Debug)]
pub struct Plan {
    /// The cells, in order: all tasks of a model before the next model.
    pub cells: Vec<PlannedRun>,
    /// Do cells again that are done.
    pub rerun: bool,
    /// Compare predictions of done cells with their recorded hash.
    pub verify: bool,
    /// How long a plugin may make no progress.
    pub hang_limit: Duration,
}

/// A cell that is ready to be evaluated.
#[derive(Debug)]
pub struct PlannedRun {
    /// Everything that decides its numbers.
    pub inputs: CellInputs,
    /// The task.
    pub task: Arc<Task>,
    /// The rows.
    pub dataset: Arc<Dataset>,
    /// What a worker has to open.
    pub open: OpenRequest,
    /// Tokens a batch.
    pub batch_tokens: u64,
    /// How the model is trained first, if it is.
    pub training: Option<Training>,
    /// What a reader of its numbers should know already.
    pub warnings: Vec<String>,
}

impl PlannedRun {
    /// How its rows become sequences.
    pub(super) fn encoding(&self) -> Encoding {
        let mut qa: QaOptions = self.task.qa.unwrap_or_default();
        if let Some(settings) = self.training.as_ref().map(|training| &training.settings) {
            qa.doc_stride = settings.doc_stride.unwrap_or(qa.doc_stride);
            qa.max_question_len = settings.max_question_len.unwrap_or(qa.max_question_len);
        }
        Encoding::new(self.inputs.max_seq_len, qa)
    }
}

impl Plan {
    /// The plan as `run.json` has it.
    pub fn record(&self) -> Vec<PlannedCell> {
        self.cells.iter().map(|c| PlannedCell::new(&c.inputs)).collect()
    }
}

/// Plans a run: every model on every task.
///
/// # Errors
/// See [`PlanError`].
pub fn plan(
    options: &RunOptions,
    catalog: &Catalog,
    registry: &Registry,
) -> Result<Plan, PlanError> {
    if options.checkpoint.is_some() && options.models.len() > 1 {
        return Err(PlanError::OneCheckpoint { models: options.models.len() });
    }
    let recipe = match &options.fine_tune {
        Some(asked) => Some((asked, Library::load()?.get(&asked.recipe)?)),
        None => None,
    };
    let mut loaded = Vec::new();
    for choice in &options.tasks {
        loaded.push((choice, load(options, registry, choice)?));
    }
    let places = DataPlaces::new(options.data_dir.as_deref());
    let mut splits = Splits::new(&places, options.allow_unverified);
    let mut cells = Vec::new();
    let mut hashes = HashCache::open();
    for name in &options.models {
        let (entry, variant) = catalog.model(name)?;
        let tasks = loaded.iter().filter(|(choice, _)| !choice.except.contains(&variant.name));
        let tasks: Vec<&Loaded> = tasks.map(|(_, task)| task).collect();
        if recipe.is_some() && !entry.description.trains {
            let (model, plugin) = (variant.name.clone(), entry.description.name.clone());
            return Err(PlanError::DoesNotTrain { model, plugin });
        }
        let checkpoint = Checkpoint::resolve(variant, options.checkpoint.as_deref())?;
        check_options(&options.plugin_options, entry, variant)?;
        let device = device(&options.device, &entry.description, variant)?;
        // What a variant lists are the heads of its bundled weights, which these do not ask for.
        let from_scratch = options.fine_tune.as_ref().is_some_and(|asked| asked.from_scratch);
        if !from_scratch && checkpoint.directory().is_none_or(|_| !variant.bundled) {
            for (task, ..) in &tasks {
                check_head(task, variant)?;
            }
        }
        let mut planned = Vec::new();
        for (task, split, dataset) in tasks {
            match &recipe {
                None => planned.push((task, split, dataset, None)),
                Some((asked, recipe)) => planned.extend(
                    trainings(asked, recipe, variant, task, split, &mut splits)?
                        .into_iter()
                        .map(|training| (task, split, dataset, Some(training))),
                ),
            }
        }
        // Last, for it may take a second: a checkpoint of a gigabyte is read the first time.
        let library = hashes
            .sha256(&entry.path)
            .map_err(|source| PlanError::Library { path: entry.path.clone(), source })?;
        let weights = checkpoint.sha256(&mut hashes)?.unwrap_or_else(|| library.clone());
        let model = ModelPlan { entry, variant, registry, checkpoint, library, weights, device };
        for (task, split, dataset, training) in planned {
            cells.push(model.cell(options, task, split, dataset, training)?);
        }
    }
    hashes.save();
    Ok(Plan { cells, rerun: options.rerun, verify: options.verify, hang_limit: options.hang_limit })
}

type Loaded = (Arc<Task>, String, Arc<Dataset>);

fn load(
    options: &RunOptions,
    registry: &Registry,
    choice: &TaskChoice,
) -> Result<Loaded, PlanError> {
    let task = Arc::new(registry.get(&choice.task)?);
    let split = choice.split.clone().unwrap_or_else(|| task.report.clone());
    let places = DataPlaces::new(options.data_dir.as_deref());
    let how = DatasetOptions { limit: options.limit, allow_unverified: options.allow_unverified };
    let dataset = Dataset::open(&task, Some(&split), &places, how)?;
    Ok((task, split, Arc::new(dataset)))
}

/// A model with everything resolved.
struct ModelPlan<'a> {
    entry: &'a Entry,
    variant: &'a Variant,
    registry: &'a Registry,
    checkpoint: Checkpoint,
    /// SHA-256 of the plugin library.
    library: String,
    /// SHA-256 of the weights.
    weights: String,
    device: String,
}

impl ModelPlan<'_> {
    fn cell(
        &self,
        options: &RunOptions,
        task: &Arc<Task>,
        split: &str,
        dataset: &Arc<Dataset>,
        planned: Option<PlannedTraining>,
    ) -> Result<PlannedRun, PlanError> {
        let settings = planned.as_ref().map(|planned| &planned.training.settings);
        let from_scratch = planned.as_ref().is_some_and(|planned| planned.inputs.from_scratch);
        let precision = options
            .precision
            .as_deref()
            .or_else(|| settings.and_then(|settings| settings.precision.as_deref()));
        let precision =
            precision_of(precision.unwrap_or("f32"), &self.entry.description, self.variant)?;
        let mut plugin_options = settings.map(|s| s.plugin_options.clone()).unwrap_or_default();
        plugin_options.extend(options.plugin_options.clone());
        check_options(&plugin_options, self.entry, self.variant)?;
        let directory = self.checkpoint.directory().map(Path::to_path_buf);
        let asked = options
            .max_seq_len
            .or_else(|| settings.and_then(|settings| settings.max_seq_len))
            .unwrap_or(task.max_seq_len);
        // A model without so many positions is given what it has, and the record says so.
        let max_seq_len = self.variant.max_seq_len.map_or(asked, |limit| asked.min(limit));
        let mut warnings = dataset.warnings().to_vec();
        if max_seq_len < asked {
            warnings.push(format!(
                "{} has {max_seq_len} positions: rows are cut there, not at {asked}",
                self.variant.name
            ));
        }
        let seed = planned.as_ref().map(|planned| planned.training.seed);
        let (recipe, training, fine_tune) = match planned {
            None => (None, None, None),
            Some(PlannedTraining { label, training, inputs, warnings: said }) => {
                warnings.extend(said);
                (Some(label), Some(training), Some(inputs))
            }
        };
        let weights = if self.checkpoint == Checkpoint::Bundled && !from_scratch {
            let chosen = bundled::choose(self.variant, task, self.registry, fine_tune.is_some())?;
            warnings.extend(chosen.warning);
            chosen.name
        } else {
            None
        };
        let inputs = CellInputs {
            key: CellKey {
                model: self.variant.name.clone(),
                task: task.name.clone(),
                task_version: task.version,
                split: split.into(),
                recipe,
                seed,
            },
            plugin: PluginInfo {
                name: self.entry.description.name.clone(),
                version: self.entry.description.version.clone(),
                sha256: self.library.clone(),
            },
            weights: WeightsInfo {
                source: match self.checkpoint {
                    _ if from_scratch => WeightsSource::Random,
                    Checkpoint::Bundled => WeightsSource::Bundled,
                    Checkpoint::Directory(_) => WeightsSource::Directory,
                },
                checkpoint: directory
                    .as_ref()
                    .map(|d| options.checkpoint.clone().unwrap_or(d.display().to_string())),
                sha256: self.weights.clone(),
            },
            data: dataset.info().clone(),
            limit: options.limit,
            max_seq_len,
            precision: precision.clone(),
            device: self.device.clone(),
            threads: options.threads,
            options: plugin_options.clone(),
            harness_version: crate::VERSION.into(),
            fine_tune,
        };
        let tokenizer = TokenizerRequest {
            variant: self.variant.name.clone(),
            checkpoint: directory.clone(),
            options: plugin_options.clone(),
        };
        let model = ModelRequest {
            variant: self.variant.name.clone(),
            checkpoint: directory,
            head: head(task.kind),
            num_labels: outputs(task.kind, dataset.labels().len()),
            device: self.device.clone(),
            precision,
            threads: options.threads,
            new_head: training.is_some(),
            seed: seed.unwrap_or_default(),
            check: false,
            from_scratch,
            weights,
            options: plugin_options,
        };
        Ok(PlannedRun {
            inputs,
            task: Arc::clone(task),
            dataset: Arc::clone(dataset),
            open: OpenRequest { library: self.entry.path.clone(), tokenizer, model },
            batch_tokens: options.batch_tokens,
            training,
            warnings,
        })
    }
}

fn not_offered(
    d: &Description,
    variant: &Variant,
    what: &str,
    asked: &str,
    offered: Vec<String>,
) -> PlanError {
    PlanError::NotOffered {
        model: variant.name.clone(),
        plugin: d.name.clone(),
        what: what.into(),
        asked: asked.into(),
        offered,
    }
}

/// Whether a model has the head that a task needs. A plugin that names no heads is asked when the model is
/// opened.
fn check_head(task: &Task, variant: &Variant) -> Result<(), PlanError> {
    let head = head(task.kind).name();
    if variant.heads.is_empty() || variant.heads.iter().any(|known| known == head) {
        return Ok(());
    }
    Err(PlanError::Head {
        model: variant.name.clone(),
        task: task.name.clone(),
        kind: task.kind.name(),
        head,
        heads: variant.heads.clone(),
    })
}

/// The device that is meant. `auto` is the first GPU for a plugin that was built for one, else the CPU.
fn device(asked: &str, d: &Description, variant: &Variant) -> Result<String, PlanError> {
    let has = |kind: &str| d.devices.iter().any(|x| x == kind);
    let kind = match asked {
        "auto" => return Ok(if has("cuda") { "cuda:0".into() } else { "cpu".into() }),
        "cpu" => "cpu",
        other => match other.strip_prefix("cuda:").map(str::parse::<u32>) {
            Some(Ok(_)) => "cuda",
            _ => return Err(PlanError::Device { device: other.into() }),
        },
    };
    if has(kind) {
        Ok(asked.into())
    } else {
        Err(not_offered(d, variant, "device", asked, d.devices.clone()))
    }
}

/// The precision that is meant. `auto` is what the plugin names first.
fn precision_of(asked: &str, d: &Description, variant: &Variant) -> Result<String, PlanError> {
    match asked {
        "auto" => Ok(d.precisions.first().cloned().unwrap_or_else(|| "f32".into())),
        p if d.precisions.iter().any(|x| x == p) => Ok(p.into()),
        p => Err(not_offered(d, variant, "precision", p, d.precisions.clone())),
    }
}

/// Options that the plugin does not know would be refused in the middle of a run.
fn check_options(
    options: &BTreeMap<String, String>,
    entry: &Entry,
    variant: &Variant,
) -> Result<(), PlanError> {
    let d = &entry.description;
    for (name, value) in options {
        let Some(known) = d.options.iter().find(|o| o.name == *name) else {
            let all = d.options.iter().map(|o| o.name.clone()).collect();
            return Err(not_offered(d, variant, "option", name, all));
        };
        if !known.values.is_empty() && !known.values.contains(value) {
            return Err(not_offered(
                d,
                variant,
                &format!("value of {name}"),
                value,
                known.values.clone(),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint as _;

    fn offers(devices: &[&str], precisions: &[&str]) -> Description {
        let mut d = Description::new("p", "1");
        d.devices = devices.iter().map(ToString::to_string).collect();
        d.precisions = precisions.iter().map(ToString::to_string).collect();
        d
    }

    #[test]
    fn a_task_whose_head_a_model_lacks_is_refused_with_the_heads_that_it_has() {
        let mut task = Registry::load(&[]).unwrap().get("nsmc").unwrap();
        let mut model = Variant::new("m", "none");
        check_head(&task, &model).unwrap();
        task.kind = crate::task::Kind::ExtractiveQa;
        let error = check_head(&task, &model).unwrap_err().to_string();
        assert_eq!(
            error,
            "nsmc (extractive_qa) needs a model with a span head, and m has these heads: sequence"
        );
        model.heads.clear();
        check_head(&task, &model).unwrap();
    }

    #[test]
    fn auto_takes_what_the_plugin_was_built_for() {
        let v = Variant::new("m", "none");
        assert_eq!(device("auto", &offers(&["cpu"], &[]), &v).unwrap(), "cpu");
        assert_eq!(device("auto", &offers(&["cpu", "cuda"], &[]), &v).unwrap(), "cuda:0");
        assert_eq!(device("cuda:1", &offers(&["cpu", "cuda"], &[]), &v).unwrap(), "cuda:1");
        assert!(device("cuda:0", &offers(&["cpu"], &[]), &v).is_err());
        assert!(matches!(device("gpu", &offers(&["cpu"], &[]), &v), Err(PlanError::Device { .. })));
        assert_eq!(precision_of("auto", &offers(&[], &["bf16", "f32"]), &v).unwrap(), "bf16");
        let refused = precision_of("bf16", &offers(&[], &["f32"]), &v).unwrap_err();
        assert!(refused.hint().unwrap().contains("--precision f32"));
    }
}
