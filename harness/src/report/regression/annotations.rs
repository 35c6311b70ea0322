//! A comparison as GitHub's workflow commands, which become notes on the pull request.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use crate::compare::{Gate, Severity};

/// As many of each kind as GitHub shows for one step.
const SHOWN: usize = 10;

/// A line for each reason; more than GitHub shows are counted in the last.
pub fn annotations(gate: &Gate) -> String {
    let mut text = String::new();
    for command in ["error", "warning"] {
        let reasons: Vec<_> =
            gate.reasons.iter().filter(|r| self::command(r.severity) == command).collect();
        let shown = if reasons.len() > SHOWN { SHOWN - 1 } else { reasons.len() };
        for reason in &reasons[..shown] {
            let title = format!("kobench: {}", reason.about);
            text += &line(command, title.trim_end_matches(": "), &reason.text);
        }
        if reasons.len() > shown {
            text += &line(command, "kobench", &format!("and {} more", reasons.len() - shown));
        }
    }
    text
}

fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Refusal | Severity::Error => "error",
    }
}

fn line(command: &str, title: &str, message: &str) -> String {
    format!("::{command} title={}::{}\n", property(title), data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// In a property a colon and a comma would end it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{GateVerdict, Reason};

    fn reason(severity: Severity, about: &str, text: &str) -> Reason {
        Reason { severity, about: about.into(), text: text.into() }
    }

    #[test]
    fn nothing_in_a_text_is_a_command() {
        let gate = Gate {
            verdict: GateVerdict::Fail,
            reasons: vec![
                reason(Severity::Error, "a,b: on nsmc", "100% worse\n::warning::no\r"),
                reason(Severity::Warning, "", "nothing was compared"),
            ],
        };
        assert_eq!(
            annotations(&gate),
            "::error title=kobench%3A a%2Cb%3A on nsmc::100%25 worse%0A::warning::no%0D\n\
             ::warning title=kobench::nothing was compared\n"
        );
    }

    #[test]
    fn what_would_not_be_shown_is_counted() {
        let reasons = (0..25).map(|cell| reason(Severity::Error, &cell.to_string(), "worse"));
        let gate = Gate { verdict: GateVerdict::Fail, reasons: reasons.collect() };
        let text = annotations(&gate);
        assert_eq!(text.lines().count(), 10);
        assert!(text.ends_with("::error title=kobench::and 16 more\n"), "{text}");
    }
}
