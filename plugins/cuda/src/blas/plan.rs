//! How one kind of product is computed: the descriptors and the algorithm that cuBLASLt chose.
#![expect(unsafe_code, reason = "calls of the library")]

use std::ffi::c_void;

use cudarc::cublaslt::result::{self, CublasError};
use cudarc::cublaslt::sys::{
    cublasComputeType_t as Compute, cublasLtEpilogue_t as LtEpilogue, cublasLtHandle_t,
    cublasLtMatmulAlgo_t, cublasLtMatmulDesc_t, cublasLtMatmulDescAttributes_t as DescAttribute,
    cublasLtMatmulPreferenceAttributes_t as PreferenceAttribute, cublasLtMatrixLayout_t,
    cudaDataType,
};
use cudarc::driver::sys::CUstream;

use super::{Epilogue, Operand, Product, bucket, scalar};
use crate::error::{CudaError, Result};
use crate::slice::DType;

/// What the choice of an algorithm depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Rows, columns and depth; one of them is a bucket where it is the number of tokens.
    size: [usize; 3],
    strides: [usize; 3],
    transposed: [bool; 2],
    operands: DType,
    result: DType,
    epilogue: Kind,
    adds: bool,
    /// Alignments of the addresses, of which the kernels make use.
    aligned: [bool; 3],
    tf32: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    None,
    Bias,
    BiasGelu,
    BiasGeluKeeping,
}

impl Key {
    pub(super) fn of(product: &Product<'_>, tf32: bool) -> Self {
        let Product { m, n, k, a, b, d, stride, beta, epilogue, .. } = product;
        let aligned = |ptr: u64| ptr.is_multiple_of(16);
        // Tokens are the rows of what goes forward, and the depth of the weights' gradients.
        let depth = if a.transposed { bucket(*k) } else { *k };
        let rows = if a.transposed { *m } else { bucket(*m) };
        Self {
            size: [rows, *n, depth],
            strides: [a.stride, b.stride, *stride],
            transposed: [a.transposed, b.transposed],
            operands: a.values.dtype(),
            result: d.dtype(),
            epilogue: match epilogue {
                Epilogue::None => Kind::None,
                Epilogue::Bias(_) => Kind::Bias,
                Epilogue::BiasGeluTanh { pre: None, .. } => Kind::BiasGelu,
                Epilogue::BiasGeluTanh { pre: Some(_), .. } => Kind::BiasGeluKeeping,
            },
            adds: *beta != 0.0,
            aligned: [aligned(a.values.ptr()), aligned(b.values.ptr()), aligned(d.ptr())],
            tf32: tf32 && a.values.dtype() == DType::F32,
        }
    }

    /// The product in words, for errors.
    pub(super) fn describe(&self, product: &Product<'_>) -> String {
        let Product { m, n, k, .. } = product;
        format!(
            "a product [{m}, {k}] x [{k}, {n}] of {:?} into {:?} ({:?})",
            self.operands, self.result, self.epilogue
        )
    }
}

/// An algorithm, for products of one key.
#[derive(Debug)]
pub(super) struct Plan {
    algorithm: cublasLtMatmulAlgo_t,
    tf32: bool,
}

fn data_type(dtype: DType) -> cudaDataType {
    match dtype {
        DType::F32 => cudaDataType::CUDA_R_32F,
        DType::Bf16 => cudaDataType::CUDA_R_16BF,
    }
}

/// A matrix's layout, freed when it is dropped.
struct Layout(cublasLtMatrixLayout_t);

impl Layout {
    /// Of what is stored in `rows` rows of `cols` elements: in columns, the sides change places.
    fn new(
        dtype: DType,
        (rows, cols): (usize, usize),
        stride: usize,
    ) -> std::result::Result<Self, CublasError> {
        let stride = i64::try_from(stride).unwrap_or(i64::MAX);
        result::create_matrix_layout(data_type(dtype), cols as u64, rows as u64, stride).map(Self)
    }

    fn of(
        operand: Operand<'_>,
        (rows, cols): (usize, usize),
    ) -> std::result::Result<Self, CublasError> {
        let stored = if operand.transposed { (cols, rows) } else { (rows, cols) };
        Self::new(operand.values.dtype(), stored, operand.stride)
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        // SAFETY: the layout is this value's alone.
        let _ = unsafe { result::destroy_matrix_layout(self.0) };
    }
}

/// A product's descriptor, freed when it is dropped.
struct Description(cublasLtMatmulDesc_t);

impl Description {
    fn set<T>(&self, attribute: DescAttribute, value: &T) -> std::result::Result<(), CublasError> {
        let ptr: *const c_void = std::ptr::from_ref(value).cast();
        // SAFETY: the descriptor is there, and the value has the type that the attribute has.
        unsafe { result::set_matmul_desc_attribute(self.0, attribute, ptr, size_of::<T>()) }
    }

    fn new(product: &mut Product<'_>, tf32: bool) -> std::result::Result<Self, CublasError> {
        let compute = match tf32 {
            true => Compute::CUBLAS_COMPUTE_32F_FAST_TF32,
            false => Compute::CUBLAS_COMPUTE_32F,
        };
        let description = Self(result::create_matmul_desc(compute, cudaDataType::CUDA_R_32F)?);
        // B is the library's left operand, and what is stored in rows is the transpose of its columns.
        description
            .set(DescAttribute::CUBLASLT_MATMUL_DESC_TRANSA, &i32::from(product.b.transposed))?;
        description
            .set(DescAttribute::CUBLASLT_MATMUL_DESC_TRANSB, &i32::from(product.a.transposed))?;
        let n = product.n as i64;
        let (epilogue, bias) = match &mut product.epilogue {
            Epilogue::None => return Ok(description),
            Epilogue::Bias(bias) => (LtEpilogue::CUBLASLT_EPILOGUE_BIAS, bias.ptr()),
            Epilogue::BiasGeluTanh { bias, pre: None } => {
                (LtEpilogue::CUBLASLT_EPILOGUE_GELU_BIAS, bias.ptr())
            }
            Epilogue::BiasGeluTanh { bias, pre: Some(pre) } => {
                description
                    .set(DescAttribute::CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, &pre.ptr())?;
                description.set(DescAttribute::CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, &n)?;
                (LtEpilogue::CUBLASLT_EPILOGUE_GELU_AUX_BIAS, bias.ptr())
            }
        };
        description.set(DescAttribute::CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue)?;
        description.set(DescAttribute::CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias)?;
        Ok(description)
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        // SAFETY: the descriptor is this value's alone.
        let _ = unsafe { result::destroy_matmul_desc(self.0) };
    }
}

/// Descriptors of a product: left and right in the library's order, and the result.
struct Described {
    description: Description,
    left: Layout,
    right: Layout,
    result: Layout,
}

impl Described {
    fn new(product: &mut Product<'_>, tf32: bool) -> std::result::Result<Self, CublasError> {
        let Product { m, n, k, stride, .. } = *product;
        Ok(Self {
            left: Layout::of(product.b, (k, n))?,
            right: Layout::of(product.a, (m, k))?,
            result: Layout::new(product.d.dtype(), (m, n), stride)?,
            description: Description::new(product, tf32)?,
        })
    }
}

impl Plan {
    /// Asks cuBLASLt for the best way to compute such a product.
    pub(super) fn new(
        handle: cublasLtHandle_t,
        product: &Product<'_>,
        key: &Key,
        workspace: usize,
    ) -> Result<Self> {
        let refused = |error| CudaError::blas(key.describe(product), error);
        let mut like = like(product, key);
        let described = Described::new(&mut like, key.tf32).map_err(refused)?;
        let preference = result::create_matmul_pref().map_err(refused)?;
        let attribute = PreferenceAttribute::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
        // SAFETY: the preference is there; the attribute is a size.
        let set = unsafe {
            let value: *const c_void = std::ptr::from_ref(&workspace).cast();
            result::set_matmul_pref_attribute(preference, attribute, value, size_of::<usize>())
        };
        let found = set.and_then(|()| {
            // SAFETY: all of them are there.
            unsafe {
                result::get_matmul_algo_heuristic(
                    handle,
                    described.description.0,
                    described.left.0,
                    described.right.0,
                    described.result.0,
                    described.result.0,
                    preference,
                )
            }
        });
        // SAFETY: the preference is this function's alone.
        let _ = unsafe { result::destroy_matmul_pref(preference) };
        let found = found.map_err(refused)?;
        Ok(Self { algorithm: found.algo, tf32: key.tf32 })
    }

    /// Puts the product into the stream.
    pub(super) fn run(
        &self,
        handle: cublasLtHandle_t,
        product: &mut Product<'_>,
        workspace: u64,
        workspace_bytes: usize,
        stream: CUstream,
    ) -> std::result::Result<(), CublasError> {
        let described = Described::new(product, self.tf32)?;
        let d = product.d.ptr() as *mut c_void;
        // SAFETY: operands and result are there and as large as the layouts say, as `check` saw; so is the workspace.
        unsafe {
            result::matmul(
                handle,
                described.description.0,
                scalar(&product.alpha),
                scalar(&product.beta),
                product.b.values.ptr() as *const c_void,
                described.left.0,
                product.a.values.ptr() as *const c_void,
                described.right.0,
                d,
                described.result.0,
                d,
                described.result.0,
                &raw const self.algorithm,
                workspace as *mut c_void,
                workspace_bytes,
                stream.cast(),
            )
        }
    }
}

/// The product with the sizes of its key, for the choice of an algorithm, which looks at no element.
fn like<'a>(product: &Product<'a>, key: &Key) -> Product<'a> {
    use crate::slice::SliceMut;

    let [m, n, k] = key.size;
    let d = SliceMut::new(product.d.ptr(), product.d.len(), product.d.dtype());
    let epilogue = match &product.epilogue {
        Epilogue::None => Epilogue::None,
        Epilogue::Bias(bias) => Epilogue::Bias(*bias),
        Epilogue::BiasGeluTanh { bias, pre } => {
            let pre = pre.as_ref().map(|pre| SliceMut::new(pre.ptr(), pre.len(), pre.dtype()));
            Epilogue::BiasGeluTanh { bias: *bias, pre }
        }
    };
    Product { m, n, k, d, epilogue, ..copied(product) }
}

fn copied<'a>(product: &Product<'a>) -> Product<'a> {
    use crate::slice::SliceMut;

    Product {
        d: SliceMut::new(product.d.ptr(), product.d.len(), product.d.dtype()),
        epilogue: Epilogue::None,
        ..*product
    }
}
