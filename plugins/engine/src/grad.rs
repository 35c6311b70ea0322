//! Where gradients go as the backward pass produces them.

use crate::buffer::Buffer;
use crate::error::Result;
use crate::memory::zeroed;
use crate::ops::embedding::SparseRows;
use crate::param::{ParamStore, Parameter};

/// Receives each parameter's gradient once per backward pass.
///
/// A sink may accumulate, scatter rows into optimiser state, or update the weight at once: the
/// module that calls it has finished reading that weight.
pub trait GradSink {
    /// Memory of the sink for the gradient of all of `param`, so that it need not be copied there; `None` where the
    /// sink has none, or already has a gradient, so that [`GradSink::dense`] is to be called.
    ///
    /// Who takes it writes the whole gradient, and does not call [`GradSink::dense`].
    ///
    /// # Errors
    /// As for [`GradSink::dense`].
    fn place(&mut self, param: &Parameter) -> Result<Option<&mut [f32]>> {
        let _ = param;
        Ok(None)
    }

    /// The gradient of all of `param`, in its layout.
    ///
    /// # Errors
    /// Whatever the sink does may fail, for instance for lack of memory.
    fn dense(&mut self, param: &Parameter, grad: &[f32]) -> Result<()>;

    /// The gradient of some rows of the table `param`; all other rows have none.
    ///
    /// # Errors
    /// As for [`GradSink::dense`].
    fn sparse_rows(&mut self, param: &Parameter, rows: &SparseRows) -> Result<()>;
}

/// The plain sink: sums gradients, so that several backward passes accumulate.
#[derive(Debug)]
pub struct Accumulate {
    grads: Vec<Option<Buffer>>,
}

impl Accumulate {
    /// No gradients yet for the parameters of `store`.
    pub fn new(store: &ParamStore) -> Self {
        Self { grads: store.iter().map(|_| None).collect() }
    }

    /// The sum so far, or `None` when the parameter has received nothing.
    pub fn grad(&self, param: &Parameter) -> Option<&[f32]> {
        self.grads[param.id().index()].as_ref().and_then(|g| g.f32().ok())
    }

    fn slot(&mut self, param: &Parameter) -> Result<&mut [f32]> {
        let slot = &mut self.grads[param.id().index()];
        let buffer = match slot {
            Some(buffer) => buffer,
            None => slot.insert(Buffer::from_vec(zeroed(param.elements(), "a gradient")?)),
        };
        buffer.f32_mut()
    }
}

impl GradSink for Accumulate {
    fn dense(&mut self, param: &Parameter, grad: &[f32]) -> Result<()> {
        for (sum, g) in self.slot(param)?.iter_mut().zip(grad) {
            *sum += g;
        }
        Ok(())
    }

    fn sparse_rows(&mut self, param: &Parameter, rows: &SparseRows) -> Result<()> {
        if rows.rows.is_empty() {
            return Ok(());
        }
        let width = rows.grad.len() / rows.rows.len();
        let slot = self.slot(param)?;
        for (row, grad) in rows.rows.iter().zip(rows.grad.chunks_exact(width)) {
            let start = *row as usize * width;
            for (sum, g) in slot[start..start + width].iter_mut().zip(grad) {
                *sum += g;
            }
        }
        Ok(())
    }
}
