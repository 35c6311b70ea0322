//! The same rows of both sides, in the same order.

use super::{CompareError, Evidence, Rows};

/// The rows that both sides have; `cell` names them in errors.
///
/// # Errors
/// [`CompareError::NoRows`]; [`CompareError::Gold`] where the two differ in what is right.
pub(super) fn aligned(
    cell: &str,
    base: Evidence,
    new: Evidence,
) -> Result<(Evidence, Evidence), CompareError> {
    let (base, new) = if base.index == new.index {
        (base, new)
    } else {
        let common = common(&base.index, &new.index);
        let [of_base, of_new] = [0, 1].map(|side| common.iter().map(|pair| pair[side]).collect());
        (picked(&base, of_base), picked(&new, of_new))
    };
    if base.rows.is_empty() {
        return Err(CompareError::NoRows { cell: cell.to_owned() });
    }
    match other_gold(&base.rows, &new.rows) {
        None => Ok((base, new)),
        Some(row) => Err(CompareError::Gold { cell: cell.to_owned(), row: base.index[row] }),
    }
}

/// Positions of the rows that both have; both lists are in dataset order.
fn common(base: &[u64], new: &[u64]) -> Vec<[usize; 2]> {
    let (mut b, mut n, mut common) = (0, 0, Vec::new());
    while let (Some(of_base), Some(of_new)) = (base.get(b), new.get(n)) {
        if of_base == of_new {
            common.push([b, n]);
        }
        b += usize::from(of_base <= of_new);
        n += usize::from(of_new <= of_base);
    }
    common
}

fn picked(evidence: &Evidence, rows: Vec<usize>) -> Evidence {
    fn of<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
        rows.iter().map(|row| values[*row].clone()).collect()
    }
    let rows = rows.as_slice();
    let picked = match &evidence.rows {
        Rows::Labels { gold, predicted, scores } => Rows::Labels {
            gold: of(gold, rows),
            predicted: of(predicted, rows),
            scores: scores.as_ref().map(|scores| {
                let width = scores.len() / gold.len().max(1);
                rows.iter()
                    .flat_map(|row| &scores[row * width..(row + 1) * width])
                    .copied()
                    .collect()
            }),
        },
        Rows::Values { gold, predicted } => {
            Rows::Values { gold: of(gold, rows), predicted: of(predicted, rows) }
        }
        Rows::Tags { starts, gold, predicted } => {
            let (mut cut, mut own_gold, mut own) = (vec![0], Vec::new(), Vec::new());
            for row in rows {
                let words = starts[*row]..starts[row + 1];
                own_gold.extend_from_slice(&gold[words.clone()]);
                own.extend_from_slice(&predicted[words]);
                cut.push(own_gold.len());
            }
            Rows::Tags { starts: cut, gold: own_gold, predicted: own }
        }
        Rows::Answers { exact, char_f1, texts } => Rows::Answers {
            exact: of(exact, rows),
            char_f1: of(char_f1, rows),
            texts: texts.as_ref().map(|texts| of(texts, rows)),
        },
    };
    Evidence {
        from: evidence.from,
        index: of(&evidence.index, rows),
        ids: evidence.ids.as_ref().map(|ids| of(ids, rows)),
        clusters: evidence.clusters.as_ref().map(|clusters| of(clusters, rows)),
        rows: picked,
    }
}

/// The first row for which the two sides have other gold. Answers' gold is not in a baseline, and is not looked at.
fn other_gold(base: &Rows, new: &Rows) -> Option<usize> {
    match (base, new) {
        (Rows::Labels { gold: base, .. }, Rows::Labels { gold: new, .. }) => {
            (0..base.len()).find(|row| base[*row] != new[*row])
        }
        (Rows::Values { gold: base, .. }, Rows::Values { gold: new, .. }) => {
            (0..base.len()).find(|row| base[*row] != new[*row])
        }
        (
            Rows::Tags { starts: base_starts, gold: base, .. },
            Rows::Tags { starts: new_starts, gold: new, .. },
        ) => (0..base_starts.len() - 1).find(|row| {
            let of = |starts: &[usize]| starts[*row]..starts[row + 1];
            base[of(base_starts)] != new[of(new_starts)]
        }),
        (Rows::Answers { .. }, Rows::Answers { .. }) => None,
        // Of another kind altogether.
        _ => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::SideKind;
    use super::*;

    fn evidence(index: &[u64], gold: &[u32]) -> Evidence {
        let rows = Rows::Labels {
            gold: gold.to_vec(),
            predicted: gold.to_vec(),
            scores: Some(gold.iter().flat_map(|g| [f64::from(*g), 0.5]).collect()),
        };
        let index = index.to_vec();
        let clusters = Some(index.iter().map(|i| *i as u32 / 2).collect());
        Evidence { from: SideKind::Run, index, ids: None, clusters, rows }
    }

    #[test]
    fn rows_that_both_have_are_kept() {
        let (base, new) =
            aligned("a", evidence(&[0, 1, 2, 5], &[0, 1, 0, 1]), evidence(&[1, 2, 3], &[1, 0, 0]))
                .expect("aligned");
        assert_eq!(base, evidence(&[1, 2], &[1, 0]));
        assert_eq!(new, base);
    }

    #[test]
    fn words_are_kept_with_their_rows() {
        let rows = |starts: &[usize], gold: &[u32]| Rows::Tags {
            starts: starts.to_vec(),
            gold: gold.to_vec(),
            predicted: gold.iter().map(|label| Some(*label)).collect(),
        };
        let whole = Evidence {
            rows: rows(&[0, 2, 2, 5], &[1, 2, 3, 4, 5]),
            ..evidence(&[0, 1, 2], &[0; 3])
        };
        let part = picked(&whole, vec![0, 2]);
        assert_eq!(part.rows, rows(&[0, 2, 5], &[1, 2, 3, 4, 5]));
        assert_eq!(picked(&whole, vec![2]).rows, rows(&[0, 3], &[3, 4, 5]));
    }

    #[test]
    fn other_gold_and_no_common_row_are_errors() {
        let error =
            aligned("a", evidence(&[3, 4], &[0, 1]), evidence(&[3, 4], &[0, 0])).unwrap_err();
        assert!(matches!(error, CompareError::Gold { row: 4, .. }), "{error}");
        let error = aligned("a", evidence(&[0], &[0]), evidence(&[1], &[0])).unwrap_err();
        assert!(matches!(error, CompareError::NoRows { .. }), "{error}");
    }
}
