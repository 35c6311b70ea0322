//! Trainable tensors: their names in a checkpoint, their shapes, their values.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::buffer::Buffer;
use crate::error::Result;
use crate::kernels::gemm::{PANEL, PackedMatrix, Unit};

/// Number of a parameter within its model; optimisers index their state by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(usize);

impl ParamId {
    /// The number, from 0 without gaps.
    pub fn index(self) -> usize {
        self.0
    }
}

/// How a parameter that no checkpoint supplies is initialised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Normal, mean 0, with this deviation.
    Normal(f32),
    /// All zeros.
    Zeros,
    /// All ones.
    Ones,
}

/// One tensor of a checkpoint, which is all of a parameter or a run of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Name in a checkpoint, as Hugging Face writes it today.
    pub name: String,
    /// Shape in a checkpoint.
    pub shape: Vec<usize>,
}

impl Part {
    /// Number of elements; saturates instead of overflowing.
    pub fn elements(&self) -> usize {
        self.shape.iter().fold(1, |n, &d| n.saturating_mul(d))
    }
}

/// A trainable tensor: one tensor of the checkpoint, or several stacked along their first
/// dimension (query, key and value, so that one matrix product computes all three).
///
/// The value sits behind a lock, so that an optimiser which updates during the backward pass can
/// write it while the modules hold shared references.
#[derive(Debug)]
pub struct Parameter {
    id: ParamId,
    parts: Vec<Part>,
    init: Init,
    /// The inputs of a linear layer whose weights these are.
    inputs: Option<usize>,
    value: RwLock<Buffer>,
}

impl Parameter {
    /// The number within the model.
    pub fn id(&self) -> ParamId {
        self.id
    }

    /// The checkpoint tensors it consists of, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// How it is initialised when nothing supplies it.
    pub fn init(&self) -> Init {
        self.init
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.parts.iter().fold(0, |n: usize, part| n.saturating_add(part.elements()))
    }

    /// Brings the weights of a linear layer into the order in which products on `unit` read them; other values
    /// stay as they are.
    pub(crate) fn pack(&self, unit: Unit) -> Result<()> {
        let Some(inputs) = self.inputs else { return Ok(()) };
        // Columns of y can then be had by themselves.
        let stacked = self.parts.len() > 1;
        if stacked && self.parts.iter().any(|part| !part.shape[0].is_multiple_of(PANEL)) {
            return Ok(());
        }
        let mut value = self.write();
        if value.packed().is_none() {
            let w = value.f32()?;
            let packed = PackedMatrix::of_weights(unit, w, (w.len() / inputs, inputs))?;
            *value = Buffer::from_packed(packed);
        }
        Ok(())
    }

    /// Undoes [`Parameter::pack`], if that was exact.
    fn unpack(&self) {
        let mut value = self.write();
        if let Some(packed) = value.packed().filter(|packed| packed.is_exact()) {
            let plain = packed.to_weights();
            *value = Buffer::from_vec(plain);
        }
    }

    /// Whether it is the weights of a linear layer.
    pub(crate) fn is_linear(&self) -> bool {
        self.inputs.is_some()
    }

    fn is_packed(&self) -> bool {
        self.read().packed().is_some()
    }

    /// The value; empty until the checkpoint is loaded.
    pub fn read(&self) -> RwLockReadGuard<'_, Buffer> {
        // A panic elsewhere cannot leave a tensor half-replaced in a way that matters here.
        self.value.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value, for loading and for optimisers.
    pub fn write(&self) -> RwLockWriteGuard<'_, Buffer> {
        self.value.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parameters of a model, in the order in which its modules declared them.
#[derive(Debug, Default)]
pub struct ParamStore {
    params: Vec<Arc<Parameter>>,
}

impl ParamStore {
    /// Declares a parameter; it has no value yet.
    pub fn declare(&mut self, parts: Vec<Part>, init: Init) -> Arc<Parameter> {
        self.add(parts, init, None)
    }

    /// Declares the weights of a linear layer, `[.., inputs]`.
    pub(crate) fn declare_weights(
        &mut self,
        parts: Vec<Part>,
        init: Init,
        inputs: usize,
    ) -> Arc<Parameter> {
        self.add(parts, init, Some(inputs))
    }

    fn add(&mut self, parts: Vec<Part>, init: Init, inputs: Option<usize>) -> Arc<Parameter> {
        let param = Arc::new(Parameter {
            id: ParamId(self.params.len()),
            parts,
            init,
            inputs,
            value: RwLock::new(Buffer::from_vec(Vec::new())),
        });
        self.params.push(Arc::clone(&param));
        param
    }

    /// The id that the next parameter will get.
    pub fn next_id(&self) -> ParamId {
        ParamId(self.params.len())
    }

    /// All parameters, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Parameter>> {
        self.params.iter()
    }

    /// Packs the weights of all linear layers for evaluation on `unit`. [`Parameter::read`] gives no f32 of them
    /// then, and nothing can be trained, until [`ParamStore::unpack`].
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`].
    pub(crate) fn pack(&self, unit: Unit) -> Result<()> {
        self.params.iter().try_for_each(|param| param.pack(unit))
    }

    /// Undoes [`ParamStore::pack`]; false where weights were rounded by it, and are to be loaded again.
    pub(crate) fn unpack(&self) -> bool {
        self.params.iter().for_each(|param| param.unpack());
        !self.params.iter().any(|param| param.is_packed())
    }

    /// Number of trainable elements in all.
    pub fn elements(&self) -> usize {
        self.params.iter().fold(0, |n: usize, p| n.saturating_add(p.elements()))
    }

    /// Bytes that the values occupy.
    pub fn bytes(&self) -> usize {
        self.params.iter().map(|p| p.read().bytes()).sum()
    }
}
