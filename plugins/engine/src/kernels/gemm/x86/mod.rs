//! Kernels in the instruction sets of x86-64.

mod amx;
mod avx2;
mod avx512;
mod avx512_bf16;
pub(super) mod detect;
mod pairs;
mod transpose;

pub(super) use amx::Amx;
pub(super) use avx2::Avx2;
pub(super) use avx512::Avx512;
pub(super) use avx512_bf16::Avx512Bf16;

/// Calls `$f::<R>` for the number of rows.
macro_rules! by_rows {
    ($rows:expr, [$($n:literal)*], $f:ident $args:tt) => {
        match $rows {
            $($n => $f::<$n> $args,)*
            other => unreachable!("a panel of {other} rows"),
        }
    };
}
use by_rows;
