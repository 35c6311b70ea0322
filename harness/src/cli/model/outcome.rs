//! What became of each model that was to be fetched; harness/schemas/model-fetch.schema.json.

use std::io::Write;

use serde::Serialize;

use crate::cli::shared::{TextFormat, write_json};
use crate::error::Error;
use crate::hub::{FilePlan, FileState, HubError, Plan, Source};
use crate::text::bytes as size;

/// What became of a model.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Outcome {
    /// As it was named.
    name: String,
    repository: Option<String>,
    revision: Option<String>,
    commit: Option<String>,
    outcome: What,
    /// Where its files are.
    directory: Option<String>,
    /// Of all files.
    bytes: Option<u64>,
    /// Bytes that were, or are to be, downloaded.
    to_fetch: Option<u64>,
    files: Vec<FileOutcome>,
    message: Option<String>,
    hint: Option<String>,
}

/// The outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// Was here before.
    Here,
    /// Was downloaded.
    Fetched,
    /// Would be downloaded.
    Planned,
    /// Is part of the plugin.
    Bundled,
    /// Could not be got.
    Failed,
}

/// A file of a model.
#[derive(Debug, Clone, Serialize)]
struct FileOutcome {
    name: String,
    bytes: u64,
    hash: String,
    /// `here` or `missing`.
    state: &'static str,
    /// Bytes that are kept of a download that was cut short.
    kept: u64,
}

impl From<&FilePlan> for FileOutcome {
    fn from(file: &FilePlan) -> Self {
        let (state, kept) = match file.state {
            FileState::Here => ("here", 0),
            FileState::Missing { kept } => ("missing", kept),
        };
        let (name, hash) = (file.name.clone(), file.hash.hex().to_owned());
        Self { name, bytes: file.bytes, hash, state, kept }
    }
}

impl Outcome {
    pub(super) fn new(name: &str, outcome: What) -> Self {
        Self {
            name: name.to_owned(),
            repository: None,
            revision: None,
            commit: None,
            outcome,
            directory: None,
            bytes: None,
            to_fetch: None,
            files: Vec::new(),
            message: None,
            hint: None,
        }
    }

    pub(super) fn of(name: &str, source: &Source, outcome: What) -> Self {
        Self {
            repository: Some(source.id.to_string()),
            revision: Some(source.revision().to_owned()),
            ..Self::new(name, outcome)
        }
    }

    /// With what was planned.
    pub(super) fn plan(mut self, plan: &Plan) -> Self {
        self.commit = Some(plan.commit.clone());
        self.directory = Some(plan.repo.snapshot(&plan.commit).display().to_string());
        self.bytes = Some(plan.bytes());
        self.to_fetch = Some(plan.to_fetch());
        self.files = plan.files.iter().map(FileOutcome::from).collect();
        self
    }

    /// With so many bytes downloaded, after which all files are here.
    pub(super) fn done(mut self, fetched: u64) -> Self {
        self.to_fetch = Some(fetched);
        for file in &mut self.files {
            (file.state, file.kept) = ("here", 0);
        }
        self
    }

    pub(super) fn directory(mut self, directory: impl ToString) -> Self {
        self.directory = Some(directory.to_string());
        self
    }

    pub(super) fn message(mut self, message: impl ToString, hint: Option<String>) -> Self {
        (self.message, self.hint) = (Some(message.to_string()), hint);
        self
    }

    pub(super) fn error(self, error: &HubError) -> Self {
        self.message(error, error.hint_with(None))
    }

    /// Lines for people, the first without indent.
    fn lines(&self) -> String {
        let all = || self.bytes.map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
        let what = match (self.outcome, self.to_fetch) {
            (What::Here, _) => format!("here already{}", all()),
            (What::Fetched, Some(fetched)) => format!("fetched, {}", size(fetched)),
            (What::Planned, Some(0)) => format!("here already{}", all()),
            (What::Planned, Some(bytes)) => format!("to download: {}", size(bytes)),
            (What::Fetched | What::Planned, None) => "fetched".to_owned(),
            (What::Bundled, _) => "part of its plugin".to_owned(),
            (What::Failed, _) => "failed".to_owned(),
        };
        let mut text = format!("{}: {what}", self.name);
        if let (Some(id), Some(revision)) = (&self.repository, &self.revision) {
            text.push_str(&match &self.commit {
                Some(commit) if commit != revision => {
                    format!(" ({id}@{revision}, commit {commit})")
                }
                _ => format!(" ({id}@{revision})"),
            });
        }
        if self.outcome == What::Planned {
            let name = self.files.iter().map(|file| file.name.chars().count()).max().unwrap_or(0);
            for file in &self.files {
                let state = match (file.state, file.kept) {
                    ("here", _) => "here".to_owned(),
                    (_, 0) => "to download".to_owned(),
                    (_, kept) => format!("to download, {} are here", size(kept)),
                };
                let (known, bytes) = (&file.name, size(file.bytes));
                text.push_str(&format!("\n  {known:name$}  {bytes:>10}  {state}"));
            }
        } else if let Some(directory) = &self.directory {
            text.push_str(&format!("\n  {directory}"));
        }
        if let Some(message) = &self.message {
            text.push_str(&format!("\n  error: {}", message.replace('\n', "\n  ")));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\n  hint: {}", hint.replace('\n', "\n    ")));
        }
        text
    }
}

/// Where outcomes go: lines as they come, or one JSON document at the end.
pub(super) struct Report<'a> {
    out: &'a mut dyn Write,
    format: TextFormat,
    outcomes: Vec<Outcome>,
}

impl<'a> Report<'a> {
    pub(super) fn new(out: &'a mut dyn Write, format: TextFormat) -> Self {
        Self { out, format, outcomes: Vec::new() }
    }

    pub(super) fn add(&mut self, outcome: Outcome) -> Result<(), Error> {
        if self.format == TextFormat::Terminal {
            writeln!(self.out, "{}", outcome.lines())?;
            self.out.flush()?;
        }
        self.outcomes.push(outcome);
        Ok(())
    }

    /// Ends the report: whether nothing has failed.
    pub(super) fn finish(self, cache: &str) -> Result<bool, Error> {
        let good = self.outcomes.iter().all(|outcome| outcome.outcome != What::Failed);
        if self.format == TextFormat::Json {
            let document = serde_json::json!({
                "schema_version": 1, "good": good, "cache": cache, "models": self.outcomes,
            });
            write_json(self.out, &document)?;
        }
        Ok(good)
    }
}
