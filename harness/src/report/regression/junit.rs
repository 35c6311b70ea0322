//! A comparison as JUnit XML: a test suite a task, a test case a cell and metric.
//!
//! There is no standard. This is valid against the two schemas in use: the one of Ant's JUnit reports (windyroad's
//! JUnit.xsd), which wants timestamp, host name and all children of a suite, and Jenkins' (junit-10.xsd).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::line::{self, Line};
use super::{Judged, counts, explain};
use crate::compare::Verdict;
use crate::compare::policy::OnInconclusive;

/// A test case and how it ended.
struct Case {
    cell: String,
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    /// Name of the element, its type, and what happened.
    Not {
        element: &'static str,
        kind: &'static str,
        message: String,
    },
}

pub(super) fn render(judged: &Judged<'_>) -> String {
    let comparison = judged.comparison;
    let mut suites: BTreeMap<&str, (Vec<Case>, Vec<String>)> = BTreeMap::new();
    for line in line::all(comparison) {
        let (cases, remarks) = suites.entry(line.task()).or_default();
        if line.gates() {
            cases.push(case(judged, &line));
        }
        let (cell, what) = (line.label(), line.what());
        remarks.push(format!("{}: {cell}, {what}: {}", line.verdict_text(), line.sentence()));
    }
    for cell in &comparison.refused {
        let what: Vec<&str> = cell.differences.iter().map(|d| d.what.as_str()).collect();
        let message = format!("cannot be compared: other {}", what.join(", "));
        let outcome = Outcome::Not { element: "error", kind: "refused", message };
        let case = Case { cell: cell.label.clone(), name: "comparable".into(), outcome };
        suites.entry(&cell.key.task).or_default().0.push(case);
    }
    for cell in &comparison.only_base {
        let message = "missing in the new run".to_owned();
        let (element, kind) = match cell.verdict {
            Verdict::Pass | Verdict::Improvement => continue,
            Verdict::Inconclusive => ("skipped", "missing"),
            Verdict::Regression => ("failure", "missing"),
        };
        let outcome = Outcome::Not { element, kind, message };
        let case = Case { cell: cell.label.clone(), name: "present".into(), outcome };
        suites.entry(&cell.key.task).or_default().0.push(case);
    }
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (id, (task, (cases, remarks))) in suites.iter().enumerate() {
        xml += &suite(judged, id, task, cases, remarks);
    }
    xml + "</testsuites>\n"
}

fn case(judged: &Judged<'_>, line: &Line<'_>) -> Case {
    let failure = |kind, message| Outcome::Not { element: "failure", kind, message };
    let outcome = match line.verdict() {
        Verdict::Pass | Verdict::Improvement => Outcome::Passed,
        Verdict::Regression if matches!(line, Line::Failed(_)) => {
            Outcome::Not { element: "error", kind: "failed", message: line.sentence() }
        }
        Verdict::Regression => failure("regression", format!("worse: {}", line.sentence())),
        Verdict::Inconclusive => {
            let message = format!("inconclusive: {}; {}", line.sentence(), explain::remedy(line));
            match judged.policy.on_inconclusive(line.tier()) {
                OnInconclusive::Fail => failure("inconclusive", message),
                OnInconclusive::Warn => {
                    Outcome::Not { element: "skipped", kind: "inconclusive", message }
                }
                // What it came to is in the suite's output.
                OnInconclusive::Pass => Outcome::Passed,
            }
        }
    };
    Case { cell: line.label(), name: line.what(), outcome }
}

fn suite(judged: &Judged<'_>, id: usize, task: &str, cases: &[Case], remarks: &[String]) -> String {
    let comparison = judged.comparison;
    let number = |wanted: &str| {
        let is = |case: &&Case| matches!(&case.outcome, Outcome::Not { element, .. } if *element == wanted);
        cases.iter().filter(is).count()
    };
    // Without a zone, as Ant's schema has it; it is UTC.
    let created = comparison.new.created_at.as_deref().unwrap_or("1970-01-01T00:00:00Z");
    let mut xml = format!(
        "  <testsuite id=\"{id}\" package=\"kobench\" name=\"{}\" timestamp=\"{}\" hostname=\"localhost\" tests=\"{}\" \
         failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"0\">\n    <properties>\n",
        escape(task),
        escape(created.trim_end_matches('Z')),
        cases.len(),
        number("failure"),
        number("error"),
        number("skipped"),
    );
    for (name, value) in [
        ("base", &comparison.base.path),
        ("new", &comparison.new.path),
        ("policy", &comparison.policy),
        ("summary", &counts::summary(judged)),
    ] {
        let value = escape(value);
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(xml, "      <property name=\"{name}\" value=\"{value}\"/>");
    }
    xml += "    </properties>\n";
    for case in cases {
        let head = format!(
            "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"",
            escape(&case.cell),
            escape(&case.name)
        );
        let _ = match &case.outcome {
            Outcome::Passed => writeln!(xml, "{head}/>"),
            Outcome::Not { element: "skipped", message, .. } => writeln!(
                xml,
                "{head}>\n      <skipped message=\"{}\"/>\n    </testcase>",
                escape(message)
            ),
            Outcome::Not { element, kind, message } => {
                let message = escape(message);
                writeln!(
                    xml,
                    "{head}>\n      <{element} type=\"{kind}\" message=\"{message}\">{message}</{element}>\n    </testcase>"
                )
            }
        };
    }
    let _ = write!(
        xml,
        "    <system-out>{}</system-out>\n    <system-err></system-err>\n  </testsuite>\n",
        escape(&remarks.join("\n"))
    );
    xml
}

/// Text in XML 1.0: its five special characters as entities, and what it cannot hold (control characters, surrogates'
/// neighbours U+FFFE and U+FFFF) as U+FFFD. Line ends stay.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' | '\t' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
