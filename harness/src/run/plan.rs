//! From what a user asks to the cells of a run: models x tasks, with everything resolved and hashed, so
//! that nothing is left to decide (or to fail for want of a file) once the first cell has begun.

use super::Checkpoint;
use super::ask::How;
use super::bundled;
use super::kinds::{head, outputs};
use super::offered::{CPU, CUDA, check_head, check_options, device, precision_of};
use super::options::{CPU_BATCH_TOKENS, RunOptions, TaskChoice};
use super::plan_error::PlanError;
use super::plan_training::{PlannedTraining, Splits, trainings};
use super::train::Training;
use crate::data::{DataPlaces, Dataset, DatasetOptions};
use crate::digest::HashCache;
use crate::gpu::{DeviceStats, Devices};
use crate::plugin::{Catalog, Entry, ModelRequest, TokenizerRequest, Variant};
use crate::recipe::Library;
use crate::record::{CellInputs, CellKey, PlannedCell, PluginInfo, WeightsInfo, WeightsSource};
use crate::task::{QaOptions, Registry, Task};
use crate::worker::{Encoding, OpenRequest};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A run that is ready to be executed.
#[derive(Debug)]
pub struct Plan {
    /// The cells, in order: all tasks of a model before the next model.
    pub cells: Vec<PlannedRun>,
    /// The GPUs, for cells that run on one, as plugins are told them; never empty.
    pub gpus: Vec<String>,
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
    /// Tokens a batch, where the user said how many.
    pub batch_tokens: Option<u64>,
    /// Whether the CPU will do where the GPU does not.
    pub may_fall_back: bool,
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

    /// Whether it runs on a GPU.
    pub(crate) fn on_gpu(&self) -> bool {
        self.inputs.device == CUDA
    }

    /// What a worker has to open on one of the GPUs; the CPU's cells do not ask for one.
    pub(super) fn open_on(&self, gpu: &str) -> OpenRequest {
        let mut open = self.open.clone();
        if self.on_gpu() {
            open.model.device = gpu.into();
        }
        open
    }

    /// The cell on the CPU after all.
    pub(super) fn fall_back(&mut self) {
        self.inputs.device = CPU.into();
        self.open.model.device = CPU.into();
        self.may_fall_back = false;
    }

    /// How its rows go through a model that says this of itself.
    pub(crate) fn how(&self, stats: &DeviceStats) -> How {
        let of_device = stats.batch_tokens.filter(|_| self.on_gpu());
        How {
            encoding: self.encoding(),
            batch_tokens: self.batch_tokens.or(of_device).unwrap_or(CPU_BATCH_TOKENS),
            overlap: self.on_gpu(),
        }
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
    let places = DataPlaces::new(options.data_dir.as_deref());
    let mut loaded = Vec::new();
    for choice in &options.tasks {
        loaded.push((choice, load(options, registry, choice, &places)?));
    }
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
        let device = device(&options.devices, &entry.description, variant)?;
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
    let gpus = match &options.devices {
        // No cell of these runs on a GPU, or it is the first one.
        Devices::Auto | Devices::Cpu => Devices::Auto.names(),
        gpus @ Devices::Cuda(_) => gpus.names(),
    };
    let RunOptions { rerun, verify, hang_limit, .. } = *options;
    Ok(Plan { cells, gpus, rerun, verify, hang_limit })
}

type Loaded = (Arc<Task>, String, Arc<Dataset>);

fn load(
    options: &RunOptions,
    registry: &Registry,
    choice: &TaskChoice,
    places: &DataPlaces,
) -> Result<Loaded, PlanError> {
    let task = Arc::new(registry.get(&choice.task)?);
    let split = choice.split.clone().unwrap_or_else(|| task.report.clone());
    let how = DatasetOptions { limit: options.limit, allow_unverified: options.allow_unverified };
    let dataset = Dataset::open(&task, Some(&split), places, how)?;
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
    /// The kind of device.
    device: &'static str,
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
            device: self.device.into(),
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
            // Which GPU it is, is said when a worker takes the cell.
            device: self.device.into(),
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
            may_fall_back: options.devices == Devices::Auto && self.device == CUDA,
            training,
            warnings,
        })
    }
}
