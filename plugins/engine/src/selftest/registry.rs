//! All checks, by name.

use super::bench::Bench;
use super::checks;
use super::compare::Worst;
use super::golden::Goldens;
use crate::context::Precision;
use crate::error::Result;

/// Both precisions, in the order of checks.
pub(super) const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

/// What a check does.
type Run<'a> = Box<dyn Fn(&Bench<'_>) -> Result<Worst> + 'a>;

/// One check.
pub(super) struct Check<'a> {
    /// Its group first: `models/bert/token/logits`.
    pub(super) name: String,
    /// The precisions that it is made for.
    pub(super) precisions: &'static [Precision],
    pub(super) run: Run<'a>,
}

impl<'a> Check<'a> {
    /// A check in both precisions.
    pub(super) fn new(
        name: impl Into<String>,
        run: impl Fn(&Bench<'_>) -> Result<Worst> + 'a,
    ) -> Self {
        Self { name: name.into(), precisions: &PRECISIONS, run: Box::new(run) }
    }

    /// The same in f32 alone.
    pub(super) fn in_f32(self) -> Self {
        Self { precisions: &PRECISIONS[..1], ..self }
    }
}

/// All checks, in the order in which they run: what others rest on comes first.
pub(super) fn all(goldens: &Goldens) -> Vec<Check<'_>> {
    let mut all = checks::device::checks();
    all.extend(checks::ops::checks());
    all.extend(checks::models::checks(goldens));
    all.extend(checks::training::checks(goldens));
    all.extend(checks::determinism::checks(goldens));
    all
}
