//! The best answers that a tokeniser allows: the label span of each right answer, pushed through the very
//! steps that turn a model's span into text.

use crate::qa::{
    Document, LabelSpan, QaOptions, Window, Words, label_span, span_text, whole_words,
};
use crate::worker::{Encoding, RowInput};

use super::{AuditError, ModelTokenizer};

/// A question with one right answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// The question.
    pub question: &'a str,
    /// Where the answer is.
    pub context: &'a str,
    /// The answer.
    pub answer: &'a str,
    /// Byte of the context at which it begins.
    pub answer_start: usize,
}

/// What a tokeniser makes of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OracleRow {
    /// Windows over the context.
    pub windows: usize,
    /// Tokens of the context.
    pub tokens: usize,
    /// Tokens of the context that are unknown, by their piece.
    pub unknown: usize,
    /// The tokens that a model would be trained to point at; none where the answer is not in the context.
    pub span: Option<LabelSpan>,
    /// The text that they come to.
    pub text: Option<String>,
    /// The words that they are of.
    pub whole_words: Option<String>,
}

/// The best answers that a tokeniser allows, question by question.
///
/// # Errors
/// [`AuditError`].
pub fn oracle(
    tokenizer: &ModelTokenizer,
    questions: &[Question<'_>],
    max_seq_len: u32,
    options: &QaOptions,
) -> Result<Vec<OracleRow>, AuditError> {
    let input = |q: &Question<'_>| RowInput::Question {
        question: q.question.to_owned(),
        context: q.context.to_owned(),
    };
    let mut windows: Vec<Vec<Window>> = vec![Vec::new(); questions.len()];
    let examples = questions.iter().map(input).collect();
    let encoding = Encoding::new(max_seq_len, *options);
    tokenizer.tokenize(examples, encoding, false, &mut |sequence| {
        if let (Some(row), Some(context)) =
            (windows.get_mut(sequence.row as usize), sequence.context)
        {
            row.push(context);
        }
    })?;
    let rows: Vec<(Question<'_>, &[Window])> =
        questions.iter().copied().zip(windows.iter().map(Vec::as_slice)).collect();
    best_answers(tokenizer, &rows, options)
}

/// The same, where the windows are known already.
pub(super) fn best_answers(
    tokenizer: &ModelTokenizer,
    rows: &[(Question<'_>, &[Window])],
    options: &QaOptions,
) -> Result<Vec<OracleRow>, AuditError> {
    let stride = options.doc_stride as usize;
    let answers = rows.iter().map(|(q, _)| RowInput::Text(q.answer.to_owned())).collect();
    // An answer that is longer than the model's limit has no span of its own tokens in a window anyway.
    let encoding = Encoding::new(0, *options);
    let mut pieces = Vec::with_capacity(rows.len());
    tokenizer.tokenize(answers, encoding, true, &mut |sequence| pieces.push(sequence.pieces))?;
    let row = |(row, ((question, windows), pieces)): (usize, (&(Question<'_>, &[Window]), _))| {
        let document =
            Document::new(windows, stride).map_err(|source| AuditError::Window { row, source })?;
        let words = Words::split(question.context);
        let span = label_span(&words, &document, question.answer, question.answer_start, pieces);
        Ok(OracleRow {
            windows: windows.len(),
            tokens: document.len(),
            unknown: (0..document.len()).filter(|&at| is_unknown(document.piece(at))).count(),
            span,
            text: span.map(|s| span_text(&words, &document, s.start, s.end)),
            whole_words: span.map(|s| whole_words(&words, &document, s.start, s.end)),
        })
    };
    rows.iter().zip(&pieces).enumerate().map(row).collect()
}

/// Whether a piece is what vocabularies write for a token that they do not have.
pub(super) fn is_unknown(piece: &str) -> bool {
    matches!(piece, "[UNK]" | "<unk>")
}
