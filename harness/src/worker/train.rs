//! Training the open model: rows are encoded once, then the harness asks for step after step.
//!
//! The unit is the sequence: a row, or a window of a question's context. Order, batches and the schedule are
//! the harness's; a step names its sequences.

use super::encoding::CheckedEncoding;
use super::evaluate::options;
use super::memory;
use super::protocol::{PrepareRequest, Prepared, RowInput, RowTargets, StepRequest, Stepped};
use super::server::{ServeError, Wire};
use crate::plugin::{
    EncodeOptions, Encoded, Head, Model, StepArguments, StepOutcome, Targets, Tokenizer,
};
use crate::qa::{Document, Pieces, Window, Words, label_span};
use kobench_plugin_abi::IGNORE_INDEX;
use std::time::Instant;

/// Encoded rows with a target for each of their sequences.
pub(super) struct TrainingSet {
    encoded: Encoded,
    head: Head,
    targets: AllTargets,
    lengths: Vec<u32>,
    /// How much each sequence adds to what the mean loss is over: its targets, each with its class's weight.
    weights: Vec<f64>,
    peak_rss_bytes: Option<u64>,
}

/// Targets of all sequences.
enum AllTargets {
    Class(Vec<i32>),
    Real(Vec<f32>),
    Word { classes: Vec<i32>, cu_words: Vec<u64> },
    Span { starts: Vec<u32>, ends: Vec<u32> },
}

/// Encodes the rows, and says which sequences can be trained on.
pub(super) fn prepare(
    request: &PrepareRequest,
    tokenizer: &mut Tokenizer,
    wire: &Wire,
) -> Result<(TrainingSet, Prepared), ServeError> {
    let started = Instant::now();
    memory::reset_peak();
    wire.stage("encode")?;
    let rows = &request.examples;
    let asked = options(request.encoding, request.head == Head::Span);
    let views: Vec<_> = rows.iter().map(RowInput::view).collect();
    let encoded = tokenizer.encode(&views, &asked)?;
    drop(views);
    let encoding = CheckedEncoding::new(&encoded, rows, 0)?;
    let n = encoding.view.n_sequences();
    let mut sequences: Vec<u64> = (0..n as u64).collect();
    let class_weights = request.class_weights.as_deref();
    let mut weights = vec![1.0; n];
    let targets = match &request.targets {
        RowTargets::Class(classes) => {
            weights = classes.iter().map(|&class| weight(class, class_weights)).collect();
            AllTargets::Class(classes.clone())
        }
        RowTargets::Real(reals) => AllTargets::Real(reals.clone()),
        RowTargets::Words { classes, cu_words } => {
            for (sequence, weight_of) in weights.iter_mut().enumerate() {
                // What was cut off has no logits, and counts for nothing.
                let seen = encoding.first_tokens(sequence)?.len();
                let cu = |at: usize| cu_words.get(at).map_or(0, |&word| index(word));
                let words = classes.get(cu(sequence)..cu(sequence + 1)).unwrap_or_default();
                *weight_of =
                    words.iter().take(seen).map(|&class| weight(class, class_weights)).sum();
            }
            AllTargets::Word { classes: classes.clone(), cu_words: cu_words.clone() }
        }
        RowTargets::Answers(answers) => {
            wire.stage("encode answers")?;
            let pieces = answer_pieces(answers, tokenizer, &asked)?;
            let spans = spans(&encoding, answers, &pieces, request)?;
            sequences.retain(|&s| spans[index(s)].is_some());
            let (starts, ends) = spans.into_iter().map(Option::unwrap_or_default).unzip();
            AllTargets::Span { starts, ends }
        }
    };
    let given = match &targets {
        AllTargets::Class(classes) => classes.len(),
        AllTargets::Real(reals) => reals.len(),
        AllTargets::Word { cu_words, .. } => cu_words.len().saturating_sub(1),
        AllTargets::Span { starts, .. } => starts.len(),
    };
    if given != n {
        return Err(ServeError::Rule(format!("{given} targets for {n} sequences")));
    }
    let lengths: Vec<u32> =
        (0..n).map(|s| u32::try_from(encoding.view.len_of(s)).unwrap_or(u32::MAX)).collect();
    let prepared = Prepared {
        rows: sequences.iter().map(|&s| encoding.view.example[index(s)]).collect(),
        lengths: sequences.iter().map(|&s| lengths[index(s)]).collect(),
        truncated_rows: (0..n)
            .filter(|&s| encoding.is_first(s) && encoding.view.n_truncated[s] > 0)
            .count() as u64,
        sequences,
        tokenize_seconds: started.elapsed().as_secs_f64(),
    };
    let head = request.head;
    Ok((TrainingSet { encoded, head, targets, lengths, weights, peak_rss_bytes: None }, prepared))
}

/// What a class adds to what the mean loss is over, as in torch.nn.CrossEntropyLoss.
fn weight(class: i32, class_weights: Option<&[f64]>) -> f64 {
    match (class, class_weights) {
        (IGNORE_INDEX, _) => 0.0,
        (_, None) => 1.0,
        (class, Some(all)) => {
            usize::try_from(class).ok().and_then(|class| all.get(class)).copied().unwrap_or(1.0)
        }
    }
}

/// What the tokeniser makes of each answer alone.
fn answer_pieces(
    answers: &[(String, u32)],
    tokenizer: &mut Tokenizer,
    asked: &EncodeOptions,
) -> Result<Vec<Pieces>, ServeError> {
    let rows: Vec<RowInput> =
        answers.iter().map(|(text, _)| RowInput::Text(text.clone())).collect();
    let views: Vec<_> = rows.iter().map(RowInput::view).collect();
    // An answer that is longer than the model's limit has no span of its own tokens in a window anyway.
    let encoded = tokenizer.encode(&views, &EncodeOptions { max_seq_len: 0, ..asked.clone() })?;
    let encoding = CheckedEncoding::new(&encoded, &rows, 0)?;
    (0..rows.len()).map(|row| encoding.pieces(row)).collect()
}

/// For each sequence the first and the last token of its answer; the first token of the sequence stands for
/// an answer that the window does not show (`squad_convert_example_to_features`). None for the windows of
/// rows whose answer is not in their context.
fn spans(
    encoding: &CheckedEncoding<'_>,
    answers: &[(String, u32)],
    pieces: &[Pieces],
    request: &PrepareRequest,
) -> Result<Vec<Option<(u32, u32)>>, ServeError> {
    let stride = request.encoding.doc_stride as usize;
    let n = encoding.view.n_sequences();
    let mut all = Vec::with_capacity(n);
    let mut first = 0;
    while first < n {
        let row = encoding.row(first);
        let count = encoding.windows_of(first);
        let windows = (first..first + count)
            .map(|sequence| encoding.window(sequence))
            .collect::<Result<Vec<Window>, _>>()?;
        first += count;
        let RowInput::Question { context, .. } = &request.examples[row] else {
            return Err(ServeError::Rule(format!("row {row} is no question")));
        };
        let (answer, start) = &answers[row];
        let document = Document::new(&windows, stride)
            .map_err(|error| ServeError::Encoding(format!("row {row}: {error}")))?;
        let words = Words::split(context);
        let span = label_span(&words, &document, answer, *start as usize, &pieces[row]);
        all.extend(windows.iter().enumerate().map(|(number, window)| {
            let span = span?;
            let begin = number * stride;
            let shown = begin <= span.start && span.end < begin + window.len();
            let at = |token: usize| {
                window.context_start + u32::try_from(token - begin).unwrap_or(u32::MAX)
            };
            Some(if shown { (at(span.start), at(span.end)) } else { (0, 0) })
        }));
    }
    Ok(all)
}

impl TrainingSet {
    /// The highest resident set so far; an evaluation counts its own, so it is asked for before each.
    pub(super) fn peak_rss_bytes(&mut self) -> Option<u64> {
        self.peak_rss_bytes = self.peak_rss_bytes.max(memory::peak());
        self.peak_rss_bytes
    }

    /// One step on some sequences.
    pub(super) fn step(
        &self,
        model: &mut Model,
        request: &StepRequest,
    ) -> Result<Stepped, ServeError> {
        let chosen: Vec<usize> = request.sequences.iter().map(|&s| index(s)).collect();
        let batch: Vec<usize> = request.part_of.iter().map(|&s| index(s)).collect();
        if let Some(unknown) = chosen.iter().chain(&batch).find(|&&s| s >= self.lengths.len()) {
            return Err(ServeError::Rule(format!("there is no sequence {unknown}")));
        }
        let share = self.share(&chosen, &batch);
        let started = Instant::now();
        let options = StepArguments {
            learning_rate: request.learning_rate,
            // A part without targets has no loss that a factor could change.
            loss_scale: request.loss_scale * if share > 0.0 { share } else { 1.0 },
            accumulate: request.accumulate,
        };
        let mut take = |targets: Targets<'_>| {
            model.train_step(&self.encoded, &request.sequences, self.head, targets, options)
        };
        let StepOutcome { loss, grad_norm } = match &self.targets {
            AllTargets::Class(all) => {
                let classes: Vec<i32> = chosen.iter().map(|&s| all[s]).collect();
                take(Targets::Class(&classes))?
            }
            AllTargets::Real(all) => {
                let reals: Vec<f32> = chosen.iter().map(|&s| all[s]).collect();
                take(Targets::Real(&reals))?
            }
            AllTargets::Word { classes: all, cu_words: cu } => {
                let (mut classes, mut cu_words) = (Vec::new(), vec![0]);
                for &s in &chosen {
                    classes.extend_from_slice(&all[index(cu[s])..index(cu[s + 1])]);
                    cu_words.push(classes.len() as u64);
                }
                take(Targets::Word { classes: &classes, cu_words: &cu_words })?
            }
            AllTargets::Span { starts, ends } => {
                let starts: Vec<u32> = chosen.iter().map(|&s| starts[s]).collect();
                let ends: Vec<u32> = chosen.iter().map(|&s| ends[s]).collect();
                take(Targets::Span { starts: &starts, ends: &ends })?
            }
        };
        let lengths = || chosen.iter().map(|&s| u64::from(self.lengths[s]));
        Ok(Stepped {
            loss,
            grad_norm,
            share,
            tokens: lengths().sum(),
            pairs: lengths().map(|n| n * n).sum(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// How much of a batch's targets some of its sequences have.
    fn share(&self, part: &[usize], batch: &[usize]) -> f64 {
        let sum = |of: &[usize]| of.iter().map(|&s| self.weights[s]).sum::<f64>();
        let all = sum(batch);
        if all > 0.0 { sum(part) / all } else { 1.0 }
    }
}

/// Indices of sequences and words are of this process's memory.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
