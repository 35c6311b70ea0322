//! Windows over a context, and the context's tokens put together from them.

use serde::{Deserialize, Serialize};

use super::{Pieces, Words};

/// The tokens of the context that one window shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Tokens of the sequence before the first one of the context: special tokens and the question.
    pub context_start: u32,
    /// `[len]`: for each token of the context the byte of the context at which it begins.
    pub offsets: Vec<u32>,
    /// `[len]`: their texts.
    pub pieces: Pieces,
}

impl Window {
    /// Tokens of the context.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether the window shows nothing of the context.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The word of the context that the token at `index` belongs to.
    pub fn word(&self, words: &Words<'_>, index: usize) -> Option<usize> {
        words.of_token(*self.offsets.get(index)? as usize)
    }
}

/// Windows that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The overlap of two windows shows different tokens.
    #[error(
        "windows {} and {window} do not show the same tokens where they overlap: window {window} should begin \
         {stride} tokens after window {}", window - 1, window - 1
    )]
    Overlap {
        /// The later window.
        window: usize,
        /// Tokens from one window's start to the next.
        stride: usize,
    },
    /// Tokens between two windows are in neither.
    #[error("{tokens} tokens of the context are in no window: they lie between windows {} and {window}", window - 1)]
    Gap {
        /// The later window.
        window: usize,
        /// Tokens that are lost.
        tokens: usize,
    },
}

/// A whole context, token by token, put together from its windows.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    windows: &'a [Window],
    stride: usize,
    len: usize,
}

impl<'a> Document<'a> {
    /// Of the windows of one context, which begin `stride` tokens apart.
    ///
    /// # Errors
    /// [`WindowError`].
    pub fn new(windows: &'a [Window], stride: usize) -> Result<Self, WindowError> {
        check_overlaps(windows, stride)?;
        let mut len = 0;
        for (number, window) in windows.iter().enumerate() {
            let start = number.saturating_mul(stride);
            if start > len {
                return Err(WindowError::Gap { window: number, tokens: start - len });
            }
            len = len.max(start + window.len());
        }
        Ok(Self { windows, stride, len })
    }

    /// Tokens.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The text of the token at `position`; empty beyond the last.
    pub fn piece(&self, position: usize) -> &'a str {
        self.find(position).map_or("", |(window, index)| window.pieces.get(index))
    }

    /// The word of the token at `position`.
    pub fn word(&self, words: &Words<'_>, position: usize) -> Option<usize> {
        self.find(position).and_then(|(window, index)| window.word(words, index))
    }

    /// The last window that shows a token, and the token's index in it.
    fn find(&self, position: usize) -> Option<(&'a Window, usize)> {
        let windows = self.windows.iter().enumerate().rev();
        windows
            .filter_map(|(number, window)| {
                let index = position.checked_sub(number.saturating_mul(self.stride))?;
                (index < window.len()).then_some((window, index))
            })
            .next()
    }

    /// Where tokens `start..=end` are in the sequence of window number `window`: what a model is trained
    /// to predict. None where the window does not show all of them; the reference then trains it to
    /// point at the sequence's first token.
    pub fn in_window(&self, window: usize, start: usize, end: usize) -> Option<(usize, usize)> {
        let shown = self.windows.get(window)?;
        let first = window.saturating_mul(self.stride);
        let (from, to) = (start.checked_sub(first)?, end.checked_sub(first)?);
        let at = shown.context_start as usize;
        (from <= to && to < shown.len()).then_some((at + from, at + to))
    }
}

/// Whether neighbouring windows show the same tokens where they overlap, as far as their places tell.
///
/// # Errors
/// [`WindowError::Overlap`].
pub fn check_overlaps(windows: &[Window], stride: usize) -> Result<(), WindowError> {
    for (number, pair) in windows.windows(2).enumerate() {
        let (before, after) = (&pair[0], &pair[1]);
        let shared = before.offsets.get(stride..).unwrap_or_default();
        let same = |(a, b): (&u32, &u32)| a == b;
        if shared.len() > after.len() || !shared.iter().zip(&after.offsets).all(same) {
            return Err(WindowError::Overlap { window: number + 1, stride });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows over tokens of one byte each, `a`, `b`, `c` ...
    fn windows(ranges: &[std::ops::Range<u32>]) -> Vec<Window> {
        let window = |range: &std::ops::Range<u32>| {
            let piece = |at: u32| char::from(b'a' + u8::try_from(at).unwrap()).to_string();
            let pieces: Vec<String> = range.clone().map(piece).collect();
            let pieces = pieces.iter().map(String::as_str).collect();
            Window { context_start: 3, offsets: range.clone().collect(), pieces }
        };
        ranges.iter().map(window).collect()
    }

    #[test]
    fn a_document_is_put_together_from_its_windows() {
        let windows = windows(&[0..5, 2..7, 4..8]);
        let document = Document::new(&windows, 2).unwrap();
        let all: String = (0..document.len()).map(|at| document.piece(at)).collect();
        assert_eq!(all, "abcdefgh");
        assert_eq!(document.word(&Words::split("abc defgh"), 3), Some(1));
        assert_eq!(document.in_window(1, 3, 4), Some((4, 5)));
        assert_eq!(document.in_window(1, 1, 4), None);
        assert_eq!(document.in_window(0, 4, 5), None);
    }

    #[test]
    fn windows_that_do_not_fit_are_named() {
        let error = |ranges: &[std::ops::Range<u32>]| {
            Document::new(&windows(ranges), 2).unwrap_err().to_string()
        };
        assert!(error(&[0..5, 3..8]).contains("window 1 should begin 2 tokens after window 0"));
        assert!(error(&[0..5, 2..4]).contains("windows 0 and 1"));
        assert!(error(&[0..1, 2..4]).contains("1 tokens of the context are in no window"));
    }
}
