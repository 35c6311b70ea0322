//! Each operation on buffers, forward and backward, on several odd shapes: against its plain form in f64 where there is
//! one, and against the CPU in f32.

mod attention;
mod case;
mod linear;
mod rows;
mod tokens;

use crate::error::Result;
use crate::selftest::bench::Bench;
use crate::selftest::compare::Worst;
use crate::selftest::registry::Check;
use case::{Case, compare};

/// An operation on one shape.
type Op<S> = fn(&mut Case, &S) -> Result<()>;

pub(in crate::selftest) fn checks<'a>() -> Vec<Check<'a>> {
    let mut all = rows::checks();
    all.extend(linear::checks());
    all.extend(tokens::checks());
    all.extend(attention::checks());
    all
}

/// The check of an operation on all of its shapes.
fn check<'a, S: std::fmt::Debug + Sync>(name: &str, shapes: &'static [S], op: Op<S>) -> Check<'a> {
    Check::new(format!("ops/{name}"), move |bench: &Bench<'_>| {
        let mut worst = Worst::default();
        for shape in shapes {
            compare(bench, &mut worst, &format!("{shape:?}"), &|case| op(case, shape))?;
        }
        Ok(worst)
    })
}
