//! Which cell of one side belongs to which of the other.

use std::collections::BTreeMap;

use super::{Difference, Effect, differences};
use crate::record::{CellKey, CellRecord};

/// The cells of both sides.
#[derive(Debug, Default)]
pub(super) struct Joined<'a> {
    /// Cells of one key, the base's first, with what is different.
    pub(super) pairs: Vec<(&'a CellRecord, &'a CellRecord, Vec<Difference>)>,
    pub(super) only_base: Vec<&'a CellRecord>,
    pub(super) only_new: Vec<&'a CellRecord>,
}

/// A key without the version of the task: of two versions it is to be said that they cannot be compared, not that each is
/// missing on the other side.
type Name<'a> = (&'a str, &'a str, &'a str, Option<&'a str>, Option<u64>);

fn name(key: &CellKey) -> Name<'_> {
    (&key.model, &key.task, &key.split, key.recipe.as_deref(), key.seed)
}

/// Joins cells by key. Where a side has several of a key (of two devices, say), those that differ least are joined.
pub(super) fn join<'a>(
    base: &'a [CellRecord],
    new: &'a [CellRecord],
    effect: &dyn Fn(&str) -> Effect,
) -> Joined<'a> {
    let mut groups: BTreeMap<Name<'_>, [Vec<&'a CellRecord>; 2]> = BTreeMap::new();
    for (side, cells) in [base, new].into_iter().enumerate() {
        for cell in cells {
            groups.entry(name(&cell.inputs.key)).or_default()[side].push(cell);
        }
    }
    let mut joined = Joined::default();
    for [base, new] in groups.into_values() {
        join_group(base, new, effect, &mut joined);
    }
    joined
}

fn join_group<'a>(
    mut base: Vec<&'a CellRecord>,
    mut new: Vec<&'a CellRecord>,
    effect: &dyn Fn(&str) -> Effect,
    joined: &mut Joined<'a>,
) {
    // Of equally near ones, a done one before a failed one, then the latest.
    let rank = |cell: &CellRecord| (cell.is_done(), cell.finished_at.clone());
    for side in [&mut base, &mut new] {
        side.sort_by_key(|cell| std::cmp::Reverse(rank(cell)));
    }
    while !base.is_empty() && !new.is_empty() {
        let candidates = (0..base.len()).flat_map(|b| (0..new.len()).map(move |n| (b, n)));
        let measured = candidates.map(|(b, n)| {
            let found = differences::of_cells(base[b], new[n], effect);
            let count = |wanted: Effect| found.iter().filter(|d| d.effect == wanted).count();
            let distance =
                (count(Effect::Refuse), count(Effect::Warn), count(Effect::Expected), b + n);
            (distance, b, n, found)
        });
        let Some((_, b, n, found)) = measured.min_by_key(|(distance, ..)| *distance) else { break };
        joined.pairs.push((base.remove(b), new.remove(n), found));
    }
    joined.only_base.extend(base);
    joined.only_new.extend(new);
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::*;
    use crate::record::testing::done;

    fn cell(model: &str, change: fn(&mut CellRecord)) -> CellRecord {
        let mut cell = done();
        cell.inputs.key.model = model.into();
        change(&mut cell);
        cell.id = cell.inputs.id();
        cell
    }

    #[test]
    fn the_nearest_of_a_key_are_joined() {
        let policy = Policy::load(None).expect("the default policy");
        let effect = |what: &str| policy.effect(what);
        let on_gpu: fn(&mut CellRecord) = |cell| cell.inputs.device = "cuda".into();
        let other: fn(&mut CellRecord) = |cell| cell.inputs.weights.sha256 = "f".repeat(64);
        let base = [cell("a", |_| ()), cell("a", on_gpu), cell("b", |_| ())];
        let new = [cell("a", on_gpu), cell("a", other), cell("c", |_| ())];
        let joined = join(&base, &new, &effect);
        let ids: Vec<(&str, &str)> =
            joined.pairs.iter().map(|(a, b, _)| (a.id.as_str(), b.id.as_str())).collect();
        assert_eq!(
            ids,
            [(base[1].id.as_str(), new[0].id.as_str()), (base[0].id.as_str(), new[1].id.as_str())]
        );
        assert_eq!(joined.pairs[1].2[0].what, "weights");
        assert_eq!(joined.only_base, [&base[2]]);
        assert_eq!(joined.only_new, [&new[2]]);
    }

    #[test]
    fn two_versions_of_a_task_are_joined_to_be_refused() {
        let policy = Policy::load(None).expect("the default policy");
        let base = [cell("a", |_| ())];
        let new = [cell("a", |cell| cell.inputs.key.task_version = 2)];
        let joined = join(&base, &new, &|what| policy.effect(what));
        assert_eq!(joined.pairs.len(), 1);
        assert_eq!(joined.pairs[0].2[0].effect, Effect::Refuse);
    }
}
