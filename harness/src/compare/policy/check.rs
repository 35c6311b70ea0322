//! What a policy must mean, beyond its shape.

use super::{DIFFERENCES, Document, Glob, PolicyError, TierRule};
use crate::metrics::Metric;
use crate::suggest::closest;
use crate::task::line_of;

/// What is wrong: where (keys that lead there, and a text on the line), what, and what to write.
struct Wrong {
    path: Vec<&'static str>,
    on_line: String,
    message: String,
    hint: Option<String>,
}

impl Wrong {
    /// The line from 1: keys of lists in one line cannot be followed, so from the last that can it is the first line
    /// that has the text.
    fn line(&self, text: &str) -> usize {
        let begin = line_of(text, &self.path);
        let below = text.lines().skip(begin - 1).position(|line| line.contains(&self.on_line));
        begin + below.unwrap_or(0)
    }
}

fn ensure(holds: bool, path: &[&'static str], message: impl Into<String>) -> Result<(), Wrong> {
    if holds {
        return Ok(());
    }
    Err(Wrong {
        path: path.to_vec(),
        on_line: path.last().copied().unwrap_or_default().to_owned(),
        message: message.into(),
        hint: None,
    })
}

/// Checks numbers and names; `text` is the file's, for the line of what is wrong.
pub(super) fn check(document: &Document, text: &str, file: &str) -> Result<(), PolicyError> {
    all(document).map_err(|wrong| PolicyError::Meaning {
        file: file.to_owned(),
        line: wrong.line(text),
        message: wrong.message,
        hint: wrong.hint,
    })
}

fn all(document: &Document) -> Result<(), Wrong> {
    ensure(!document.name.trim().is_empty(), &["name"], "a policy has a name")?;
    confidence(document.confidence, &["confidence"])?;
    let tiers = &document.tiers;
    for (name, tier) in [
        ("critical", &tiers.critical),
        ("supporting", &tiers.supporting),
        ("advisory", &tiers.advisory),
    ] {
        check_tier(name, tier)?;
    }
    let message = "no rule in `cells`: nothing would decide";
    ensure(!document.cells.is_empty(), &["cells"], message)?;
    for rule in &document.cells {
        metric(&rule.metric, "cells")?;
    }
    for rule in &document.speeds {
        let message =
            format!("percent is from 0 to below 100 of the base's value, not {}", rule.percent);
        ensure((0.0..100.0).contains(&rule.percent), &["speeds", "percent"], message)?;
    }
    for name in document.differences.keys() {
        difference(name)?;
    }
    Ok(())
}

fn confidence(confidence: f64, path: &[&'static str]) -> Result<(), Wrong> {
    let message = format!("confidence is a number above 0.5 and below 1, not {confidence}");
    ensure(confidence > 0.5 && confidence < 1.0, path, message)
}

fn check_tier(name: &'static str, tier: &TierRule) -> Result<(), Wrong> {
    if let Some(own) = tier.confidence {
        confidence(own, &["tiers", name, "confidence"])?;
    }
    for margin in &tier.margins {
        metric(&margin.metric, "tiers")?;
        let numbers =
            [("points", margin.points), ("nats", margin.nats), ("relative", margin.relative)];
        for (key, number) in numbers {
            let right = number.is_none_or(|number| number.is_finite() && number >= 0.0);
            let message = format!("a margin of tier {name}: {key} is a number from 0 upwards");
            ensure(right, &["tiers", name, "margins", key], message)?;
        }
    }
    // A metric without a margin would be held to 0, which no finite test set can show.
    let uncovered = Metric::ALL
        .into_iter()
        .find(|metric| tier.margins.iter().all(|margin| margin.of(*metric, 1.0).is_none()));
    let Some(metric) = uncovered else { return Ok(()) };
    let key = if metric.is_fraction() { "points" } else { "nats" };
    Err(Wrong {
        path: vec!["tiers", name, "margins"],
        on_line: String::new(),
        message: format!("tier {name} has no margin for {metric}"),
        hint: Some(format!("add one: `- {{metric: \"*\", {key}: 0.5}}`")),
    })
}

fn metric(pattern: &Glob, key: &'static str) -> Result<(), Wrong> {
    if Metric::ALL.into_iter().any(|metric| pattern.matches(metric.name())) {
        return Ok(());
    }
    let names = Metric::ALL.map(Metric::name);
    let near = closest(pattern.as_str(), names);
    Err(Wrong {
        path: vec![key],
        on_line: pattern.as_str().to_owned(),
        message: format!("no metric is called `{pattern}`; there are: {}", names.join(", ")),
        hint: near.map(|name| format!("did you mean `{name}`?")),
    })
}

fn difference(name: &str) -> Result<(), Wrong> {
    let names: Vec<&str> = DIFFERENCES.iter().map(|(name, _)| *name).collect();
    if names.contains(&name) {
        return Ok(());
    }
    Err(Wrong {
        path: vec!["differences"],
        on_line: name.to_owned(),
        message: format!("no difference is called `{name}`; there are: {}", names.join(", ")),
        hint: closest(name, names.iter().copied()).map(|name| format!("did you mean `{name}`?")),
    })
}
