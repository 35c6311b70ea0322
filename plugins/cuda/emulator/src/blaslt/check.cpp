#include "check.h"

namespace emu {

namespace {

bool known(int32_t type) { return type == CUDA_R_32F || type == CUDA_R_16BF; }
Type type_of(int32_t type) { return type == CUDA_R_32F ? Type::F32 : Type::BF16; }

// The table of data types for 32-bit arithmetic, as far as it has f32 and bf16.
cublasStatus_t check_types(const MatmulDesc &desc, const MatrixLayout &a, const MatrixLayout &b,
                           const MatrixLayout &c, const MatrixLayout &d) {
    if (!known(a.type) || !known(b.type) || !known(c.type) || !known(d.type)) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (desc.scale_type != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
    switch (desc.compute_type) {
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC: break;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
    case CUBLAS_COMPUTE_32F_FAST_16BF:
        if (a.type != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
        break;
    default: return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (a.type != b.type || c.type != d.type) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (a.type == CUDA_R_32F && d.type != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (desc.bias_type != -1 && desc.bias_type != d.type) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (desc.aux_type != -1 && desc.aux_type != d.type) return CUBLAS_STATUS_NOT_SUPPORTED;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t check_layout(const MatrixLayout &x, uint64_t rows, uint64_t cols, int32_t batches) {
    if (x.order != 0) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (x.rows != rows || x.cols != cols || x.batch_count != batches) return CUBLAS_STATUS_INVALID_VALUE;
    if (x.ld < static_cast<int64_t>(x.rows)) return CUBLAS_STATUS_INVALID_VALUE;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t take_epilogue(const MatmulDesc &desc, const MatrixLayout &d, Product &p) {
    bool bias = false, aux = false;
    switch (desc.epilogue) {
    case EPILOGUE_DEFAULT: break;
    case EPILOGUE_RELU: p.activation = Activation::RELU; break;
    case EPILOGUE_BIAS: bias = true; break;
    case EPILOGUE_RELU_BIAS:
        p.activation = Activation::RELU;
        bias = true;
        break;
    case EPILOGUE_GELU: p.activation = Activation::GELU; break;
    case EPILOGUE_GELU_BIAS:
        p.activation = Activation::GELU;
        bias = true;
        break;
    case EPILOGUE_GELU_AUX:
    case EPILOGUE_GELU_AUX_BIAS:
        p.activation = Activation::GELU;
        p.keeps_aux = aux = true;
        bias = desc.epilogue == EPILOGUE_GELU_AUX_BIAS;
        break;
    case EPILOGUE_DGELU:
    case EPILOGUE_DGELU_BGRAD:
        p.activation = Activation::GELU_GRADIENT;
        aux = true;
        if (desc.epilogue == EPILOGUE_DGELU_BGRAD) p.bias_gradient = BiasGradient::D;
        break;
    case EPILOGUE_BGRADA: p.bias_gradient = BiasGradient::A; break;
    case EPILOGUE_BGRADB: p.bias_gradient = BiasGradient::B; break;
    default: return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    p.adds_bias = bias;
    if (bias || p.bias_gradient != BiasGradient::NONE) {
        if (desc.bias == nullptr) return CUBLAS_STATUS_NOT_SUPPORTED;
        p.bias = {desc.bias, type_of(d.type), 0, static_cast<size_t>(desc.bias_batch_stride)};
    }
    if (aux) {
        if (desc.aux == nullptr) return CUBLAS_STATUS_NOT_SUPPORTED;
        // "Must be divisible by 8 and no less than the number of rows in the output matrix."
        if (desc.aux_ld % 8 != 0 || desc.aux_ld < static_cast<int64_t>(d.rows)) return CUBLAS_STATUS_NOT_SUPPORTED;
        p.aux = {desc.aux, type_of(d.type), static_cast<size_t>(desc.aux_ld),
                 static_cast<size_t>(desc.aux_batch_stride)};
    }
    return CUBLAS_STATUS_SUCCESS;
}

Matrix matrix(const MatrixLayout &x) {
    return {nullptr, type_of(x.type), static_cast<size_t>(x.ld), static_cast<size_t>(x.batch_stride)};
}

} // namespace

cublasStatus_t describe(const MatmulDesc &desc, const MatrixLayout &a, const MatrixLayout &b, const MatrixLayout &c,
                        const MatrixLayout &d, Product &p) {
    const bool ta = desc.transpose_a != CUBLAS_OP_N, tb = desc.transpose_b != CUBLAS_OP_N;
    if (desc.transpose_c != CUBLAS_OP_N || desc.pointer_mode > 1) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (d.rows == 0 || d.cols == 0 || d.batch_count < 1) return CUBLAS_STATUS_INVALID_VALUE;
    const uint64_t k = ta ? a.rows : a.cols;
    cublasStatus_t status = check_types(desc, a, b, c, d);
    const auto layout = [&](const MatrixLayout &x, uint64_t rows, uint64_t cols) {
        if (status == CUBLAS_STATUS_SUCCESS) status = check_layout(x, rows, cols, d.batch_count);
    };
    layout(a, ta ? k : d.rows, ta ? d.rows : k);
    layout(b, tb ? d.cols : k, tb ? k : d.cols);
    layout(c, d.rows, d.cols);
    layout(d, d.rows, d.cols);
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    p.m = d.rows;
    p.n = d.cols;
    p.k = k;
    p.batches = static_cast<size_t>(d.batch_count);
    p.transpose_a = ta;
    p.transpose_b = tb;
    p.a = matrix(a);
    p.b = matrix(b);
    p.c = matrix(c);
    p.d = matrix(d);
    return take_epilogue(desc, d, p);
}

} // namespace emu
