//! Units for bf16 show that they multiply before they are used.
//!
//! They are rare, so that a machine with one may be the first on which this code runs; and a wrong product would not
//! stop a run, it would only make its numbers wrong.

use super::kernel::Kernel;
use super::pack::round_to_bf16;
use super::{MatRef, Right, Write, blocked};
use crate::kernels::tile::TileMut;

/// Whether the products of `K` are those of rounded operands, for shapes that fill panels and shapes that do not.
pub(super) fn multiplies<K: Kernel<Element = u32>>() -> bool {
    [(1, 1, 1), (32, 32, 64), (45, 70, 33), (14, 33, 1100)].into_iter().all(|shape| {
        [Write::Replace, Write::Add].into_iter().all(|write| is_right::<K>(shape, write))
    })
}

fn is_right<K: Kernel<Element = u32>>((m, n, k): (usize, usize, usize), write: Write) -> bool {
    let (a, b) = (numbers(m * k), numbers(n * k + 7)[7..].to_vec());
    let mut found = vec![1.5; m * n];
    let mut out = TileMut::whole(&mut found, m, n);
    let right = Right::Plain(MatRef::new(&b, n, k, k).t());
    blocked::product::<K>(&mut out, MatRef::new(&a, m, k, k), right, 1.0, write);
    let before = if write == Write::Add { 1.5 } else { 0.0 };
    let rounded = |value: f32| f64::from(round_to_bf16(value));
    found.iter().enumerate().all(|(at, &found)| {
        let (i, j) = (at / n, at % n);
        let products = (0..k).map(|x| rounded(a[i * k + x]) * rounded(b[j * k + x]));
        // A few hundred roundings of sums of about the root of k.
        (f64::from(found) - (before + products.sum::<f64>())).abs() < 1e-4
    })
}

/// Numbers of both signs below 1/4, none of which is a bfloat16.
fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + 13) % 1009) as f32 / 2018.0 - 0.25).collect()
}

#[cfg(test)]
mod tests {
    use super::super::bf16::Emulated;
    use super::super::kernel::Target;
    use super::*;

    /// A unit that forgets every second product.
    struct Forgetful;

    #[expect(unsafe_code, reason = "implements an unsafe trait method")]
    impl Kernel for Forgetful {
        type Element = u32;
        const ROWS: usize = 14;
        const PER: usize = 2;

        fn pack_left(panel: &mut [u32], a: MatRef<'_>) {
            Emulated::<14, 1, 1>::pack_left(panel, a);
            panel.iter_mut().for_each(|pair| *pair &= 0xffff);
        }

        fn pack_right(panel: &mut [u32], b: MatRef<'_>) {
            Emulated::<14, 1, 1>::pack_right(panel, b);
        }

        unsafe fn multiply(rows: usize, k: usize, left: &[u32], right: &[u32], out: Target) {
            // SAFETY: the same contract.
            unsafe { Emulated::<14, 1, 1>::multiply(rows, k, left, right, out) }
        }
    }

    #[test]
    fn a_unit_that_is_wrong_is_found_out() {
        assert!(multiplies::<Emulated<14, 1, 1>>() && multiplies::<Emulated<32, 32, 16>>());
        assert!(!multiplies::<Forgetful>());
    }
}
