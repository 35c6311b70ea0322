//! The pipeline against transformers (tests/goldens/make_squad.py).

use super::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    context: String,
    options: QaOptions,
    windows: Vec<GoldenWindow>,
    n_best: Vec<(String, f64)>,
    answer: String,
    answer_start: usize,
    answer_pieces: Vec<String>,
    /// For each window the tokens of the answer, if it shows them all.
    labels: Option<Vec<Option<(usize, usize)>>>,
}

#[derive(Deserialize)]
struct GoldenWindow {
    context_start: u32,
    offsets: Vec<u32>,
    pieces: Vec<String>,
    max_context: Vec<u8>,
    start_halves: Vec<i8>,
    end_halves: Vec<i8>,
}

fn pieces(all: &[String]) -> Pieces {
    all.iter().map(String::as_str).collect()
}

impl Case {
    fn windows(&self) -> Vec<Window> {
        let window = |w: &GoldenWindow| Window {
            context_start: w.context_start,
            offsets: w.offsets.clone(),
            pieces: pieces(&w.pieces),
        };
        self.windows.iter().map(window).collect()
    }
}

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/goldens/squad.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.split('\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn answers_are_those_of_the_reference_in_their_order() {
    let cases = cases();
    assert_eq!(cases.len(), 48);
    for (number, case) in cases.iter().enumerate() {
        let (words, windows) = (Words::split(&case.context), case.windows());
        let halves = |all: &[i8]| all.iter().map(|&x| f32::from(x) / 2.0).collect::<Vec<_>>();
        let logits: Vec<(Vec<f32>, Vec<f32>)> =
            case.windows.iter().map(|w| (halves(&w.start_halves), halves(&w.end_halves))).collect();
        let logits: Vec<WindowLogits<'_>> =
            logits.iter().map(|(start, end)| WindowLogits { start, end }).collect();
        let found = candidates(&windows, &logits, &case.options);
        let mut answers: Vec<(String, f64)> =
            n_best(&words, &windows, &found, case.options.n_best as usize)
                .into_iter()
                .map(|answer| (answer.text, answer.score))
                .collect();
        assert_eq!(answer(&words, &windows, &found), case.n_best[0].0, "case {number}");
        if answers.is_empty() {
            answers.push((NO_ANSWER.into(), 0.0));
        }
        assert_eq!(answers, case.n_best, "case {number}");
    }
}

#[test]
fn tokens_have_most_context_where_the_reference_sees_it() {
    for (number, case) in cases().iter().enumerate() {
        let stride = case.options.doc_stride as usize;
        let lengths = || case.windows.iter().map(|w| w.offsets.len());
        for (w, window) in case.windows.iter().enumerate() {
            for (index, &expected) in window.max_context.iter().enumerate() {
                let best = best_window(lengths(), stride, w * stride + index);
                assert_eq!(best == Some(w), expected == 1, "case {number}, window {w}, {index}");
            }
        }
    }
}

#[test]
fn label_spans_are_those_of_the_reference() {
    for (number, case) in cases().iter().enumerate() {
        let (words, windows) = (Words::split(&case.context), case.windows());
        let document = Document::new(&windows, case.options.doc_stride as usize).unwrap();
        let own = pieces(&case.answer_pieces);
        let span = label_span(&words, &document, &case.answer, case.answer_start, &own);
        let labels: Option<Vec<_>> = span.map(|span| {
            (0..windows.len()).map(|w| document.in_window(w, span.start, span.end)).collect()
        });
        assert_eq!(labels, case.labels, "case {number}: {:?}", case.answer);
    }
}
