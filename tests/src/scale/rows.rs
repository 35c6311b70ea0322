//! Gold labels and predictions.

use kobench::digest::sha256_hex;
use kobench::metrics::{LabelObservations, Observations, ScoreRows};
use kobench::record::{Output, PredictionRow, Word};
use kobench::stats::Random;
use kobench::task::{Kind, Task};

/// What is right, row by row.
#[derive(Debug)]
pub(super) enum Gold {
    Labels(Vec<u32>),
    Values(Vec<f64>),
    Tags(Vec<Vec<u32>>),
}

/// What a model says, row by row.
#[derive(Debug)]
pub(super) enum Predicted {
    /// Labels, and a number for each label and row.
    Labels(Vec<u32>, Vec<f32>),
    Values(Vec<f64>),
    /// None for words beyond the maximum length.
    Tags(Vec<Vec<Option<u32>>>),
}

/// How a model predicts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model<'a> {
    pub(super) name: &'a str,
    pub(super) seed: u64,
    /// How often a prediction is wrong.
    pub(super) errors: f64,
    pub(super) changed: f64,
    pub(super) draw: u64,
    /// How often a prediction that is made anew is wrong.
    pub(super) changed_errors: f64,
}

/// One row in so many ends with a word that the model never saw.
const CUT: u64 = 100;

/// A number of the seed and of what a stream of random numbers is for.
fn seeded(seed: u64, what: &str) -> u64 {
    let digest = sha256_hex(format!("{seed} {what}").as_bytes());
    u64::from_str_radix(&digest[..16], 16).expect("hexadecimal")
}

fn below(random: &mut Random, bound: u32) -> u32 {
    random.two_below(bound).0
}

impl Gold {
    pub(super) fn new(task: &Task, rows: usize, seed: u64) -> Self {
        let seed = seeded(seed, &task.name);
        let labels = task.labels.len() as u32;
        let each = |row: usize| Random::stream(seed, row as u64);
        match task.kind {
            Kind::SequenceRegression => {
                // Tenths from 0 to 5, as raters' means are.
                let value = |row| f64::from(below(&mut each(row), 51)) / 10.0;
                Self::Values((0..rows).map(value).collect())
            }
            Kind::TokenClassification => {
                Self::Tags((0..rows).map(|row| sentence(&mut each(row), labels)).collect())
            }
            _ => Self::Labels((0..rows).map(|row| below(&mut each(row), labels)).collect()),
        }
    }

    /// The model's predictions for a task of so many labels.
    pub(super) fn predict(&self, model: &Model<'_>, labels: u32) -> Predicted {
        // Whether a row is predicted anew, and how, has streams of its own: the others stay as they are.
        let (base, anew) = (
            seeded(model.seed, model.name),
            seeded(model.seed, &format!("{} {}", model.name, model.draw)),
        );
        let each = |row: usize| {
            let mut changed = Random::stream(anew, row as u64);
            if changed.unit() < model.changed {
                (changed, model.changed_errors)
            } else {
                (Random::stream(base, row as u64), model.errors)
            }
        };
        match self {
            Self::Values(gold) => {
                let noise = |random: &mut Random| random.unit() + random.unit() - 1.0;
                let value = |(row, gold): (usize, &f64)| {
                    let (mut random, errors) = each(row);
                    // What a model gives is an f32.
                    f64::from((gold + 6.0 * errors.sqrt() * noise(&mut random)) as f32)
                };
                Predicted::Values(gold.iter().enumerate().map(value).collect())
            }
            Self::Tags(gold) => {
                let tags = |(row, gold): (usize, &Vec<u32>)| {
                    let (mut random, errors) = each(row);
                    let mut tags: Vec<Option<u32>> = (gold.iter())
                        .map(|tag| {
                            let wrong = random.unit() < errors / 2.0;
                            Some(if wrong { below(&mut random, labels) } else { *tag })
                        })
                        .collect();
                    if (row as u64).is_multiple_of(CUT)
                        && let Some(last) = tags.last_mut()
                    {
                        *last = None;
                    }
                    tags
                };
                Predicted::Tags(gold.iter().enumerate().map(tags).collect())
            }
            Self::Labels(gold) => {
                let (mut predicted, mut logits) = (Vec::new(), Vec::new());
                for (row, gold) in gold.iter().enumerate() {
                    let (mut random, errors) = each(row);
                    let wrong = random.unit() < errors;
                    let step = 1 + below(&mut random, labels - 1);
                    let label = if wrong { (gold + step) % labels } else { *gold };
                    predicted.push(label);
                    logits.extend((0..labels).map(|of| {
                        let noise = random.unit() as f32;
                        if of == label { 1.0 + 3.0 * noise } else { -2.0 * noise }
                    }));
                }
                Predicted::Labels(predicted, logits)
            }
        }
    }
}

/// A sentence's tags in the order of `naver_ner`: 0 is outside, odd ones begin an entity, the even ones after them go
/// on with it.
fn sentence(random: &mut Random, labels: u32) -> Vec<u32> {
    let words = 4 + below(random, 11);
    let mut tags: Vec<u32> = Vec::new();
    for _ in 0..words {
        let goes_on = tags.last().copied().filter(|last| *last > 0 && random.unit() < 0.3);
        tags.push(match goes_on {
            Some(last) => last + last % 2,
            None if random.unit() < 0.6 => 0,
            None => 1 + 2 * below(random, labels / 2),
        });
    }
    tags
}

/// Calls `with` on both sides as the metrics want them.
pub(super) fn observed<T>(
    gold: &Gold,
    predicted: &Predicted,
    with: impl FnOnce(&Observations<'_>) -> T,
) -> T {
    match (gold, predicted) {
        (Gold::Labels(gold), Predicted::Labels(predicted, logits)) => {
            let values: Vec<f64> = logits.iter().copied().map(f64::from).collect();
            let scores = Some(ScoreRows { values: &values, are_logits: true });
            with(&Observations::Labels(LabelObservations { gold, predicted, scores }))
        }
        (Gold::Values(gold), Predicted::Values(predicted)) => {
            with(&Observations::Values { gold, predicted })
        }
        (Gold::Tags(gold), Predicted::Tags(predicted)) => with(&Observations::Tags {
            gold: gold.iter().map(Vec::as_slice).collect(),
            predicted: predicted.iter().map(Vec::as_slice).collect(),
        }),
        _ => unreachable!("gold and predictions are of one task"),
    }
}

/// The rows of a predictions file.
pub(super) fn rows(task: &Task, gold: &Gold, predicted: &Predicted) -> Vec<PredictionRow> {
    let text = |label: u32| Output::Text(task.labels[label as usize].id.clone());
    let word = |label: Option<u32>| Word {
        label: label.map(|label| task.labels[label as usize].id.clone()),
        cut: label.is_none(),
    };
    let row = |i: usize, gold: Output, pred: Output, logits: Option<Vec<f32>>| {
        let id = (task.name == "nsmc").then(|| (6_000_000 + 7 * i).to_string());
        PredictionRow { id, logits, ..PredictionRow::new(i as u64, gold, pred) }
    };
    match (gold, predicted) {
        (Gold::Labels(gold), Predicted::Labels(predicted, logits)) => (gold.iter().zip(predicted))
            .zip(logits.chunks(task.labels.len()))
            .enumerate()
            .map(|(i, ((gold, pred), logits))| {
                row(i, text(*gold), text(*pred), Some(logits.to_vec()))
            })
            .collect(),
        (Gold::Values(gold), Predicted::Values(predicted)) => (gold.iter().zip(predicted))
            .enumerate()
            .map(|(i, (gold, pred))| row(i, Output::Number(*gold), Output::Number(*pred), None))
            .collect(),
        (Gold::Tags(gold), Predicted::Tags(predicted)) => (gold.iter().zip(predicted))
            .enumerate()
            .map(|(i, (gold, pred))| {
                let gold = gold.iter().map(|tag| word(Some(*tag))).collect();
                let pred = pred.iter().map(|tag| word(*tag)).collect();
                row(i, Output::Words(gold), Output::Words(pred), None)
            })
            .collect(),
        _ => unreachable!("gold and predictions are of one task"),
    }
}
