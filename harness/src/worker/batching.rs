//! Batches by token budget, longest sequences first.

/// Groups sequences, given their lengths in tokens, into batches of at most `budget` tokens. Longest
/// first, so that the largest batch comes first and memory is known early; equal lengths stay in order.
/// A sequence that is longer than the budget makes a batch of its own. Nothing is padded, so the tokens
/// of a batch are the sum of its lengths.
pub fn batches(lengths: &[usize], budget: u64) -> Vec<Vec<u64>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(lengths[i]));
    let mut all = Vec::new();
    let (mut batch, mut tokens) = (Vec::new(), 0_u64);
    for i in order {
        let len = lengths[i] as u64;
        if !batch.is_empty() && tokens + len > budget {
            all.push(std::mem::take(&mut batch));
            tokens = 0;
        }
        batch.push(i as u64);
        tokens += len;
    }
    if !batch.is_empty() {
        all.push(batch);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn longest_first_within_the_budget() {
        assert_eq!(batches(&[3, 9, 3, 5], 10), [vec![1], vec![3, 0], vec![2]]);
        assert!(batches(&[], 10).is_empty());
    }

    proptest! {
        #[test]
        fn every_sequence_is_in_one_batch_and_budgets_hold(
            lengths in prop::collection::vec(0_usize..300, 0..200),
            budget in 1_u64..2_000,
        ) {
            let batches = batches(&lengths, budget);
            let mut seen: Vec<u64> = batches.iter().flatten().copied().collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len() as u64).collect::<Vec<_>>());
            for batch in &batches {
                let tokens: usize = batch.iter().map(|&i| lengths[usize::try_from(i).unwrap()]).sum();
                prop_assert!(batch.len() == 1 || tokens as u64 <= budget);
            }
        }
    }
}
