//! How fast the engine is by itself, without tokeniser and harness: models of real shapes with random weights.
//!
//! `tests/speed/against_torch.py` measures PyTorch on the same rows.

mod lengths;
mod measure;
mod memory;
mod shape;

use kobench_plugin_sdk::{
    self as sdk, CheckLine, CheckOutcome, Error, SelftestLines, SelftestRequest, SpeedRequest,
};

use super::bench::Opened;
use crate::context::Precision;
use lengths::Lengths;
use measure::{Case, Mode};

pub use shape::Shape;

/// Measures what a request asks for; with `list` it names the shapes.
///
/// # Errors
/// A shape, a mode or lengths that are not known, a device that cannot be used, memory that does not suffice.
pub(super) fn run(
    request: &SelftestRequest,
    wanted: &SpeedRequest,
    shapes: &'static [Shape],
    precisions: &[Precision],
    lines: &mut SelftestLines<'_>,
) -> sdk::Result<()> {
    let chosen = chosen(wanted, shapes)?;
    if request.list {
        return chosen.iter().try_for_each(|shape| {
            precisions.iter().try_for_each(|precision| lines.check(&listed(shape, *precision)))
        });
    }
    let modes =
        wanted.modes.iter().map(|name| Mode::named(name)).collect::<sdk::Result<Vec<_>>>()?;
    let all = wanted.lengths.iter().map(|name| Lengths::named(name));
    let all = all.collect::<sdk::Result<Vec<_>>>()?;
    if wanted.repetitions == 0
        || [wanted.batch, wanted.batch_tokens, wanted.rows].contains(&Some(0))
    {
        return Err(Error::invalid_argument(
            "speed: repetitions, batch, batch_tokens and rows are 1 or more",
        ));
    }
    let opened = Opened::new(&request.device)?;
    for shape in chosen {
        for &mode in &modes {
            for &lengths in &all {
                for &precision in precisions {
                    let case = Case { opened: &opened, shape, mode, lengths, precision, wanted };
                    lines.speed(&case.measure(request.seed)?)?;
                }
            }
        }
    }
    Ok(())
}

fn chosen(wanted: &SpeedRequest, shapes: &'static [Shape]) -> sdk::Result<Vec<&'static Shape>> {
    if wanted.shapes.is_empty() {
        return Ok(shapes.iter().collect());
    }
    let named = |name: &String| {
        shapes.iter().find(|shape| shape.name == name).ok_or_else(|| {
            let names: Vec<&str> = shapes.iter().map(|shape| shape.name).collect();
            let names = names.join(", ");
            Error::invalid_argument(format!("speed: no shape \"{name}\"; there are {names}"))
        })
    };
    wanted.shapes.iter().map(named).collect()
}

fn listed(shape: &Shape, precision: Precision) -> CheckLine {
    CheckLine {
        name: shape.name.to_owned(),
        precision: precision.name().to_owned(),
        outcome: CheckOutcome::Listed,
        error: None,
        tolerance: None,
        seconds: 0.0,
        message: String::new(),
    }
}
