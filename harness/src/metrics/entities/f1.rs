//! F1 over entities, from three counts a type.

use crate::stats::mean;

/// Three counts a type, `[support, predicted, correct]`, type after type in the order of their names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntityCounts<'a>(pub(crate) &'a [f64]);

/// Precision, recall and F1 as seqeval computes them: `correct / predicted`, `correct / support` and
/// `2 P R / (P + R)`; 0 where a denominator is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rates {
    pub(crate) precision: f64,
    pub(crate) recall: f64,
    pub(crate) f1: f64,
}

impl Rates {
    pub(crate) fn of([support, predicted, correct]: [f64; 3]) -> Self {
        let by = |all: f64| if all == 0.0 { 0.0 } else { correct / all };
        let (precision, recall) = (by(predicted), by(support));
        let sum = precision + recall;
        let f1 = if sum == 0.0 { 0.0 } else { 2.0 * precision * recall / sum };
        Self { precision, recall, f1 }
    }
}

impl<'a> EntityCounts<'a> {
    pub(crate) fn iter(self) -> std::slice::Iter<'a, [f64; 3]> {
        self.0.as_chunks::<3>().0.iter()
    }

    /// Over all entities alike; 0 where there are none.
    pub(crate) fn micro(self) -> Rates {
        let mut pooled = [0.0; 3];
        for counts in self.iter() {
            pooled.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        Rates::of(pooled)
    }

    /// The mean of the types' F1, over the types that occur in gold or predictions; 0 where none does.
    pub(crate) fn macro_f1(self) -> f64 {
        let occurs = |counts: &&[f64; 3]| counts[0] + counts[1] > 0.0;
        let scores: Vec<f64> =
            self.iter().filter(occurs).map(|counts| Rates::of(*counts).f1).collect();
        mean(&scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_report_comes_out_bit_for_bit() {
        // KcBERT-base on Naver NER, published as 84.34.
        let rates = Rates::of([27_291.0, 27_216.0, 22_985.0]);
        assert_eq!(rates.f1.to_bits(), 0.843_377_914_763_241_4_f64.to_bits());
        assert_eq!(rates.precision.to_bits(), (22_985.0 / 27_216.0_f64).to_bits());
        assert_eq!(rates.recall.to_bits(), (22_985.0 / 27_291.0_f64).to_bits());
    }

    #[test]
    fn nothing_predicted_and_nothing_at_all_are_zero() {
        let zero = Rates { precision: 0.0, recall: 0.0, f1: 0.0 };
        assert_eq!([Rates::of([5.0, 0.0, 0.0]), Rates::of([0.0; 3])], [zero; 2]);
        assert_eq!(EntityCounts(&[]).macro_f1(), 0.0);
        // A type that does not occur is not averaged over.
        let counts = [2.0, 2.0, 2.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0];
        assert_eq!(EntityCounts(&counts).macro_f1(), 0.5);
        assert_eq!(EntityCounts(&counts).micro().recall, 2.0 / 3.0);
    }
}
