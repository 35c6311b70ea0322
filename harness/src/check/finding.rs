//! What the checks of a plugin found.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// All findings about a library, as harness/schemas/plugin-check.schema.json says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The library.
    pub library: PathBuf,
    /// The plugin's name, where it could describe itself.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// One for each check and model, in the order of the catalogue.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong; what was skipped is not wrong.
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(Finding::is_good)
    }

    /// How many findings have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|f| f.verdict == verdict).count()
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The check.
    pub id: String,
    /// The model that was looked at; none where the check is of the whole library.
    pub model: Option<String>,
    /// `ok`, `skipped` or `bad`.
    pub verdict: Verdict,
    /// What was seen, or why nothing was looked at.
    pub detail: String,
    /// What should have been seen; for `bad` only.
    pub expected: Option<String>,
    /// What to do; for `bad` only.
    pub hint: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Could not be looked at here.
    Skipped,
    /// Not as it should be.
    Bad,
}

impl Finding {
    /// Whether nothing is wrong; what was skipped is not wrong.
    pub fn is_good(&self) -> bool {
        self.verdict != Verdict::Bad
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Ok => "ok     ",
            Verdict::Skipped => "skipped",
            Verdict::Bad => "BAD    ",
        };
        write!(f, "{mark} {}", self.id)?;
        if let Some(model) = &self.model {
            write!(f, " ({model})")?;
        }
        write!(f, ": {}", self.detail)?;
        if let Some(expected) = &self.expected {
            write!(f, "\n          expected: {expected}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n          what to do: {hint}")?;
        }
        Ok(())
    }
}
