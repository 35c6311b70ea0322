//! Matrix products through cuBLASLt, in row-major terms.
//!
//! cuBLASLt is column-major: D = A B in rows is D^T = B^T A^T in its columns, so that operands change places and
//! nothing is copied. f32 products use f32 throughout (no TF32, unless asked for); bf16 products add up in f32.

mod plan;

use std::collections::HashMap;
use std::ffi::c_void;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use cudarc::cublaslt::result;
use cudarc::cublaslt::sys::cublasLtHandle_t;

use self::plan::{Key, Plan};
use crate::device::{Gpu, lock};
use crate::error::{CudaError, Result};
use crate::slice::{DType, Slice, SliceMut};

/// Scratch memory of a product. More lets cuBLASLt split deep products; this is what NVIDIA recommends for Hopper.
const WORKSPACE: usize = 32 << 20;

/// A matrix in rows, or its transpose.
#[derive(Debug, Clone, Copy)]
pub struct Operand<'a> {
    /// The elements.
    pub values: Slice<'a>,
    /// Elements from one stored row to the next.
    pub stride: usize,
    /// Whether the product takes the transpose of what is stored.
    pub transposed: bool,
}

impl<'a> Operand<'a> {
    /// A matrix as it is stored.
    pub fn new(values: Slice<'a>, stride: usize) -> Self {
        Self { values, stride, transposed: false }
    }

    /// Its transpose.
    #[must_use]
    pub fn t(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }
}

/// What happens to a product before it is written.
#[derive(Debug)]
pub enum Epilogue<'a> {
    /// Nothing.
    None,
    /// A bias `[n]`, of D's dtype, is added to each row.
    Bias(Slice<'a>),
    /// A bias is added, and then GELU applied, in its tanh form; `pre` of D's shape receives what it is applied to.
    BiasGeluTanh {
        /// `[n]`, of D's dtype.
        bias: Slice<'a>,
        /// `[m, n]`, of D's dtype.
        pre: Option<SliceMut<'a>>,
    },
}

/// D `[m, n]` = alpha A `[m, k]` B `[k, n]` + beta D.
#[derive(Debug)]
pub struct Product<'a> {
    /// Rows of D.
    pub m: usize,
    /// Columns of D.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// The left operand.
    pub a: Operand<'a>,
    /// The right operand, of A's dtype.
    pub b: Operand<'a>,
    /// The result, f32 or of A's dtype.
    pub d: SliceMut<'a>,
    /// Elements from one row of D to the next.
    pub stride: usize,
    /// A factor of the product.
    pub alpha: f32,
    /// A factor of what was in D; 0: D is not read.
    pub beta: f32,
    /// What happens before D is written.
    pub epilogue: Epilogue<'a>,
}

/// The library's handle, and how each kind of product is computed.
pub(crate) struct Blas {
    handle: Handle,
    plans: Mutex<HashMap<Key, Plan>>,
    tf32: AtomicBool,
}

struct Handle(cublasLtHandle_t);

#[expect(unsafe_code, reason = "a handle of the library, which any thread may use")]
// SAFETY: cuBLASLt's handle is thread-safe.
unsafe impl Send for Handle {}
#[expect(unsafe_code, reason = "a handle of the library, which any thread may use")]
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl fmt::Debug for Blas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blas({} plans)", lock(&self.plans).len())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "a call of the library")]
        // SAFETY: the handle is this value's alone.
        let _ = unsafe { result::destroy_handle(self.0) };
    }
}

impl Blas {
    pub(crate) fn open() -> Result<Self> {
        let handle = result::create_handle().map_err(|e| CudaError::blas("to start", e))?;
        Ok(Self { handle: Handle(handle), plans: Mutex::default(), tf32: AtomicBool::new(false) })
    }
}

/// How many rows a plan is made for: those of batches change all the time, and how a product is computed may be the same for
/// batches of about the same size.
fn bucket(rows: usize) -> usize {
    match rows {
        0..=64 => rows.next_power_of_two(),
        _ => rows.next_multiple_of((rows.next_power_of_two() / 16).max(64)),
    }
}

impl Gpu {
    /// Whether products of f32 may round their operands to TF32 from now on.
    pub fn set_tf32(&self, on: bool) {
        self.blas.tf32.store(on, Ordering::Relaxed);
        lock(&self.blas.plans).clear();
    }

    /// Whether products of f32 may round their operands to TF32.
    pub fn tf32(&self) -> bool {
        self.blas.tf32.load(Ordering::Relaxed)
    }

    /// Computes a product.
    ///
    /// # Errors
    /// [`CudaError::Blas`] where cuBLASLt has no way to compute it, [`CudaError::OutOfMemory`] for its scratch memory.
    ///
    /// # Panics
    /// When sizes or dtypes contradict each other.
    pub fn product(&self, product: &mut Product<'_>) -> Result<()> {
        let Product { m, n, k, .. } = *product;
        if m == 0 || n == 0 {
            return Ok(());
        }
        check(product);
        if k == 0 {
            assert!(product.stride == n && matches!(product.epilogue, Epilogue::None));
            if product.beta == 0.0 {
                let (ptr, bytes) = (product.d.ptr(), product.d.len() * product.d.dtype().bytes());
                return self.fill_zero(ptr, bytes);
            }
            return Ok(());
        }
        self.bind()?;
        let workspace = self.workspace(WORKSPACE)?;
        let key = Key::of(product, self.blas.tf32.load(Ordering::Relaxed));
        let mut plans = lock(&self.blas.plans);
        let handle = self.blas.handle.0;
        if let Some(plan) = plans.get(&key)
            && plan.run(handle, product, workspace, WORKSPACE, self.stream()).is_ok()
        {
            return Ok(());
        }
        // The plan of neighbours does not fit this product, or there is none yet.
        let plan = Plan::new(handle, product, &key, WORKSPACE)?;
        plan.run(handle, product, workspace, WORKSPACE, self.stream())
            .map_err(|e| CudaError::blas(key.describe(product), e))?;
        plans.insert(key, plan);
        Ok(())
    }
}

fn check(product: &Product<'_>) {
    let Product { m, n, k, a, b, d, stride, epilogue, .. } = product;
    let holds = |operand: &Operand<'_>, rows: usize, cols: usize| {
        let (rows, cols) = if operand.transposed { (cols, rows) } else { (rows, cols) };
        rows == 0
            || (operand.stride >= cols
                && operand.values.len() >= (rows - 1) * operand.stride + cols)
    };
    assert!(holds(a, *m, *k), "the left operand is too small");
    assert!(holds(b, *k, *n), "the right operand is too small");
    assert!(*stride >= *n && d.len() >= (m - 1) * stride + n, "the result is too small");
    assert_eq!(a.values.dtype(), b.values.dtype());
    assert!(d.dtype() == a.values.dtype() || d.dtype() == DType::F32);
    if let Epilogue::Bias(bias) | Epilogue::BiasGeluTanh { bias, .. } = epilogue {
        assert!(bias.len() == *n && bias.dtype() == d.dtype());
    }
    if let Epilogue::BiasGeluTanh { pre: Some(pre), .. } = epilogue {
        assert!(pre.len() == m * n && pre.dtype() == d.dtype());
    }
}

/// The address of a scalar, as the library takes it.
fn scalar(value: &f32) -> *const c_void {
    std::ptr::from_ref(value).cast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_few_and_at_most_an_eighth_larger() {
        assert_eq!(
            [1, 2, 3, 33, 65, 640, 641, 1000].map(bucket),
            [1, 2, 4, 64, 128, 640, 704, 1024]
        );
        for rows in 1000..100_000 {
            assert!(bucket(rows) >= rows && bucket(rows) - rows <= rows / 8 + 64, "{rows}");
        }
    }
}
