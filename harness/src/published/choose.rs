//! Which of our cells stands beside a published number, when there are several.
//!
//! A cell may stand there when it is whole: the reported split of the task as it is now, all of its rows, and the very
//! data that the task names. Among several the choice is made before looking at the scores: the recipe of the published
//! number's generation, then full precision (the published numbers are), then the lowest seed, then the latest run. The
//! best of several seeds would flatter, as the published numbers do.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Generation;
use crate::record::{CellRecord, Status};
use crate::report::number::grouped;
use crate::task::{Registry, Task};

/// A cell of ours that may not stand in the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftOut {
    /// The cell, as `kcbert-base on nsmc/sample (seed 42)`.
    pub label: String,
    /// Its id.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// Our cells of some tasks, sorted out.
pub(super) struct Candidates<'a> {
    whole: BTreeMap<(&'a str, &'a str), Vec<&'a CellRecord>>,
    pub(super) left_out: Vec<LeftOut>,
}

/// The cell that stands in the table, and those that could have.
pub(super) struct Chosen<'a> {
    pub(super) cell: &'a CellRecord,
    pub(super) others: Vec<&'a CellRecord>,
}

impl<'a> Candidates<'a> {
    /// Of all cells, those of the tasks with these names.
    pub(super) fn new(
        cells: &'a [CellRecord],
        tasks: &BTreeSet<&str>,
        registry: &Registry,
    ) -> Self {
        let mut candidates = Self { whole: BTreeMap::new(), left_out: Vec::new() };
        for cell in cells.iter().filter(|cell| tasks.contains(cell.inputs.key.task.as_str())) {
            let key = &cell.inputs.key;
            match refusal(cell, task(registry, &key.task)) {
                None => {
                    candidates.whole.entry((&key.model, &key.task)).or_default().push(cell);
                }
                Some(reason) => candidates.left_out.push(LeftOut {
                    label: key.label(),
                    id: cell.id.clone(),
                    reason,
                }),
            }
        }
        candidates.left_out.sort();
        candidates
    }

    /// Models that have a whole cell.
    pub(super) fn models(&self) -> BTreeSet<&'a str> {
        self.whole.keys().map(|(model, _)| *model).collect()
    }

    /// The cell to set beside a number of this generation.
    pub(super) fn choose(
        &self,
        model: &str,
        task: &str,
        generation: Generation,
    ) -> Option<Chosen<'a>> {
        let mut cells = self.whole.get(&(model, task))?.clone();
        let of_generation = format!("generation-{}", generation.to_string().to_lowercase());
        cells.sort_by_key(|cell| {
            let inputs = &cell.inputs;
            let recipe = inputs.key.recipe.as_deref().unwrap_or_default();
            (
                // The recipe as it is, then with settings overridden (`generation-b[epochs=3]`), then others.
                recipe != of_generation,
                !recipe.starts_with(&format!("{of_generation}[")),
                inputs.precision != "f32",
                inputs.key.seed,
                Reverse(cell.finished_at.as_str()),
                cell.id.as_str(),
            )
        });
        let mut cells = cells.into_iter();
        let cell = cells.next()?;
        Some(Chosen { cell, others: cells.collect() })
    }
}

/// The task of this very name; a path never reaches the file system from here.
pub(super) fn task<'r>(registry: &'r Registry, name: &str) -> Option<&'r Task> {
    registry.tasks().find(|task| task.name == name)
}

/// Why a cell may not stand in a table.
fn refusal(cell: &CellRecord, task: Option<&Task>) -> Option<String> {
    let (inputs, key) = (&cell.inputs, &cell.inputs.key);
    if let Status::Failed { cause } = &cell.status {
        return Some(cause.label());
    }
    let Some(task) = task else {
        return Some(format!(
            "there is no task `{}` to say which split is reported (--task-dir names folders with task files)",
            key.task
        ));
    };
    if key.split != task.report {
        return Some(format!("the reported split is {}", task.report));
    }
    if key.task_version != task.version {
        return Some(format!(
            "scored by version {} of the task, which is at version {}",
            key.task_version, task.version
        ));
    }
    if let Some(limit) = inputs.limit.filter(|limit| *limit < inputs.data.split_rows()) {
        return Some(format!(
            "only the first {} of {} rows",
            grouped(limit),
            grouped(inputs.data.split_rows())
        ));
    }
    // Where nobody but its owners can have the data, there is no hash to compare with.
    let hash = task.splits.get(&key.split).and_then(|split| split.sha256.as_ref());
    if !inputs.data.verified && hash.is_some() {
        return Some(format!("unverified data: {} is not the file of the task", inputs.data.file));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::{done, failed};

    fn whole(model: &str, seed: Option<u64>) -> CellRecord {
        let mut cell = done();
        cell.inputs.key.model = model.into();
        cell.inputs.key.split = "test".into();
        cell.inputs.key.seed = seed;
        cell.id = cell.inputs.id();
        cell
    }

    fn reasons(cells: &[CellRecord]) -> Vec<String> {
        let registry = Registry::load(&[]).expect("loads");
        let candidates = Candidates::new(cells, &BTreeSet::from(["nsmc"]), &registry);
        candidates.left_out.into_iter().map(|left| left.reason).collect()
    }

    #[test]
    fn cells_that_are_not_whole_are_left_out_with_a_reason() {
        let change = |f: fn(&mut CellRecord)| {
            let mut cell = whole("m", None);
            f(&mut cell);
            reasons(&[cell])
        };
        assert!(change(|_| ()).is_empty());
        assert_eq!(reasons(&[failed()]), ["crashed: SIGSEGV"]);
        assert_eq!(
            change(|c| c.inputs.key.split = "sample".into()),
            ["the reported split is test"]
        );
        assert_eq!(change(|c| c.inputs.limit = Some(1500)), ["only the first 1,500 of 2,000 rows"]);
        assert!(change(|c| c.inputs.limit = Some(2000)).is_empty(), "a limit that limits nothing");
        assert!(change(|c| c.inputs.data.verified = false)[0].starts_with("unverified data"));
        assert!(change(|c| c.inputs.key.task_version = 9)[0].contains("version 9"));
        // Another task's cells are no business of this table.
        assert!(change(|c| c.inputs.key.task = "mine".into()).is_empty());
    }

    #[test]
    fn the_choice_does_not_look_at_the_score() {
        let registry = Registry::load(&[]).expect("loads");
        let mut better = whole("m", Some(43));
        if let Some(metric) = better.metrics.get_mut("accuracy") {
            metric.value = 0.99;
        }
        let first = whole("m", Some(42));
        let mut half = whole("m", Some(1));
        half.inputs.precision = "bf16".into();
        let mut recipe = whole("m", Some(77));
        recipe.inputs.key.recipe = Some("generation-b".into());
        let cells = [better, half, first, recipe];
        let candidates = Candidates::new(&cells, &BTreeSet::from(["nsmc"]), &registry);
        let seed = |generation| {
            let chosen = candidates.choose("m", "nsmc", generation).expect("chosen");
            assert_eq!(chosen.others.len(), 3);
            chosen.cell.inputs.key.seed
        };
        assert_eq!(seed(Generation::A), Some(42), "full precision, then the lowest seed");
        assert_eq!(seed(Generation::B), Some(77), "the recipe of the generation first");
        assert!(candidates.choose("m", "paws", Generation::A).is_none());
        assert_eq!(candidates.models(), BTreeSet::from(["m"]));
    }
}
