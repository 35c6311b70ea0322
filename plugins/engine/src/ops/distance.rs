//! From the distance between two tokens to a row of the table of relative positions.
//!
//! `make_log_bucket_position` and `build_relative_position` of Hugging Face's
//! modeling_deberta_v2.py; He et al. 2021 (DeBERTa), section 3.1, with the logarithmic buckets that
//! version 2 added.

/// Which relative positions a model tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelativePositions {
    /// `position_buckets`; 0 when each distance has a row of its own.
    pub position_buckets: usize,
    /// `max_relative_positions`, at least 1 (Hugging Face takes `max_position_embeddings` for less).
    pub max_relative_positions: usize,
}

impl RelativePositions {
    /// Hugging Face's `att_span`: the table has twice as many rows, and distance 0 has this row.
    pub fn span(self) -> usize {
        match self.position_buckets {
            0 => self.max_relative_positions,
            buckets => buckets,
        }
    }

    /// The bucket of distance i - j (query minus key), before it is limited to the table's rows.
    ///
    /// With buckets, distances up to b = `position_buckets` / 2 (rounded down) stand for themselves,
    /// and longer ones share buckets of logarithmic width:
    /// ceil(ln(|d| / b) / ln((max - 1) / b) (b - 1)) + b with the sign of d.
    ///
    /// Hugging Face computes this in float32 even for a float64 model, and rounding decides it where
    /// the value before `ceil` is an integer: with 8 buckets up to 32, ln 2 / ln 8 * 3 is 1 here and
    /// may be 1.0000001 there. So each step is rounded to f32 as PyTorch does it, and logarithms are
    /// the f32 nearest to the exact ones.
    pub fn bucket(self, distance: isize) -> isize {
        let middle = self.position_buckets / 2;
        let size = distance.unsigned_abs();
        if self.position_buckets == 0 || size <= middle {
            return distance;
        }
        let ln = |x: f32| libm::log(f64::from(x)) as f32;
        let numerator = ln(size as f32 / middle as f32);
        let denumerator = ln(((self.max_relative_positions as f64 - 1.0) / middle as f64) as f32);
        let steps = (numerator / denumerator * (middle as f32 - 1.0)).ceil();
        (steps + middle as f32) as isize * distance.signum()
    }

    /// The table's row for distance i - j: the bucket plus the span, limited to the table.
    ///
    /// Hugging Face reads the position-to-content scores `[key, position]` at -bucket(j - i) and then
    /// transposes. Buckets of opposite distances are opposite numbers, so this is the row that
    /// content-to-position takes as well, and both parts share one table.
    pub fn row(self, distance: isize) -> usize {
        let span = self.span().cast_signed();
        (self.bucket(distance) + span).clamp(0, 2 * span - 1).unsigned_abs()
    }
}

/// The row of every distance that sequences up to a length can have.
#[derive(Debug, Clone)]
pub struct DistanceTable {
    /// Element `d + longest - 1` is the row of distance d; never descending.
    rows: Vec<u32>,
    longest: usize,
    /// Around distance 0, from `-before` to `after`, rows follow one another like distances.
    before: usize,
    after: usize,
}

impl DistanceTable {
    /// The table for sequences of up to `longest` tokens.
    ///
    /// # Panics
    /// When rows descend somewhere, which the configuration's checks rule out.
    pub fn new(positions: RelativePositions, longest: usize) -> Self {
        let longest = longest.max(1);
        let reach = longest.cast_signed() - 1;
        let rows: Vec<u32> = (-reach..=reach).map(|d| positions.row(d) as u32).collect();
        assert!(rows.is_sorted());
        let steps = |pair: &[u32]| pair[0] + 1 == pair[1];
        let after = rows[longest - 1..].windows(2).take_while(|pair| steps(pair)).count();
        let before = rows[..longest].windows(2).rev().take_while(|pair| steps(pair)).count();
        Self { rows, longest, before, after }
    }

    /// The row of each distance, from 1 - longest to longest - 1; never descending.
    #[cfg(feature = "cuda")]
    pub(crate) fn all(&self) -> &[u32] {
        &self.rows
    }

    /// Longest sequence.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The rows that occur, from that of the least distance to that of the greatest.
    pub fn rows(&self) -> std::ops::Range<usize> {
        self.rows[0] as usize..self.rows[self.rows.len() - 1] as usize + 1
    }

    /// Rows of the distances `from..=to`, ascending.
    #[inline(always)]
    pub(super) fn between(&self, from: isize, to: isize) -> &[u32] {
        let zero = self.longest.cast_signed() - 1;
        &self.rows[(zero + from).unsigned_abs()..=(zero + to).unsigned_abs()]
    }

    /// How far below and above distance 0 rows follow one another like distances.
    #[inline(always)]
    pub(super) fn linear(&self) -> (usize, usize) {
        (self.before, self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_distances_stand_for_themselves_and_long_ones_are_limited() {
        let buckets = RelativePositions { position_buckets: 8, max_relative_positions: 33 };
        let rows: Vec<usize> = (-6..=6).map(|d| buckets.row(d)).collect();
        // From 4 on: ceil(ln(5 / 4) / ln 8 * 3) + 4 = 5 and so on.
        assert_eq!(rows, [3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 13]);
        assert_eq!((buckets.row(-1000), buckets.row(1000)), (0, 15));
        let plain = RelativePositions { position_buckets: 0, max_relative_positions: 5 };
        assert_eq!((plain.row(-9), plain.row(-5), plain.row(4), plain.row(5)), (0, 0, 9, 9));
    }

    #[test]
    fn the_table_repeats_the_rows() {
        for (position_buckets, max_relative_positions) in [(8, 33), (0, 5), (7, 96), (256, 512)] {
            let positions = RelativePositions { position_buckets, max_relative_positions };
            let table = DistanceTable::new(positions, 60);
            for length in [1_isize, 2, 17, 60] {
                let rows = table.between(1 - length, length - 1);
                let expected = (1 - length..length).map(|d| positions.row(d) as u32);
                assert_eq!(rows, expected.collect::<Vec<_>>());
            }
            assert_eq!(table.rows(), positions.row(-59)..positions.row(59) + 1);
            let (before, after) = table.linear();
            for d in -before.cast_signed()..=after.cast_signed() {
                assert_eq!(positions.row(d).cast_signed(), positions.span().cast_signed() + d);
            }
        }
    }
}
