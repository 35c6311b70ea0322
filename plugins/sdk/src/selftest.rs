//! What a self-test is asked for, and what it writes: the JSON of the call `selftest`.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What is to be checked or measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelftestRequest {
    /// `auto`, `cpu`, or `cuda:N`.
    pub device: String,
    /// Precisions to compute in, each by its name.
    pub precisions: Vec<String>,
    /// Names of checks or of groups of them; none: all.
    #[serde(default)]
    pub only: Vec<String>,
    /// Checks to leave out: those that an earlier process has done, or did not survive.
    #[serde(default)]
    pub skip: Vec<CheckId>,
    /// What everything random follows from.
    #[serde(default)]
    pub seed: u64,
    /// Whether to name the checks and run none.
    #[serde(default)]
    pub list: bool,
    /// What to measure in place of checks.
    #[serde(default)]
    pub speed: Option<SpeedRequest>,
}

impl SelftestRequest {
    /// Whether the check of that name and precision is asked for.
    pub fn wants(&self, name: &str, precision: &str) -> bool {
        let of_group = |group: &String| {
            name.strip_prefix(group.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let skipped = |id: &CheckId| id.name == name && id.precision == precision;
        self.precisions.iter().any(|p| p == precision)
            && (self.only.is_empty() || self.only.iter().any(of_group))
            && !self.skip.iter().any(skipped)
    }
}

/// One check in one precision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckId {
    /// For instance `ops/norm/backward`.
    pub name: String,
    /// For instance `f32`.
    pub precision: String,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckOutcome {
    /// It would run; only the list of checks was asked for.
    Listed,
    /// The error is within its tolerance.
    Passed,
    /// It is not.
    Failed,
    /// There was nothing to check here; the message says why.
    Skipped,
}

/// The line of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckLine {
    /// The check, its group first: `ops/norm/backward`.
    pub name: String,
    /// The precision that it computed in.
    pub precision: String,
    /// How it ended.
    pub outcome: CheckOutcome,
    /// The largest error that was seen; none where there is no finite one.
    #[serde(default)]
    pub error: Option<f64>,
    /// The largest error that passes.
    #[serde(default)]
    pub tolerance: Option<f64>,
    /// How long it took.
    #[serde(default)]
    pub seconds: f64,
    /// What was looked at; of a failure, what was expected and what was seen.
    #[serde(default)]
    pub message: String,
}

/// What to measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeedRequest {
    /// Names of models; none: all that the plugin has for this.
    #[serde(default)]
    pub shapes: Vec<String>,
    /// Lengths of rows: `nsmc`, or a number of tokens.
    pub lengths: Vec<String>,
    /// `evaluate`, `train`.
    pub modes: Vec<String>,
    /// Rows of a training step; none: as the plugin finds it usual.
    #[serde(default)]
    pub batch: Option<u64>,
    /// Tokens of a batch in evaluation; none: as the plugin finds it usual for the device.
    #[serde(default)]
    pub batch_tokens: Option<u64>,
    /// Rows of a repetition; none: as the plugin finds it usual for the device.
    #[serde(default)]
    pub rows: Option<u64>,
    /// How often to measure.
    pub repetitions: u64,
    /// Threads on the CPU; 0: all.
    #[serde(default)]
    pub threads: u64,
}

/// The line of one measurement. Every number is of one repetition, and times are the median of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpeedLine {
    /// The model.
    pub shape: String,
    /// `evaluate`, `train`.
    pub mode: String,
    /// `nsmc`, or a number of tokens.
    pub lengths: String,
    /// The device, as in a request.
    pub device: String,
    /// What it is.
    pub device_name: String,
    /// The precision.
    pub precision: String,
    /// The optimiser, in training.
    pub optimizer: Option<String>,
    /// Rows.
    pub rows: u64,
    /// Tokens of these rows.
    pub tokens: u64,
    /// Batches or training steps.
    pub steps: u64,
    /// Rows of a training step.
    pub batch: Option<u64>,
    /// Tokens of a batch in evaluation.
    pub batch_tokens: Option<u64>,
    /// Seconds: the median.
    pub seconds: f64,
    /// Seconds of each repetition.
    pub repetitions: Vec<f64>,
    /// Rows a second.
    pub rows_per_second: f64,
    /// Tokens a second.
    pub tokens_per_second: f64,
    /// Milliseconds a step or batch.
    pub step_milliseconds: f64,
    /// Trainable elements.
    pub parameters: u64,
    /// Floating-point operations of the products that the model needs, with weights and in attention; three times
    /// those of a forward pass in training.
    pub model_flops: f64,
    /// The same in a second.
    pub model_flops_per_second: f64,
    /// Bytes of this process at their highest.
    pub peak_rss_bytes: Option<u64>,
    /// Bytes of the device's memory at their highest.
    pub peak_device_bytes: Option<u64>,
    /// Bytes of the weights.
    pub weight_bytes: u64,
    /// The last loss, in training.
    pub loss: Option<f64>,
}

/// Where a self-test's lines go: to the host, at once.
pub struct SelftestLines<'a> {
    write: &'a mut dyn FnMut(&str) -> Result<()>,
}

impl std::fmt::Debug for SelftestLines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SelftestLines")
    }
}

impl<'a> SelftestLines<'a> {
    /// Lines, ends included, go to `write`.
    pub fn new(write: &'a mut dyn FnMut(&str) -> Result<()>) -> Self {
        Self { write }
    }

    /// Writes the line of a check.
    ///
    /// # Errors
    /// The host's; the self-test is to end with it.
    pub fn check(&mut self, line: &CheckLine) -> Result<()> {
        self.line(line)
    }

    /// Writes the line of a measurement.
    ///
    /// # Errors
    /// The host's; the self-test is to end with it.
    pub fn speed(&mut self, line: &SpeedLine) -> Result<()> {
        self.line(line)
    }

    fn line<T: Serialize>(&mut self, line: &T) -> Result<()> {
        let text =
            serde_json::to_string(line).map_err(|e| Error::internal(format!("selftest: {e}")))?;
        (self.write)(&format!("{text}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_wanted_by_name_by_group_and_by_precision() {
        let request = |only: &[&str]| SelftestRequest {
            device: "cpu".into(),
            precisions: vec!["f32".into()],
            only: only.iter().map(ToString::to_string).collect(),
            skip: vec![CheckId { name: "ops/norm/forward".into(), precision: "f32".into() }],
            seed: 1,
            list: false,
            speed: None,
        };
        assert!(request(&[]).wants("ops/norm/backward", "f32"));
        assert!(!request(&[]).wants("ops/norm/backward", "bf16"));
        assert!(!request(&[]).wants("ops/norm/forward", "f32"), "it is to be skipped");
        assert!(request(&["ops"]).wants("ops/norm/backward", "f32"));
        assert!(request(&["models", "ops/norm"]).wants("ops/norm/backward", "f32"));
        assert!(!request(&["ops/no"]).wants("ops/norm/backward", "f32"), "a group ends at a slash");
    }

    #[test]
    fn a_line_ends_and_holds_no_other_end() {
        let mut written = String::new();
        let mut write = |text: &str| {
            written.push_str(text);
            Ok(())
        };
        let line = CheckLine {
            name: "device".into(),
            precision: "f32".into(),
            outcome: CheckOutcome::Failed,
            error: Some(f64::NAN),
            tolerance: None,
            seconds: 0.5,
            message: "two\nlines".into(),
        };
        SelftestLines::new(&mut write).check(&line).unwrap();
        assert_eq!(written.matches('\n').count(), 1);
        let read: CheckLine = serde_json::from_str(&written).unwrap();
        assert_eq!((read.error, read.message.as_str()), (None, "two\nlines"));
    }
}
