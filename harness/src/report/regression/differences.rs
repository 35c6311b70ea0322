//! What else is different between the sides, each said once for all cells that it is true of.

use std::collections::BTreeMap;

use super::super::number::one_line;
use super::words;
use crate::compare::{Comparison, Difference, Effect};
use crate::digest::is_sha256;

/// One sentence each, those that warn first.
pub(crate) fn sentences(comparison: &Comparison) -> Vec<String> {
    let cells = comparison.cells.iter().map(|cell| &cell.differences);
    let speeds = comparison.speeds.iter().map(|speed| &speed.differences);
    let of: Vec<&[Difference]> = cells.chain(speeds).map(Vec::as_slice).collect();
    // Warnings before what is expected; within each by name.
    let mut groups: BTreeMap<(bool, &str), Vec<&Difference>> = BTreeMap::new();
    for difference in of.iter().copied().flatten() {
        let expected = difference.effect == Effect::Expected;
        groups.entry((expected, &difference.what)).or_default().push(difference);
    }
    let all = of.len();
    groups.into_iter().map(|((_, what), group)| sentence(what, &group, all)).collect()
}

fn sentence(what: &str, group: &[&Difference], all: usize) -> String {
    let first = group[0];
    let same = group.iter().all(|other| (&other.base, &other.new) == (&first.base, &first.new));
    let values = if same {
        format!("{} -> {}", short(&first.base), short(&first.new))
    } else {
        "not the same everywhere".to_owned()
    };
    let of = if group.len() == all {
        String::new()
    } else {
        format!(" ({} of {})", group.len(), words::count(all, "comparison", "comparisons"))
    };
    let effect = match first.effect {
        Effect::Expected => "",
        Effect::Warn => "; what changed may come from that",
        Effect::Refuse => "; that cannot be compared",
    };
    format!("{}: {values}{of}{effect}", one_line(&what.replace('_', " ")))
}

/// A hash by its first digits, which are enough to see that it is another.
pub(crate) fn short(value: &str) -> String {
    if is_sha256(value) { value[..12].to_owned() } else { one_line(value) }
}
