//! The harness's end: which checks there are, and a child after the other until each has its outcome.

use super::SelftestError;
use super::child::{self, End};
use super::finding::{Report, group};
use crate::plugin::{CheckId, CheckLine, CheckOutcome, Entry, SelftestRequest};
use crate::suggest::closest;
use crate::text::shorten;
use std::time::Duration;

/// After so many children in a row that ended before any check did, no more are started.
const HOPELESS: usize = 3;

/// What is checked, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// `auto`, `cpu`, or `cuda:N`.
    pub device: String,
    /// By name.
    pub precisions: Vec<String>,
    /// Checks, or groups of them; none: all.
    pub only: Vec<String>,
    /// What everything random follows from.
    pub seed: u64,
    /// How long a check may take.
    pub limit: Duration,
}

impl Options {
    pub(super) fn request(&self) -> SelftestRequest {
        SelftestRequest {
            device: self.device.clone(),
            precisions: self.precisions.clone(),
            only: self.only.clone(),
            skip: Vec::new(),
            seed: self.seed,
            list: false,
            speed: None,
        }
    }
}

/// How far a self-test has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress<'a> {
    /// The check that has just ended.
    pub ended: Option<&'a CheckLine>,
    /// Checks that have.
    pub done: usize,
    /// All checks.
    pub all: usize,
    /// The check that runs now.
    pub now: Option<&'a CheckId>,
}

/// The checks of a plugin that are asked for, in their order.
///
/// # Errors
/// A plugin that cannot list them, and a name that none of them has.
pub fn list(plugin: &Entry, options: &Options) -> Result<Vec<CheckId>, SelftestError> {
    let everything = SelftestRequest { only: Vec::new(), list: true, ..options.request() };
    let all = listed(plugin, &everything, options.limit)?;
    for name in &options.only {
        let alone = SelftestRequest { only: vec![name.clone()], ..options.request() };
        if !all.iter().any(|id| alone.wants(&id.name, &id.precision)) {
            return Err(unknown(name, &all));
        }
    }
    let request = options.request();
    Ok(all.into_iter().filter(|id| request.wants(&id.name, &id.precision)).collect())
}

/// The names that a plugin lists in answer to a request.
pub(super) fn listed(
    plugin: &Entry,
    request: &SelftestRequest,
    limit: Duration,
) -> Result<Vec<CheckId>, SelftestError> {
    let mut all: Vec<CheckId> = Vec::new();
    let mut on_line = |line: &str| {
        let line = parse(line)?;
        let id = CheckId { name: line.name, precision: line.precision };
        if line.outcome != CheckOutcome::Listed || all.contains(&id) {
            return Err(format!("{} is listed twice, or was run", text(&id)));
        }
        all.push(id);
        Ok(())
    };
    match child::run(&plugin.path, request, limit, &mut on_line) {
        End::Done => Ok(all),
        end => Err(refused(plugin, "could not list its checks", end)),
    }
}

pub(super) fn refused(plugin: &Entry, what: &str, end: End) -> SelftestError {
    let message = format!("the plugin {} {what}: {}", plugin.description.name, end.reason());
    let hint = match end {
        End::Failed { hint, .. } => hint,
        End::Done | End::Broken { .. } => None,
    };
    SelftestError::new(message, hint)
}

fn unknown(name: &str, all: &[CheckId]) -> SelftestError {
    let names = all.iter().flat_map(|id| [id.name.as_str(), group(&id.name)]);
    let hint = match closest(name, names) {
        Some(close) => format!("did you mean `{close}`? `kobench selftest --list` shows all"),
        None => "`kobench selftest --list` shows all".into(),
    };
    SelftestError::new(format!("no check and no group of checks is called `{name}`"), Some(hint))
}

/// Runs the checks of a plugin that are asked for. `show` hears of each that has ended.
///
/// # Errors
/// Those of [`list`]; a plugin that refuses to run any check, for instance for want of the device.
pub fn check(
    plugin: &Entry,
    options: &Options,
    show: &mut dyn FnMut(Progress<'_>),
) -> Result<Report, SelftestError> {
    let mut run = Run { left: list(plugin, options)?, done: Vec::new(), show };
    run.tell(None);
    let mut fruitless = 0;
    while !run.left.is_empty() {
        let before = run.done.len();
        let skip = run.done.iter().map(id_of).collect();
        let request = SelftestRequest { skip, ..options.request() };
        let end = child::run(&plugin.path, &request, options.limit, &mut |line| run.line(line));
        let came_far = run.done.len() > before;
        fruitless = if came_far { 0 } else { fruitless + 1 };
        match end {
            End::Done => run.give_up("the plugin ended without an outcome for it"),
            // What refuses everything is no failure of a check.
            End::Failed { .. } if run.done.is_empty() => {
                return Err(refused(plugin, "could not begin", end));
            }
            End::Failed { .. } if !came_far => run.give_up(&end.reason()),
            end if fruitless == HOPELESS => {
                run.fail_first(&end.reason());
                run.give_up("not run: each process before it ended in its first check");
            }
            end => run.fail_first(&end.reason()),
        }
    }
    Ok(Report {
        library: plugin.path.clone(),
        name: plugin.description.name.clone(),
        version: plugin.description.version.clone(),
        checks: run.done,
    })
}

/// Checks that have an outcome, and those that wait for theirs.
struct Run<'a> {
    left: Vec<CheckId>,
    done: Vec<CheckLine>,
    show: &'a mut dyn FnMut(Progress<'_>),
}

impl Run<'_> {
    fn tell(&mut self, ended: Option<&CheckLine>) {
        let (done, all) = (self.done.len(), self.done.len() + self.left.len());
        (self.show)(Progress { ended, done, all, now: self.left.first() });
    }

    fn end(&mut self, at: usize, line: CheckLine) {
        self.left.remove(at);
        self.done.push(line.clone());
        self.tell(Some(&line));
    }

    /// Takes a line of the plugin's.
    fn line(&mut self, line: &str) -> Result<(), String> {
        let mut line = parse(line)?;
        let id = id_of(&line);
        let Some(at) = self.left.iter().position(|left| *left == id) else {
            return Err(format!("the plugin told of {}, which it was not to run", text(&id)));
        };
        if line.outcome == CheckOutcome::Listed {
            return Err(format!("the plugin listed {}, which it was to run", text(&id)));
        }
        let within = match (line.error, line.tolerance) {
            (Some(error), Some(tolerance)) => error <= tolerance,
            (None, Some(_)) => false,
            (_, None) => true,
        };
        if line.outcome == CheckOutcome::Passed && !within {
            line.outcome = CheckOutcome::Failed;
            line.message = format!("called passed, but not within its tolerance: {}", line.message);
        }
        self.end(at, line);
        Ok(())
    }

    /// The check that was running has failed.
    fn fail_first(&mut self, reason: &str) {
        let Some(id) = self.left.first().cloned() else { return };
        self.end(
            0,
            CheckLine {
                name: id.name,
                precision: id.precision,
                outcome: CheckOutcome::Failed,
                error: None,
                tolerance: None,
                seconds: 0.0,
                message: reason.to_owned(),
            },
        );
    }

    fn give_up(&mut self, reason: &str) {
        while !self.left.is_empty() {
            self.fail_first(reason);
        }
    }
}

fn id_of(line: &CheckLine) -> CheckId {
    CheckId { name: line.name.clone(), precision: line.precision.clone() }
}

fn text(id: &CheckId) -> String {
    format!("{} in {}", id.name, id.precision)
}

fn parse(line: &str) -> Result<CheckLine, String> {
    serde_json::from_str(line).map_err(|e| {
        format!("the plugin wrote a line that is no outcome: {} ({e})", shorten(line, 80))
    })
}
