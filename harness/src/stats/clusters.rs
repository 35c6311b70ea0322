//! Rows that share a source.

use std::collections::HashMap;

/// Which rows belong together, with cluster numbers from 0 without gaps, in the order in which they appear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    of_row: Vec<u32>,
    count: u32,
}

impl Clusters {
    /// From one number a row, which may be any.
    pub fn new(numbers: &[u32]) -> Self {
        let mut known = HashMap::new();
        let mut of_row = Vec::with_capacity(numbers.len());
        for number in numbers {
            let next = known.len() as u32;
            of_row.push(*known.entry(*number).or_insert(next));
        }
        Self { of_row, count: known.len() as u32 }
    }

    /// For each row its cluster.
    pub fn of_row(&self) -> &[u32] {
        &self.of_row
    }

    /// Number of clusters.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// The rows of each cluster, in dataset order: rows, and for each cluster where its rows begin.
    pub(super) fn members(&self) -> (Vec<u32>, Vec<usize>) {
        let mut starts = vec![0; self.count() + 1];
        for cluster in &self.of_row {
            starts[*cluster as usize + 1] += 1;
        }
        for i in 0..self.count() {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; self.of_row.len()];
        for (row, cluster) in self.of_row.iter().enumerate() {
            rows[next[*cluster as usize]] = row as u32;
            next[*cluster as usize] += 1;
        }
        (rows, starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_need_not_be_dense_or_sorted() {
        let clusters = Clusters::new(&[9, 4, 9, 4_000_000_000, 4]);
        assert_eq!((clusters.of_row(), clusters.count()), ([0, 1, 0, 2, 1].as_slice(), 3));
        assert_eq!(clusters.members(), (vec![0, 2, 1, 4, 3], vec![0, 2, 4, 5]));
        assert_eq!(Clusters::new(&[]).members(), (vec![], vec![0]));
    }
}
