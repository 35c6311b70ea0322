//! Two runs on the same rows: which cells became worse, which better, and where the data are too few to say.
//!
//! ```text
//! Source (source.rs)         a run or a baseline: its cells, and their rows as Evidence (read.rs)
//!   -> join.rs               cells of one key; differences.rs says what else is not the same
//!   -> align.rs, cell.rs     the same rows of both, and each metric of them (crate::metrics::Paired)
//!   -> speed/                measurements of speed that both have
//!   -> judge.rs              Holm's correction, and verdicts by the Policy's margins
//!   -> Comparison (outcome.rs)
//! ```

mod align;
mod cell;
mod differences;
mod error;
mod evidence;
mod flips;
mod gate;
mod join;
mod judge;
mod outcome;
pub mod policy;
mod read;
mod rule;
mod source;
pub(crate) mod speed;
#[cfg(test)]
pub(crate) mod testing;
mod texts;

pub use error::CompareError;
pub use evidence::{Evidence, Rows};
pub use gate::{Gate, GateVerdict, Reason, Severity, gate};
pub use outcome::{
    CellComparison, Comparison, Difference, Effect, Flip, FlipKind, Flips, MetricComparison,
    Refusal, Side, SideKind, SpeedComparison, Spread, Tier, Unmatched, Verdict,
};
pub use policy::{Policy, PolicyError};
pub use read::read_evidence;
pub use rule::Rule;
pub use source::Source;

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::data::DataPlaces;
use crate::record::{CellKey, CellRecord};
use crate::task::{Registry, Task};
use cell::Context;

/// The version of [`Comparison`]; it changes when a field changes its meaning or goes.
pub const COMPARISON_VERSION: u32 = 1;

/// What is compared, and how.
#[derive(Debug)]
pub struct CompareRequest<'a> {
    /// What is compared with.
    pub base: &'a Source,
    /// What is judged.
    pub new: &'a Source,
    /// Margins, tiers, and what may differ.
    pub policy: &'a Policy,
    /// The tasks that cells name.
    pub registry: &'a Registry,
    /// Flips that are listed, of either kind and cell.
    pub flips: usize,
    /// Where the texts of flips are looked for; they are left out where their data are not there.
    pub data: Option<DataPlaces>,
    /// What resampling follows from.
    pub seed: u64,
}

/// Compares two sides cell by cell. Cells are worked on in parallel; the result does not depend on how many at once.
///
/// # Errors
/// [`CompareError`]: a task that is not known, predictions that are missing, damaged or not those of their record.
pub fn compare(request: &CompareRequest<'_>) -> Result<Comparison, CompareError> {
    let CompareRequest { base, new, policy, .. } = *request;
    let effect = |what: &str| policy.effect(what);
    let joined = join::join(&base.cells, &new.cells, &effect);
    let context = Context { base, new, policy, seed: request.seed, flips: request.flips };
    let (refused, comparable): (Vec<_>, Vec<_>) = (joined.pairs.into_iter())
        .partition(|(_, _, found)| found.iter().any(|d| d.effect == Effect::Refuse));
    let tasks = tasks(request.registry, comparable.iter().map(|(_, new, _)| &new.inputs.key))?;
    let cells = comparable.into_par_iter().map(|(base, new, found)| {
        let task = task(&tasks, &new.inputs.key)?;
        context.compare(base, new, found, task)
    });
    let cells: Vec<CellComparison> = cells.collect::<Result<_, _>>()?;
    let mut comparison = Comparison {
        schema_version: COMPARISON_VERSION,
        kobench_version: crate::VERSION.to_owned(),
        base: base.side.clone(),
        new: new.side.clone(),
        policy: policy.name().to_owned(),
        verdict: Verdict::Pass,
        cells,
        speeds: speed::speeds(&base.benches, &new.benches, &|key, scenario, measure| {
            policy.speed_rule(key, scenario, measure)
        }),
        refused: refused.into_iter().map(|(_, new, found)| refusal(new, found)).collect(),
        only_base: joined
            .only_base
            .iter()
            .map(|c| unmatched(c, policy.missing(&c.inputs.key)))
            .collect(),
        only_new: joined.only_new.iter().map(|c| unmatched(c, Verdict::Pass)).collect(),
        notes: Vec::new(),
    };
    if let Some(places) = &request.data {
        texts::add(&mut comparison, new, places, request.registry);
    }
    judge::judge(&mut comparison, policy.correction());
    Ok(comparison)
}

/// The tasks of all cells.
///
/// # Errors
/// [`CompareError::Task`], for one that is not known.
fn tasks<'a>(
    registry: &Registry,
    keys: impl Iterator<Item = &'a CellKey>,
) -> Result<BTreeMap<&'a str, Task>, CompareError> {
    let mut tasks = BTreeMap::new();
    for key in keys {
        let name = key.task.as_str();
        if !tasks.contains_key(name) {
            let failed = |source| CompareError::Task { cell: key.label(), source };
            tasks.insert(name, registry.get(name).map_err(failed)?);
        }
    }
    Ok(tasks)
}

/// The task of a cell, of the version that the cell was run with.
fn task<'a>(tasks: &'a BTreeMap<&str, Task>, key: &CellKey) -> Result<&'a Task, CompareError> {
    let known = tasks.get(key.task.as_str());
    let fits = known.filter(|task| task.version == key.task_version);
    fits.ok_or_else(|| CompareError::TaskVersion {
        cell: key.label(),
        recorded: key.task_version,
        known: known.map_or(0, |task| task.version),
    })
}

fn refusal(new: &CellRecord, found: Vec<Difference>) -> Refusal {
    let key = new.inputs.key.clone();
    let differences = found.into_iter().filter(|d| d.effect == Effect::Refuse).collect();
    Refusal { label: key.label(), key, differences }
}

fn unmatched(cell: &CellRecord, verdict: Verdict) -> Unmatched {
    let key = cell.inputs.key.clone();
    Unmatched { label: key.label(), key, id: cell.id.clone(), verdict }
}

#[cfg(test)]
mod tests;
