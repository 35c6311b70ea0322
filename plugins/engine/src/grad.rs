//! Where gradients go as the backward pass produces them.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::Result;
use crate::memory::zeroed;
use crate::ops::embedding::SparseRows;
use crate::param::{ParamStore, Parameter};

/// The gradient of some rows of a table; all other rows have none.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum TableGradient<'a> {
    /// In the host's memory.
    Host(&'a SparseRows),
    /// On a device, still to be summed.
    #[cfg(feature = "cuda")]
    Device(DeviceTable<'a>),
}

/// The gradient of what each token took from a table. The rows that tokens took were staged for the pass.
#[cfg(feature = "cuda")]
#[derive(Debug, Clone, Copy)]
pub struct DeviceTable<'a> {
    /// `[T, width]`, activations
    pub(crate) dsum: &'a Buffer,
    /// Which table it is.
    pub(crate) table: crate::stage::Table,
    /// Elements of a row.
    pub(crate) width: usize,
    /// A factor.
    pub(crate) scale: f32,
}

#[cfg(feature = "cuda")]
impl DeviceTable<'_> {
    /// Tokens by their rows.
    pub(crate) fn groups<'b>(
        &self,
        ctx: &'b Context,
    ) -> Result<kobench_cuda::ops::embedding::GroupIds<'b>> {
        use crate::stage::List;

        let list = |list: fn(crate::stage::Table) -> List| ctx.staged.ids(list(self.table));
        let (rows, starts, tokens) = (list(List::Rows)?, list(List::Starts)?, list(List::Tokens)?);
        Ok(kobench_cuda::ops::embedding::GroupIds { rows, starts, tokens })
    }

    /// The sums of the rows, in the host's memory.
    fn download(&self, ctx: &mut Context) -> Result<SparseRows> {
        let rows = ctx.staged.rows(self.table).to_vec();
        let groups = self.groups(ctx)?.rows.len();
        let mut sums = ctx.take_f32(groups * self.width)?;
        if let crate::Device::Cuda(gpu) = ctx.device() {
            let (dsum, own) = (self.dsum.device()?, self.groups(ctx)?);
            let (width, scale) = (self.width, self.scale);
            let to = sums.device_mut()?;
            kobench_cuda::ops::embedding::backward(gpu, dsum, own, width, scale, to)?;
        }
        let mut grad = vec![0.0; sums.len()];
        ctx.download(&sums, &mut grad)?;
        ctx.give(sums);
        grad.truncate(rows.len() * self.width);
        Ok(SparseRows { rows, grad })
    }
}

impl<'a> TableGradient<'a> {
    /// The rows, where they are in the host's memory.
    ///
    /// # Errors
    /// [`crate::EngineError::Internal`] where they are not.
    pub fn host(self) -> Result<&'a SparseRows> {
        match self {
            Self::Host(rows) => Ok(rows),
            #[cfg(feature = "cuda")]
            Self::Device(_) => Err(crate::EngineError::Internal(
                "a gradient of a device was sent to an optimiser of the host".to_owned(),
            )),
        }
    }
}

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
    fn place(&mut self, param: &Parameter) -> Result<Option<&mut Buffer>> {
        let _ = param;
        Ok(None)
    }

    /// The gradient of all of `param`, f32, in its layout.
    ///
    /// # Errors
    /// Whatever the sink does may fail, for instance for lack of memory.
    fn dense(&mut self, ctx: &mut Context, param: &Parameter, grad: &Buffer) -> Result<()>;

    /// The gradient of some rows of the table `param`; all other rows have none.
    ///
    /// # Errors
    /// As for [`GradSink::dense`].
    fn table(
        &mut self,
        ctx: &mut Context,
        param: &Parameter,
        rows: TableGradient<'_>,
    ) -> Result<()>;
}

/// The plain sink: sums gradients in the host's memory, wherever they were computed, so that several backward passes
/// accumulate.
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
    fn dense(&mut self, ctx: &mut Context, param: &Parameter, grad: &Buffer) -> Result<()> {
        let mut host = vec![0.0; grad.len()];
        ctx.download(grad, &mut host)?;
        for (sum, g) in self.slot(param)?.iter_mut().zip(host) {
            *sum += g;
        }
        Ok(())
    }

    #[cfg_attr(not(feature = "cuda"), expect(unused_variables, reason = "devices use it"))]
    fn table(
        &mut self,
        ctx: &mut Context,
        param: &Parameter,
        rows: TableGradient<'_>,
    ) -> Result<()> {
        #[cfg(feature = "cuda")]
        let summed = match rows {
            TableGradient::Device(table) => Some(table.download(ctx)?),
            TableGradient::Host(_) => None,
        };
        #[cfg(feature = "cuda")]
        let rows = match &summed {
            Some(summed) => summed,
            None => rows.host()?,
        };
        #[cfg(not(feature = "cuda"))]
        let rows = rows.host()?;
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
