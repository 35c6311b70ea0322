//! The window in which a token of the context is seen with most context around it.

/// Of the windows that show the context's token at `position`, the one with the largest
/// min(tokens to its left, tokens to its right) + 0.01 x tokens of the window; the first of equals.
/// None where no window shows it (`_new_check_is_max_context` of `squad.py`).
///
/// `lengths` are the context's tokens in each window; window w begins with token w x `stride`.
pub fn best_window(
    lengths: impl IntoIterator<Item = usize>,
    stride: usize,
    position: usize,
) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (window, length) in lengths.into_iter().enumerate() {
        let start = window.saturating_mul(stride);
        let (Some(left), Some(end)) =
            (position.checked_sub(start), (start + length).checked_sub(1))
        else {
            continue;
        };
        let Some(right) = end.checked_sub(position) else { continue };
        let score = left.min(right) as f64 + 0.01 * length as f64;
        if best.is_none_or(|(_, highest)| score > highest) {
            best = Some((window, score));
        }
    }
    best.map(|(window, _)| window)
}

#[cfg(test)]
mod tests {
    use super::best_window;

    #[test]
    fn the_window_with_most_context_shows_a_token_best() {
        // Tokens 0..10 and 4..14: token 6 has 3 to its right in the first, 2 to its left in the second.
        let best = |position| best_window([10, 10], 4, position);
        assert_eq!([0, 3, 6, 7, 13].map(best), [Some(0), Some(0), Some(0), Some(1), Some(1)]);
        assert_eq!(best(14), None);
        // Equal but for the length of the window: the longer one; equal in all: the first.
        assert_eq!(best_window([10, 4], 8, 8), Some(0));
        assert_eq!(best_window([5, 5], 0, 2), Some(0));
        assert_eq!(best_window([0, 3], 1, 0), None);
    }
}
