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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::validator;

    fn finding(verdict: Verdict, expected: Option<&str>) -> Finding {
        Finding {
            id: "abi.null-arguments".into(),
            model: None,
            verdict,
            detail: "12 calls".into(),
            expected: expected.map(ToOwned::to_owned),
            hint: expected.map(|_| "check every pointer".into()),
            seconds: 0.5,
        }
    }

    #[test]
    fn a_report_is_what_its_schema_says() {
        let report = Report {
            library: "x.so".into(),
            name: None,
            version: Some("1".into()),
            findings: vec![finding(Verdict::Ok, None), finding(Verdict::Bad, Some("an error"))],
        };
        assert!(!report.is_good());
        assert_eq!(report.count(Verdict::Ok), 1);
        let document = serde_json::json!({
            "schema_version": 2, "good": report.is_good(), "plugins": [report],
        });
        let schema = validator(include_str!("../../schemas/plugin-check.schema.json"));
        let errors: Vec<_> = schema.iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let mut wrong = document.clone();
        wrong["plugins"][0]["findings"][0]["verdict"] = "fine".into();
        assert!(!schema.is_valid(&wrong));
    }

    #[test]
    fn what_is_bad_says_what_to_do() {
        let text = finding(Verdict::Bad, Some("an error")).to_string();
        assert!(text.starts_with("BAD     abi.null-arguments: 12 calls\n"), "{text}");
        assert!(
            text.contains("expected: an error") && text.contains("what to do: check"),
            "{text}"
        );
    }
}
