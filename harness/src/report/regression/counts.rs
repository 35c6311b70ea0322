//! The one line that says it all.

use super::line::{self, Line};
use super::{Judged, words};
use crate::compare::Verdict;

/// `2 regressions, 1 inconclusive, 9 pass: the gate fails`. Numbers that decide nothing do not count.
pub(crate) fn summary(judged: &Judged<'_>) -> String {
    let lines = line::all(judged.comparison);
    let number = |verdict: Verdict| {
        lines.iter().filter(|line| line.gates() && line.verdict() == verdict).count()
    };
    let missing = judged.comparison.only_base.len();
    let mut parts = Vec::new();
    for (count, singular, plural) in [
        (number(Verdict::Regression), "regression", "regressions"),
        (judged.comparison.refused.len(), "cell refused", "cells refused"),
        (missing, "cell missing", "cells missing"),
        (number(Verdict::Inconclusive), "inconclusive", "inconclusive"),
        (number(Verdict::Improvement), "improvement", "improvements"),
        (number(Verdict::Pass), "pass", "pass"),
    ] {
        if count > 0 {
            parts.push(words::count(count, singular, plural));
        }
    }
    if parts.is_empty() {
        parts.push("nothing that decides was compared".to_owned());
    }
    format!("{}: {}", parts.join(", "), words::gate(judged.gate.verdict))
}

/// Lines by whether they are for the first look: whatever is not a pass.
pub(super) fn split<'a>(lines: Vec<Line<'a>>) -> (Vec<Line<'a>>, Vec<Line<'a>>) {
    lines.into_iter().partition(|line| line.verdict() != Verdict::Pass)
}
