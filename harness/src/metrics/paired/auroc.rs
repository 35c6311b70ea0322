//! The areas under the ROC curves of two systems.

use super::super::auroc::margins;
use super::super::{Metric, MetricError, ScoreRows};
use super::Of;
use super::correlation::of_units;
use super::sums::Sums;
use crate::stats::average_ranks;

/// The area as a function of the sum of the ranks of positive rows: `(R - m (m + 1) / 2) / (m n)` for m positive and n
/// negative rows. None where all rows have the same gold label.
///
/// The influence of a row is its placement, as in the paired test of E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson,
/// Biometrics 44 (1988), 837-845.
pub(super) fn sums(
    of: Of<'_>,
    gold: &[u32],
    scores: [&ScoreRows<'_>; 2],
) -> Result<Option<Sums>, MetricError> {
    let positive = of.positive()?;
    if of.labels.len() != 2 {
        let reason = format!("it needs two labels, not {}", of.labels.len());
        return Err(MetricError::Unfit { metric: Metric::Auroc.name(), reason });
    }
    let is_positive: Vec<bool> = gold.iter().map(|label| *label == positive).collect();
    let m = is_positive.iter().filter(|positive| **positive).count() as f64;
    let n = gold.len() as f64 - m;
    if m == 0.0 || n == 0.0 {
        return Ok(None);
    }
    let margins = scores.map(|scores| margins(scores, positive));
    let ranks = [average_ranks(&margins[0]), average_ranks(&margins[1])];
    let fill = |system: usize, row: usize, entries: &mut Vec<(u32, f64)>| {
        if is_positive[row] {
            entries.push((0, ranks[system][row]));
        }
    };
    let value = move |sums: &[f64]| Some((sums[0] - m * (m + 1.0) / 2.0) / (m * n));
    let mut sums = Sums::new(1, gold.len(), of.clusters, fill, value);
    let influence = |system: usize| -> Vec<f64> {
        let (among_all, values) = (&ranks[system], &margins[system]);
        let area = (is_positive.iter().zip(among_all))
            .map(|(positive, rank)| if *positive { *rank } else { 0.0 })
            .sum::<f64>();
        let area = (area - m * (m + 1.0) / 2.0) / (m * n);
        // The rank of a row among those of its own class.
        let own = |class: bool| -> Vec<f64> {
            let chosen = is_positive.iter().zip(values).filter(|(p, _)| **p == class);
            average_ranks(&chosen.map(|(_, value)| *value).collect::<Vec<_>>())
        };
        let mut own = [own(false).into_iter(), own(true).into_iter()];
        let of_rows: Vec<f64> = (is_positive.iter().zip(among_all))
            .map(|(positive, rank)| {
                let others = rank - own[usize::from(*positive)].next().unwrap_or(*rank);
                if *positive { (others / n - area) / m } else { (1.0 - others / m - area) / n }
            })
            .collect();
        of_units(&of_rows, of.clusters)
    };
    let (base, new) = (influence(0), influence(1));
    sums.influence = Some(new.iter().zip(base).map(|(new, base)| new - base).collect());
    Ok(Some(sums))
}
