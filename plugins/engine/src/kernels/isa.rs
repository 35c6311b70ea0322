//! Run-time choice of the instruction set.

use pulp::{Arch, NullaryFnOnce};

/// Runs `op` compiled for the best instruction set of this machine.
#[inline]
pub(crate) fn dispatch<Op: NullaryFnOnce>(op: Op) -> Op::Output {
    Arch::new().dispatch(op)
}

/// Defines functions whose bodies are compiled once for each instruction set.
///
/// The body is ordinary Rust that the compiler vectorises. What it calls has to be
/// `#[inline(always)]`; a closure around a large body is not inlined, and its `mul_add` then
/// becomes a call of `fmaf` for each element, so loops are written as loops.
macro_rules! vectorised {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident<$lt:lifetime>(
        $($arg:ident: $ty:ty),* $(,)?
    ) $body:block)*) => {$(
        $(#[$meta])*
        $vis fn $name<$lt>($($arg: $ty),*) {
            struct Op<$lt> {
                $($arg: $ty),*
            }
            impl<$lt> pulp::NullaryFnOnce for Op<$lt> {
                type Output = ();

                #[inline(always)]
                fn call(self) {
                    let Self { $($arg),* } = self;
                    $body
                }
            }
            $crate::kernels::isa::dispatch(Op { $($arg),* });
        }
    )*};
}
pub(crate) use vectorised;
