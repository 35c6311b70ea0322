//! Sufficient statistics that add up: a sparse vector for each row, of whose sum a metric is a function.

use std::collections::HashMap;

use super::{Clusters, Disagreements, Weighted};

/// The vectors of all units; units with equal vectors are one group. A unit is a row, or a cluster of rows
/// with the sum of their vectors. The groups' order follows from their content, so that the order of the
/// rows decides nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouped {
    width: usize,
    multiplicities: Vec<u32>,
    group_of: Vec<u32>,
    /// For each group where its entries begin; one more than there are groups.
    starts: Vec<usize>,
    /// Component and value.
    entries: Vec<(u32, f64)>,
}

/// A vector as a key: component and bits.
type Key = Vec<(u32, u64)>;

impl Grouped {
    /// `fill(row, entries)` pushes what row `row` adds to which of the `width` components.
    pub fn new(
        width: usize,
        rows: usize,
        clusters: Option<&Clusters>,
        mut fill: impl FnMut(usize, &mut Vec<(u32, f64)>),
    ) -> Self {
        let mut known: HashMap<Key, u32> = HashMap::new();
        let mut group_of = Vec::new();
        let (mut entries, mut key) = (Vec::new(), Key::new());
        let mut add = |entries: &mut Vec<(u32, f64)>| {
            canonical(entries, &mut key);
            let next = known.len() as u32;
            let group = match known.get(key.as_slice()) {
                Some(group) => *group,
                None => *known.entry(key.clone()).or_insert(next),
            };
            group_of.push(group);
            entries.clear();
        };
        match clusters {
            None => {
                for row in 0..rows {
                    fill(row, &mut entries);
                    add(&mut entries);
                }
            }
            Some(clusters) => {
                let (members, starts) = clusters.members();
                for bounds in starts.windows(2) {
                    for row in &members[bounds[0]..bounds[1]] {
                        fill(*row as usize, &mut entries);
                    }
                    add(&mut entries);
                }
            }
        }
        Self::sorted(width, known, group_of)
    }

    fn sorted(width: usize, known: HashMap<Key, u32>, mut group_of: Vec<u32>) -> Self {
        let mut keys: Vec<(Key, u32)> = known.into_iter().collect();
        keys.sort_unstable();
        let mut place = vec![0; keys.len()];
        let (mut starts, mut entries) = (vec![0], Vec::new());
        for (index, (key, old)) in keys.iter().enumerate() {
            place[*old as usize] = index as u32;
            entries.extend(key.iter().map(|(at, bits)| (*at, f64::from_bits(*bits))));
            starts.push(entries.len());
        }
        let mut multiplicities = vec![0; keys.len()];
        for group in &mut group_of {
            *group = place[*group as usize];
            multiplicities[*group as usize] += 1;
        }
        Self { width, multiplicities, group_of, starts, entries }
    }

    /// The same units with fewer components: component `at` is added to component `to(at)` of `width`, or
    /// dropped. Groups that are then equal become one, and fewer groups are resampled faster.
    pub fn project(&self, width: usize, to: impl Fn(u32) -> Option<u32>) -> Self {
        let mut known: HashMap<Key, u32> = HashMap::new();
        let (mut entries, mut key) = (Vec::new(), Key::new());
        let mut merged = Vec::with_capacity(self.multiplicities.len());
        for bounds in self.starts.windows(2) {
            entries.clear();
            let own = &self.entries[bounds[0]..bounds[1]];
            entries.extend(own.iter().filter_map(|(at, value)| Some((to(*at)?, *value))));
            canonical(&mut entries, &mut key);
            let next = known.len() as u32;
            merged.push(*known.entry(key.clone()).or_insert(next));
        }
        let group_of = self.group_of.iter().map(|group| merged[*group as usize]).collect();
        Self::sorted(width, known, group_of)
    }

    /// The sum of the vectors, group `g` counted `weights[g]` times, into `sums`.
    pub fn sum(&self, weights: &[u32], sums: &mut Vec<f64>) {
        sums.clear();
        sums.resize(self.width, 0.0);
        for (bounds, weight) in self.starts.windows(2).zip(weights) {
            if *weight > 0 {
                for (at, value) in &self.entries[bounds[0]..bounds[1]] {
                    sums[*at as usize] += f64::from(*weight) * value;
                }
            }
        }
    }

    /// The sum over all units.
    pub fn total(&self) -> Vec<f64> {
        let mut sums = Vec::new();
        self.sum(&self.multiplicities, &mut sums);
        sums
    }

    /// Where the first half of the components is one system's and the second half another's: the units on which the two
    /// differ, by how they do.
    pub fn disagreements(&self) -> Disagreements {
        let half = self.width as u32 / 2;
        let mut found = Disagreements { starts: vec![0], ..Disagreements::default() };
        let mut deltas = Vec::new();
        for (bounds, multiplicity) in self.starts.windows(2).zip(&self.multiplicities) {
            deltas.clear();
            let own = &self.entries[bounds[0]..bounds[1]];
            deltas.extend(
                own.iter().map(
                    |&(at, value)| {
                        if at < half { (at, -value) } else { (at - half, value) }
                    },
                ),
            );
            deltas.sort_by_key(|(at, _)| *at);
            let before = found.entries.len();
            for chunk in deltas.chunk_by(|a, b| a.0 == b.0) {
                let sum: f64 = chunk.iter().map(|(_, delta)| delta).sum();
                if sum != 0.0 {
                    found.entries.push((chunk[0].0, sum));
                }
            }
            if found.entries.len() > before {
                found.multiplicities.push(*multiplicity);
                found.starts.push(found.entries.len());
            }
        }
        found
    }

    /// The product of each unit's vector with `gradient`, one a unit in dataset order.
    pub fn products(&self, gradient: &[f64]) -> Vec<f64> {
        let of_group: Vec<f64> = (self.starts.windows(2))
            .map(|bounds| {
                let own = &self.entries[bounds[0]..bounds[1]];
                own.iter().map(|(at, value)| gradient[*at as usize] * value).sum()
            })
            .collect();
        self.group_of.iter().map(|group| of_group[*group as usize]).collect()
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.group_of.len()
    }

    /// A metric that is a function of the sum.
    pub fn of_sums<F>(&self, value: F) -> OfSums<'_, F>
    where
        F: Fn(&[f64]) -> Option<f64> + Sync,
    {
        OfSums { grouped: self, value }
    }
}

/// Sorts the entries by component, adds up those of one component, drops zeros, and makes the key.
fn canonical(entries: &mut [(u32, f64)], key: &mut Key) {
    // Stable, so that what is added to one component is added in the order of the rows.
    entries.sort_by_key(|(at, _)| *at);
    key.clear();
    for chunk in entries.chunk_by(|a, b| a.0 == b.0) {
        let sum: f64 = chunk.iter().map(|(_, value)| value).sum();
        if sum != 0.0 {
            key.push((chunk[0].0, sum.to_bits()));
        }
    }
}

/// A metric that is a function of the sum of the units' vectors.
#[derive(Debug, Clone, Copy)]
pub struct OfSums<'a, F> {
    grouped: &'a Grouped,
    value: F,
}

impl<F: Fn(&[f64]) -> Option<f64> + Sync> Weighted for OfSums<'_, F> {
    fn multiplicities(&self) -> &[u32] {
        &self.grouped.multiplicities
    }

    fn group_of(&self) -> &[u32] {
        &self.grouped.group_of
    }

    fn value(&self, weights: &[u32], scratch: &mut Vec<f64>) -> Option<f64> {
        self.grouped.sum(weights, scratch);
        (self.value)(scratch)
    }

    fn effort(&self) -> u64 {
        let grouped = self.grouped;
        let binomials = super::resample::BINOMIAL_DRAWS * grouped.multiplicities.len();
        (grouped.group_of.len().min(binomials) + grouped.entries.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_are_one_group_in_an_order_of_their_own() {
        let rows = [(0, 1.0), (2, 1.5), (0, 1.0), (1, 2.0), (2, 1.5), (0, 1.0)];
        let grouped = Grouped::new(3, 6, None, |row, entries| entries.push(rows[row]));
        assert_eq!(grouped.multiplicities, [3, 1, 2]);
        assert_eq!(grouped.group_of, [0, 2, 0, 1, 2, 0]);
        assert_eq!(grouped.total(), [3.0, 2.0, 3.0]);
        let reversed = Grouped::new(3, 6, None, |row, entries| entries.push(rows[5 - row]));
        assert_eq!(reversed.entries, grouped.entries);
        assert_eq!(reversed.multiplicities, grouped.multiplicities);
        let mut sums = Vec::new();
        grouped.sum(&[0, 2, 1], &mut sums);
        assert_eq!(sums, [0.0, 4.0, 1.5]);
    }

    #[test]
    fn fewer_components_make_fewer_groups() {
        let rows = [(0, 1.0), (1, 1.0), (2, 2.0), (3, 5.0)];
        let fill = |row: usize, entries: &mut Vec<(u32, f64)>| entries.push(rows[row % 4]);
        let grouped = Grouped::new(4, 8, None, fill);
        let halves = grouped.project(2, |at| (at < 3).then_some(at / 2));
        assert_eq!(halves.total(), [4.0, 4.0]);
        // Those of component 3 are units still, and draw like others.
        assert_eq!(halves.multiplicities, [2, 4, 2]);
        assert_eq!(halves.group_of, [1, 1, 2, 0, 1, 1, 2, 0]);
    }

    #[test]
    fn clusters_are_units_and_add_up_their_rows() {
        let clusters = Clusters::new(&[5, 7, 5, 7, 9]);
        let grouped = Grouped::new(2, 5, Some(&clusters), |row, entries| {
            entries.push((1, 1.0));
            entries.push((0, f64::from(u8::from(row % 2 == 0))));
        });
        // Clusters (2, 2), (0, 2), (1, 1).
        assert_eq!(grouped.group_of.len(), 3);
        assert_eq!(grouped.total(), [3.0, 5.0]);
        // A row that adds nothing is a unit all the same.
        let empty = Grouped::new(1, 4, None, |_, _| ());
        assert_eq!((empty.multiplicities.as_slice(), empty.total().len()), ([4].as_slice(), 1));
    }
}
