//! Numbers as tables show them.

use crate::metrics::Metric;
use crate::record::{SeedSpread, SelectionRecord};

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A speed: whole numbers from 100, one decimal below.
pub fn rate(rate: f64) -> String {
    if rate >= 100.0 { grouped(rate.round() as u64) } else { format!("{rate:.1}") }
}

/// A fraction in percent with two decimals, without the sign.
pub fn percent(fraction: f64) -> String {
    format!("{:.2}", 100.0 * fraction)
}

/// Whether a metric is a fraction (or a correlation), which tables show in percent; the others have a unit.
pub fn is_fraction(metric: &str) -> bool {
    Metric::named(metric).is_none_or(Metric::is_fraction)
}

/// Whether less is better.
pub fn less_is_better(metric: &str) -> bool {
    Metric::named(metric).is_some_and(|metric| !metric.higher_is_better())
}

/// A value of this metric for a table, in percent where it is a fraction.
pub fn metric_text(metric: &str, value: f64) -> String {
    if is_fraction(metric) { percent(value) } else { format!("{value:.4}") }
}

/// The metric's name for a table of percentages: with its unit where it has one.
pub fn metric_name(metric: &str) -> String {
    if is_fraction(metric) { metric.to_owned() } else { format!("{metric} (nats)") }
}

/// The seeds that a value is the mean of.
pub fn seed_list(spread: &SeedSpread, separator: &str) -> String {
    spread.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(separator)
}

/// What `±` and the interval of a mean over seeds are.
pub const OVER_SEEDS: &str = "means over seeds: ± is the sample deviation; the interval joins Student's t over the \
     seeds' values (a) and the mean of their own intervals over examples (b, an upper bound, for the examples are \
     shared) as sqrt(a^2 + b^2)";

/// What a mean over seeds is made of, in one sentence.
pub fn seeds_text(metric: &str, spread: &SeedSpread) -> String {
    let text = |value| metric_text(metric, value);
    format!(
        "seeds {}: deviation {}; half widths {} from seeds and {} from examples",
        seed_list(spread, ", "),
        text(spread.deviation),
        text(spread.half_width_seeds),
        text(spread.half_width_examples)
    )
}

/// What the other policies would have given, in one sentence; none where there is nothing to say.
pub fn alternatives_text(selection: &SelectionRecord) -> Option<String> {
    let others: Vec<String> = (selection.alternatives.iter())
        .map(|other| format!("{} {}", other.policy, metric_text(&selection.metric, other.value)))
        .collect();
    match (others.is_empty(), selection.policy.as_str()) {
        (false, policy) => {
            Some(format!("in place of {policy} would have given: {}", others.join(", ")))
        }
        (true, "best_on_test") => {
            Some("what another choice would have given was not looked at".to_owned())
        }
        (true, _) => None,
    }
}

/// Text from outside in one line: a plugin's name must not move the cursor or break the table.
pub fn one_line(text: &str) -> String {
    let safe: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    safe.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            ["0", "999", "1,000", "50,000", "1,234,567"],
            [0, 999, 1000, 50_000, 1_234_567].map(grouped).as_slice()
        );
        assert_eq!((rate(12.34), rate(1234.5)), ("12.3".to_owned(), "1,235".to_owned()));
        assert_eq!(percent(0.89622), "89.62");
        assert_eq!(
            (metric_text("pearson", -0.5), metric_text("log_loss", 0.5)),
            ("-50.00".into(), "0.5000".into())
        );
        assert_eq!(one_line("a\u{1b}[31m\nb"), "a [31m b");
    }
}
