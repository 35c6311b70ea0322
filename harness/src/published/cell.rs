//! One published number.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A number as it stands in its source, under our names beside the printed ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedCell {
    /// Name of the source; that of the file that holds the cell.
    #[serde(skip_deserializing)]
    pub source: String,
    /// Model as printed.
    pub published_model: String,
    /// Our name of the model.
    pub model: String,
    /// Size as printed; a checkpoint's file size in binary units, or a count of parameters.
    pub size: Option<String>,
    /// Our name of the task.
    pub task: String,
    /// Metric as printed.
    pub published_metric: String,
    /// Our name of the metric; numbers that we do not compute have names of their own.
    pub metric: String,
    /// The epoch after which the number was printed, where the source has several.
    pub epoch: Option<u32>,
    /// The number as printed.
    pub value: String,
    /// What it counts.
    pub unit: Unit,
    /// Recipes that it was made with.
    pub generation: Generation,
    /// How the checkpoint was chosen; the source's policy where the cell has none of its own.
    #[serde(default)]
    pub selection: String,
    /// Settings, and what is odd about it.
    pub note: Option<String>,
    /// All values that sources print for the same model, task and metric, where they differ.
    #[serde(deserialize_with = "alternatives")]
    pub disagree: Vec<String>,
}

/// What a published number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A score from 0 to 100.
    Percent,
    /// A score from 0 to 1.
    Fraction,
    /// A loss.
    Loss,
    /// Things.
    Count,
    /// Seconds.
    Seconds,
    /// Things a second.
    PerSecond,
    /// Floating-point operations.
    Flops,
    /// Nothing: the source has no number here.
    None,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Percent => "percent",
            Self::Fraction => "fraction",
            Self::Loss => "loss",
            Self::Count => "count",
            Self::Seconds => "seconds",
            Self::PerSecond => "per_second",
            Self::Flops => "flops",
            Self::None => "none",
        })
    }
}

/// The recipes of the reference, of which there are two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Generation {
    /// Until September 2020: short maximum lengths, warm-up in steps.
    A,
    /// Since October 2020: 128 tokens, warm-up in proportion.
    B,
    /// Not known, or neither.
    #[serde(rename = "none")]
    None,
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::None => "none",
        })
    }
}

impl PublishedCell {
    /// The number in its own unit; `None` where the source has none (`n/a`).
    pub fn number(&self) -> Option<f64> {
        if self.unit == Unit::None {
            return None;
        }
        // Counts of parameters: 9.24B.
        let (digits, factor) = match self.value.strip_suffix('B') {
            Some(digits) if self.unit == Unit::Count => (digits, 1e9),
            _ => (self.value.as_str(), 1.0),
        };
        digits.parse().ok().map(|number: f64| number * factor)
    }

    /// The score in points (percent); `None` where it is no score.
    pub fn points(&self) -> Option<f64> {
        match self.unit {
            Unit::Percent => self.number(),
            Unit::Fraction => self.number().map(|fraction| 100.0 * fraction),
            _ => None,
        }
    }

    /// The number for a table: as printed, but scores in percent, with two decimals where it has more.
    pub fn text(&self) -> String {
        match (self.unit, self.points()) {
            (Unit::Fraction, Some(points)) => {
                let printed = self.value.split_once('.').map_or(0, |(_, digits)| digits.len());
                format!("{points:.*}", printed.saturating_sub(2).clamp(0, 2))
            }
            _ => self.value.clone(),
        }
    }
}

/// `89.59 | 89.63` as a list.
fn alternatives<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    Ok(text.split('|').map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_unit() {
        let cell = |value: &str, unit| PublishedCell {
            source: "a".into(),
            published_model: "A".into(),
            model: "a".into(),
            size: None,
            task: "nsmc".into(),
            published_metric: "acc".into(),
            metric: "accuracy".into(),
            epoch: None,
            value: value.into(),
            unit,
            generation: Generation::None,
            selection: String::new(),
            note: None,
            disagree: vec![],
        };
        for (value, unit, points, text) in [
            ("89.60", Unit::Percent, Some(89.60), "89.60"),
            ("0.901", Unit::Fraction, Some(90.1), "90.1"),
            (".8905", Unit::Fraction, Some(89.05), "89.05"),
            ("0.87802585193", Unit::Fraction, Some(87.802_585_193), "87.80"),
            ("0.001751", Unit::Loss, None, "0.001751"),
            ("n/a", Unit::None, None, "n/a"),
        ] {
            let cell = cell(value, unit);
            assert!(
                match (cell.points(), points) {
                    (Some(found), Some(expected)) => f64::abs(found - expected) < 1e-9,
                    (found, expected) => found == expected,
                },
                "{value}"
            );
            assert_eq!(cell.text(), text);
        }
        assert_eq!(cell("9.24B", Unit::Count).number(), Some(9.24e9));
        assert_eq!(cell("6.137764e+18", Unit::Flops).number(), Some(6.137_764e18));
    }
}
