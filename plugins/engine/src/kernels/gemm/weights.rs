//! A right operand that is packed once and used in many products: the weights of a layer, or the keys of a sequence.

use rayon::prelude::*;

use super::blocked::pack_right;
use super::kernel::Kernel;
use super::panels::{Packed, Panels};
use super::unit::Unit;
use super::{MatRef, PANEL};
use crate::error::Result;

/// A matrix `[depth, cols]`: blocks of at most [`Kernel::DEPTH`] rows, each of them panel after panel.
#[derive(Debug)]
pub(crate) struct PackedMatrix {
    unit: Unit,
    depth: usize,
    cols: usize,
    pub(super) panels: Packed,
}

impl PackedMatrix {
    /// Packs w^T, with w `[outputs, inputs]` as PyTorch has it, for products on `unit`.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`].
    ///
    /// # Panics
    /// When `w` has another size.
    pub(crate) fn of_weights(
        unit: Unit,
        w: &[f32],
        (outputs, inputs): (usize, usize),
    ) -> Result<Self> {
        assert_eq!(w.len(), outputs * inputs);
        let b = MatRef::new(w, outputs, inputs, inputs).t();
        let panels = unit.pack(b)?;
        Ok(Self { unit, depth: inputs, cols: outputs, panels })
    }

    /// A matrix without elements, for [`PackedMatrix::refill`].
    pub(crate) fn empty() -> Self {
        let panels = Packed::F32(Panels::empty());
        Self { unit: Unit::of_this_thread(), depth: 0, cols: 0, panels }
    }

    /// Packs b for the unit of this thread, on this thread alone, into the memory that is there already.
    pub(crate) fn refill(&mut self, b: MatRef<'_>) {
        self.unit = Unit::of_this_thread();
        (self.depth, self.cols) = (b.rows, b.cols);
        self.unit.repack(&mut self.panels, b);
    }

    /// The weights `[outputs, inputs]` again; of bf16 what rounding has left.
    pub(crate) fn to_weights(&self) -> Vec<f32> {
        let (inputs, outputs) = (self.depth, self.cols);
        let mut w = vec![0.0; outputs * inputs];
        w.par_chunks_mut((PANEL * inputs).max(1)).enumerate().for_each(|(p, w)| {
            for (o, row) in w.chunks_exact_mut(inputs).enumerate() {
                for (i, value) in row.iter_mut().enumerate() {
                    *value = self.element(i, p * PANEL + o);
                }
            }
        });
        w
    }

    fn element(&self, row: usize, col: usize) -> f32 {
        let layout = self.unit.layout();
        let from = row - row % layout.depth;
        let rows = (layout.depth.min(self.depth - from)).next_multiple_of(layout.run) / layout.per;
        let panel = from / layout.per * self.padded_cols() + (col / PANEL) * PANEL * rows;
        let at = panel + (row - from) / layout.per * PANEL + col % PANEL;
        match &self.panels {
            Packed::F32(panels) => panels.as_slice()[at],
            Packed::Bf16(panels) => {
                let pair = panels.as_slice()[at];
                f32::from_bits(if row.is_multiple_of(2) { pair << 16 } else { pair & 0xffff_0000 })
            }
        }
    }

    /// Rows.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Columns.
    pub(crate) fn cols(&self) -> usize {
        self.cols
    }

    /// Columns of all panels.
    pub(super) fn padded_cols(&self) -> usize {
        self.cols.next_multiple_of(PANEL)
    }

    /// Whether [`PackedMatrix::to_weights`] gives what was packed, bit for bit.
    pub(crate) fn is_exact(&self) -> bool {
        self.unit.is_exact()
    }

    /// Bytes of the panels.
    pub(crate) fn bytes(&self) -> usize {
        match &self.panels {
            Packed::F32(panels) => panels.bytes(),
            Packed::Bf16(panels) => panels.bytes(),
        }
    }
}

/// How a unit's right panels lie.
pub(super) struct Layout {
    /// [`Kernel::DEPTH`].
    pub(super) depth: usize,
    /// [`Kernel::PER`].
    pub(super) per: usize,
    /// Numbers in a run.
    pub(super) run: usize,
}

impl Layout {
    pub(super) fn of<K: Kernel>() -> Self {
        Self { depth: K::DEPTH, per: K::PER, run: K::PER * K::RUN }
    }
}

/// All panels of b for the unit of `K`, packed in parallel.
pub(super) fn pack<K: Kernel>(b: MatRef<'_>) -> Result<Panels<K::Element>>
where
    K::Element: Send,
{
    let mut panels = Panels::zeros(elements::<K>(b), "packed weights")?;
    for (panels, b) in blocks::<K>(panels.as_mut_slice(), b) {
        let size = K::elements(b.rows) * PANEL;
        panels.par_chunks_exact_mut(size).enumerate().for_each(|(p, panel)| {
            let cols = PANEL.min(b.cols - p * PANEL);
            pack_right::<K>(panel, b.block((0, b.rows), (p * PANEL, cols)));
        });
    }
    Ok(panels)
}

/// All panels of b for the unit of `K`, in memory that grows to the largest b and stays.
pub(super) fn repack<K: Kernel>(panels: &mut Panels<K::Element>, b: MatRef<'_>) {
    for (panels, b) in blocks::<K>(panels.grown(elements::<K>(b)), b) {
        pack_right::<K>(panels, b);
    }
}

/// Elements of all panels of b.
fn elements<K: Kernel>(b: MatRef<'_>) -> usize {
    let last = b.rows - b.rows % K::DEPTH;
    (last / K::PER + K::elements(b.rows - last)) * b.cols.next_multiple_of(PANEL)
}

/// Blocks of at most [`Kernel::DEPTH`] rows of b, and their places.
fn blocks<'a, K: Kernel>(
    panels: &'a mut [K::Element],
    b: MatRef<'a>,
) -> impl Iterator<Item = (&'a mut [K::Element], MatRef<'a>)> {
    let padded = b.cols.next_multiple_of(PANEL);
    let whole = (K::DEPTH / K::PER * padded).max(1);
    panels[..elements::<K>(b)].chunks_mut(whole).enumerate().map(move |(block, panels)| {
        let from = block * K::DEPTH;
        let depth = K::DEPTH.min(b.rows - from);
        (panels, b.block((from, depth), (0, b.cols)))
    })
}
