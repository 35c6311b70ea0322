//! Ranks of values that may be equal, and of values that count several times.

/// The order of some values: which are equal, and which come before which. Sorting happens once; ranks
/// under any weights then take time in proportion to the number of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    tie_of: Vec<u32>,
    ties: usize,
}

impl Order {
    /// Values that are no numbers order as the largest, above infinity; callers refuse them before.
    pub fn new(values: &[f64]) -> Self {
        let mut by_value: Vec<u32> = (0..values.len() as u32).collect();
        by_value.sort_by(|a, b| values[*a as usize].total_cmp(&values[*b as usize]));
        let mut tie_of = vec![0; values.len()];
        let mut ties = 0;
        // Not by bits: 0 and -0 are equal, and stand side by side.
        for equal in by_value.chunk_by(|a, b| values[*a as usize] == values[*b as usize]) {
            for index in equal {
                tie_of[*index as usize] = ties;
            }
            ties += 1;
        }
        Self { tie_of, ties: ties as usize }
    }

    /// For each value the number of its tie, from 0 for the smallest value.
    pub fn tie_of(&self) -> &[u32] {
        &self.tie_of
    }

    /// Number of different values.
    pub fn ties(&self) -> usize {
        self.ties
    }
}

/// Turns the weight of each tie into its average rank minus the mean rank, and returns the weighted sum of
/// the squares.
///
/// In a sample of `n` values a tie of weight w after values of weight c has the ranks c + 1 to c + w, so
/// their average is c + (w + 1) / 2, and the mean of all ranks is (n + 1) / 2.
pub(crate) fn centred_ranks(weights: &mut [f64], n: f64) -> f64 {
    let (mut before, mut squares) = (-n / 2.0, 0.0);
    for slot in weights {
        let weight = *slot;
        let rank = before + weight / 2.0;
        squares += weight * rank * rank;
        before += weight;
        *slot = rank;
    }
    squares
}

/// Ranks from 1; equal values have the average of their ranks.
pub fn average_ranks(values: &[f64]) -> Vec<f64> {
    let order = Order::new(values);
    let mut ranks = vec![0.0; order.ties];
    for tie in &order.tie_of {
        ranks[*tie as usize] += 1.0;
    }
    let n = values.len() as f64;
    centred_ranks(&mut ranks, n);
    order.tie_of.iter().map(|tie| ranks[*tie as usize] + (n + 1.0) / 2.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_average_rank() {
        assert_eq!(average_ranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
        assert_eq!(average_ranks(&[0.0, -0.0, -1.0, f64::MIN_POSITIVE]), [2.5, 2.5, 1.0, 4.0]);
        assert_eq!(average_ranks(&[]), [0.0; 0]);
        assert_eq!(average_ranks(&[7.0]), [1.0]);
        assert_eq!(Order::new(&[2.0, 1.0, 2.0]).tie_of(), [1, 0, 1]);
    }

    #[test]
    fn weights_are_as_good_as_copies() {
        // 5 twice, 7 three times, 9 not at all.
        let mut ranks = [2.0, 3.0, 0.0];
        let squares = centred_ranks(&mut ranks, 5.0);
        let copies = average_ranks(&[5.0, 5.0, 7.0, 7.0, 7.0]);
        assert_eq!([ranks[0] + 3.0, ranks[1] + 3.0], [copies[0], copies[2]]);
        let expected: f64 = copies.iter().map(|rank| (rank - 3.0).powi(2)).sum();
        assert!((squares - expected).abs() < 1e-12);
    }
}
