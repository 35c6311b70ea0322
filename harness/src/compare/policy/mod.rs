//! Policies: how much worse a number may be before it counts, and what is done where the data cannot say.
//!
//! A policy file (`tasks/policies/*.yaml`, or a user's) puts numbers into tiers. A critical or supporting one decides, an
//! advisory one is shown. [`Policy`] answers what the comparison asks: the rule for a metric or a speed, what a
//! difference between the sides means, and what a missing cell counts as.

mod check;
mod document;
mod error;
mod library;
mod pattern;
#[cfg(test)]
mod tests;

pub use document::{
    CellRule, Correction, Document, Gates, Margin, Missing, OnInconclusive, SpeedRule, TierRule,
    Tiers,
};
pub use error::PolicyError;
pub use library::{builtin, builtin_text};
pub use pattern::{CellPattern, Glob};

use super::{Effect, Rule, Tier, Verdict};
use crate::metrics::Metric;
use crate::record::CellKey;

/// What may differ between two sides, by the names that [`super::Difference`] has, with what it means where a policy
/// says nothing: what is known to decide numbers is worth a warning.
pub const DIFFERENCES: [(&str, Effect); 14] = [
    ("data", Effect::Refuse),
    ("task_version", Effect::Refuse),
    ("limit", Effect::Refuse),
    ("max_seq_len", Effect::Warn),
    ("selection_policy", Effect::Warn),
    ("precision", Effect::Warn),
    ("device", Effect::Warn),
    ("threads", Effect::Warn),
    ("host", Effect::Warn),
    ("harness_version", Effect::Expected),
    ("plugin", Effect::Expected),
    ("weights", Effect::Expected),
    ("recipe", Effect::Expected),
    ("options", Effect::Expected),
];

/// A policy as its file has it, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    document: Document,
    /// Its name, or the path of its file.
    name: String,
}

impl Policy {
    /// Its name, or the path of its file as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its file says.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Confidence of intervals, from 0.5 to 1, where a tier has none of its own.
    pub fn confidence(&self) -> f64 {
        self.document.confidence
    }

    /// How p-values are corrected for being many.
    pub fn correction(&self) -> Correction {
        self.document.correction
    }

    /// How a metric of a cell is judged. `base_value` is what a relative margin is a part of.
    ///
    /// The margin is the tightest of those that the first matching entry gives: `points / 100` for fractions, `nats`
    /// for losses, `relative / 100 * |base_value|` for both.
    pub fn metric_rule(
        &self,
        key: &CellKey,
        metric: Metric,
        is_primary: bool,
        base_value: f64,
    ) -> Rule {
        let rule = self.cell_rule(key, metric.name());
        let tier = rule.map_or(Tier::Advisory, |rule| rule.tier);
        let gates = match rule.map_or(Gates::Never, |rule| rule.gates) {
            Gates::Primary => is_primary,
            Gates::Always => true,
            Gates::Never => false,
        };
        let of_tier = self.document.tiers.get(tier);
        let margin = of_tier.margins.iter().find_map(|margin| margin.of(metric, base_value));
        Rule {
            tier,
            gates: gates && tier != Tier::Advisory,
            // Every known metric has one: `check` sees to that.
            margin: margin.unwrap_or(0.0),
            confidence: of_tier.confidence.unwrap_or(self.document.confidence),
        }
    }

    /// How a speed, a latency or a memory is judged; the margin is a fraction of the base's value.
    ///
    /// What no rule matches is advisory, with a margin of `document::SPEED_PERCENT`.
    pub fn speed_rule(&self, key: &CellKey, scenario: &str, measure: &str) -> Rule {
        let rule = self.document.speeds.iter().find(|r| r.matches(key, scenario, measure));
        let tier = rule.map_or(Tier::Advisory, |rule| rule.tier);
        let percent = rule.map_or(document::SPEED_PERCENT, |rule| rule.percent);
        let confidence = self.document.tiers.get(tier).confidence;
        Rule {
            tier,
            gates: tier != Tier::Advisory,
            margin: percent / 100.0,
            confidence: confidence.unwrap_or(self.document.confidence),
        }
    }

    /// The tier of a cell, by its primary metric.
    pub fn tier(&self, key: &CellKey, primary_metric: &str) -> Tier {
        self.cell_rule(key, primary_metric).map_or(Tier::Advisory, |rule| rule.tier)
    }

    /// What a number of this tier counts as where the data cannot say.
    pub fn on_inconclusive(&self, tier: Tier) -> OnInconclusive {
        match tier {
            Tier::Advisory => OnInconclusive::Pass,
            tier => self.document.tiers.get(tier).inconclusive,
        }
    }

    /// What a difference between two sides means, by its name ([`DIFFERENCES`]); a warning where the name is unknown.
    pub fn effect(&self, what: &str) -> Effect {
        let default = || DIFFERENCES.iter().find(|(name, _)| *name == what).map(|(_, e)| *e);
        let said = self.document.differences.get(what).copied();
        said.or_else(default).unwrap_or(Effect::Warn)
    }

    /// What a cell that the base alone has counts as: a regression where it is required or the policy fails on missing
    /// cells, inconclusive where it warns, else a pass.
    pub fn missing(&self, key: &CellKey) -> Verdict {
        if self.document.required.iter().any(|pattern| pattern.matches(key)) {
            return Verdict::Regression;
        }
        match self.document.missing {
            Missing::Fail => Verdict::Regression,
            Missing::Warn => Verdict::Inconclusive,
            Missing::Ignore => Verdict::Pass,
        }
    }

    /// Cells that must be in the new run: at least one for each pattern.
    pub fn required(&self) -> &[CellPattern] {
        &self.document.required
    }

    fn cell_rule(&self, key: &CellKey, metric: &str) -> Option<&CellRule> {
        self.document.cells.iter().find(|rule| rule.matches(key, metric))
    }
}

impl Margin {
    /// The margin for a metric; none where this entry has no number for it.
    fn of(&self, metric: Metric, base_value: f64) -> Option<f64> {
        if !self.metric.matches(metric.name()) {
            return None;
        }
        let absolute =
            if metric.is_fraction() { self.points.map(|points| points / 100.0) } else { self.nats };
        let relative = self.relative.map(|percent| percent / 100.0 * base_value.abs());
        match (absolute, relative) {
            (Some(absolute), Some(relative)) => Some(absolute.min(relative)),
            (absolute, relative) => absolute.or(relative),
        }
    }
}
