//! Which spans of a context may be its answer (`compute_predictions_logits` of `squad_metrics.py`).

use super::{QaOptions, Window, best_window};

/// The logits of a window, for each token of its sequence: special tokens and question included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowLogits<'a> {
    /// For the answer's first token.
    pub start: &'a [f32],
    /// For the answer's last token.
    pub end: &'a [f32],
}

/// A span that may be the answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The window.
    pub window: usize,
    /// Its first token, counted among the window's tokens of the context.
    pub start: usize,
    /// Its last token, counted likewise.
    pub end: usize,
    /// The logit of its first token.
    pub start_logit: f32,
    /// The logit of its last token.
    pub end_logit: f32,
}

impl Candidate {
    /// The sum of its logits.
    pub fn score(&self) -> f64 {
        f64::from(self.start_logit) + f64::from(self.end_logit)
    }
}

/// All candidates of one context, the best first; equal ones in the order of windows, then of start
/// logits, then of end logits.
///
/// A window's candidates are its [`QaOptions::n_best`] best starts x as many best ends, of which both are in
/// the context, the start is where it has most context, the end is not before the start, and the length is
/// at most [`QaOptions::max_answer_len`] tokens. Of equal logits the earlier token comes first.
pub fn candidates(
    windows: &[Window],
    logits: &[WindowLogits<'_>],
    options: &QaOptions,
) -> Vec<Candidate> {
    let (n_best, stride) = (options.n_best as usize, options.doc_stride as usize);
    let lengths = || windows.iter().map(Window::len);
    let mut all = Vec::new();
    for (number, (window, logits)) in windows.iter().zip(logits).enumerate() {
        let first = window.context_start as usize;
        let in_context =
            |token: usize| token.checked_sub(first).filter(|&index| index < window.len());
        let ends = best(logits.end, n_best);
        for start in best(logits.start, n_best) {
            let Some(from) = in_context(start) else { continue };
            let position = number.saturating_mul(stride) + from;
            if best_window(lengths(), stride, position) != Some(number) {
                continue;
            }
            for &end in &ends {
                let Some(to) = in_context(end).filter(|&to| to >= from) else { continue };
                if to - from + 1 > options.max_answer_len as usize {
                    continue;
                }
                all.push(Candidate {
                    window: number,
                    start: from,
                    end: to,
                    start_logit: logits.start[start],
                    end_logit: logits.end[end],
                });
            }
        }
    }
    all.sort_by(|a, b| descending(a.score(), b.score()));
    all
}

/// The indices of the `n` largest values, the largest first; of equal values the first.
fn best(values: &[f32], n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| descending(f64::from(values[a]), f64::from(values[b])));
    order.truncate(n);
    order
}

/// Logits are finite; where they are not, the order is still one.
fn descending(a: f64, b: f64) -> std::cmp::Ordering {
    b.partial_cmp(&a).unwrap_or(std::cmp::Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qa::Pieces;

    fn window(context_start: u32, len: u32) -> Window {
        let pieces: Pieces = (0..len).map(|_| "x").collect();
        Window { context_start, offsets: (0..len).collect(), pieces }
    }

    fn spans(all: &[Candidate]) -> Vec<(usize, usize, usize)> {
        all.iter().map(|c| (c.window, c.start, c.end)).collect()
    }

    const OPTIONS: QaOptions =
        QaOptions { doc_stride: 2, max_question_len: 64, max_answer_len: 2, n_best: 3 };

    #[test]
    fn spans_are_in_the_context_forward_short_and_sorted() {
        // Tokens 0, 1 are the question's; the context is tokens 2..6; token 6 is special.
        let start = [9.0, 0.0, 1.0, 3.0, 0.0, 2.0, 0.0];
        let end = [0.0, 9.0, 0.0, 1.0, 0.0, 4.0, 0.0];
        let logits = [WindowLogits { start: &start, end: &end }];
        let found = candidates(&[window(2, 4)], &logits, &OPTIONS);
        // Best starts: 0 (question), 3, 5; best ends: 1 (question), 5, 3. From 3 to 5 are three tokens.
        assert_eq!(spans(&found), [(0, 3, 3), (0, 1, 1)]);
        assert_eq!(found.iter().map(Candidate::score).collect::<Vec<_>>(), [6.0, 4.0]);
    }

    #[test]
    fn of_equal_logits_the_earlier_token_counts() {
        let flat = [0.0; 5];
        let logits = [WindowLogits { start: &flat, end: &flat }];
        let found = candidates(&[window(0, 5)], &logits, &OPTIONS);
        assert_eq!(spans(&found), [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 2), (0, 2, 2)]);
    }

    #[test]
    fn a_start_counts_only_where_it_has_most_context() {
        let windows = [window(0, 4), window(0, 4)];
        // Token 2 of the context is token 2 of the first window (1 to its right) and token 0 of the second
        // (0 to its left).
        let peak =
            |at: usize| (0..4).map(|i| if i == at { 5.0 } else { 0.0 }).collect::<Vec<f32>>();
        let (first, second) = (peak(2), peak(0));
        let logits = [
            WindowLogits { start: &first, end: &first },
            WindowLogits { start: &second, end: &second },
        ];
        let options = QaOptions { n_best: 1, ..OPTIONS };
        assert_eq!(spans(&candidates(&windows, &logits, &options)), [(0, 2, 2)]);
    }
}
