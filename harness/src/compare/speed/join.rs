//! Which measurement is compared with which.

use crate::record::{BenchRecord, BenchSide};

/// Two measurements of the same thing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joined<'a> {
    pub(super) base: &'a BenchRecord,
    pub(super) new: &'a BenchRecord,
    /// Whether they were measured in turns.
    pub(super) is_pair: bool,
}

/// For each new record the base's: the other side of its pair, else one of the same cell, scenario, threads, device and
/// precision. A run that was measured against something is known by the side that was judged, not by what it was judged
/// against.
pub(super) fn join<'a>(base: &'a [BenchRecord], new: &'a [BenchRecord]) -> Vec<Joined<'a>> {
    let judged = new.iter().filter(|record| record.side != Some(BenchSide::Base));
    judged.filter_map(|new| partner(base, new)).collect()
}

fn partner<'a>(base: &'a [BenchRecord], new: &'a BenchRecord) -> Option<Joined<'a>> {
    let is_same_thing =
        |base: &&BenchRecord| base.inputs.key == new.inputs.key && base.scenario == new.scenario;
    let other_side = |base: &&BenchRecord| {
        new.pair.is_some() && base.pair == new.pair && base.side == Some(BenchSide::Base)
    };
    if let Some(base) = base.iter().filter(is_same_thing).find(other_side) {
        return Some(Joined { base, new, is_pair: true });
    }
    let is_same_way = |base: &&BenchRecord| {
        let (a, b) = (&base.inputs, &new.inputs);
        (a.threads, &a.device, &a.precision) == (b.threads, &b.device, &b.precision)
            && base.side != Some(BenchSide::Base)
    };
    let mut fitting: Vec<&BenchRecord> =
        base.iter().filter(is_same_thing).filter(is_same_way).collect();
    // What was measured alone first, then the latest; in a baseline's order whatever is left.
    fitting.sort_by(|a, b| {
        let rank = |record: &BenchRecord| (record.side.is_none(), record.finished_at.clone());
        rank(b).cmp(&rank(a))
    });
    fitting.first().map(|base| Joined { base, new, is_pair: false })
}
