//! The shape of a policy file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CellPattern, Glob};
use crate::compare::{Effect, Tier};
use crate::record::CellKey;

/// The margin of speeds that no rule names, in percent.
pub(super) const SPEED_PERCENT: f64 = 10.0;

/// A policy file. Unknown keys are errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Name, on the command line for a built-in one.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Confidence of intervals and verdicts, above 0.5 and below 1.
    #[serde(default = "confidence")]
    pub confidence: f64,
    /// How p-values are corrected for being many.
    #[serde(default)]
    pub correction: Correction,
    /// What the tiers mean.
    pub tiers: Tiers,
    /// Which tier a metric of a cell belongs to; the first that matches. What none matches is advisory.
    pub cells: Vec<CellRule>,
    /// Which tier a speed belongs to; the first that matches.
    #[serde(default)]
    pub speeds: Vec<SpeedRule>,
    /// What cells count as that the base alone has.
    #[serde(default)]
    pub missing: Missing,
    /// Cells that must be in the new run.
    #[serde(default)]
    pub required: Vec<CellPattern>,
    /// What differences between the sides mean, by their names.
    #[serde(default)]
    pub differences: BTreeMap<String, Effect>,
}

fn confidence() -> f64 {
    0.95
}

/// The correction of p-values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Holm's step-down procedure (Holm 1979): the chance of any false alarm is bounded.
    #[default]
    Holm,
    /// None: each number is judged as if it stood alone.
    None,
}

/// The tiers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// What matters most.
    pub critical: TierRule,
    /// What decides too.
    pub supporting: TierRule,
    /// What is shown alone.
    pub advisory: TierRule,
}

impl Tiers {
    /// The rules of a tier.
    pub fn get(&self, tier: Tier) -> &TierRule {
        match tier {
            Tier::Critical => &self.critical,
            Tier::Supporting => &self.supporting,
            Tier::Advisory => &self.advisory,
        }
    }
}

/// What a tier allows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierRule {
    /// The first that matches the metric and has a number for it holds.
    pub margins: Vec<Margin>,
    /// What a number counts as where the data cannot say.
    #[serde(default)]
    pub inconclusive: OnInconclusive,
    /// In place of the policy's.
    #[serde(default)]
    pub confidence: Option<f64>,
}

/// How much worse a metric may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// Metrics by name.
    #[serde(default)]
    pub metric: Glob,
    /// For fractions and correlations, in hundredths.
    #[serde(default)]
    pub points: Option<f64>,
    /// For losses.
    #[serde(default)]
    pub nats: Option<f64>,
    /// In percent of the base's value. The tighter one holds where there are two.
    #[serde(default)]
    pub relative: Option<f64>,
}

/// What an inconclusive number counts as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInconclusive {
    /// A pass.
    Pass,
    /// A pass with a warning.
    #[default]
    Warn,
    /// A failure.
    Fail,
}

/// The tier of some metrics of some cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellRule {
    /// Models by name.
    #[serde(default)]
    pub model: Glob,
    /// Tasks by name.
    #[serde(default)]
    pub task: Glob,
    /// Splits by name.
    #[serde(default)]
    pub split: Glob,
    /// Metrics by name.
    #[serde(default)]
    pub metric: Glob,
    /// Their tier.
    pub tier: Tier,
    /// Which of them decide.
    #[serde(default)]
    pub gates: Gates,
}

impl CellRule {
    pub(super) fn matches(&self, key: &CellKey, metric: &str) -> bool {
        self.model.matches(&key.model)
            && self.task.matches(&key.task)
            && self.split.matches(&key.split)
            && self.metric.matches(metric)
    }
}

/// Which metrics of a cell decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gates {
    /// The one that ranks the cells of its task.
    #[default]
    Primary,
    /// Each that the rule matches.
    Always,
    /// None.
    Never,
}

/// The tier and the margin of some speeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeedRule {
    /// Models by name.
    #[serde(default)]
    pub model: Glob,
    /// Tasks by name.
    #[serde(default)]
    pub task: Glob,
    /// Scenarios: `offline`, `single-stream`, `server`, `run`.
    #[serde(default)]
    pub scenario: Glob,
    /// Measures by name.
    #[serde(default)]
    pub measure: Glob,
    /// Their tier.
    pub tier: Tier,
    /// How much worse they may be, in percent of the base's.
    pub percent: f64,
}

impl SpeedRule {
    pub(super) fn matches(&self, key: &CellKey, scenario: &str, measure: &str) -> bool {
        self.model.matches(&key.model)
            && self.task.matches(&key.task)
            && self.scenario.matches(scenario)
            && self.measure.matches(measure)
    }
}

/// What cells count as that the base alone has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Regressions.
    Fail,
    /// Inconclusive ones.
    #[default]
    Warn,
    /// Nothing.
    Ignore,
}
