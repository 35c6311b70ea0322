//! What a tokeniser makes of a data set, in numbers.

use serde::Serialize;

use crate::data::{Dataset, Gold, Input};
use crate::metrics::{self, IntervalOptions, Metric, Observations};
use crate::qa::{QaOptions, Window};
use crate::record::PerEntity;
use crate::task::Task;
use crate::worker::{Encoding, RowInput, Sequence};

use super::oracle::{best_answers, is_unknown};
use super::{AuditError, Lengths, ModelTokenizer, OracleRow, Question};

/// What a tokeniser makes of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TokenAudit {
    /// The model.
    pub model: String,
    /// Tokens a sequence at most, special tokens included.
    pub max_seq_len: u32,
    /// Rows.
    pub rows: u64,
    /// Tokens a row, special tokens and those that are cut off included; of a question, as if its context
    /// were not cut into windows.
    pub lengths: Lengths,
    /// Rows of which tokens are cut off.
    pub truncated_rows: u64,
    /// Tokens that are cut off.
    pub truncated_tokens: u64,
    /// Tokens that a model sees, special tokens left out; of overlapping windows each once.
    pub tokens: u64,
    /// Unknown ones among them.
    pub unknown_tokens: u64,
    /// Their share; 0 without tokens.
    pub unknown_share: f64,
    /// Characters (Unicode scalar values) of all texts; of words without the spaces between them.
    pub characters: u64,
    /// Tokens, those that are cut off included, a character; 0 without characters.
    pub tokens_per_character: f64,
    /// For tasks that label words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<WordAudit>,
    /// For tasks that answer questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub questions: Option<QuestionAudit>,
}

/// Words that are labelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WordAudit {
    /// Words.
    pub words: u64,
    /// Words that are cut off: a model cannot label them.
    pub cut: u64,
    /// Entities of each type, by name; empty where the labels are not of entities.
    pub entities: Vec<EntityAudit>,
}

/// Gold entities of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntityAudit {
    /// The type, as it is in the labels: `PER`.
    #[serde(rename = "type")]
    pub kind: String,
    /// All: the support of `entity_f1`.
    pub all: u64,
    /// Among the words that a model sees: the support of `entity_f1_visible`, which depends on the
    /// vocabulary and on `max_seq_len`. An entity that is cut in two counts with the part that is seen.
    pub visible: u64,
}

/// Questions that are answered with a part of their context.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuestionAudit {
    /// Windows over all contexts.
    pub windows: u64,
    /// Tokens of the contexts, each once.
    pub context_tokens: u64,
    /// Unknown ones among them.
    pub context_unknown: u64,
    /// Questions whose first answer is not at its place in the context.
    pub answers_not_found: u64,
    /// Answers of more tokens than the task allows.
    pub answers_too_long: u64,
    /// The best exact match with this tokeniser: that of the tokens that a model is trained to point at.
    pub best_exact_match: Option<f64>,
    /// The best F1 over characters.
    pub best_char_f1: Option<f64>,
}

/// Audits a tokeniser on a data set. Rows are cut where `run` would cut them: at `max_seq_len` or, without
/// it, the task's, and never beyond what the model has positions for.
///
/// # Errors
/// [`AuditError`].
pub fn audit(
    tokenizer: &ModelTokenizer,
    task: &Task,
    dataset: &Dataset,
    max_seq_len: Option<u32>,
) -> Result<TokenAudit, AuditError> {
    let max_seq_len = tokenizer.limited(max_seq_len.unwrap_or(task.max_seq_len));
    let options = task.qa.unwrap_or_default();
    let mut rows = Rows::new(dataset.len(), options);
    let examples = dataset.rows().map(|row| RowInput::from(row.input)).collect();
    let encoding = Encoding::new(max_seq_len, options);
    tokenizer.tokenize(examples, encoding, false, &mut |sequence| rows.take(sequence))?;

    let characters = dataset.rows().map(|row| characters(row.input)).sum();
    let tokens: u64 = rows.tokens.iter().sum();
    let unknown_tokens = rows.unknown.iter().sum();
    let truncated_tokens: u64 = rows.truncated.iter().sum();
    let all_words = |input| if let Input::Words(words) = input { words.len() } else { 0 };
    let n_words: u64 = dataset.rows().map(|row| all_words(row.input) as u64).sum();
    let lengths = (0..dataset.len())
        .map(|row| rows.special[row] + rows.tokens[row] + rows.truncated[row])
        .collect();
    let has_words = dataset.row(0).is_some_and(|row| matches!(row.input, Input::Words(_)));
    Ok(TokenAudit {
        model: tokenizer.request.variant.clone(),
        max_seq_len,
        rows: dataset.len() as u64,
        lengths: Lengths::of(lengths),
        truncated_rows: rows.truncated.iter().filter(|&&tokens| tokens > 0).count() as u64,
        truncated_tokens,
        tokens,
        unknown_tokens,
        unknown_share: share(unknown_tokens, tokens),
        characters,
        tokens_per_character: share(tokens + truncated_tokens, characters),
        words: match has_words {
            true => Some(WordAudit {
                words: n_words,
                cut: n_words - rows.words.iter().sum::<u64>(),
                entities: entities(task, dataset, &rows)?,
            }),
            false => None,
        },
        questions: questions(tokenizer, task, dataset, &rows, &options)?,
    })
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn characters(input: Input<'_>) -> u64 {
    let count = |text: &str| text.chars().count() as u64;
    match input {
        Input::Text(text) => count(text),
        Input::Pair(first, second) => count(first) + count(second),
        Input::Words(words) => words.iter().map(count).sum(),
        Input::Question { question, context } => count(question) + count(context),
    }
}

/// What the tokeniser said of each row.
struct Rows {
    stride: u64,
    /// Tokens that are not special, each once.
    tokens: Vec<u64>,
    special: Vec<u64>,
    truncated: Vec<u64>,
    unknown: Vec<u64>,
    /// Words that are seen; they are the first of their row.
    words: Vec<u64>,
    windows: Vec<Vec<Window>>,
}

impl Rows {
    fn new(rows: usize, options: QaOptions) -> Self {
        let zeros = || vec![0; rows];
        Self {
            stride: u64::from(options.doc_stride),
            tokens: zeros(),
            special: zeros(),
            truncated: zeros(),
            unknown: zeros(),
            words: zeros(),
            windows: vec![Vec::new(); rows],
        }
    }

    fn take(&mut self, sequence: Sequence) {
        let row = sequence.row as usize;
        if row >= self.tokens.len() {
            return;
        }
        let shown = u64::from(sequence.tokens - sequence.special);
        let mut unknown = u64::from(sequence.unknown);
        match sequence.context {
            // A further window: what the one before it shows, too, is counted already.
            Some(context) if !self.windows[row].is_empty() => {
                let before = self.windows[row].last().map_or(0, |last| last.len() as u64);
                let known = usize::try_from(before.saturating_sub(self.stride)).unwrap_or(0);
                self.tokens[row] += (context.len().saturating_sub(known)) as u64;
                unknown =
                    context.pieces.iter().skip(known).filter(|p| is_unknown(p)).count() as u64;
                self.windows[row].push(context);
            }
            context => {
                self.tokens[row] = shown;
                self.special[row] = u64::from(sequence.special);
                self.truncated[row] = u64::from(sequence.truncated);
                self.words[row] += u64::from(sequence.words);
                self.windows[row].extend(context);
            }
        }
        self.unknown[row] += unknown;
    }
}

/// Gold entities, all and visible, by the metrics' own way to find them.
fn entities(task: &Task, dataset: &Dataset, rows: &Rows) -> Result<Vec<EntityAudit>, AuditError> {
    let over_entities = [Metric::EntityF1, Metric::EntityF1Visible];
    if !over_entities.iter().any(|metric| task.metrics.contains(metric)) {
        return Ok(Vec::new());
    }
    let (mut gold, mut seen) = (Vec::new(), Vec::new());
    for (row, words) in dataset.rows().zip(&rows.words) {
        let Gold::Tags(tags) = row.gold else { return Ok(Vec::new()) };
        let visible = usize::try_from(*words).unwrap_or(usize::MAX);
        let label = |(at, tag): (usize, &u32)| (at < visible).then_some(*tag);
        seen.push(tags.iter().enumerate().map(label).collect::<Vec<_>>());
        gold.push(tags);
    }
    let predicted = seen.iter().map(Vec::as_slice).collect();
    let observations = Observations::Tags { gold, predicted };
    // Only the counts are wanted.
    let intervals = IntervalOptions { resamples: 100, ..IntervalOptions::default() };
    let [all, visible] = over_entities.map(|metric| {
        let task = Task { metric, metrics: vec![metric], ..task.clone() };
        metrics::evaluate(&task, dataset.labels(), &observations, None, &intervals)
            .map(|scores| scores.per_entity)
    });
    let (all, visible) = (all?, visible?);
    let one = |(all, visible): (&PerEntity, &PerEntity)| EntityAudit {
        kind: all.kind.clone(),
        all: all.support,
        visible: visible.support,
    };
    Ok(all.iter().zip(&visible).map(one).collect())
}

/// What is to say of questions, where the rows are any.
fn questions(
    tokenizer: &ModelTokenizer,
    task: &Task,
    dataset: &Dataset,
    rows: &Rows,
    options: &QaOptions,
) -> Result<Option<QuestionAudit>, AuditError> {
    let mut gold = Vec::new();
    let mut asked = Vec::new();
    for (row, windows) in dataset.rows().zip(&rows.windows) {
        let (Input::Question { question, context }, Gold::Answers(answers)) = (row.input, row.gold)
        else {
            return Ok(None);
        };
        let first = answers.iter().next();
        let (answer, answer_start) = first.map_or(("", 0), |first| (first.text, first.start));
        asked.push((Question { question, context, answer, answer_start }, windows.as_slice()));
        gold.push(answers.iter().map(|answer| answer.text).collect());
    }
    if asked.is_empty() {
        return Ok(None);
    }
    let best = best_answers(tokenizer, &asked, options)?;
    let predicted = best.iter().map(|row| row.text.as_deref()).collect();
    let observations = Observations::Answers { gold, predicted };
    // Only the values are wanted.
    let intervals = IntervalOptions { resamples: 100, ..IntervalOptions::default() };
    let scores = metrics::evaluate(task, dataset.labels(), &observations, None, &intervals)?;
    let value = |metric: Metric| scores.metrics.get(metric.name()).map(|value| value.value);
    let sum = |of: fn(&OracleRow) -> usize| best.iter().map(|row| of(row) as u64).sum();
    let longest = options.max_answer_len as usize;
    Ok(Some(QuestionAudit {
        windows: sum(|row| row.windows),
        context_tokens: sum(|row| row.tokens),
        context_unknown: sum(|row| row.unknown),
        answers_not_found: best.iter().filter(|row| row.span.is_none()).count() as u64,
        answers_too_long: (best.iter())
            .filter(|row| row.span.is_some_and(|span| span.len() > longest))
            .count() as u64,
        best_exact_match: value(Metric::ExactMatch),
        best_char_f1: value(Metric::CharF1),
    }))
}
