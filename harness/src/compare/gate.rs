//! From a comparison to yes or no, by a policy.

use super::policy::OnInconclusive;
use super::{Comparison, MetricComparison, Policy, SpeedComparison, Tier, Verdict};
use crate::record::CellKey;

/// What a script is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateVerdict {
    /// Nothing that decides became worse.
    Pass,
    /// Something that decides did, or the policy makes a failure of what is inconclusive or missing.
    Fail,
    /// Sides that cannot be compared, or nothing to compare.
    Refused,
    /// The data are too few to say, and that was to count.
    Inconclusive,
}

/// How much a reason weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It does not change the verdict.
    Warning,
    /// Cells cannot be compared, or there are none.
    Refusal,
    /// The gate fails because of it.
    Error,
}

/// Why the gate says what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What it does to the verdict.
    pub severity: Severity,
    /// What it is about, for instance [`CellKey::label`]; empty where it is about the whole.
    pub about: String,
    /// The sentence, without a final period.
    pub text: String,
}

/// The verdict of a gate and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The verdict.
    pub verdict: GateVerdict,
    /// Errors first, in the order of the comparison.
    pub reasons: Vec<Reason>,
}

/// Judges a comparison. With `strict` whatever is inconclusive and decides counts, too, where the policy says `warn` or
/// `pass`.
///
/// A failure weighs more than a refusal: what became worse in one cell stays so whatever hinders another.
pub fn gate(comparison: &Comparison, policy: &Policy, strict: bool) -> Gate {
    let mut found = Found { policy, failed: false, inconclusive: false, reasons: Vec::new() };
    found.cells(comparison);
    for speed in &comparison.speeds {
        found.speed(speed);
    }
    found.missing(comparison);
    let refused = found.refused(comparison);
    let verdict = if found.failed {
        GateVerdict::Fail
    } else if refused {
        GateVerdict::Refused
    } else if strict && found.inconclusive {
        GateVerdict::Inconclusive
    } else {
        GateVerdict::Pass
    };
    let mut reasons = found.reasons;
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
    Gate { verdict, reasons }
}

/// What was found on the way.
struct Found<'a> {
    policy: &'a Policy,
    failed: bool,
    inconclusive: bool,
    reasons: Vec<Reason>,
}

impl Found<'_> {
    fn cells(&mut self, comparison: &Comparison) {
        for cell in &comparison.cells {
            // A cell that failed has no numbers that could decide.
            if let (Some(reason), Verdict::Regression) = (&cell.reason, cell.verdict)
                && self.policy.tier(&cell.key, &cell.primary_metric) != Tier::Advisory
            {
                self.fail(&cell.label, reason.clone());
                continue;
            }
            if let (Some(reason), Verdict::Inconclusive) = (&cell.reason, cell.verdict) {
                let tier = self.policy.tier(&cell.key, &cell.primary_metric);
                self.cannot_say(&cell.label, tier, reason.clone());
            }
            for metric in cell.metrics.iter().filter(|metric| metric.gates) {
                self.metric(&cell.label, metric);
            }
        }
    }

    fn metric(&mut self, label: &str, metric: &MetricComparison) {
        let name = &metric.metric;
        match metric.verdict {
            Verdict::Pass | Verdict::Improvement => {}
            Verdict::Regression => {
                self.fail(label, format!("{name} became worse than the margin allows"));
            }
            Verdict::Inconclusive => self.cannot_say(
                label,
                metric.tier,
                format!("{name}: the rows are too few to say whether it became worse"),
            ),
        }
    }

    fn speed(&mut self, speed: &SpeedComparison) {
        if !speed.gates {
            return;
        }
        let what = format!("{} ({})", speed.measure, speed.scenario);
        match speed.verdict {
            Verdict::Pass | Verdict::Improvement => {}
            Verdict::Regression => {
                self.fail(&speed.label, format!("{what} became worse than the margin allows"));
            }
            Verdict::Inconclusive => self.cannot_say(
                &speed.label,
                speed.tier,
                format!("{what}: the measurements are too few or too noisy to say whether it became worse"),
            ),
        }
    }

    fn missing(&mut self, comparison: &Comparison) {
        for cell in &comparison.only_base {
            match cell.verdict {
                Verdict::Regression => self.fail(&cell.label, "missing in the new run"),
                Verdict::Inconclusive => {
                    self.inconclusive = true;
                    self.warn(&cell.label, "missing in the new run");
                }
                Verdict::Pass | Verdict::Improvement => {}
            }
        }
        let keys = || -> Vec<&CellKey> {
            let compared = comparison.cells.iter().map(|cell| &cell.key);
            let refused = comparison.refused.iter().map(|cell| &cell.key);
            compared
                .chain(refused)
                .chain(comparison.only_new.iter().map(|cell| &cell.key))
                .collect()
        };
        for pattern in self.policy.required() {
            // What the base has was said above, cell by cell.
            let said = comparison.only_base.iter().any(|cell| pattern.matches(&cell.key));
            if !said && !keys().iter().any(|key| pattern.matches(key)) {
                self.fail(&pattern.to_string(), "required by the policy, and in neither side");
            }
        }
    }

    fn refused(&mut self, comparison: &Comparison) -> bool {
        for cell in &comparison.refused {
            let what: Vec<String> = (cell.differences.iter())
                .map(|difference| {
                    format!("{} ({} / {})", difference.what, difference.base, difference.new)
                })
                .collect();
            let text = format!("cannot be compared: other {}", what.join(", "));
            self.push(Severity::Refusal, &cell.label, text);
        }
        let nothing = comparison.cells.is_empty() && comparison.speeds.is_empty();
        if nothing && comparison.refused.is_empty() {
            let text = "the two sides have nothing in common: nothing was compared";
            self.push(Severity::Refusal, "", text);
        }
        nothing || !comparison.refused.is_empty()
    }

    fn cannot_say(&mut self, about: &str, tier: Tier, text: String) {
        self.inconclusive = true;
        match self.policy.on_inconclusive(tier) {
            OnInconclusive::Pass => {}
            OnInconclusive::Warn => self.warn(about, text),
            OnInconclusive::Fail => self.fail(about, text),
        }
    }

    fn fail(&mut self, about: &str, text: impl Into<String>) {
        self.failed = true;
        self.push(Severity::Error, about, text);
    }

    fn warn(&mut self, about: &str, text: impl Into<String>) {
        self.push(Severity::Warning, about, text);
    }

    fn push(&mut self, severity: Severity, about: &str, text: impl Into<String>) {
        self.reasons.push(Reason { severity, about: about.to_owned(), text: text.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{comparison, differs, metric, speed, unmatched};
    use super::super::{Effect, Refusal};
    use super::*;

    fn judged(comparison: &Comparison, policy: &str, strict: bool) -> (GateVerdict, Vec<String>) {
        let policy = Policy::load(Some(policy)).expect("built in");
        let gate = gate(comparison, &policy, strict);
        let texts =
            gate.reasons.iter().map(|r| format!("{:?} {}: {}", r.severity, r.about, r.text));
        (gate.verdict, texts.collect())
    }

    #[test]
    fn only_what_decides_counts() {
        let mut comparison = comparison();
        assert_eq!(judged(&comparison, "strict", true), (GateVerdict::Pass, vec![]));
        // Shown, and worse.
        comparison.cells[0].metrics.push(metric("macro_f1", Verdict::Regression, false));
        let mut slow = speed("latency_p50_seconds", Verdict::Regression);
        slow.gates = false;
        comparison.speeds.push(slow);
        assert_eq!(judged(&comparison, "strict", true), (GateVerdict::Pass, vec![]));
        comparison.speeds[0].gates = true;
        let (verdict, reasons) = judged(&comparison, "default", false);
        assert_eq!(verdict, GateVerdict::Fail);
        assert_eq!(
            reasons,
            [
                "Error kcbert-demo on nsmc/sample: latency_p50_seconds (single-stream) became worse than the margin allows"
            ]
        );
        comparison.speeds.clear();
        comparison.cells[0].metrics[0].verdict = Verdict::Regression;
        assert_eq!(judged(&comparison, "default", false).0, GateVerdict::Fail);
        comparison.cells[0].metrics[0].verdict = Verdict::Improvement;
        assert_eq!(judged(&comparison, "strict", true).0, GateVerdict::Pass);
    }

    #[test]
    fn inconclusive_is_what_the_policy_or_strict_makes_of_it() {
        let mut comparison = comparison();
        comparison.cells[0].metrics[0].verdict = Verdict::Inconclusive;
        let (verdict, reasons) = judged(&comparison, "default", false);
        assert_eq!(verdict, GateVerdict::Pass);
        assert!(
            reasons[0]
                .starts_with("Warning kcbert-demo on nsmc/sample: accuracy: the rows are too few"),
            "{reasons:?}"
        );
        assert_eq!(judged(&comparison, "default", true).0, GateVerdict::Inconclusive);
        assert_eq!(judged(&comparison, "strict", false).0, GateVerdict::Fail);
        // A regression beside it is worse.
        comparison.speeds.push(speed("peak_rss_bytes", Verdict::Regression));
        assert_eq!(judged(&comparison, "default", true).0, GateVerdict::Fail);
    }

    #[test]
    fn failed_missing_and_refused_cells() {
        let mut failed = comparison();
        failed.cells[0].metrics.clear();
        failed.cells[0].verdict = Verdict::Regression;
        failed.cells[0].reason = Some("the new cell failed: crashed: SIGSEGV".into());
        let (verdict, reasons) = judged(&failed, "default", false);
        assert_eq!(verdict, GateVerdict::Fail);
        assert_eq!(
            reasons,
            ["Error kcbert-demo on nsmc/sample: the new cell failed: crashed: SIGSEGV"]
        );

        let mut missing = comparison();
        missing.only_base.push(unmatched("paws", Verdict::Inconclusive));
        assert_eq!(judged(&missing, "default", false).0, GateVerdict::Pass);
        assert_eq!(judged(&missing, "default", true).0, GateVerdict::Inconclusive);
        missing.only_base[0].verdict = Verdict::Regression;
        assert_eq!(judged(&missing, "default", false).0, GateVerdict::Fail);

        let mut refused = comparison();
        let cell = refused.cells.remove(0);
        let differences = vec![differs("data", Effect::Refuse)];
        refused.refused.push(Refusal { key: cell.key, label: cell.label, differences });
        let (verdict, reasons) = judged(&refused, "default", false);
        assert_eq!(verdict, GateVerdict::Refused);
        assert_eq!(
            reasons,
            ["Refusal kcbert-demo on nsmc/sample: cannot be compared: other data (old / new)"]
        );
        refused.speeds.push(speed("peak_rss_bytes", Verdict::Regression));
        assert_eq!(judged(&refused, "default", false).0, GateVerdict::Fail);
        refused.speeds[0].verdict = Verdict::Pass;
        assert_eq!(judged(&refused, "default", false).0, GateVerdict::Refused);

        let mut nothing = comparison();
        nothing.cells.clear();
        let (verdict, reasons) = judged(&nothing, "default", false);
        assert_eq!(verdict, GateVerdict::Refused);
        assert!(reasons[0].contains("nothing was compared"), "{reasons:?}");
    }

    #[test]
    fn required_cells_must_be_in_the_new_run() {
        let text = crate::compare::policy::builtin().remove(0).1;
        let text = text.replace("required: []", "required: [{model: kcbert-demo, task: \"p*\"}]");
        let policy = Policy::parse(&text, "p.yaml").expect("is right");
        let mut comparison = comparison();
        let judged = gate(&comparison, &policy, false);
        assert_eq!(judged.verdict, GateVerdict::Fail);
        assert_eq!(judged.reasons[0].about, "kcbert-demo on p*/*");
        comparison.only_new.push(unmatched("paws", Verdict::Pass));
        assert_eq!(gate(&comparison, &policy, false).verdict, GateVerdict::Pass);
    }
}
