//! What is wrong with rows, counted by kind, with the first examples of each.

use std::path::Path;

use super::ScoreError;
use crate::task::Kind;

/// Examples of a problem that are shown.
const SHOWN: usize = 3;

/// A kind of problem: how often, and the first few.
#[derive(Debug, Default)]
struct Problem {
    what: String,
    count: usize,
    examples: Vec<String>,
}

/// The problems of one file, by kind, in the order in which the kinds were first met.
#[derive(Debug)]
pub(super) struct Problems {
    task: Kind,
    kinds: Vec<Problem>,
}

/// The kind whose hint is its own.
pub(super) const MISSING: &str = "rows without a prediction";

impl Problems {
    /// None yet, in a file for a task of this kind.
    pub(super) fn of(task: Kind) -> Self {
        Self { task, kinds: vec![] }
    }

    /// Counts a problem of the kind `what`.
    pub(super) fn add(&mut self, what: &str, example: impl FnOnce() -> String) {
        let known = self.kinds.iter().position(|kind| kind.what == what);
        let index = known.unwrap_or_else(|| {
            self.kinds.push(Problem { what: what.to_owned(), ..Problem::default() });
            self.kinds.len() - 1
        });
        let kind = &mut self.kinds[index];
        kind.count += 1;
        if kind.examples.len() < SHOWN {
            kind.examples.push(example());
        }
    }

    /// # Errors
    /// [`ScoreError::Rows`] when there are any.
    pub(super) fn check(&self, path: &Path) -> Result<(), ScoreError> {
        if self.kinds.is_empty() {
            return Ok(());
        }
        let describe = |kind: &Problem| {
            let more = if kind.count > kind.examples.len() { ", ..." } else { "" };
            format!("{}: {} ({}{more})", kind.what, kind.count, kind.examples.join(", "))
        };
        let only_missing = self.kinds.len() == 1 && self.kinds[0].what == MISSING;
        Err(ScoreError::Rows {
            path: path.to_owned(),
            problems: self.kinds.iter().map(describe).collect(),
            hint: match self.task {
                Kind::ExtractiveQa if only_missing => {
                    "check the split (--split); --allow-missing counts questions without an answer as wrong"
                }
                _ if only_missing => {
                    "check the split (--split); predictions of a run with --limit N are scored with --limit N"
                }
                _ => "check the task and the split (--split)",
            },
        })
    }
}
