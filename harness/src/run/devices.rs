//! What `--device auto` comes to: a GPU is taken where a plugin can use one, which only trying tells.

use super::execute::{Open, ready};
use super::plan::{Plan, PlannedRun};
use super::progress::Progress;
use crate::record::RunDir;
use crate::worker::{Failure, FailureKind};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A worker that has a cell's model open already, from trying the device.
pub struct Started(pub(super) Option<Open>);

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Started").field(&self.0.is_some()).finish()
    }
}

/// Settles the device of each cell that may run on a GPU or on the CPU: its plugin is asked to open the model on the
/// first GPU. Where that cannot be (no driver, an old one, no GPU), the cells of the plugin go to the CPU, and a line says why.
/// Cells that are done on a GPU already are let be.
///
/// Call it before the plan is written down, for the device is part of a cell's id, and from the thread that executes the
/// plan ([`crate::worker::Worker::start`]).
pub fn settle(plan: &mut Plan, run: &RunDir, progress: &mut Progress) -> Started {
    let rerun = plan.rerun;
    settle_where(plan, progress, &|cell| rerun || !run.has_done(&cell.inputs.id()))
}

/// As [`settle`], where nothing was done before.
pub fn settle_all(plan: &mut Plan, progress: &mut Progress) -> Started {
    settle_where(plan, progress, &|_| true)
}

fn settle_where(
    plan: &mut Plan,
    progress: &mut Progress,
    is_to_do: &dyn Fn(&PlannedRun) -> bool,
) -> Started {
    let undecided = |plan: &Plan, index: usize| {
        let cell = &plan.cells[index];
        cell.may_fall_back && is_to_do(cell)
    };
    let mut asked: BTreeSet<PathBuf> = BTreeSet::new();
    let mut firsts: Vec<usize> = Vec::new();
    for index in 0..plan.cells.len() {
        let library = &plan.cells[index].open.library;
        if !asked.contains(library) && undecided(plan, index) {
            asked.insert(library.clone());
            firsts.push(index);
        }
    }
    // Two models are never in memory at once, so that of several none stays.
    let keep = firsts.len() == 1;
    let mut started = None;
    for index in firsts {
        let cell = &plan.cells[index];
        let label = cell.inputs.key.short_label();
        let opened = ready(plan, cell, &plan.gpus[0], None, &progress.cell(&label, 0));
        match opened {
            Ok(open) if keep => started = Some(open),
            Err(failure) if is_unsupported(&failure) => {
                let plugin = &cell.inputs.plugin.name;
                progress.note(&format!("{plugin}: no GPU, so the CPU computes: {failure}"));
                let library = cell.open.library.clone();
                for index in 0..plan.cells.len() {
                    if plan.cells[index].open.library == library && undecided(plan, index) {
                        plan.cells[index].fall_back();
                    }
                }
            }
            // Whatever else is wrong with the model, its cells are the place to say it.
            Ok(_) | Err(_) => {}
        }
    }
    Started(started)
}

/// Whether a plugin says that it cannot do what it was asked for, here or at all.
pub(crate) fn is_unsupported(failure: &Failure) -> bool {
    matches!(&failure.kind, FailureKind::Error { code, .. } if code == "unsupported")
}
