//! Verdicts and numbers as tables of comparisons show them.

use super::super::grid::Tone;
use super::super::number::{is_fraction, metric_text, rate};
use crate::compare::{GateVerdict, SideKind, Tier, Verdict};
use crate::text::bytes;

/// The verdict's sign and word: the one for quick eyes, the other for those who do not know the sign.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓ pass",
        Verdict::Improvement => "▲ improvement",
        Verdict::Inconclusive => "? inconclusive",
        Verdict::Regression => "✗ regression",
    }
}

pub(crate) fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Pass | Verdict::Improvement => Tone::Good,
        Verdict::Inconclusive => Tone::Plain,
        Verdict::Regression => Tone::Bad,
    }
}

pub(crate) fn gate(verdict: GateVerdict) -> &'static str {
    match verdict {
        GateVerdict::Pass => "the gate passes",
        GateVerdict::Fail => "the gate fails",
        GateVerdict::Refused => "the gate cannot judge",
        GateVerdict::Inconclusive => "the gate is inconclusive",
    }
}

pub(crate) fn gate_sign(verdict: GateVerdict) -> &'static str {
    match verdict {
        GateVerdict::Pass => "✓",
        GateVerdict::Fail => "✗",
        GateVerdict::Refused => "⊘",
        GateVerdict::Inconclusive => "?",
    }
}

pub(crate) fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Critical => "critical",
        Tier::Supporting => "supporting",
        Tier::Advisory => "advisory",
    }
}

pub(crate) fn kind(kind: SideKind) -> &'static str {
    match kind {
        SideKind::Run => "run",
        SideKind::Baseline => "baseline",
    }
}

/// A difference of a metric with its sign: points for fractions, else the metric's unit. What is rounded to nothing has
/// no sign.
pub(crate) fn signed(metric: &str, difference: f64) -> String {
    let text = metric_text(metric, difference.abs());
    let nothing = text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = match difference {
        _ if nothing => "",
        less if less < 0.0 => "-",
        _ => "+",
    };
    format!("{sign}{text}")
}

/// The unit of differences of a metric, as tables of percentages have it.
pub(crate) fn unit(metric: &str) -> &'static str {
    if is_fraction(metric) { "points" } else { "nats" }
}

/// A ratio as a change in percent: `+4.0`.
pub(crate) fn change(ratio: f64) -> String {
    let text = format!("{:+.1}", 100.0 * (ratio - 1.0));
    if text == "-0.0" || text == "+0.0" { "0.0".to_owned() } else { text }
}

/// The value of a measure of speed, with its unit where the name does not say it.
pub(crate) fn measured(measure: &str, value: f64) -> String {
    if measure.ends_with("_per_second") {
        rate(value)
    } else if measure.ends_with("_bytes") {
        bytes(value.max(0.0).round() as u64)
    } else if measure.contains("seconds") {
        seconds(value)
    } else {
        format!("{value:.4}")
    }
}

/// A duration with three significant digits or so.
fn seconds(value: f64) -> String {
    match value.abs() {
        small if small < 1e-3 => format!("{:.1} µs", value * 1e6),
        small if small < 1.0 => format!("{:.2} ms", value * 1e3),
        _ => format!("{value:.2} s"),
    }
}

/// A p-value.
pub(crate) fn p(value: f64) -> String {
    if value < 0.001 { "<0.001".to_owned() } else { format!("{value:.3}") }
}

/// `1 cell`, `2 cells`.
pub(crate) fn count(number: usize, singular: &str, plural: &str) -> String {
    format!("{number} {}", if number == 1 { singular } else { plural })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_signs_and_units() {
        assert_eq!(signed("accuracy", -0.0123), "-1.23");
        assert_eq!(signed("accuracy", 0.0123), "+1.23");
        assert_eq!(signed("accuracy", -0.000_01), "0.00");
        assert_eq!(signed("log_loss", 0.0123), "+0.0123");
        assert_eq!(
            (change(1.04), change(0.8), change(0.9999)),
            ("+4.0".into(), "-20.0".into(), "0.0".into())
        );
        assert_eq!(measured("latency_p50_seconds", 0.0021), "2.10 ms");
        assert_eq!(measured("forward_seconds_per_row", 0.000_042), "42.0 µs");
        assert_eq!(measured("rows_per_second", 12345.6), "12,346");
        assert_eq!(measured("peak_rss_bytes", 1_073_741_824.0), "1.0 GiB");
        assert_eq!((p(0.0004), p(0.04)), ("<0.001".into(), "0.040".into()));
    }
}
