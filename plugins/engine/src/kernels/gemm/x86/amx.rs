//! bf16 with AMX tiles (Sapphire Rapids): 32 rows by 32 columns in four tiles, 32 products deep at a time.
#![expect(unsafe_code, reason = "tiles can only be reached by assembly; intrinsics")]

use std::arch::asm;
use std::cell::Cell;

use super::{avx512, pairs};
use crate::kernels::gemm::kernel::{Kernel, Target};
use crate::kernels::gemm::{MatRef, PANEL};

/// Rows of a tile.
const TILE: usize = 16;

/// Needs AMX-TILE and AMX-BF16, the system's permission (see [`super::detect`]), and AVX512F.
pub(in crate::kernels::gemm) struct Amx;

impl Kernel for Amx {
    type Element = u32;
    const ROWS: usize = 2 * TILE;
    /// Tiles are always whole, so that their configuration never changes.
    const ROW_STEP: usize = 2 * TILE;
    const PER: usize = 2;
    const RUN: usize = 16;
    /// 32 KiB of the left panel.
    const DEPTH: usize = 512;

    fn pack_left(panel: &mut [u32], a: MatRef<'_>) {
        // SAFETY: where there is AMX, there is AVX512F (see `detect`).
        unsafe { pairs::left_runs(panel, Self::ROWS, a) }
    }

    fn pack_right(panel: &mut [u32], b: MatRef<'_>) {
        // SAFETY: as above.
        unsafe { pairs::right(panel, b) }
    }

    unsafe fn multiply(rows: usize, elements: usize, left: &[u32], right: &[u32], out: Target) {
        assert!(elements.is_multiple_of(Self::RUN) && elements > 0);
        assert!(left.len() == Self::ROWS * elements && right.len() == PANEL * elements);
        configure();
        let steps = elements / Self::RUN;
        // SAFETY: `steps` runs of both panels are read, which have that length, as was just checked; the caller
        // vouches for the target and the unit.
        unsafe {
            if rows == Self::ROWS && out.cols == PANEL && out.scale == 1.0 {
                begin(out.add.then_some((out.ptr.cast_const(), out.stride)));
                accumulate(steps, left.as_ptr(), right.as_ptr());
                store(out.ptr, out.stride);
            } else {
                // Products are added to what is there inside the tiles, as above: a row must not depend on how many
                // others there are.
                let inside = out.add && out.scale == 1.0;
                let mut sums = Sums([[0.0; PANEL]; 2 * TILE]);
                if inside {
                    sums.read(rows, out);
                }
                begin(Some((sums.0.as_ptr().cast(), PANEL)));
                accumulate(steps, left.as_ptr(), right.as_ptr());
                store(sums.0.as_mut_ptr().cast(), PANEL);
                avx512::store_rows(&sums.0[..rows], Target { add: out.add && !inside, ..out });
            }
        }
    }
}

/// The sums of a whole panel, on cache lines.
#[repr(align(64))]
struct Sums([[f32; PANEL]; 2 * TILE]);

impl Sums {
    /// Takes what is there.
    ///
    /// # Safety
    /// `out` points to a matrix `[rows, out.cols]`.
    unsafe fn read(&mut self, rows: usize, out: Target) {
        for (r, sums) in self.0[..rows].iter_mut().enumerate() {
            // SAFETY: as the caller vouches.
            let row = unsafe { std::slice::from_raw_parts(out.ptr.add(r * out.stride), out.cols) };
            sums[..out.cols].copy_from_slice(row);
        }
    }
}

/// All eight tiles: 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Configures the tiles of this thread, once: the system keeps them with its other registers.
fn configure() {
    thread_local! {
        static CONFIGURED: Cell<bool> = const { Cell::new(false) };
    }
    if CONFIGURED.replace(true) {
        return;
    }
    let mut config =
        Config { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
    config.row_bytes[..8].fill(64);
    config.rows[..8].fill(TILE as u8);
    // SAFETY: 64 bytes of a configuration that palette 1 allows are read.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const config, options(nostack, readonly)) }
}

/// Sets the tiles of the sums, 0 to 3, to zero, or to 32 rows of 32 columns so many elements apart.
///
/// # Safety
/// The tiles are configured, and all of `from` can be read.
unsafe fn begin(from: Option<(*const f32, usize)>) {
    // SAFETY: as the caller vouches. The compiler itself never uses tiles, so they keep their values until `store`.
    unsafe {
        match from {
            None => asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                options(nostack, nomem)
            ),
            Some((from, stride)) => asm!(
                "tileloadd tmm0, [{top} + {stride} * 1]",
                "tileloadd tmm1, [{top} + {stride} * 1 + 64]",
                "tileloadd tmm2, [{low} + {stride} * 1]",
                "tileloadd tmm3, [{low} + {stride} * 1 + 64]",
                top = in(reg) from,
                low = in(reg) from.wrapping_add(TILE * stride),
                stride = in(reg) stride * size_of::<f32>(),
                options(nostack, readonly)
            ),
        }
    }
}

/// sums += left right over `steps` runs.
///
/// # Safety
/// The tiles are configured; `left` is `[steps, 32, 16]`, `right` `[16 steps, PANEL]`.
unsafe fn accumulate(steps: usize, left: *const u32, right: *const u32) {
    // SAFETY: as the caller vouches: a step reads 2 KiB of each panel.
    unsafe {
        asm!(
            "2:",
            "tileloadd tmm4, [{left} + {line} * 1]",
            "tileloadd tmm6, [{right} + {line} * 2]",
            "tileloadd tmm7, [{right} + {line} * 2 + 64]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{left} + {line} * 1 + 1024]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {left}, 2048",
            "add {right}, 2048",
            "dec {steps}",
            "jnz 2b",
            left = inout(reg) left => _,
            right = inout(reg) right => _,
            steps = inout(reg) steps => _,
            line = in(reg) 64_usize,
            options(nostack, readonly)
        );
    }
}

/// Writes the sums to 32 rows of 32 columns.
///
/// # Safety
/// All of them can be written, and nothing else refers to them.
unsafe fn store(to: *mut f32, stride: usize) {
    // SAFETY: as the caller vouches.
    unsafe {
        asm!(
            "tilestored [{top} + {stride} * 1], tmm0",
            "tilestored [{top} + {stride} * 1 + 64], tmm1",
            "tilestored [{low} + {stride} * 1], tmm2",
            "tilestored [{low} + {stride} * 1 + 64], tmm3",
            top = in(reg) to,
            low = in(reg) to.wrapping_add(TILE * stride),
            stride = in(reg) stride * size_of::<f32>(),
            options(nostack)
        );
    }
}
