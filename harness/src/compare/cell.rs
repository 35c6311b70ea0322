//! One cell of both sides: every metric that both have, before anything is judged.

use super::align::aligned;
use super::flips::{Names, flips};
use super::source::Source;
use super::{
    CellComparison, CompareError, Difference, Evidence, Flips, MetricComparison, Policy, Rows,
    Verdict,
};
use crate::metrics::{Metric, Paired, PairedRows, ScoreRows};
use crate::record::CellRecord;
use crate::stats::{Clusters, OneSided};
use crate::task::{Label, Task};

/// A record's number and the one that its predictions give are the same but for rounding.
const SAME: f64 = 1e-9;

/// What all cells are compared with.
pub(super) struct Context<'a> {
    pub(super) base: &'a Source,
    pub(super) new: &'a Source,
    pub(super) policy: &'a Policy,
    /// What resampling follows from.
    pub(super) seed: u64,
    /// Flips that are listed, of either kind.
    pub(super) flips: usize,
}

impl Context<'_> {
    /// Compares two cells of one key; verdicts are not adjusted yet.
    pub(super) fn compare(
        &self,
        base: &CellRecord,
        new: &CellRecord,
        differences: Vec<Difference>,
        task: &Task,
    ) -> Result<CellComparison, CompareError> {
        let mut cell = blank(base, new, differences);
        let reason = match (base.is_done(), new.is_done()) {
            (true, true) => None,
            (true, false) => {
                Some((Verdict::Regression, format!("the new cell failed: {}", new.status.label())))
            }
            (false, true) => {
                let cause = base.status.label();
                Some((
                    Verdict::Inconclusive,
                    format!("the base's cell failed ({cause}): there is nothing to compare with"),
                ))
            }
            (false, false) => Some((
                Verdict::Inconclusive,
                format!("both cells failed: {}, {}", base.status.label(), new.status.label()),
            )),
        };
        if let Some((verdict, reason)) = reason {
            (cell.verdict, cell.reason) = (verdict, Some(reason));
            return Ok(cell);
        }
        let (of_base, of_new) = (self.base.evidence(base, task)?, self.new.evidence(new, task)?);
        let whole = of_base.index == of_new.index;
        let (of_base, of_new) = aligned(&cell.label, of_base, of_new)?;
        cell.n = of_base.rows.len() as u64;
        cell.units = cell.n;
        cell.flips = flips(&of_base, &of_new, task, &Names(&names(new)), self.flips);
        self.metrics(&mut cell, (base, &of_base), (new, &of_new), whole, task)?;
        if self.flips == 0 {
            cell.flips.rows = Vec::new();
        }
        Ok(cell)
    }

    fn metrics(
        &self,
        cell: &mut CellComparison,
        (base, of_base): (&CellRecord, &Evidence),
        (new, of_new): (&CellRecord, &Evidence),
        whole: bool,
        task: &Task,
    ) -> Result<(), CompareError> {
        let labels: Vec<Label> =
            new.labels.iter().map(|id| Label { id: id.clone(), name: id.clone() }).collect();
        let numbers = of_new.clusters.as_ref().or(of_base.clusters.as_ref());
        let clusters = numbers.map(|numbers| Clusters::new(numbers));
        let rows = paired_rows(&of_base.rows, &of_new.rows);
        let both = |metric: &&Metric| {
            [base, new].iter().all(|side| side.metrics.contains_key(metric.name()))
        };
        for metric in task.metrics.iter().filter(both) {
            let failed = |source| CompareError::Metric { cell: cell.label.clone(), source };
            let paired =
                Paired::new(*metric, task, &labels, &rows, clusters.as_ref()).map_err(failed)?;
            let Some(paired) = paired else { continue };
            if whole {
                let sides = [(self.base, base), (self.new, new)];
                for ((side, record), computed) in sides.into_iter().zip(paired.values()) {
                    agrees(&cell.label, side, record, *metric, computed)?;
                }
            }
            cell.units = paired.units() as u64;
            cell.metrics.push(self.metric(cell, &paired));
        }
        // What decides first, then the ranking metric, then the task's order.
        let primary = cell.primary_metric.clone();
        cell.metrics.sort_by_key(|metric| (!metric.gates, metric.metric != primary));
        Ok(())
    }

    fn metric(&self, cell: &CellComparison, paired: &Paired) -> MetricComparison {
        let metric = paired.metric();
        let is_primary = cell.primary_metric == metric.name();
        let rule = self.policy.metric_rule(&cell.key, metric, is_primary, paired.values()[0]);
        let estimate = paired.estimate(rule.confidence, self.seed);
        let beyond = estimate.beyond(rule.margin);
        // Of a loss, more is worse.
        let OneSided { lower: worse, upper: better } = if metric.higher_is_better() {
            beyond
        } else {
            OneSided { lower: beyond.upper, upper: beyond.lower }
        };
        let level = 1.0 - rule.confidence;
        MetricComparison {
            metric: metric.name().to_owned(),
            tier: rule.tier,
            gates: rule.gates,
            base: estimate.base,
            new: estimate.new,
            difference: estimate.difference(),
            ci_low: estimate.low,
            ci_high: estimate.high,
            confidence: rule.confidence,
            interval_method: estimate.interval.name().to_owned(),
            p_value: estimate.p.two_sided(),
            test: estimate.test.name().to_owned(),
            p_regression: worse,
            p_regression_adjusted: worse,
            p_improvement: better,
            p_improvement_adjusted: better,
            margin: rule.margin,
            minimum_detectable: estimate.minimum_detectable(rule.margin, level, paired.units()),
            verdict: Verdict::Inconclusive,
        }
    }
}

fn blank(base: &CellRecord, new: &CellRecord, differences: Vec<Difference>) -> CellComparison {
    CellComparison {
        key: new.inputs.key.clone(),
        label: new.inputs.key.label(),
        base_id: base.id.clone(),
        new_id: new.id.clone(),
        n: 0,
        units: 0,
        primary_metric: new.primary_metric.clone(),
        metrics: Vec::new(),
        flips: Flips::default(),
        differences,
        verdict: Verdict::Inconclusive,
        reason: None,
    }
}

/// The labels' names, for people.
fn names(cell: &CellRecord) -> Vec<String> {
    let named = |id: &String| {
        let name = cell.per_class.iter().find(|class| class.label == *id).map(|class| &class.name);
        name.filter(|name| !name.is_empty()).unwrap_or(id).clone()
    };
    cell.labels.iter().map(named).collect()
}

/// The predictions of a side give the number that its record has: else one of them is not of the other.
fn agrees(
    cell: &str,
    side: &Source,
    record: &CellRecord,
    metric: Metric,
    computed: f64,
) -> Result<(), CompareError> {
    let recorded = record.metrics.get(metric.name()).map_or(f64::NAN, |metric| metric.value);
    // Logits of a baseline may be rounded to what a float holds.
    if (recorded - computed).abs() <= SAME * recorded.abs().max(1.0) {
        return Ok(());
    }
    Err(CompareError::Number {
        cell: cell.to_owned(),
        side: side.side.path.clone(),
        metric: metric.name(),
        computed,
        recorded,
    })
}

fn paired_rows<'a>(base: &'a Rows, new: &'a Rows) -> PairedRows<'a> {
    match (base, new) {
        (
            Rows::Labels { gold, predicted: base, scores: base_scores },
            Rows::Labels { predicted: new, scores: new_scores, .. },
        ) => {
            let scores = |values: &'a Option<Vec<f64>>| {
                let values = values.as_deref();
                values.map(|values| ScoreRows { values, are_logits: true })
            };
            let scores = [scores(base_scores), scores(new_scores)];
            PairedRows::Labels { gold, predicted: [base, new], scores }
        }
        (Rows::Values { gold, predicted: base }, Rows::Values { predicted: new, .. }) => {
            PairedRows::Values { gold, predicted: [base, new] }
        }
        (Rows::Tags { starts, gold, predicted: base }, Rows::Tags { predicted: new, .. }) => {
            let words = || starts.windows(2).map(|bounds| bounds[0]..bounds[1]);
            PairedRows::Tags {
                gold: words().map(|words| &gold[words]).collect(),
                predicted: [base, new].map(|labels| words().map(|words| &labels[words]).collect()),
            }
        }
        (
            Rows::Answers { exact: base, char_f1: base_f1, .. },
            Rows::Answers { exact: new, char_f1: new_f1, .. },
        ) => PairedRows::Answers { exact: [base, new], char_f1: [base_f1, new_f1] },
        // `aligned` lets no two kinds through; without rows, nothing can be computed.
        _ => PairedRows::Values { gold: &[], predicted: [&[], &[]] },
    }
}
