//! What became of each split, as lines or as JSON.

use std::io::Write;

use serde::Serialize;

use crate::cli::shared::{TextFormat, write_json};
use crate::data::{DataPlaces, SplitFile};
use crate::error::Error;
use crate::inventory::{Item, Looked, Obtain, State};
use crate::report::number::grouped;
use crate::text::bytes as size;

/// What became of one split.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Outcome {
    task: String,
    split: String,
    outcome: What,
    /// Where the split's file is.
    file: Option<String>,
    /// The file that it was copied from.
    source: Option<String>,
    bytes: Option<u64>,
    rows: Option<u64>,
    sha256: Option<String>,
    /// Whether the SHA-256 is the one that the task names.
    verified: Option<bool>,
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
    /// Was copied.
    Imported,
    /// Was read, and is right.
    Right,
    /// Is not here.
    Missing,
    /// Is here, but is not what the task names.
    Wrong,
    /// Could not be got.
    Failed,
}

impl Outcome {
    pub(super) fn new(item: &Item<'_>, outcome: What) -> Self {
        Self {
            task: item.task.name.clone(),
            split: item.name.to_owned(),
            outcome,
            file: None,
            source: None,
            bytes: None,
            rows: None,
            sha256: None,
            verified: None,
            message: None,
            hint: None,
        }
    }

    /// A split that is missing, with how it is got.
    pub(super) fn missing(item: &Item<'_>, places: &DataPlaces) -> Self {
        let hint = match item.obtain() {
            Obtain::Bundled => None,
            Obtain::Fetch(_) => Some(format!(
                "`kobench data fetch {} --split {}` gets it",
                item.task.name, item.name
            )),
            Obtain::ByHand(text) => Some(by_hand(item, text, places)),
        };
        Self { hint, ..Self::new(item, What::Missing) }
    }

    /// A split whose file is here.
    pub(super) fn here(looked: &Looked<'_>) -> Self {
        Self::new(&looked.item, What::Here)
            .file(looked.file.as_ref().map(SplitFile::display).unwrap_or_default())
            .content(looked.bytes, looked.item.split.sha256.clone())
            .verified(looked.state == State::Verified)
    }

    /// A split in whose place another file is.
    pub(super) fn not_the_file(looked: &Looked<'_>) -> Self {
        let outcome = Self::new(&looked.item, What::Wrong)
            .file(looked.file.as_ref().map(SplitFile::display).unwrap_or_default());
        let force = Some("--force replaces it; --data-dir names another folder".to_owned());
        match (&looked.state, &looked.item.split.sha256) {
            (State::Other(found), Some(expected)) => {
                let message =
                    format!("another file is here: its SHA-256 is {found}, expected {expected}");
                outcome.content(looked.bytes, Some(found.clone())).message(message, force)
            }
            (State::Unreadable(reason), _) => {
                outcome.message(format!("the file that is here cannot be read: {reason}"), force)
            }
            _ => outcome.content(looked.bytes, None),
        }
    }

    pub(super) fn file(mut self, file: impl ToString) -> Self {
        self.file = Some(file.to_string());
        self
    }

    pub(super) fn source(mut self, source: impl ToString) -> Self {
        self.source = Some(source.to_string());
        self
    }

    pub(super) fn content(mut self, bytes: Option<u64>, sha256: Option<String>) -> Self {
        (self.bytes, self.sha256) = (bytes, sha256);
        self
    }

    pub(super) fn rows(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Whether the SHA-256 was compared with the task's; a task that names none cannot tell.
    pub(super) fn verified(mut self, verified: bool) -> Self {
        self.verified = Some(verified);
        self
    }

    pub(super) fn message(mut self, message: impl Into<String>, hint: Option<String>) -> Self {
        (self.message, self.hint) = (Some(message.into()), hint);
        self
    }

    pub(super) fn what(&self) -> What {
        self.outcome
    }

    /// Lines for people, the first without indent.
    fn lines(&self) -> String {
        let mut parts = vec![match (self.outcome, &self.file) {
            (What::Here, Some(file)) if file.starts_with("bundled:") => {
                "part of kobench".to_owned()
            }
            (What::Here, _) => "here already".to_owned(),
            (What::Fetched, _) => "fetched".to_owned(),
            (What::Imported, _) => "imported".to_owned(),
            (What::Right, _) => "right".to_owned(),
            (What::Missing, _) => "missing".to_owned(),
            (What::Wrong, _) => "wrong".to_owned(),
            (What::Failed, _) => "failed".to_owned(),
        }];
        parts.extend(self.rows.map(|rows| format!("{} rows", grouped(rows))));
        parts.extend(self.bytes.map(size));
        parts.extend(self.verified.map(|verified| {
            let text = if verified { "SHA-256 as named" } else { "the task names no SHA-256" };
            text.to_owned()
        }));
        let mut text = format!("{}/{}: {}", self.task, self.split, parts.join(", "));
        if let Some(file) = self.file.as_ref().filter(|file| !file.starts_with("bundled:")) {
            text.push_str(&format!(" ({file})"));
        }
        if let Some(source) = &self.source {
            text.push_str(&format!("\n  from: {source}"));
        }
        if let Some(message) = &self.message {
            text.push_str(&format!("\n  error: {}", message.replace('\n', "\n  ")));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\n  hint: {}", hint.trim_end().replace('\n', "\n    ")));
        }
        text
    }
}

/// How a user gets a file that kobench may not fetch, and where it goes.
pub(super) fn by_hand(item: &Item<'_>, text: Option<&str>, places: &DataPlaces) -> String {
    let text = text.map_or_else(
        || format!("kobench may not fetch it; get it from {}", item.source()),
        |text| text.trim().to_owned(),
    );
    let place = item.target(places).map_or_else(String::new, |target| {
        format!(
            "\nput it at {}, or: kobench data import --task {} --split {} FILE",
            target.display(),
            item.task.name,
            item.name
        )
    });
    text + &place
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

    /// A line for people that is about no single split.
    pub(super) fn line(&mut self, line: &str) -> Result<(), Error> {
        if self.format == TextFormat::Terminal {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    pub(super) fn count(&self, what: What) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.outcome == what).count()
    }

    /// Ends the report; `extra` stands beside the outcomes in JSON.
    pub(super) fn finish(
        self,
        good: bool,
        extra: &[(&str, serde_json::Value)],
    ) -> Result<(), Error> {
        if self.format == TextFormat::Json {
            let mut document = serde_json::json!({
                "schema_version": 1,
                "good": good,
                "splits": self.outcomes,
            });
            for (key, value) in extra {
                document[*key] = value.clone();
            }
            write_json(self.out, &document)?;
        }
        Ok(())
    }
}
