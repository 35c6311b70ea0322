//! What a plugin's tokeniser made of some rows, held against the rows and against itself.
//!
//! A plugin may be wrong. What would give wrong numbers in silence is an error that names the row.

use super::protocol::RowInput;
use super::server::ServeError;
use crate::plugin::{Encoded, EncodingView, TokenView};
use crate::qa::{Pieces, Window};
use kobench_plugin_abi::{FROM_FIRST, FROM_SECOND, FROM_SPECIAL, NO_WORD};

/// An encoding of some rows of a request.
pub(super) struct CheckedEncoding<'a> {
    /// The columns for each sequence.
    pub(super) view: EncodingView<'a>,
    tokens: TokenView<'a>,
    rows: &'a [RowInput],
    /// The number in the request of the first of `rows`.
    first_row: usize,
}

impl<'a> CheckedEncoding<'a> {
    /// The columns of an encoding, of which the sequences are of these rows, in their order, each row with
    /// one sequence, or with windows 0, 1, 2 ...
    pub(super) fn new(
        encoded: &'a Encoded,
        rows: &'a [RowInput],
        first_row: usize,
    ) -> Result<Self, ServeError> {
        let (view, tokens) = (encoded.view()?, encoded.tokens()?);
        let this = Self { view, tokens, rows, first_row };
        this.check_sequences()?;
        Ok(this)
    }

    fn check_sequences(&self) -> Result<(), ServeError> {
        let EncodingView { example, window, .. } = self.view;
        let has_windows = matches!(self.rows.first(), Some(RowInput::Question { .. }));
        if !has_windows && example.len() != self.rows.len() {
            return Err(ServeError::Encoding(format!(
                "the plugin's tokeniser made {} sequences of {} texts",
                example.len(),
                self.rows.len()
            )));
        }
        // The row and window that come next, and those that may: the next window, or the next row.
        let mut before: Option<(usize, u32)> = None;
        for (&row, &window) in example.iter().zip(window) {
            let row = row as usize;
            let is_next_row = row == before.map_or(0, |(row, _)| row + 1);
            let is_next_window = has_windows
                && before.is_some_and(|(last, number)| row == last && window == number + 1);
            let fits = is_next_window || (is_next_row && (window == 0 || !has_windows));
            if !fits || row >= self.rows.len() {
                let after = before.map_or_else(
                    || "at the beginning".to_owned(),
                    |(row, window)| {
                        format!("after window {window} of row {}", self.first_row + row)
                    },
                );
                return Err(ServeError::Encoding(format!(
                    "the plugin's tokeniser gave window {window} of row {} {after}: rows must come in their \
                     order, each with windows 0, 1, 2 ...",
                    self.first_row + row
                )));
            }
            before = Some((row, window));
        }
        let rows = before.map_or(0, |(row, _)| row + 1);
        if rows < self.rows.len() {
            return Err(ServeError::Encoding(format!(
                "the plugin's tokeniser made no sequence of row {}",
                self.first_row + rows
            )));
        }
        Ok(())
    }

    /// Whether a sequence is a row's first.
    pub(super) fn is_first(&self, sequence: usize) -> bool {
        sequence == 0 || self.view.example[sequence] != self.view.example[sequence - 1]
    }

    /// How many windows the row of a sequence has.
    pub(super) fn windows_of(&self, sequence: usize) -> usize {
        // They follow each other.
        let rows = self.view.example;
        let before = rows.partition_point(|&row| row < rows[sequence]);
        rows.partition_point(|&row| row <= rows[sequence]) - before
    }

    /// The row of a sequence, counted in the request.
    pub(super) fn row(&self, sequence: usize) -> usize {
        self.first_row + self.view.example[sequence] as usize
    }

    fn input(&self, sequence: usize) -> &'a RowInput {
        &self.rows[self.view.example[sequence] as usize]
    }

    fn wrong(&self, sequence: usize, what: impl std::fmt::Display) -> ServeError {
        let row = self.row(sequence);
        ServeError::Encoding(format!("row {row}: the plugin's encoding: {what}"))
    }

    /// Special tokens of a sequence.
    pub(super) fn special(&self, sequence: usize) -> usize {
        let sources = &self.tokens.source[self.view.range(sequence)];
        sources.iter().filter(|&&source| source == FROM_SPECIAL).count()
    }

    /// The texts of a sequence's tokens, special tokens left out.
    pub(super) fn pieces(&self, sequence: usize) -> Result<Pieces, ServeError> {
        let tokens =
            self.view.range(sequence).filter(|&token| self.tokens.source[token] != FROM_SPECIAL);
        let mut pieces = Pieces::default();
        for token in tokens {
            pieces.push(self.tokens.piece(token).map_err(|what| self.wrong(sequence, what))?);
        }
        Ok(pieces)
    }

    /// For each word of a row that the sequence shows, the position in the sequence of its first token. The
    /// words are the row's first ones: only words at the end may be cut off.
    pub(super) fn first_tokens(&self, sequence: usize) -> Result<Vec<usize>, ServeError> {
        let RowInput::Words(words) = self.input(sequence) else { return Ok(Vec::new()) };
        let mut firsts = Vec::new();
        for (position, token) in self.view.range(sequence).enumerate() {
            let id = self.tokens.word_ids[token];
            if id == NO_WORD {
                continue;
            }
            let word = usize::try_from(id).ok().filter(|&word| word < words.len());
            let Some(word) = word else {
                let n = words.len();
                return Err(
                    self.wrong(sequence, format!("token {position} is of word {id}, of {n} words"))
                );
            };
            self.check_offsets(sequence, token, words[word].len())?;
            if word == firsts.len() {
                firsts.push(position);
            } else if word + 1 != firsts.len() {
                let expected = match firsts.len().checked_sub(1) {
                    Some(last) => format!("of word {last} or {}", last + 1),
                    None => "of word 0".into(),
                };
                return Err(self.wrong(
                    sequence,
                    format!("token {position} is of word {word}, where it should be {expected}"),
                ));
            }
        }
        if firsts.len() < words.len() && self.view.n_truncated[sequence] == 0 {
            let (seen, all) = (firsts.len(), words.len());
            let what = format!("only {seen} of {all} words have a token, but nothing was cut off");
            return Err(self.wrong(sequence, what));
        }
        Ok(firsts)
    }

    /// What a window shows of its row's context.
    pub(super) fn window(&self, sequence: usize) -> Result<Window, ServeError> {
        let RowInput::Question { context, .. } = self.input(sequence) else {
            return Ok(Window::default());
        };
        let tokens = self.view.range(sequence);
        let is_context = |token: &usize| self.tokens.source[*token] == FROM_SECOND;
        let first = tokens.clone().find(is_context).unwrap_or(tokens.end);
        let shown = first..tokens.clone().rev().find(is_context).map_or(first, |last| last + 1);
        let number = self.view.window[sequence];
        if let Some(other) = shown.clone().find(|token| !is_context(token)) {
            return Err(self.wrong(
                sequence,
                format!(
                    "token {} of window {number} is not of the context, but lies within it",
                    other - tokens.start
                ),
            ));
        }
        let mut window = Window {
            context_start: u32::try_from(first - tokens.start).unwrap_or(u32::MAX),
            ..Window::default()
        };
        for token in shown {
            self.check_offsets(sequence, token, context.len())?;
            let start = self.tokens.offset_start[token];
            if window.offsets.last().is_some_and(|&last| start < last) {
                let what = format!(
                    "token {} of window {number} begins before the one before it",
                    token - tokens.start
                );
                return Err(self.wrong(sequence, what));
            }
            window.offsets.push(start);
            window
                .pieces
                .push(self.tokens.piece(token).map_err(|what| self.wrong(sequence, what))?);
        }
        Ok(window)
    }

    fn check_offsets(&self, sequence: usize, token: usize, len: usize) -> Result<(), ServeError> {
        let (start, end) = (self.tokens.offset_start[token], self.tokens.offset_end[token]);
        if start <= end && end as usize <= len {
            return Ok(());
        }
        let position = token - self.view.range(sequence).start;
        Err(self.wrong(
            sequence,
            format!("token {position} is bytes {start}..{end} of a text of {len} bytes"),
        ))
    }

    /// Tokens of plain texts: offsets within their text.
    pub(super) fn check_texts(&self, sequence: usize) -> Result<(), ServeError> {
        let (first, second) = match self.input(sequence) {
            RowInput::Text(text) => (text.len(), 0),
            RowInput::Pair(first, second) => (first.len(), second.len()),
            RowInput::Question { question, context } => (question.len(), context.len()),
            RowInput::Words(_) => return Ok(()),
        };
        for token in self.view.range(sequence) {
            match self.tokens.source[token] {
                FROM_FIRST => self.check_offsets(sequence, token, first)?,
                FROM_SECOND => self.check_offsets(sequence, token, second)?,
                _ => {}
            }
        }
        Ok(())
    }
}
