//! The harness's end: a child for each group and model, and what becomes of it.

use super::catalog::{Check, GROUPS, Group, Selection};
use super::finding::{Finding, Report, Verdict};
use super::process::Process;
use super::protocol::{News, Order};
use crate::hint::Hint as _;
use crate::plugin::{Description, Variant};
use crate::run::Checkpoint;
use crate::worker::{FailureKind, Limits, Worker, frame};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a library is checked.
#[derive(Debug, Clone)]
pub struct Options {
    /// Weights for models that are not bundled: a folder, or `hf:ID`.
    pub checkpoint: Option<String>,
    /// The one model to look at; all, if none is named.
    pub model: Option<String>,
    /// The checks.
    pub selection: Selection,
    /// How long a check may take.
    pub limit: Duration,
}

/// Runs the checks. `show` is given each finding as soon as it is there.
pub fn check_plugin(library: &Path, options: &Options, show: &mut dyn FnMut(&Finding)) -> Report {
    let mut run = Run { library, options, show, findings: Vec::new() };
    let description = run.describe();
    if let Some(description) = &description {
        run.groups(description);
    }
    Report {
        library: library.to_path_buf(),
        name: description.as_ref().map(|d| d.name.clone()),
        version: description.map(|d| d.version),
        findings: run.findings,
    }
}

struct Run<'a> {
    library: &'a Path,
    options: &'a Options,
    show: &'a mut dyn FnMut(&Finding),
    findings: Vec<Finding>,
}

/// A model whose weights are at hand.
struct Subject {
    name: String,
    checkpoint: Option<PathBuf>,
}

impl Run<'_> {
    fn found(&mut self, finding: Finding) {
        (self.show)(&finding);
        self.findings.push(finding);
    }

    /// Without a description there is nothing to check; why there is none is a finding.
    fn describe(&mut self) -> Option<Description> {
        let limits = Limits { silence: self.options.limit };
        let described =
            Worker::start(1, limits, |_| {}).and_then(|mut worker| worker.describe(self.library));
        match described {
            Ok(description) => Some(description),
            Err(failure) => {
                let mut finding = Finding {
                    id: "describe.loads".into(),
                    model: None,
                    verdict: Verdict::Bad,
                    detail: failure.to_string(),
                    expected: Some(
                        "the library loads, agrees on a version and describes itself".into(),
                    ),
                    hint: failure.hint(),
                    seconds: 0.0,
                };
                said(&mut finding.detail, failure.output.last());
                self.found(finding);
                None
            }
        }
    }

    fn groups(&mut self, description: &Description) {
        let (mut subjects, mut without) = (Vec::new(), Vec::new());
        for variant in &description.variants {
            if self.options.model.as_ref().is_some_and(|name| *name != variant.name) {
                continue;
            }
            match Checkpoint::resolve(variant, self.options.checkpoint.as_deref()) {
                Ok(weights) => subjects.push(Subject {
                    name: variant.name.clone(),
                    checkpoint: weights.directory().map(Path::to_path_buf),
                }),
                Err(e) => without.push((variant, e.to_string())),
            }
        }
        for group in GROUPS {
            let checks = self.options.selection.of(group);
            if checks.is_empty() {
                continue;
            }
            if group.is_per_model() {
                for subject in &subjects {
                    self.group(group, &checks, Some(subject), "");
                }
                for (variant, reason) in &without {
                    self.skip(group, variant, reason);
                }
            } else {
                // The border is the same for all models: a bundled one is the smallest.
                let subject = subjects.iter().min_by_key(|s| s.checkpoint.is_some());
                let reason = match without.first() {
                    Some((_, reason)) => reason.as_str(),
                    None => "the plugin has no model",
                };
                self.group(group, &checks, subject, reason);
            }
        }
    }

    /// One finding for all checks of a group that a model cannot have.
    fn skip(&mut self, group: Group, variant: &Variant, reason: &str) {
        self.found(Finding {
            id: group.name().into(),
            model: Some(variant.name.clone()),
            verdict: Verdict::Skipped,
            detail: reason.into(),
            expected: None,
            hint: None,
            seconds: 0.0,
        });
    }

    /// Runs checks in a child; where one ends it, in another child from the next check on.
    fn group(&mut self, group: Group, checks: &[&Check], subject: Option<&Subject>, none: &str) {
        let mut left: Vec<String> = checks.iter().map(|c| c.id.to_owned()).collect();
        while !left.is_empty() {
            let ended = self.child(group, subject, none, &left);
            let Err(Ended { check, why, printed }) = ended else { return };
            // Where no check had begun, the first one stands for all that cannot be looked at.
            let at = check.and_then(|id| left.iter().position(|l| *l == id)).unwrap_or(0);
            let id = left[at].clone();
            let known = checks.iter().find(|c| c.id == id);
            let mut detail = format!("{why} in {id}");
            said(&mut detail, printed.last());
            self.found(Finding {
                id,
                model: subject.filter(|_| group.is_per_model()).map(|s| s.name.clone()),
                verdict: Verdict::Bad,
                detail,
                expected: Some(known.map_or_else(String::new, |c| c.what.to_owned())),
                hint: known.map(|c| c.hint.to_owned()),
                seconds: 0.0,
            });
            left.drain(..=at);
        }
    }

    fn child(
        &mut self,
        group: Group,
        subject: Option<&Subject>,
        none: &str,
        checks: &[String],
    ) -> Result<(), Ended> {
        let cannot = |what: &str, e: std::io::Error| Ended {
            check: None,
            why: format!("the check could not be started: {what}: {e}"),
            printed: Vec::new(),
        };
        let scratch = tempfile::tempdir().map_err(|e| cannot("a temporary folder", e))?;
        let order = Order {
            library: self.library.to_path_buf(),
            group,
            model: subject.map(|s| s.name.clone()),
            checkpoint: subject.and_then(|s| s.checkpoint.clone()),
            no_model: none.to_owned(),
            checks: checks.to_vec(),
            scratch: scratch.path().to_path_buf(),
        };
        let (mut socket, theirs) = UnixStream::pair().map_err(|e| cannot("a socket", e))?;
        socket.set_read_timeout(Some(self.options.limit)).map_err(|e| cannot("a socket", e))?;
        let mut process = Process::start("--checks", theirs).map_err(|e| cannot("a process", e))?;
        // A child that ends at once is seen below.
        let _ = frame::write(&mut socket, &order);
        let mut check = None;
        loop {
            match frame::read::<News>(&mut socket) {
                Ok(Some(News::Begins(id))) => check = Some(id),
                Ok(Some(News::Found(mut finding))) => {
                    check = None;
                    if !finding.is_good() {
                        said(&mut finding.detail, process.printed().last());
                    }
                    self.found(finding);
                }
                Ok(Some(News::Done)) => return Ok(()),
                Err(e)
                    if matches!(
                        e.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) =>
                {
                    let why = FailureKind::Hung { limit: self.options.limit }.to_string();
                    return Err(Ended { check, why, printed: process.printed() });
                }
                Ok(None) | Err(_) => {
                    let why = process.ended();
                    return Err(Ended { check, why, printed: process.printed() });
                }
            }
        }
    }
}

/// A child that did not come to the end of its checks.
struct Ended {
    check: Option<String>,
    why: String,
    printed: Vec<String>,
}

fn said(detail: &mut String, line: Option<&String>) {
    if let Some(line) = line {
        detail.push_str(&format!("; it printed: {line}"));
    }
}
