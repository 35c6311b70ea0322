//! Which row each query is.

use crate::stats::Random;

/// Rows in random order without repetition; when all were drawn, they come again in another order.
pub(super) struct Order {
    seed: u64,
    repetition: u64,
    drawn: u64,
    times_through: u64,
    /// What is left of the current time through, the next one last.
    left: Vec<u32>,
    rows: u32,
}

impl Order {
    /// Of so many rows. Two orders of one seed and repetition are the same.
    pub(super) fn new(rows: usize, seed: u64, repetition: u64) -> Self {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        Self { seed, repetition, drawn: 0, times_through: 0, left: Vec::new(), rows }
    }

    /// The next row.
    pub(super) fn next(&mut self) -> u32 {
        if self.left.is_empty() {
            self.shuffle();
        }
        self.drawn += 1;
        self.left.pop().unwrap_or_default()
    }

    /// The next rows.
    pub(super) fn take(&mut self, count: u64) -> Vec<u32> {
        (0..count).map(|_| self.next()).collect()
    }

    /// How many were drawn.
    pub(super) fn drawn(&self) -> u64 {
        self.drawn
    }

    /// How often the rows were begun.
    pub(super) fn times_through(&self) -> u64 {
        self.times_through
    }

    /// R. A. Fisher and F. Yates' shuffle, in the form of Knuth's algorithm P.
    fn shuffle(&mut self) {
        // No measurement goes 2^16 times through its rows.
        let stream = (self.repetition << 16) + self.times_through;
        let mut random = Random::stream(self.seed, stream);
        self.left = (0..self.rows).collect();
        for last in (1..self.left.len()).rev() {
            let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
            self.left.swap(last, random.two_below(bound).0 as usize);
        }
        self.times_through += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_comes_again_before_all_have_come() {
        let mut order = Order::new(50, 7, 3);
        for through in 1..=3 {
            let mut rows = order.take(50);
            assert_eq!(order.times_through(), through);
            rows.sort_unstable();
            assert_eq!(rows, (0..50).collect::<Vec<_>>());
        }
        assert_eq!(order.drawn(), 150);
    }

    #[test]
    fn the_order_follows_from_seed_and_repetition() {
        let of = |seed, repetition| Order::new(50, seed, repetition).take(60);
        assert_eq!(of(7, 3), of(7, 3));
        assert_ne!(of(7, 3), of(8, 3));
        assert_ne!(of(7, 3), of(7, 4));
        assert_ne!(of(7, 3)[..10], of(7, 3)[50..], "the second time through is another order");
    }
}
