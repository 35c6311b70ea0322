//! Batches in parts that fit into a device's memory.

/// A part of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The batch, counted within the step.
    pub(super) batch: usize,
    /// Places in the list of sequences.
    pub(super) places: Vec<u32>,
    /// Whether it is all of the batch.
    pub(super) is_whole: bool,
}

impl Part {
    /// Its tokens.
    pub(super) fn tokens(&self, lengths: &[u32]) -> u64 {
        tokens(&self.places, lengths)
    }
}

fn tokens(places: &[u32], lengths: &[u32]) -> u64 {
    places.iter().map(|&place| u64::from(lengths[place as usize])).sum()
}

/// The batches of a step in parts of at most so many tokens; one sequence is the least. With `largest_first` a part that
/// does not fit is met before any other has left gradients behind; else they come as the batches do.
pub(super) fn parts(
    batches: &[&[u32]],
    lengths: &[u32],
    limit: Option<u64>,
    largest_first: bool,
) -> Vec<Part> {
    let limit = limit.unwrap_or(u64::MAX);
    let mut all = Vec::new();
    for (batch, places) in batches.iter().enumerate() {
        let before = all.len();
        let (mut part, mut sum) = (Vec::new(), 0);
        for &place in *places {
            let length = u64::from(lengths[place as usize]);
            if !part.is_empty() && sum + length > limit {
                all.push(Part { batch, places: std::mem::take(&mut part), is_whole: false });
                sum = 0;
            }
            part.push(place);
            sum += length;
        }
        let is_whole = all.len() == before;
        all.push(Part { batch, places: part, is_whole });
    }
    if largest_first {
        all.sort_by_key(|part| std::cmp::Reverse(part.tokens(lengths)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_batch_that_fits_is_one_part() {
        let lengths = [5, 7, 30, 2, 4];
        let batches: [&[u32]; 2] = [&[0, 1], &[3, 2, 4]];
        let whole = parts(&batches, &lengths, None, false);
        assert!(whole.iter().all(|part| part.is_whole));
        assert_eq!(whole.iter().map(|part| part.tokens(&lengths)).collect::<Vec<_>>(), [12, 36]);
        assert_eq!(parts(&batches, &lengths, None, true)[0].batch, 1, "the larger one");
        let split = parts(&batches, &lengths, Some(12), false);
        let places: Vec<&[u32]> = split.iter().map(|part| part.places.as_slice()).collect();
        assert_eq!(places, [&[0, 1][..], &[3], &[2], &[4]]);
        assert_eq!(
            split.iter().map(|part| part.is_whole).collect::<Vec<_>>(),
            [true, false, false, false]
        );
    }

    proptest! {
        #[test]
        fn every_place_is_in_one_part_of_its_batch_and_limits_hold(
            lengths in prop::collection::vec(1_u32..100, 1..60),
            size in 1_usize..12,
            limit in 1_u64..400,
            largest_first: bool,
        ) {
            let places: Vec<u32> = (0..u32::try_from(lengths.len()).unwrap()).collect();
            let batches: Vec<&[u32]> = places.chunks(size).collect();
            let parts = parts(&batches, &lengths, Some(limit), largest_first);
            for (number, batch) in batches.iter().enumerate() {
                let own: Vec<&Part> = parts.iter().filter(|part| part.batch == number).collect();
                let mut seen: Vec<u32> = own.iter().flat_map(|part| part.places.clone()).collect();
                seen.sort_unstable();
                prop_assert_eq!(&seen, batch);
                prop_assert!(own.iter().all(|part| part.is_whole == (own.len() == 1)));
            }
            for part in &parts {
                prop_assert!(part.places.len() == 1 || part.tokens(&lengths) <= limit);
            }
        }
    }
}
