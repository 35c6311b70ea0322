//! Every unit of this machine against the definition in the module's documentation, bit for bit.

use half::bf16 as Bf16;
use proptest::prelude::*;

use super::bf16::Emulated;
use super::kernel::Kernel;
use super::pack::{bf16_bits, round_to_bf16};
use super::*;
use crate::context::Precision;

/// Products in a chain.
const DEPTH: usize = 384;

/// The definition: chains of fused multiply-adds, added up block by block.
fn expected(out: &mut [f32], a: MatRef<'_>, b: MatRef<'_>, scale: f32, write: Write) {
    for i in 0..a.rows {
        for j in 0..b.cols {
            let value = &mut out[i * b.cols + j];
            if write == Write::Replace && a.cols == 0 {
                *value = 0.0;
            }
            for from in (0..a.cols).step_by(DEPTH) {
                let mut sum = 0.0_f32;
                for k in from..a.cols.min(from + DEPTH) {
                    let (a, b) = (a.data[i * a.rs + k * a.cs], b.data[k * b.rs + j * b.cs]);
                    sum = a.mul_add(b, sum);
                }
                *value = match from == 0 && write == Write::Replace {
                    true => sum * scale,
                    false => sum.mul_add(scale, *value),
                };
            }
        }
    }
}

fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    // All NaN are one: which payload comes through is the hardware's choice.
    values.iter().map(|v| if v.is_nan() { f32::NAN.to_bits() } else { v.to_bits() }).collect()
}

/// A matrix of `rows` by `cols` in `data`, row-major or column-major, its lines `gap` further apart than need be.
fn layout(data: &[f32], rows: usize, cols: usize, gap: usize, transposed: bool) -> MatRef<'_> {
    match transposed {
        false => MatRef::new(data, rows, cols, cols + gap),
        true => MatRef::new(data, cols, rows, rows + gap).t(),
    }
}

#[derive(Debug, Clone, Copy)]
struct Case {
    sizes: (usize, usize, usize),
    gap: usize,
    offset: usize,
    transposed: (bool, bool),
    add: bool,
    scale: f32,
}

fn check(case: Case, spoil: impl Fn(&mut [f32])) {
    let Case { sizes: (m, n, k), gap, offset, transposed, add, scale } = case;
    let write = if add { Write::Add } else { Write::Replace };
    let size = |rows: usize, cols: usize| (rows.max(cols) + gap) * (rows.max(cols) + 1) + offset;
    let (mut a, mut b) = (numbers(size(m, k), 1), numbers(size(k, n), 2));
    spoil(&mut a);
    spoil(&mut b);
    // An offset moves the operands off the cache lines.
    let left = layout(&a[offset..], m, k, gap, transposed.0);
    let right = layout(&b[offset..], k, n, gap, transposed.1);
    let before = numbers(m * n, 3);
    let mut wanted = before.clone();
    expected(&mut wanted, left, right, scale, write);
    for unit in Unit::all(Precision::F32) {
        unit.install();
        let stride = n + gap;
        let mut wide = vec![7.5_f32; (m * stride).max(1)];
        for (wide, row) in wide.chunks_mut(stride.max(1)).zip(before.chunks(n.max(1))) {
            wide[..n].copy_from_slice(row);
        }
        gemm(&mut TileMut::left_columns(&mut wide, m, n, stride), left, right, scale, write);
        let found: Vec<f32> = wide.chunks(stride).flat_map(|row| row[..n].to_vec()).collect();
        if unit.name() == "portable" {
            for (found, wanted) in found.iter().zip(&wanted) {
                let close = (found - wanted).abs() <= 1e-4 * (1.0 + wanted.abs());
                assert!(
                    close || !wanted.is_finite() && bits(&[*found]) == bits(&[*wanted]),
                    "{case:?}"
                );
            }
        } else {
            assert_eq!(bits(&found), bits(&wanted), "{} {case:?}", unit.name());
        }
        let untouched = wide.chunks(stride).all(|row| row[n..].iter().all(|&v| v == 7.5));
        assert!(untouched, "{} {case:?} wrote beside its columns", unit.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn every_shape_and_layout_is_the_definition(
        (m, n, k) in (1_usize..90, 1_usize..110, 0_usize..60),
        gap in 0_usize..5,
        offset in 0_usize..3,
        transposed in any::<(bool, bool)>(),
        add in any::<bool>(),
        scale in prop_oneof![Just(1.0_f32), Just(0.125), Just(-1.7)],
    ) {
        check(Case { sizes: (m, n, k), gap, offset, transposed, add, scale }, |_| {});
    }
}

const PLAIN: Case =
    Case { sizes: (1, 1, 1), gap: 0, offset: 0, transposed: (false, true), add: false, scale: 1.0 };

#[test]
fn blocks_of_every_dimension_are_crossed() {
    for sizes in [(1, 400, 900), (400, 33, 385), (4096, 3, 5), (15, 390, 384), (170, 1, 769)] {
        check(Case { sizes, ..PLAIN }, |_| {});
        check(Case { sizes, add: true, transposed: (true, false), ..PLAIN }, |_| {});
    }
}

#[test]
fn nan_and_infinity_come_through_and_stay_in_their_rows() {
    for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-45] {
        check(Case { sizes: (33, 40, 50), ..PLAIN }, |values| {
            values[17] = special;
            values[200] = -special;
        });
    }
    let a = {
        let mut a = numbers(20 * 8, 1);
        a[3 * 8 + 2] = f32::NAN;
        a
    };
    let b = numbers(8 * 5, 2);
    let mut out = vec![0.0; 20 * 5];
    gemm_into(&mut out, MatRef::new(&a, 20, 8, 8), MatRef::new(&b, 8, 5, 5), 1.0, Write::Replace);
    for (r, row) in out.chunks(5).enumerate() {
        assert!(row.iter().all(|v| v.is_nan() == (r == 3)), "row {r}");
    }
}

#[test]
fn a_row_does_not_depend_on_the_others() {
    let (n, k) = (50, 700);
    let (a, b) = (numbers(64 * k, 1), numbers(n * k, 2));
    let b = MatRef::new(&b, n, k, k).t();
    for unit in Unit::all(Precision::F32).into_iter().chain(Unit::all(Precision::Bf16)) {
        unit.install();
        let mut all = vec![0.0; 64 * n];
        gemm_into(&mut all, MatRef::new(&a, 64, k, k), b, 1.0, Write::Replace);
        for count in [1, 2, 13, 20, 63] {
            let mut some = vec![0.0; count * n];
            let a = MatRef::new(&a[(64 - count) * k..], count, k, k);
            gemm_into(&mut some, a, b, 1.0, Write::Replace);
            assert_eq!(bits(&some), bits(&all[(64 - count) * n..]), "{} {count}", unit.name());
        }
    }
    Unit::best(Precision::F32).install();
}

#[test]
fn packed_weights_give_the_same_products_and_come_back() {
    for (outputs, inputs) in [(1, 1), (31, 7), (32, 384), (100, 385), (70, 900)] {
        let (x, w) = (numbers(5 * inputs, 1), numbers(outputs * inputs, 2));
        let a = MatRef::new(&x, 5, inputs, inputs);
        let b = MatRef::new(&w, outputs, inputs, inputs).t();
        for unit in Unit::all(Precision::F32).into_iter().chain(Unit::all(Precision::Bf16)) {
            unit.install();
            let packed = PackedMatrix::of_weights(unit, &w, (outputs, inputs)).unwrap();
            for first in (0..outputs).step_by(PANEL) {
                let cols = outputs - first;
                let mut plain = vec![0.0; 5 * cols];
                let mut other = vec![1.0; 5 * cols];
                let b = b.block((0, inputs), (first, cols));
                gemm_into(&mut plain, a, b, 0.5, Write::Replace);
                let mut out = TileMut::whole(&mut other, 5, cols);
                product(&mut out, a, Right::Packed(&packed, first), 0.5, Write::Replace);
                assert_eq!(bits(&plain), bits(&other), "{} {outputs} {inputs}", unit.name());
            }
            let mut again = PackedMatrix::empty();
            // What other operands leave behind must not show.
            again.refill(MatRef::new(&w, inputs, outputs, outputs));
            again.refill(b);
            let mut out = vec![1.0; 5 * outputs];
            let mut tile = TileMut::whole(&mut out, 5, outputs);
            product(&mut tile, a, Right::Packed(&again, 0), 0.5, Write::Replace);
            let mut plain = vec![0.0; 5 * outputs];
            gemm_into(&mut plain, a, b, 0.5, Write::Replace);
            assert_eq!(bits(&plain), bits(&out), "{} {outputs} {inputs}", unit.name());
            let back = packed.to_weights();
            let wanted: Vec<f32> = match unit.is_exact() {
                true => w.clone(),
                false => w.iter().map(|&v| round_to_bf16(v)).collect(),
            };
            assert_eq!(bits(&back), bits(&wanted), "{} {outputs} {inputs}", unit.name());
        }
    }
    Unit::best(Precision::F32).install();
}

#[test]
fn bf16_is_the_product_of_rounded_operands() {
    let (m, n, k) = (20, 45, 500);
    let (a, b) = (numbers(m * k, 1), numbers(n * k, 2));
    let rounded = |v: &[f32]| v.iter().map(|&v| round_to_bf16(v)).collect::<Vec<_>>();
    let (ra, rb) = (rounded(&a), rounded(&b));
    let mut wanted = vec![0.0; m * n];
    let right = MatRef::new(&rb, n, k, k).t();
    expected(&mut wanted, MatRef::new(&ra, m, k, k), right, 1.0, Write::Replace);
    for unit in Unit::all(Precision::Bf16) {
        unit.install();
        let mut found = vec![0.0; m * n];
        let right = MatRef::new(&b, n, k, k).t();
        gemm_into(&mut found, MatRef::new(&a, m, k, k), right, 1.0, Write::Replace);
        for (found, wanted) in found.iter().zip(&wanted) {
            assert!((found - wanted).abs() <= 1e-5 * (1.0 + wanted.abs()), "{}", unit.name());
        }
    }
    Unit::best(Precision::F32).install();
}

/// Panels of units that this machine may not have are what [`Kernel`] says: the products of rounded operands come out.
#[test]
fn panels_of_bf16_hold_every_number_in_its_place() {
    fn check<K: Kernel<Element = u32>>() {
        for (m, n, k) in [(1, 1, 1), (14, 32, 2), (33, 40, 31), (20, 70, 513), (170, 33, 1100)] {
            for transposed in [(false, false), (false, true), (true, false), (true, true)] {
                let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
                let rounded = |v: &[f32]| v.iter().map(|&v| round_to_bf16(v)).collect::<Vec<_>>();
                let (ra, rb) = (rounded(&a), rounded(&b));
                let mut wanted = numbers(m * n, 3);
                let mut found = wanted.clone();
                let left = layout(&ra, m, k, 0, transposed.0);
                expected(&mut wanted, left, layout(&rb, k, n, 0, transposed.1), 1.0, Write::Add);
                let (a, b) = (layout(&a, m, k, 0, transposed.0), layout(&b, k, n, 0, transposed.1));
                let mut out = TileMut::whole(&mut found, m, n);
                blocked::product::<K>(&mut out, a, Right::Plain(b), 1.0, Write::Add);
                for (found, wanted) in found.iter().zip(&wanted) {
                    let close = (found - wanted).abs() <= 1e-4 * (1.0 + wanted.abs());
                    assert!(close, "{m} {n} {k} {transposed:?}: {found} {wanted}");
                }
            }
        }
    }
    // As AVX512-BF16 has them, and as AMX has them.
    check::<Emulated<14, 1, 1>>();
    check::<Emulated<32, 32, 16>>();
}

/// Where the instructions for packing are, which is on more machines than have the units.
#[cfg(target_arch = "x86_64")]
#[test]
fn panels_of_units_for_bf16_are_those_of_the_definition() {
    fn check<K: Kernel<Element = u32>>() {
        for (rows, depth) in [(1, 1), (3, 2), (14, 33), (9, 64), (14, 385), (13, 511)] {
            for transposed in [false, true] {
                for offset in [0, 3] {
                    let mut numbers = numbers((PANEL + 5) * (depth + 5) + offset, 1);
                    (numbers[offset], numbers[offset + depth / 2]) = (f32::NAN, f32::MAX);
                    for tall in [rows, K::ROWS] {
                        let a = layout(&numbers[offset..], tall, depth, 2, transposed);
                        let size = K::padded(tall) * K::elements(depth);
                        let (mut found, mut wanted) = (vec![7; size], vec![8; size]);
                        K::pack_left(&mut found, a);
                        bf16::left::<K>(&mut wanted, a);
                        assert_eq!(found, wanted, "left {tall} {depth} {transposed}");
                    }
                    for cols in [rows, PANEL] {
                        let b = layout(&numbers[offset..], cols, depth, 1, transposed).t();
                        let size = PANEL * K::elements(depth);
                        let (mut found, mut wanted) = (vec![7; size], vec![8; size]);
                        K::pack_right(&mut found, b);
                        bf16::right::<K>(&mut wanted, b);
                        assert_eq!(found, wanted, "right {cols} {depth} {transposed}");
                    }
                }
            }
        }
    }
    if is_x86_feature_detected!("avx512f") {
        check::<x86::Avx512Bf16>();
        check::<x86::Amx>();
    } else {
        eprintln!("skipped: this machine has no AVX-512, with which these panels are packed");
    }
}

#[test]
fn rounding_is_that_of_the_half_crate() {
    let mut bits = 0x1234_5678_u32;
    for _ in 0..100_000 {
        bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let value = f32::from_bits(bits);
        let (ours, theirs) = (round_to_bf16(value), Bf16::from_f32(value).to_f32());
        assert!(ours.to_bits() == theirs.to_bits() || value.is_nan() && ours.is_nan(), "{value}");
        let (ours, theirs) = (Bf16::from_bits(bf16_bits(value) as u16), Bf16::from_f32(value));
        assert!(ours.to_bits() == theirs.to_bits() || value.is_nan() && ours.is_nan(), "{value}");
    }
    // NaN whose payload is in the lower half alone.
    assert!(Bf16::from_bits(bf16_bits(f32::from_bits(0x7f80_0001)) as u16).is_nan());
    for value in [0.0, -0.0, f32::INFINITY, f32::MAX, f32::MIN_POSITIVE, 1e-45] {
        assert_eq!(round_to_bf16(value).to_bits(), Bf16::from_f32(value).to_f32().to_bits());
    }
}
