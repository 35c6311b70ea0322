//! The checks that compare answers.

use super::answers::Answers;
use super::outcome::{Check, Outcome};
use super::session::Session;
use crate::run::Progress;
use crate::stats::Random;
use crate::worker::{Failure, RowInput, Traffic};

/// What answers are held against: those of an evaluation with the settings as they are.
pub(super) struct Reference {
    pub(super) answers: Answers,
    pub(super) largest: f64,
    /// The tolerance of the precision.
    pub(super) tolerance: f64,
}

impl Reference {
    pub(super) fn new(answers: Answers, tolerance: f64) -> Self {
        let largest = answers.largest();
        Self { answers, largest, tolerance }
    }

    /// Holds other answers against it; `how` says how they were asked for.
    pub(super) fn check(&self, name: &'static str, other: &Answers, how: &str) -> Check {
        self.check_within(name, other, how, self.tolerance)
    }

    /// As [`Reference::check`], to the last bit.
    pub(super) fn check_bits(&self, name: &'static str, other: &Answers, how: &str) -> Check {
        self.check_within(name, other, how, 0.0)
    }

    fn check_within(
        &self,
        name: &'static str,
        other: &Answers,
        how: &str,
        tolerance: f64,
    ) -> Check {
        let apart = match self.answers.compare(other) {
            Ok(apart) => apart,
            Err(reason) => return Check::failed(name, format!("{how}: {reason}")),
        };
        // Where all logits are 0, any difference is too much.
        let scale = if self.largest > 0.0 { self.largest } else { 1.0 };
        let largest = apart.largest / scale;
        let passes = largest <= tolerance;
        let message = match apart.row {
            None => format!("{how}: the same bits"),
            Some(row) if passes => format!("{how}: at most {largest:.1e} apart (row {row})"),
            Some(row) => format!(
                "{how}: {largest:.1e} of the largest logit apart (row {row}), where {tolerance:.0e} may be"
            ),
        };
        Check {
            largest_difference: Some(largest),
            row: apart.row,
            changed_predictions: apart.changed,
            tolerance: Some(tolerance),
            ..Check::bare(name, if passes { Outcome::Passed } else { Outcome::Failed }, message)
        }
    }
}

/// The names of the checks that one session makes, in their order.
pub(super) const SAME: &str = "same-twice";
pub(super) const ONE: &str = "batch-of-one";
pub(super) const LARGE: &str = "batch-of-all";
pub(super) const ORDER: &str = "order";
pub(super) const SCENARIOS: [(&str, &str); 3] = [
    ("performance-offline", "offline"),
    ("performance-single-stream", "single-stream"),
    ("performance-server", "server"),
];

/// More tokens than any batch has.
const ALL_TOKENS: u64 = 1 << 40;

/// The load of the server, as a part of what was reached offline: busy, so that batches form.
const LOAD: f64 = 0.9;

/// The same session once more, in batches of one and of all, and in another order.
pub(super) fn composition(
    session: &mut Session,
    rows: &[RowInput],
    reference: &Reference,
    progress: &Progress,
) -> Result<Vec<Check>, Failure> {
    let budget = session.how.batch_tokens;
    let same = session.evaluate(rows.to_vec(), budget, progress)?;
    // A sequence that is longer than a batch may be has one of its own.
    let one = session.evaluate(rows.to_vec(), 1, progress)?;
    let all = session.evaluate(rows.to_vec(), ALL_TOKENS, progress)?;
    let order = shuffled(rows.len());
    let moved = order.iter().filter_map(|&row| rows.get(row as usize).cloned()).collect();
    let moved = session.evaluate(moved, budget, progress)?.renamed(&order);
    Ok(vec![
        reference.check_bits(SAME, &same, "asked again in the same way"),
        reference.check(ONE, &one, "a row a batch"),
        reference.check(LARGE, &all, "all rows in one batch"),
        reference.check(ORDER, &moved, "rows in another order"),
    ])
}

/// The same session, measured in each scenario.
pub(super) fn scenarios(
    session: &mut Session,
    rows: &[RowInput],
    reference: &Reference,
    progress: &Progress,
) -> Result<Vec<Check>, Failure> {
    let queries = rows.len() as u64;
    session.give(rows.to_vec(), progress)?;
    let (offline, seconds) = session.measure(Traffic::Offline, queries, progress)?;
    let (stream, _) = session.measure(Traffic::SingleStream, queries, progress)?;
    let rate = LOAD * queries as f64 / seconds.max(1e-6);
    let (server, _) = session.measure(Traffic::Server { rate }, queries, progress)?;
    let answers = [offline, stream, server];
    let checks = SCENARIOS.iter().zip(&answers);
    Ok(checks
        .map(|((name, scenario), answers)| {
            reference.check(name, answers, &format!("while {scenario} is measured"))
        })
        .collect())
}

/// An order in which hardly a row is where it was.
fn shuffled(rows: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(rows).unwrap_or(u32::MAX)).collect();
    let mut random = Random::stream(0, 0);
    for last in (1..order.len()).rev() {
        let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
        order.swap(last, random.two_below(bound).0 as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::Logits;

    fn answers(values: [f32; 2]) -> Answers {
        let mut answers = Answers::default();
        answers.take(Logits::Rows { rows: vec![0], width: 2, values: values.to_vec() });
        answers
    }

    #[test]
    fn differences_are_parts_of_the_largest_logit() {
        let reference = Reference::new(answers([1.0, -4.0]), 1e-4);
        let close = reference.check(ORDER, &answers([1.0, -4.0003]), "moved");
        assert_eq!((close.outcome, close.changed_predictions), (Outcome::Passed, Some(0)));
        assert!((close.largest_difference.unwrap() - 7.5e-5).abs() < 1e-6, "{close:?}");
        let far = reference.check(ORDER, &answers([1.0, 4.0]), "moved");
        assert_eq!(
            (far.outcome, far.row, far.changed_predictions),
            (Outcome::Failed, Some(0), Some(1))
        );
        assert!(far.message.contains("2.0e0 of the largest logit"), "{}", far.message);
        let bits = reference.check_bits(SAME, &answers([1.0, -4.0000005]), "again");
        assert_eq!(bits.outcome, Outcome::Failed);
        let same = reference.check_bits(SAME, &answers([1.0, -4.0]), "again");
        assert_eq!(
            (same.outcome, same.message.as_str()),
            (Outcome::Passed, "again: the same bits")
        );
        let none = reference.check(ONE, &Answers::default(), "alone");
        assert!(none.outcome == Outcome::Failed && none.message.contains("row 0 was not answered"));
    }

    #[test]
    fn another_order_is_another_order_of_all() {
        let mut order = shuffled(200);
        assert!(order.iter().enumerate().filter(|(at, row)| *at == **row as usize).count() < 10);
        order.sort_unstable();
        assert_eq!(order, (0..200).collect::<Vec<_>>());
    }
}
