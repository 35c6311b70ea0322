//! The reference's rule for pairs that are too long.

/// How many tokens of each text are kept within `budget`.
///
/// Transformers' `longest_first` drops one token at a time from the end: of the first text while
/// it is the longer one, else of the second, so ties cost the second. (The `tokenizers` crate's
/// rule leaves the odd token to the longer side instead.)
pub(super) fn longest_first(a: usize, b: usize, budget: usize) -> (usize, usize) {
    let (mut keep_a, mut keep_b) = (a, b);
    while keep_a + keep_b > budget {
        if keep_a > keep_b {
            keep_a -= 1;
        } else {
            keep_b -= 1;
        }
    }
    (keep_a, keep_b)
}

#[cfg(test)]
mod tests {
    use super::longest_first;

    #[test]
    fn ties_cost_the_second_text() {
        assert_eq!(longest_first(3, 3, 6), (3, 3));
        assert_eq!(longest_first(3, 3, 5), (3, 2));
        assert_eq!(longest_first(4, 10, 7), (4, 3));
        assert_eq!(longest_first(10, 4, 7), (4, 3));
        assert_eq!(longest_first(2, 10, 7), (2, 5));
        assert_eq!(longest_first(0, 9, 4), (0, 4));
        assert_eq!(longest_first(5, 5, 0), (0, 0));
    }
}
