//! A right operand that is packed once and used in many products: the weights of a layer.

use rayon::prelude::*;

use super::blocked::pack_right;
use super::kernel::Kernel;
use super::panels::Panels;
use super::unit::Unit;
use super::{MatRef, PANEL};
use crate::error::Result;

/// The panels of one unit.
#[derive(Debug)]
pub(super) enum Packed {
    F32(Panels<f32>),
    /// Two bfloat16 in an element, the first one in the lower half.
    Bf16(Panels<u32>),
}

impl From<Panels<f32>> for Packed {
    fn from(panels: Panels<f32>) -> Self {
        Self::F32(panels)
    }
}

impl From<Panels<u32>> for Packed {
    fn from(panels: Panels<u32>) -> Self {
        Self::Bf16(panels)
    }
}

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

/// All panels of b for the unit of `K`.
pub(super) fn pack<K: Kernel>(b: MatRef<'_>) -> Result<Panels<K::Element>>
where
    K::Element: Send,
{
    let padded = b.cols.next_multiple_of(PANEL);
    let last = b.rows - b.rows % K::DEPTH;
    let elements = last / K::PER + K::elements(b.rows - last);
    let mut panels = Panels::zeros(elements * padded, "packed weights")?;
    let blocks = panels.as_mut_slice()[..elements * padded].chunks_mut(K::DEPTH / K::PER * padded);
    for (block, panels) in blocks.enumerate() {
        let from = block * K::DEPTH;
        let depth = K::DEPTH.min(b.rows - from);
        let size = K::elements(depth) * PANEL;
        panels.par_chunks_exact_mut(size).enumerate().for_each(|(p, panel)| {
            let cols = PANEL.min(b.cols - p * PANEL);
            pack_right::<K>(panel, b.block((from, depth), (p * PANEL, cols)));
        });
    }
    Ok(panels)
}
