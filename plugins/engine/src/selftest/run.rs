//! A request from its device to its last line.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use kobench_plugin_sdk::{self as sdk, CheckLine, CheckOutcome, SelftestLines, SelftestRequest};

use super::bench::{Bench, Opened};
use super::golden::Goldens;
use super::registry::{self, Check, PRECISIONS};
use super::speed;
use crate::context::Precision;
use crate::error::EngineError;

/// Does what a plugin's call `selftest` is asked for.
///
/// # Errors
/// A device that cannot be used, a precision or a model that is not known, and whatever the host's sink answers.
pub fn run(
    request: &SelftestRequest,
    goldens: &Goldens,
    shapes: &'static [speed::Shape],
    lines: &mut SelftestLines<'_>,
) -> sdk::Result<()> {
    let precisions = precisions(request)?;
    if let Some(wanted) = &request.speed {
        return speed::run(request, wanted, shapes, &precisions, lines);
    }
    let checks = registry::all(goldens);
    let all = checks.iter().flat_map(|c| c.precisions.iter().map(move |&precision| (c, precision)));
    let wanted: Vec<(&Check<'_>, Precision)> =
        all.filter(|(check, precision)| request.wants(&check.name, precision.name())).collect();
    if request.list {
        return wanted.iter().try_for_each(|(check, precision)| {
            lines.check(&line(check, *precision, CheckOutcome::Listed))
        });
    }
    let opened = Opened::new(&request.device)?;
    for (check, precision) in wanted {
        let bench = Bench { opened: &opened, precision, goldens, seed: request.seed };
        lines.check(&outcome(check, &bench))?;
    }
    Ok(())
}

/// The precisions that a request names.
fn precisions(request: &SelftestRequest) -> sdk::Result<Vec<Precision>> {
    let named = |name: &String| {
        PRECISIONS.into_iter().find(|precision| precision.name() == name).ok_or_else(|| {
            sdk::Error::invalid_argument(format!(
                "precision \"{name}\" is not known; use \"f32\" or \"bf16\""
            ))
        })
    };
    request.precisions.iter().map(named).collect()
}

fn line(check: &Check<'_>, precision: Precision, outcome: CheckOutcome) -> CheckLine {
    CheckLine {
        name: check.name.clone(),
        precision: precision.name().to_owned(),
        outcome,
        error: None,
        tolerance: None,
        seconds: 0.0,
        message: String::new(),
    }
}

/// Runs a check; a panic in it is its failure.
fn outcome(check: &Check<'_>, bench: &Bench<'_>) -> CheckLine {
    let clock = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| (check.run)(bench)));
    let mut line = line(check, bench.precision, CheckOutcome::Failed);
    line.seconds = clock.elapsed().as_secs_f64();
    match result {
        Ok(Ok(worst)) => {
            if worst.passed() {
                line.outcome = CheckOutcome::Passed;
            }
            (line.error, line.tolerance) = (finite(worst.error), Some(worst.tolerance));
            line.message = match worst.parts() {
                0 | 1 => worst.message,
                parts => format!("the worst of {parts}: {}", worst.message),
            };
        }
        Ok(Err(error)) => line.message = described(&error),
        Err(payload) => {
            let text = payload
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| payload.downcast_ref::<String>().cloned());
            line.message = format!("it panicked: {}", text.as_deref().unwrap_or("no message"));
        }
    }
    line
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn described(error: &EngineError) -> String {
    format!("it ended with an error: {error}")
}
