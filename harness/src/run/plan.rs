//! From what a user asks to the cells of a run: models x tasks, with everything resolved and hashed, so
//! that nothing is left to decide (or to fail for want of a file) once the first cell has begun.

use super::Checkpoint;
use super::kinds::{head, outputs};
use super::options::{RunOptions, TaskChoice};
use super::plan_error::PlanError;
use crate::data::{DataPlaces, Dataset, DatasetOptions};
use crate::digest::HashCache;
use crate::plugin::{Catalog, Description, Entry, ModelRequest, TokenizerRequest, Variant};
use crate::record::{CellInputs, CellKey, PlannedCell, PluginInfo, WeightsInfo, WeightsSource};
use crate::task::{Label, Registry, Task};
use crate::worker::OpenRequest;
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
    /// What a reader of its numbers should know already.
    pub warnings: Vec<String>,
}

impl PlannedRun {
    /// The task's labels, in the order of the logits.
    pub fn labels(&self) -> &[Label] {
        self.dataset.labels()
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
    let mut tasks = Vec::new();
    for choice in &options.tasks {
        tasks.push(load(options, registry, choice)?);
    }
    let mut cells = Vec::new();
    let mut hashes = HashCache::open();
    for name in &options.models {
        let (entry, variant) = catalog.model(name)?;
        let checkpoint = Checkpoint::resolve(variant, options.checkpoint.as_deref())?;
        check_options(options, entry, variant)?;
        let device = device(&options.device, &entry.description, variant)?;
        let precision = precision(&options.precision, &entry.description, variant)?;
        for (task, ..) in &tasks {
            check_head(task, variant)?;
        }
        // Last, for it may take a second: a checkpoint of a gigabyte is read the first time.
        let library = hashes
            .sha256(&entry.path)
            .map_err(|source| PlanError::Library { path: entry.path.clone(), source })?;
        let weights = checkpoint.sha256(&mut hashes)?.unwrap_or_else(|| library.clone());
        let model = ModelPlan { entry, variant, checkpoint, library, weights, device, precision };
        for (task, split, dataset) in &tasks {
            cells.push(model.cell(options, task, split, dataset));
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
    checkpoint: Checkpoint,
    /// SHA-256 of the plugin library.
    library: String,
    /// SHA-256 of the weights.
    weights: String,
    device: String,
    precision: String,
}

impl ModelPlan<'_> {
    fn cell(
        &self,
        options: &RunOptions,
        task: &Arc<Task>,
        split: &str,
        dataset: &Arc<Dataset>,
    ) -> PlannedRun {
        let directory = self.checkpoint.directory().map(Path::to_path_buf);
        let asked = options.max_seq_len.unwrap_or(task.max_seq_len);
        // A model without so many positions is given what it has, and the record says so.
        let max_seq_len = self.variant.max_seq_len.map_or(asked, |limit| asked.min(limit));
        let mut warnings = dataset.warnings().to_vec();
        if max_seq_len < asked {
            warnings.push(format!(
                "{} has {max_seq_len} positions: rows are cut there, not at {asked}",
                self.variant.name
            ));
        }
        let inputs = CellInputs {
            key: CellKey {
                model: self.variant.name.clone(),
                task: task.name.clone(),
                task_version: task.version,
                split: split.into(),
                recipe: None,
                seed: None,
            },
            plugin: PluginInfo {
                name: self.entry.description.name.clone(),
                version: self.entry.description.version.clone(),
                sha256: self.library.clone(),
            },
            weights: WeightsInfo {
                source: match self.checkpoint {
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
            precision: self.precision.clone(),
            device: self.device.clone(),
            threads: options.threads,
            options: options.plugin_options.clone(),
            harness_version: crate::VERSION.into(),
        };
        let tokenizer = TokenizerRequest {
            variant: self.variant.name.clone(),
            checkpoint: directory.clone(),
            options: options.plugin_options.clone(),
        };
        let model = ModelRequest {
            variant: self.variant.name.clone(),
            checkpoint: directory,
            head: head(task.kind),
            num_labels: outputs(task.kind, dataset.labels().len()),
            device: self.device.clone(),
            precision: self.precision.clone(),
            threads: options.threads,
            new_head: false,
            seed: 0,
            check: false,
            from_scratch: false,
            weights: None,
            options: options.plugin_options.clone(),
        };
        PlannedRun {
            inputs,
            task: Arc::clone(task),
            dataset: Arc::clone(dataset),
            open: OpenRequest { library: self.entry.path.clone(), tokenizer, model },
            batch_tokens: options.batch_tokens,
            warnings,
        }
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
fn precision(asked: &str, d: &Description, variant: &Variant) -> Result<String, PlanError> {
    match asked {
        "auto" => Ok(d.precisions.first().cloned().unwrap_or_else(|| "f32".into())),
        p if d.precisions.iter().any(|x| x == p) => Ok(p.into()),
        p => Err(not_offered(d, variant, "precision", p, d.precisions.clone())),
    }
}

/// Options that the plugin does not know would be refused in the middle of a run.
fn check_options(options: &RunOptions, entry: &Entry, variant: &Variant) -> Result<(), PlanError> {
    let d = &entry.description;
    for (name, value) in &options.plugin_options {
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
        assert_eq!(precision("auto", &offers(&[], &["bf16", "f32"]), &v).unwrap(), "bf16");
        let refused = precision("bf16", &offers(&[], &["f32"]), &v).unwrap_err();
        assert!(refused.hint().unwrap().contains("--precision f32"));
    }
}
