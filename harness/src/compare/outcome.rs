//! What a comparison of two runs comes to: the document that every output is made of.

use serde::{Deserialize, Serialize};

use crate::record::{CellKey, Host};

/// Two runs, cell by cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// [`super::COMPARISON_VERSION`].
    pub schema_version: u32,
    /// The kobench that compared.
    pub kobench_version: String,
    /// What is compared with.
    pub base: Side,
    /// What is judged.
    pub new: Side,
    /// Name or path of the policy that judged.
    pub policy: String,
    /// Of everything together.
    pub verdict: Verdict,
    /// Cells that both have, in the base's order of keys.
    pub cells: Vec<CellComparison>,
    /// Speeds that both have measured.
    pub speeds: Vec<SpeedComparison>,
    /// Cells that cannot be compared, and why.
    pub refused: Vec<Refusal>,
    /// Cells that the base alone has.
    pub only_base: Vec<Unmatched>,
    /// Cells that the new run alone has.
    pub only_new: Vec<Unmatched>,
    /// What a reader should know of the whole, one sentence each.
    pub notes: Vec<String>,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Its directory, as the user gave it.
    pub path: String,
    /// Whether it is a run or a baseline.
    pub kind: SideKind,
    /// When it was made, RFC 3339 UTC; none where nothing says so.
    #[serde(default)]
    pub created_at: Option<String>,
    /// The kobench that made it.
    #[serde(default)]
    pub kobench_version: Option<String>,
    /// Revision of that kobench's source.
    #[serde(default)]
    pub git_revision: Option<String>,
    /// The machine.
    #[serde(default)]
    pub host: Option<Host>,
}

/// What a side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SideKind {
    /// A run directory.
    Run,
    /// A baseline.
    Baseline,
}

/// What is said of a metric, a speed, a cell, or all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not worse than the margin allows, and the data are enough to say so.
    Pass,
    /// Better, by more than the margin.
    Improvement,
    /// The data are too few to say.
    Inconclusive,
    /// Worse, by more than the margin.
    Regression,
}

/// How much a cell or a speed matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// It decides, with the strictest rules.
    Critical,
    /// It decides.
    Supporting,
    /// It is shown and decides nothing.
    Advisory,
}

/// One cell of both runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellComparison {
    /// What the cell is about.
    #[serde(flatten)]
    pub key: CellKey,
    /// [`CellKey::label`].
    pub label: String,
    /// Id of the base's cell.
    pub base_id: String,
    /// Id of the new cell.
    pub new_id: String,
    /// Rows that both were asked.
    pub n: u64,
    /// Independent units among them: the rows, or the sources that rows share.
    pub units: u64,
    /// The metric that ranks cells of the task.
    pub primary_metric: String,
    /// All metrics that both have; those that decide come first.
    pub metrics: Vec<MetricComparison>,
    /// How many rows changed sides.
    pub flips: Flips,
    /// What else is different between the two, and whether that matters.
    pub differences: Vec<Difference>,
    /// The worst of the metrics that decide.
    pub verdict: Verdict,
    /// Why, in one sentence, where the numbers do not say it: the new cell failed, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One metric of a cell. Values, differences and margins are fractions (correlations from -1 to 1, losses in nats).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricComparison {
    /// Its name.
    pub metric: String,
    /// How much it matters.
    pub tier: Tier,
    /// Whether it takes part in the verdict.
    pub gates: bool,
    /// The base's value.
    pub base: f64,
    /// The new value.
    pub new: f64,
    /// `new - base`.
    pub difference: f64,
    /// Lower end of the interval of the difference, at `confidence`.
    pub ci_low: f64,
    /// Upper end.
    pub ci_high: f64,
    /// Confidence of the interval and of the verdict, for instance 0.95.
    pub confidence: f64,
    /// How the interval was made.
    pub interval_method: String,
    /// Two-sided p-value of no difference.
    pub p_value: f64,
    /// How it was computed: `mcnemar_mid_p`, `permutation` or `sign_permutation`.
    pub test: String,
    /// One-sided p-value of not being worse than the margin allows.
    pub p_regression: f64,
    /// The same after Holm's correction over everything that decides; as it is where it decides nothing.
    pub p_regression_adjusted: f64,
    /// One-sided p-value of not being better than the margin.
    pub p_improvement: f64,
    /// The same after Holm's correction.
    pub p_improvement_adjusted: f64,
    /// How much worse the new value may be.
    pub margin: f64,
    /// The smallest true loss that would be called a regression with a probability of 80%, margin and the correction for many
    /// tests included.
    pub minimum_detectable: f64,
    /// The verdict.
    pub verdict: Verdict,
}

/// How many rows changed sides. For values and labels of words, a row is right where it is exactly so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flips {
    /// Rows that the base has right and the new run wrong.
    pub broken: u64,
    /// Rows that the base has wrong and the new run right.
    pub fixed: u64,
    /// Rows whose prediction changed at all.
    pub changed: u64,
    /// The rows themselves, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Flip>,
}

/// A row that changed sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flip {
    /// Index of the row in the dataset, from 0.
    pub i: u64,
    /// The row's own id, where the dataset has ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `broken` or `fixed`.
    pub kind: FlipKind,
    /// What is right, as text.
    pub gold: String,
    /// What the base says; none where only whether it is right is known, as of answers in a baseline.
    #[serde(default)]
    pub base: Option<String>,
    /// What the new run says.
    #[serde(default)]
    pub new: Option<String>,
    /// The row's text, where the data are at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Which way a row went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlipKind {
    /// Right before, wrong now.
    Broken,
    /// Wrong before, right now.
    Fixed,
}

/// Something that decides numbers and is not the same in both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What: `plugin`, `weights`, `data`, `device`, `precision` and so on.
    pub what: String,
    /// In the base.
    pub base: String,
    /// In the new run.
    pub new: String,
    /// Whether it matters.
    pub effect: Effect,
}

/// What a difference means for a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It is what a comparison is for: another build, other weights.
    Expected,
    /// The numbers can be compared, but the difference may come from it.
    Warn,
    /// The numbers cannot be compared.
    Refuse,
}

/// A cell that both have and that cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What the cell is about, as the new run has it.
    #[serde(flatten)]
    pub key: CellKey,
    /// [`CellKey::label`].
    pub label: String,
    /// What is in the way.
    pub differences: Vec<Difference>,
}

/// A cell that one side alone has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmatched {
    /// What it is about.
    #[serde(flatten)]
    pub key: CellKey,
    /// [`CellKey::label`].
    pub label: String,
    /// Its id.
    pub id: String,
    /// What the policy says of it: a regression where the cell is required and missing, else a pass.
    pub verdict: Verdict,
}

/// A speed, a latency or a memory that both have measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpeedComparison {
    /// What was run.
    #[serde(flatten)]
    pub key: CellKey,
    /// [`CellKey::label`].
    pub label: String,
    /// The scenario: `offline`, `single-stream`, `server`, or `run` for what a run measured on the way.
    pub scenario: String,
    /// The measure, for instance `rows_per_second` or `latency_p99_seconds`.
    pub measure: String,
    /// Whether a larger value is a better one.
    pub higher_is_better: bool,
    /// How much it matters.
    pub tier: Tier,
    /// Whether it takes part in the verdict.
    pub gates: bool,
    /// The base's.
    pub base: Spread,
    /// The new one.
    pub new: Spread,
    /// `new / base`.
    pub ratio: f64,
    /// Lower end of the interval of the ratio, at `confidence`; none without repetitions.
    #[serde(default)]
    pub ci_low: Option<f64>,
    /// Upper end.
    #[serde(default)]
    pub ci_high: Option<f64>,
    /// Confidence of the interval and of the verdict.
    pub confidence: f64,
    /// Whether both were measured in turns on one machine, so that each repetition has its partner.
    pub interleaved: bool,
    /// Two-sided p-value of no difference; none without repetitions.
    #[serde(default)]
    pub p_value: Option<f64>,
    /// How it was computed: `signed_rank` (pairs) or `rank_sum`.
    #[serde(default)]
    pub test: Option<String>,
    /// One-sided p-value of not being worse than the margin allows.
    #[serde(default)]
    pub p_regression: Option<f64>,
    /// The same after Holm's correction over everything that decides.
    #[serde(default)]
    pub p_regression_adjusted: Option<f64>,
    /// One-sided p-value of not being better than the margin.
    #[serde(default)]
    pub p_improvement: Option<f64>,
    /// The same after Holm's correction.
    #[serde(default)]
    pub p_improvement_adjusted: Option<f64>,
    /// How much worse it may be, as a fraction of the base's.
    pub margin: f64,
    /// The smallest true loss, as a fraction, that would be called a regression with a probability of 80%.
    #[serde(default)]
    pub minimum_detectable: Option<f64>,
    /// What else is different between the two.
    pub differences: Vec<Difference>,
    /// What a reader should know, one sentence each: a noisy machine, clocks held down.
    pub notes: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
}

/// A measured value over its repetitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The median.
    pub value: f64,
    /// Lower end of its interval; none of a single measurement.
    #[serde(default)]
    pub ci_low: Option<f64>,
    /// Upper end.
    #[serde(default)]
    pub ci_high: Option<f64>,
    /// How often it was measured.
    pub repetitions: u64,
}
