//! Answers in a text: start and end as two classifications over the tokens of each sequence.

use super::log_sum_exp;

/// The mean of two cross-entropies, of the start and of the end logits, each a mean over the sequences
/// (Devlin et al. 2019; transformers' `BertForQuestionAnswering`, whose padding takes part where ours does not exist).
///
/// `logits` is `[T, 2]` (start, end), `cu_seqlens` `[B + 1]`, and `starts` and `ends` `[B]` are positions
/// within each sequence.
///
/// # Panics
/// When the sizes contradict each other, or a position lies outside its sequence.
pub fn span(
    logits: &[f32],
    cu_seqlens: &[u32],
    starts: &[u32],
    ends: &[u32],
    dlogits: &mut [f32],
) -> f64 {
    assert!(logits.len() == dlogits.len() && starts.len() == ends.len());
    assert_eq!(cu_seqlens.len(), starts.len() + 1);
    dlogits.fill(0.0);
    let weight = 0.5 / starts.len().max(1) as f64;
    let mut loss = 0.0;
    for (bounds, targets) in cu_seqlens.windows(2).zip(starts.iter().zip(ends)) {
        let rows = 2 * bounds[0] as usize..2 * bounds[1] as usize;
        for (column, &target) in [targets.0, targets.1].into_iter().enumerate() {
            let z: Vec<f32> =
                logits[rows.clone()].iter().skip(column).step_by(2).copied().collect();
            let lse = log_sum_exp(&z);
            let own = &mut dlogits[rows.clone()];
            for (token, &z) in z.iter().enumerate() {
                let p = (f64::from(z) - lse).exp();
                let hit = f64::from(u8::from(token == target as usize));
                own[2 * token + column] = (weight * (p - hit)) as f32;
            }
            loss += weight * (lse - f64::from(z[target as usize]));
        }
    }
    loss
}
