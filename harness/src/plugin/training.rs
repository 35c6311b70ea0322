//! The training calls of a model.
#![expect(unsafe_code, reason = "calls foreign code")]

use super::encoded::Encoded;
use super::error::CallError;
use super::handles::{Model, abi_head, error, required, unsupported};
use super::host::call;
use super::{Head, StepArguments, StepOutcome, Targets};
use kobench_plugin_abi::{self as abi, AbiStruct as _, Str};
use std::path::Path;

/// Whether there are targets for `n` sequences, and none that the call would read beyond.
fn fits(targets: &Targets<'_>, n: usize) -> bool {
    match targets {
        Targets::Class(classes) => classes.len() == n,
        Targets::Real(reals) => reals.len() == n,
        Targets::Word { classes, cu_words } => {
            cu_words.len() == n + 1 && cu_words.is_sorted() && cu_words[n] == classes.len() as u64
        }
        Targets::Span { starts, ends } => starts.len() == n && ends.len() == n,
    }
}

fn to_abi(given: Targets<'_>) -> abi::Targets {
    let mut targets = abi::Targets::zeroed();
    match given {
        Targets::Class(classes) => {
            (targets.kind, targets.classes) = (abi::TARGET_CLASS, classes.as_ptr());
        }
        Targets::Real(reals) => {
            (targets.kind, targets.reals) = (abi::TARGET_REAL, reals.as_ptr());
        }
        Targets::Word { classes, cu_words } => {
            (targets.kind, targets.classes) = (abi::TARGET_WORD, classes.as_ptr());
            targets.cu_words = cu_words.as_ptr();
        }
        Targets::Span { starts, ends } => {
            (targets.kind, targets.starts) = (abi::TARGET_SPAN, starts.as_ptr());
            targets.ends = ends.as_ptr();
        }
    }
    targets
}

impl Model {
    /// Everything random from here on follows from `seed`.
    ///
    /// # Errors
    /// The plugin's.
    pub fn seed(&mut self, seed: u64) -> Result<(), CallError> {
        let set = required!(self.vtable(), model_seed);
        // SAFETY: a handle that is open.
        call("model_seed", |e| unsafe { set(self.as_ptr(), seed, e) })
    }

    /// Makes ready to train; `settings` is the JSON document of the interface.
    ///
    /// # Errors
    /// The plugin's.
    pub fn train_begin(&mut self, settings: &str) -> Result<(), CallError> {
        let begin = required!(self.vtable(), train_begin);
        // SAFETY: a handle that is open, and a text that lives as long as the call.
        call("train_begin", |e| unsafe { begin(self.as_ptr(), Str::new(settings), e) })
    }

    /// One step on the sequences `indices`.
    ///
    /// # Errors
    /// The plugin's; targets that are not those of as many sequences.
    pub fn train_step(
        &mut self,
        encoded: &Encoded,
        indices: &[u64],
        head: Head,
        targets: Targets<'_>,
        options: StepArguments,
    ) -> Result<StepOutcome, CallError> {
        let train = required!(self.vtable(), train_step);
        if !fits(&targets, indices.len()) {
            let message = format!("the targets are not those of {} sequences", indices.len());
            return Err(error("train_step", abi::E_INVALID_ARGUMENT, message));
        }
        let targets = to_abi(targets);
        let mut step = abi::Step::zeroed();
        step.flags = if options.accumulate { abi::STEP_ACCUMULATE } else { 0 };
        (step.learning_rate, step.loss_scale) = (options.learning_rate, options.loss_scale);
        // SAFETY: handles that are open, arrays with their lengths (checked above).
        call("train_step", |e| unsafe {
            train(
                self.as_ptr(),
                encoded.as_ptr(),
                indices.as_ptr(),
                indices.len(),
                abi_head(head),
                &raw const targets,
                &raw mut step,
                e,
            )
        })?;
        Ok(StepOutcome { loss: step.loss, grad_norm: step.grad_norm })
    }

    /// Frees what training needed.
    ///
    /// # Errors
    /// The plugin's.
    pub fn train_end(&mut self) -> Result<(), CallError> {
        let end = required!(self.vtable(), train_end);
        // SAFETY: a handle that is open.
        call("train_end", |e| unsafe { end(self.as_ptr(), e) })
    }

    /// Writes the model into a directory; with `training_state` also what a resumed run needs.
    ///
    /// # Errors
    /// The plugin's; a path that is not UTF-8.
    pub fn save(&mut self, directory: &Path, training_state: bool) -> Result<(), CallError> {
        let save = required!(self.vtable(), model_save);
        let path = utf8("model_save", directory)?;
        let flags = if training_state { abi::STATE_TRAINING } else { 0 };
        // SAFETY: a handle that is open, and a text that lives as long as the call.
        call("model_save", |e| unsafe { save(self.as_ptr(), Str::new(path), flags, e) })
    }

    /// Reads back what [`Model::save`] wrote.
    ///
    /// # Errors
    /// The plugin's; a path that is not UTF-8.
    pub fn load(&mut self, directory: &Path, training_state: bool) -> Result<(), CallError> {
        let load = required!(self.vtable(), model_load);
        let path = utf8("model_load", directory)?;
        let flags = if training_state { abi::STATE_TRAINING } else { 0 };
        // SAFETY: a handle that is open, and a text that lives as long as the call.
        call("model_load", |e| unsafe { load(self.as_ptr(), Str::new(path), flags, e) })
    }
}

fn utf8<'a>(call: &'static str, path: &'a Path) -> Result<&'a str, CallError> {
    path.to_str().ok_or_else(|| {
        let message = format!("{}: this path is not UTF-8", path.display());
        error(call, abi::E_INVALID_ARGUMENT, message)
    })
}

#[cfg(test)]
mod tests {
    use super::{Targets, fits};

    #[test]
    fn targets_of_another_number_of_sequences_never_reach_a_plugin() {
        assert!(fits(&Targets::Class(&[0, 1]), 2) && !fits(&Targets::Class(&[0]), 2));
        assert!(!fits(&Targets::Real(&[0.5]), 0));
        let word = |classes, cu_words| fits(&Targets::Word { classes, cu_words }, 2);
        assert!(word(&[0, 1, 2], &[0, 2, 3]));
        assert!(!word(&[0, 1, 2], &[0, 3]));
        assert!(!word(&[0, 1], &[0, 2, 3]));
        assert!(!word(&[0, 1, 2], &[0, 4, 3]));
        assert!(!fits(&Targets::Span { starts: &[0], ends: &[] }, 1));
    }
}
