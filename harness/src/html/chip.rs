//! Verdicts as chips: a sign, a word and a colour, of which no one is needed to read it.

use super::writer::Html;
use crate::compare::Verdict;
use crate::published;

/// How a chip looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Better than it was.
    Better,
    /// As it should not be.
    Bad,
    /// Nobody knows.
    Unsure,
}

impl Tone {
    /// The class of the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "chip good",
            Self::Better => "chip better",
            Self::Bad => "chip bad",
            Self::Unsure => "chip unsure",
        }
    }
}

/// A chip with a sign and a word.
pub(super) fn chip(html: &mut Html, tone: Tone, sign: &str, word: &str) {
    html.element("span", &[("class", tone.class())], |html| {
        html.leaf("span", &[("class", "sign"), ("aria-hidden", "true")], sign).text(word);
    });
}

/// Sign, word and tone of a comparison's verdict.
pub(super) fn of_verdict(verdict: Verdict) -> (Tone, &'static str, &'static str) {
    match verdict {
        Verdict::Pass => (Tone::Good, "✓", "pass"),
        Verdict::Improvement => (Tone::Better, "▲", "improvement"),
        Verdict::Inconclusive => (Tone::Unsure, "?", "inconclusive"),
        Verdict::Regression => (Tone::Bad, "✗", "regression"),
    }
}

/// The verdict of a comparison.
pub(super) fn verdict(html: &mut Html, verdict: Verdict) {
    let (tone, sign, word) = of_verdict(verdict);
    chip(html, tone, sign, word);
}

/// How a number stands beside a published one.
pub(super) fn published(html: &mut Html, verdict: published::Verdict) {
    use published::Verdict as V;
    let (tone, sign) = match verdict {
        V::Identical => (Tone::Good, "="),
        V::Reproduced => (Tone::Good, "✓"),
        V::Above => (Tone::Better, "▲"),
        V::Below => (Tone::Bad, "▼"),
        V::Inconclusive => (Tone::Unsure, "?"),
    };
    chip(html, tone, sign, verdict.name());
}
