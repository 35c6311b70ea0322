//! Trainable tensors: their names in a checkpoint, their shapes, their values.

use std::ops::{Deref, DerefMut};
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

/// What takes part in a matrix product, and so may be rounded on devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The weights of a linear layer with so many inputs.
    Weights(usize),
    /// Weights of a product that are never packed.
    Unpacked,
    /// The bias of a linear layer.
    Bias,
    /// A table of rows of so many elements, whose gradient is zero in most rows.
    Table(usize),
    /// Anything else: tables, norms.
    Other,
}

/// A parameter's value: a buffer, and on a device that computes in bf16 perhaps a rounded copy beside it.
#[derive(Debug)]
pub struct Value {
    value: Buffer,
    /// What products read instead, where an optimiser keeps the value itself in f32.
    rounded: Option<Buffer>,
}

impl From<Buffer> for Value {
    fn from(value: Buffer) -> Self {
        Self { value, rounded: None }
    }
}

impl Deref for Value {
    type Target = Buffer;

    fn deref(&self) -> &Buffer {
        &self.value
    }
}

impl DerefMut for Value {
    fn deref_mut(&mut self) -> &mut Buffer {
        &mut self.value
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
    role: Role,
    value: RwLock<Value>,
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

    /// Whether it is the weights of a product.
    pub(crate) fn is_weights(&self) -> bool {
        matches!(self.role, Role::Weights(_) | Role::Unpacked)
    }

    /// Elements of a row, where it is a table of embeddings.
    #[cfg(feature = "cuda")]
    pub(crate) fn table_width(&self) -> Option<usize> {
        match self.role {
            Role::Table(width) => Some(width),
            _ => None,
        }
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
        let Role::Weights(inputs) = self.role else { return Ok(()) };
        // Columns of y can then be had by themselves.
        let stacked = self.parts.len() > 1;
        if stacked && self.parts.iter().any(|part| !part.shape[0].is_multiple_of(PANEL)) {
            return Ok(());
        }
        let mut value = self.write();
        if value.packed().is_none() {
            let w = value.f32()?;
            let packed = PackedMatrix::of_weights(unit, w, (w.len() / inputs, inputs))?;
            *value = Buffer::from_packed(packed).into();
        }
        Ok(())
    }

    /// Undoes [`Parameter::pack`], if that was exact.
    fn unpack(&self) {
        let mut value = self.write();
        if let Some(packed) = value.packed().filter(|packed| packed.is_exact()) {
            let plain = packed.to_weights();
            *value = Buffer::from_vec(plain).into();
        }
    }

    fn is_packed(&self) -> bool {
        self.read().packed().is_some()
    }

    /// The value; empty until the checkpoint is loaded.
    pub fn read(&self) -> RwLockReadGuard<'_, Value> {
        // A panic elsewhere cannot leave a tensor half-replaced in a way that matters here.
        self.value.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the value by others in the host's memory.
    ///
    /// # Errors
    /// Of the device, or [`crate::EngineError::Internal`] for a value that was packed or rounded.
    pub(crate) fn set(&self, values: &[f32]) -> Result<()> {
        self.write().set(values)?;
        #[cfg(feature = "cuda")]
        self.refresh()?;
        Ok(())
    }

    /// The value, for loading and for optimisers.
    pub fn write(&self) -> RwLockWriteGuard<'_, Value> {
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
        self.add(parts, init, Role::Other)
    }

    /// Declares a table of embeddings, `[entries, width]`.
    pub(crate) fn declare_table(&mut self, part: Part, std: f32) -> Arc<Parameter> {
        let width = part.shape.last().copied().unwrap_or(0);
        self.add(vec![part], Init::Normal(std), Role::Table(width))
    }

    /// Declares the bias of a linear layer.
    pub(crate) fn declare_bias(&mut self, parts: Vec<Part>) -> Arc<Parameter> {
        self.add(parts, Init::Zeros, Role::Bias)
    }

    /// Declares weights of a product that are never packed.
    pub(crate) fn declare_rounded(&mut self, parts: Vec<Part>, init: Init) -> Arc<Parameter> {
        self.add(parts, init, Role::Unpacked)
    }

    /// Declares the weights of a linear layer, `[.., inputs]`.
    pub(crate) fn declare_weights(
        &mut self,
        parts: Vec<Part>,
        init: Init,
        inputs: usize,
    ) -> Arc<Parameter> {
        self.add(parts, init, Role::Weights(inputs))
    }

    fn add(&mut self, parts: Vec<Part>, init: Init, role: Role) -> Arc<Parameter> {
        let param = Arc::new(Parameter {
            id: ParamId(self.params.len()),
            parts,
            init,
            role,
            value: RwLock::new(Buffer::from_vec(Vec::new()).into()),
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
        let bytes = |p: &Arc<Parameter>| {
            let value = p.read();
            value.bytes() + value.rounded.as_ref().map_or(0, Buffer::bytes)
        };
        self.params.iter().map(bytes).sum()
    }
}

#[cfg(feature = "cuda")]
mod device {
    use std::sync::Arc;

    use kobench_cuda::{Gpu, ops::cast};

    use super::{ParamStore, Parameter, Role, Value};
    use crate::buffer::{Buffer, Element};
    use crate::context::Precision;
    use crate::error::Result;

    impl Value {
        /// What products read.
        pub(crate) fn operand(&self) -> &Buffer {
            self.rounded.as_ref().unwrap_or(&self.value)
        }

        /// The rounded copy that an optimiser writes together with the value.
        pub(crate) fn rounded_mut(&mut self) -> Option<&mut Buffer> {
            self.rounded.as_mut()
        }
    }

    impl Parameter {
        /// Brings a value in the host's memory to a device. In bf16, what products read is rounded; `trains`: the value
        /// itself is kept beside it.
        ///
        /// # Errors
        /// [`crate::EngineError::OutOfDeviceMemory`].
        pub(crate) fn to_device(
            &self,
            gpu: &Arc<Gpu>,
            precision: Precision,
            trains: bool,
        ) -> Result<()> {
            let mut value = self.write();
            let host = value.f32()?;
            let (len, what) = (host.len(), "the weights");
            let whole = gpu.allocate(len * size_of::<f32>(), what)?;
            gpu.upload(host, whole.ptr())?;
            let whole = Buffer::from_device(whole, len, Element::F32);
            if precision == Precision::F32 || matches!(self.role, Role::Other | Role::Table(_)) {
                *value = whole.into();
                return Ok(());
            }
            let half = gpu.allocate(len * Element::Bf16.bytes(), what)?;
            let mut half = Buffer::from_device(half, len, Element::Bf16);
            cast::cast(gpu, whole.device()?, half.device_mut()?)?;
            *value = match trains {
                true => Value { value: whole, rounded: Some(half) },
                false => half.into(),
            };
            Ok(())
        }

        /// Keeps only what products read.
        fn round(&self) {
            let mut value = self.write();
            if let Some(rounded) = value.rounded.take() {
                *value = rounded.into();
            }
        }

        /// Brings a changed value into its rounded copy.
        ///
        /// # Errors
        /// Of the device.
        pub(super) fn refresh(&self) -> Result<()> {
            let mut value = self.write();
            let Value { value, rounded } = &mut *value;
            match (rounded, value.gpu()) {
                (Some(rounded), Some(gpu)) => {
                    Ok(cast::cast(&gpu, value.device()?, rounded.device_mut()?)?)
                }
                _ => Ok(()),
            }
        }
    }

    impl ParamStore {
        /// Drops the values beside which there are rounded copies.
        pub(crate) fn round(&self) {
            self.iter().for_each(|param| param.round());
        }

        /// Whether all values of a device are those that were loaded.
        pub(crate) fn is_exact(&self) -> bool {
            self.iter().all(|param| param.read().element() == Element::F32)
        }
    }
}
