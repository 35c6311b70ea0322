//! Products in plain Rust, which the compiler vectorises, and operands rounded before any product.
#![expect(unsafe_code, reason = "implements an unsafe trait method")]

use std::marker::PhantomData;

use super::kernel::{Kernel, Target, store_some};
use super::{MatRef, PANEL, pack};

/// Whatever the target has; without fused multiply-add each product is rounded before it is added.
pub(super) struct Portable;

impl Kernel for Portable {
    type Element = f32;
    const ROWS: usize = 4;

    fn pack_left(panel: &mut [f32], a: MatRef<'_>) {
        pack::left(panel, a);
    }

    fn pack_right(panel: &mut [f32], b: MatRef<'_>) {
        pack::right(panel, b);
    }

    unsafe fn multiply(rows: usize, _: usize, left: &[f32], right: &[f32], out: Target) {
        let mut sums = [[0.0; PANEL]; Self::ROWS];
        match rows {
            1 => multiply::<1>(left, right, &mut sums),
            2 => multiply::<2>(left, right, &mut sums),
            3 => multiply::<3>(left, right, &mut sums),
            _ => multiply::<4>(left, right, &mut sums),
        }
        // SAFETY: the caller vouches for the target.
        unsafe { store_some::<FUSES>(&sums[..rows], out) }
    }
}

/// Half a panel at a time: the sums of 4 rows by 16 columns fit into the registers of NEON.
fn multiply<const R: usize>(
    left: &[f32],
    right: &[f32],
    sums: &mut [[f32; PANEL]; Portable::ROWS],
) {
    const HALF: usize = PANEL / 2;
    for half in 0..2 {
        let mut acc = [[0.0_f32; HALF]; R];
        for (a, b) in left.as_chunks::<R>().0.iter().zip(right.as_chunks::<PANEL>().0) {
            for r in 0..R {
                for c in 0..HALF {
                    acc[r][c] = multiply_add(a[r], b[half * HALF + c], acc[r][c]);
                }
            }
        }
        for (sums, acc) in sums.iter_mut().zip(&acc) {
            sums[half * HALF..][..HALF].copy_from_slice(acc);
        }
    }
}

/// Whether every machine of the target can fuse; elsewhere `mul_add` would be a call of `fmaf`.
const FUSES: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// a b + c.
#[inline(always)]
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    match FUSES {
        true => a.mul_add(b, c),
        false => a * b + c,
    }
}

/// The products of `K` with operands that are rounded to bfloat16 as they are packed: what hardware for bf16
/// computes, but for the order of its sums.
pub(super) struct Rounded<K>(PhantomData<K>);

impl<K: Kernel<Element = f32>> Kernel for Rounded<K> {
    type Element = f32;
    const ROWS: usize = K::ROWS;
    const DEPTH: usize = K::DEPTH;

    fn pack_left(panel: &mut [f32], a: MatRef<'_>) {
        K::pack_left(panel, a);
        pack::round(panel);
    }

    fn pack_right(panel: &mut [f32], b: MatRef<'_>) {
        K::pack_right(panel, b);
        pack::round(panel);
    }

    unsafe fn multiply(rows: usize, depth: usize, left: &[f32], right: &[f32], out: Target) {
        // SAFETY: the same contract.
        unsafe { K::multiply(rows, depth, left, right, out) }
    }
}
