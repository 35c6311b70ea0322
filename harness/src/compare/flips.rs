//! Rows that changed sides.

use super::{Evidence, Flip, FlipKind, Flips, Rows};
use crate::task::Task;

/// The part of the range of gold values by which the error of a predicted value must have changed for its row to count.
const MOVED: f64 = 0.1;

/// How many rows changed sides, and the first `most` of either kind; for values those that moved furthest.
///
/// A row of labels is right where its label is, of words where all its labels are, an answer where it matches exactly. A
/// value is neither right nor wrong: its row is broken where its error grew by a tenth of the range of gold values, and
/// fixed where it shrank by as much.
pub(super) fn flips(
    base: &Evidence,
    new: &Evidence,
    task: &Task,
    cell: &Names<'_>,
    most: usize,
) -> Flips {
    let rows = base.rows.len();
    let range = range(&base.rows, task);
    let mut found = Flips::default();
    let (mut broken, mut fixed) = (Vec::new(), Vec::new());
    for row in 0..rows {
        found.changed += u64::from(is_changed(&base.rows, &new.rows, row));
        let moved = worth(&new.rows, row, range) - worth(&base.rows, row, range);
        if moved <= -1.0 {
            broken.push((row, moved));
        } else if moved >= 1.0 {
            fixed.push((row, moved));
        }
    }
    (found.broken, found.fixed) = (broken.len() as u64, fixed.len() as u64);
    for (kind, mut rows) in [(FlipKind::Broken, broken), (FlipKind::Fixed, fixed)] {
        // Stable: where all moved alike they stay in dataset order.
        rows.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
        found.rows.extend(rows.into_iter().take(most).map(|(row, _)| {
            Flip {
                i: base.index[row],
                id: new.ids.as_ref().or(base.ids.as_ref()).map(|ids| ids[row].clone()),
                kind,
                gold: said(&new.rows, row, cell, true)
                    .or_else(|| said(&base.rows, row, cell, true))
                    .unwrap_or_default(),
                base: said(&base.rows, row, cell, false),
                new: said(&new.rows, row, cell, false),
                text: None,
            }
        }));
    }
    found
}

/// Names of a cell's labels.
pub(super) struct Names<'a>(pub(super) &'a [String]);

impl Names<'_> {
    fn of(&self, label: u32) -> String {
        self.0.get(label as usize).cloned().unwrap_or_else(|| label.to_string())
    }
}

/// What a row is worth, in units of a flip: 1 where it is right and 0 where it is not; for values minus the error.
fn worth(rows: &Rows, row: usize, range: f64) -> f64 {
    let right = match rows {
        Rows::Labels { gold, predicted, .. } => gold[row] == predicted[row],
        Rows::Tags { starts, gold, predicted } => {
            let words = starts[row]..starts[row + 1];
            gold[words.clone()].iter().zip(&predicted[words]).all(|(g, p)| Some(*g) == *p)
        }
        Rows::Answers { exact, .. } => exact[row],
        Rows::Values { gold, predicted } => {
            return -(gold[row] - predicted[row]).abs() / (MOVED * range);
        }
    };
    f64::from(u8::from(right))
}

fn range(rows: &Rows, task: &Task) -> f64 {
    let Rows::Values { gold, .. } = rows else { return 1.0 };
    let [low, high] = task.scoring.range.unwrap_or_else(|| {
        let fold = |start: f64, of: fn(f64, f64) -> f64| gold.iter().copied().fold(start, of);
        [fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max)]
    });
    if high > low { high - low } else { 1.0 }
}

fn is_changed(base: &Rows, new: &Rows, row: usize) -> bool {
    match (base, new) {
        (Rows::Labels { predicted: base, .. }, Rows::Labels { predicted: new, .. }) => {
            base[row] != new[row]
        }
        (Rows::Values { predicted: base, .. }, Rows::Values { predicted: new, .. }) => {
            base[row] != new[row]
        }
        (Rows::Tags { starts, predicted: base, .. }, Rows::Tags { predicted: new, .. }) => {
            let words = starts[row]..starts[row + 1];
            base[words.clone()] != new[words]
        }
        (
            Rows::Answers { exact: base, char_f1: base_f1, texts: base_texts },
            Rows::Answers { exact: new, char_f1: new_f1, texts: new_texts },
        ) => match (base_texts, new_texts) {
            (Some(base), Some(new)) => base[row].1 != new[row].1,
            // What they are worth is all that is known.
            _ => base[row] != new[row] || base_f1[row] != new_f1[row],
        },
        _ => false,
    }
}

/// The gold or the prediction of a row as text, where it is known.
fn said(rows: &Rows, row: usize, names: &Names<'_>, wants_gold: bool) -> Option<String> {
    Some(match rows {
        Rows::Labels { gold, predicted, .. } => {
            names.of(if wants_gold { gold[row] } else { predicted[row] })
        }
        Rows::Values { gold, predicted } => {
            format!("{:.4}", if wants_gold { gold[row] } else { predicted[row] })
        }
        Rows::Tags { starts, gold, predicted } => {
            let words = starts[row]..starts[row + 1];
            let labels: Vec<String> = words
                .map(|word| match (wants_gold, predicted[word]) {
                    (true, _) => names.of(gold[word]),
                    (false, Some(label)) => names.of(label),
                    (false, None) => "-".to_owned(),
                })
                .collect();
            labels.join(" ")
        }
        Rows::Answers { texts, .. } => {
            let (gold, predicted) = texts.as_ref()?.get(row)?;
            if wants_gold { gold.clone() } else { predicted.clone() }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::SideKind;
    use super::*;
    use crate::task::Registry;

    fn task(name: &str) -> Task {
        Registry::load(&[]).expect("tasks").get(name).expect("a task")
    }

    fn evidence(rows: Rows) -> Evidence {
        let index = (10..10 + rows.len() as u64).collect();
        Evidence { from: SideKind::Run, index, ids: None, clusters: None, rows }
    }

    #[test]
    fn labels_flip_in_either_direction() {
        let of = |predicted: &[u32]| {
            evidence(Rows::Labels {
                gold: vec![0, 1, 1, 0],
                predicted: predicted.to_vec(),
                scores: None,
            })
        };
        let labels = ["negative".to_owned(), "positive".to_owned()];
        let found =
            flips(&of(&[0, 1, 0, 1]), &of(&[1, 1, 1, 1]), &task("nsmc"), &Names(&labels), 5);
        assert_eq!((found.broken, found.fixed, found.changed), (1, 1, 2));
        let broken = &found.rows[0];
        assert_eq!(
            (broken.i, broken.kind, broken.gold.as_str()),
            (10, FlipKind::Broken, "negative")
        );
        assert_eq!(broken.new.as_deref(), Some("positive"));
        assert_eq!(found.rows[1].i, 12);
        assert_eq!(flips(&of(&[0; 4]), &of(&[1; 4]), &task("nsmc"), &Names(&labels), 0).rows, []);
    }

    #[test]
    fn values_flip_when_their_error_moves_far_enough() {
        let of = |predicted: &[f64]| {
            evidence(Rows::Values { gold: vec![0.0, 5.0, 2.5], predicted: predicted.to_vec() })
        };
        // KorSTS goes from 0 to 5: half a point counts.
        let found =
            flips(&of(&[0.0, 4.0, 2.0]), &of(&[0.6, 4.4, 4.0]), &task("korsts"), &Names(&[]), 5);
        assert_eq!((found.broken, found.fixed, found.changed), (2, 0, 3));
        // Furthest first.
        assert_eq!(found.rows.iter().map(|flip| flip.i).collect::<Vec<_>>(), [12, 10]);
    }

    #[test]
    fn a_sentence_is_right_where_all_its_words_are() {
        let of = |predicted: &[Option<u32>]| {
            let (starts, gold) = (vec![0, 2, 3], vec![0, 1, 1]);
            evidence(Rows::Tags { starts, gold, predicted: predicted.to_vec() })
        };
        let labels = ["O".to_owned(), "B-PS".to_owned()];
        let base = of(&[Some(0), Some(1), Some(0)]);
        let found =
            flips(&base, &of(&[Some(0), None, Some(1)]), &task("klue_ner"), &Names(&labels), 5);
        assert_eq!((found.broken, found.fixed, found.changed), (1, 1, 2));
        assert_eq!(found.rows[0].new.as_deref(), Some("O -"));
    }

    #[test]
    fn answers_of_a_baseline_have_no_text() {
        let of = |exact: &[bool], texts: Option<Vec<(String, String)>>| {
            let char_f1 = exact.iter().map(|exact| f64::from(u8::from(*exact))).collect();
            evidence(Rows::Answers { exact: exact.to_vec(), char_f1, texts })
        };
        let texts =
            vec![("서울".to_owned(), "부산".to_owned()), ("물".to_owned(), "물".to_owned())];
        let found = flips(
            &of(&[true, true], None),
            &of(&[false, true], Some(texts)),
            &task("korquad"),
            &Names(&[]),
            5,
        );
        assert_eq!((found.broken, found.changed), (1, 1));
        let flip = &found.rows[0];
        assert_eq!(
            (flip.gold.as_str(), flip.base.as_deref(), flip.new.as_deref()),
            ("서울", None, Some("부산"))
        );
    }
}
