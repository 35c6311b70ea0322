//! What was opened.

use crate::error::Result;
use crate::selftest::bench::Bench;
use crate::selftest::compare::Worst;
use crate::selftest::registry::Check;

pub(in crate::selftest) fn checks<'a>() -> Vec<Check<'a>> {
    vec![Check::new("device", opens)]
}

/// A context opens; its name is what a user wants to read first.
fn opens(bench: &Bench<'_>) -> Result<Worst> {
    let ctx = bench.context()?;
    let mut worst = Worst::default();
    worst.part(0.0, 0.0, || {
        let Bench { opened, .. } = bench;
        let unit =
            if opened.is_cpu() { format!(", products by {}", ctx.isa()) } else { String::new() };
        format!("{} ({}){unit}", opened.name, opened.what)
    });
    Ok(worst)
}
