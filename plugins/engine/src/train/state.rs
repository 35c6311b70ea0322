//! What a resumed run needs beside the weights: training_state.json and training_state.safetensors.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::adalomo::Moment;
use super::trainer::{Rule, Trainer};
use crate::checkpoint::{Checkpoint, SaveDtype, Tensor, write_atomically, write_safetensors};
use crate::error::{EngineError, Result};
use crate::param::ParamStore;

const COUNTERS: &str = "training_state.json";
const TENSORS: &str = "training_state.safetensors";
const VERSION: u32 = 1;

/// The numbers of a state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counters {
    version: u32,
    optimizer: String,
    seed: u64,
    passes: u32,
    steps: u64,
}

impl Trainer {
    /// Writes the state into `directory`: the optimiser's moments under transformers' names of tensors
    /// (`exp_avg.NAME`), seed and counts, and the weights in full precision (`master.NAME`) where they are saved as
    /// less.
    ///
    /// # Errors
    /// [`EngineError::Write`]; [`EngineError::Input`] between the passes of an accumulated step, whose
    /// gradients are not saved.
    pub fn save_state(&self, directory: &Path, params: &ParamStore) -> Result<()> {
        if self.waiting {
            return Err(EngineError::Input(
                "gradients wait for their update, and are not saved: save behind a step that does not \
                 accumulate"
                    .into(),
            ));
        }
        let guards: Vec<_> = params.iter().map(|param| param.read()).collect();
        let weights = guards.iter().map(|values| values.host()).collect::<Result<Vec<_>>>()?;
        #[cfg(feature = "cuda")]
        let on_host;
        let rule = match &self.rule {
            #[cfg(feature = "cuda")]
            Rule::Device(own) => {
                on_host = own.download(&self.settings.optimizer, &self.segments)?;
                &on_host
            }
            rule => rule,
        };
        let mut tensors = Vec::new();
        if self.settings.save_dtype != SaveDtype::F32 {
            for (values, own) in weights.iter().zip(&self.segments) {
                for segment in own {
                    let values = &values[segment.range.clone()];
                    tensors.push(tensor("master", &segment.name, segment.shape.clone(), values));
                }
            }
        }
        self.each_moment(rule, |_, kind, segment, shape, values| {
            tensors.push(tensor(kind, segment, shape, values));
            Ok(())
        })?;
        write_safetensors(&directory.join(TENSORS), tensors, SaveDtype::F32)?;
        let counters = Counters {
            version: VERSION,
            optimizer: self.settings.optimizer.name().to_owned(),
            seed: self.seed,
            passes: self.passes,
            steps: self.steps,
        };
        let json = serde_json::to_vec_pretty(&counters)
            .map_err(|e| EngineError::Internal(e.to_string()))?;
        write_atomically(&directory.join(COUNTERS), |file| std::io::Write::write_all(file, &json))
    }

    /// Reads and checks the state in `directory`, and nothing is changed yet.
    ///
    /// # Errors
    /// [`EngineError::Io`] for files that are missing, [`EngineError::Checkpoint`] for those of another model,
    /// optimiser or version.
    pub fn open_state(&self, directory: &Path) -> Result<SavedState> {
        let path = directory.join(COUNTERS);
        let origin = path.display().to_string();
        let json = std::fs::read(&path).map_err(|source| EngineError::Io { path, source })?;
        let counters: Counters = serde_json::from_slice(&json).map_err(|e| {
            EngineError::checkpoint(&origin, format!("not a training state: {e}; save it again"))
        })?;
        let own = self.settings.optimizer.name();
        if counters.version != VERSION || counters.optimizer != own {
            return Err(EngineError::checkpoint(
                &origin,
                format!(
                    "version {} of {}'s state, but training began with {own}, whose state has version \
                     {VERSION}; begin with the settings of the run that saved it",
                    counters.version, counters.optimizer
                ),
            ));
        }
        let tensors = Checkpoint::open_file(&directory.join(TENSORS))?;
        let fits = |name: &str, shape: &[usize]| {
            let found = tensors.shape(name);
            match found {
                Some(found) if found == shape => Ok(()),
                found => Err(EngineError::checkpoint(
                    tensors.origin(),
                    format!(
                        "{name} is {}, but training needs {shape:?}: the state belongs to another model, or to a \
                         run that froze other tensors",
                        found.map_or("missing".to_owned(), |shape| format!("{shape:?}"))
                    ),
                )),
            }
        };
        // Shapes are those of the CPU's optimiser, wherever this one is.
        #[cfg(feature = "cuda")]
        let on_host;
        let rule = match &self.rule {
            #[cfg(feature = "cuda")]
            Rule::Device(_) => {
                on_host = Rule::host(&self.settings.optimizer, &self.segments)?;
                &on_host
            }
            rule => rule,
        };
        let each =
            |kind: &str, segment: &str, shape: &[usize]| fits(&format!("{kind}.{segment}"), shape);
        self.each_moment(rule, |_, kind, segment, shape, _| each(kind, segment, &shape))?;
        if self.settings.save_dtype != SaveDtype::F32 {
            for segment in self.segments.iter().flatten() {
                fits(&format!("master.{}", segment.name), &segment.shape)?;
            }
        }
        Ok(SavedState { counters, tensors })
    }

    /// Takes over a state that [`Trainer::open_state`] has checked; the weights were loaded before.
    ///
    /// # Errors
    /// [`EngineError::Io`] or [`EngineError::Checkpoint`] for a file that changed meanwhile.
    pub fn take_state(&mut self, state: &SavedState, params: &ParamStore) -> Result<()> {
        let read = |name: String, values: &mut [f32]| state.tensors.read_named(&name, values);
        if self.settings.save_dtype != SaveDtype::F32 {
            for (param, own) in params.iter().zip(&self.segments) {
                let mut host = param.read().host()?.into_owned();
                for segment in own {
                    let name = format!("master.{}", segment.name);
                    read(name, &mut host[segment.range.clone()])?;
                }
                param.set(&host)?;
            }
        }
        #[cfg(feature = "cuda")]
        let mut on_host = match &self.rule {
            Rule::Device(_) => Some(Rule::host(&self.settings.optimizer, &self.segments)?),
            _ => None,
        };
        #[cfg(feature = "cuda")]
        let rule = on_host.as_mut().unwrap_or(&mut self.rule);
        #[cfg(not(feature = "cuda"))]
        let rule = &mut self.rule;
        for (index, own) in self.segments.iter().enumerate() {
            for (part, segment) in own.iter().enumerate().filter(|(_, segment)| !segment.frozen) {
                let name = |kind: &str| format!("{kind}.{}", segment.name);
                match &mut *rule {
                    Rule::AdamW(rule) => {
                        if let Some(moments) = &mut rule.moments[index] {
                            let range = segment.range.clone();
                            read(name("exp_avg"), &mut moments.first[range.clone()])?;
                            read(name("exp_avg_sq"), &mut moments.second[range])?;
                            moments.replaced();
                        }
                    }
                    Rule::AdaLomo(rule) => match &mut rule.moments[index][part] {
                        Moment::Factored { rows, columns } => {
                            read(name("exp_avg_sq_row"), rows)?;
                            read(name("exp_avg_sq_col"), columns)?;
                        }
                        Moment::Full(all) => read(name("exp_avg_sq"), all)?,
                        Moment::None => {}
                    },
                    #[cfg(feature = "cuda")]
                    Rule::Device(_) => {}
                }
            }
        }
        #[cfg(feature = "cuda")]
        if let (Some(host), Rule::Device(own)) = (&mut on_host, &mut self.rule) {
            own.upload(host)?;
        }
        self.loaded();
        let Counters { seed, passes, steps, .. } = state.counters;
        (self.seed, self.passes, self.steps) = (seed, passes, steps);
        Ok(())
    }

    /// Every tensor of the optimiser's state: parameter, kind, name of the tensor, shape, values.
    fn each_moment<'a>(
        &'a self,
        rule: &'a Rule,
        mut f: impl FnMut(usize, &'static str, &'a str, Vec<usize>, &'a [f32]) -> Result<()>,
    ) -> Result<()> {
        for (index, own) in self.segments.iter().enumerate() {
            for (part, segment) in own.iter().enumerate().filter(|(_, segment)| !segment.frozen) {
                let (name, shape) = (segment.name.as_str(), &segment.shape);
                match rule {
                    Rule::AdamW(rule) => {
                        if let Some(moments) = &rule.moments[index] {
                            let range = segment.range.clone();
                            f(
                                index,
                                "exp_avg",
                                name,
                                shape.clone(),
                                &moments.first[range.clone()],
                            )?;
                            f(index, "exp_avg_sq", name, shape.clone(), &moments.second[range])?;
                        }
                    }
                    Rule::AdaLomo(rule) => match &rule.moments[index][part] {
                        Moment::Factored { rows, columns } => {
                            f(index, "exp_avg_sq_row", name, vec![rows.len()], rows)?;
                            f(index, "exp_avg_sq_col", name, vec![columns.len()], columns)?;
                        }
                        Moment::Full(all) => f(index, "exp_avg_sq", name, vec![all.len()], all)?,
                        Moment::None => {}
                    },
                    #[cfg(feature = "cuda")]
                    Rule::Device(_) => {}
                }
            }
        }
        Ok(())
    }
}

/// A state on disk that fits a trainer.
#[derive(Debug)]
pub struct SavedState {
    counters: Counters,
    tensors: Checkpoint,
}

fn tensor<'a>(kind: &str, name: &str, shape: Vec<usize>, values: &'a [f32]) -> Tensor<'a> {
    Tensor { name: format!("{kind}.{name}"), shape, values }
}
