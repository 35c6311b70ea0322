// The functions of cuBLASLt.
#include <stdio.h>
#include <string.h>

#include <functional>

#include "check.h"
#include "cublaslt.h"
#include "product.h"

namespace emu {
CUresult submit_to(CUstream stream, std::function<void()> operation); // of libcuda
}

using namespace emu;

namespace {

constexpr uint64_t ALGORITHM = 0x6b6f62656e636821;

template <class T> cublasStatus_t set(T &field, const void *value, size_t bytes) {
    if (value == nullptr || bytes != sizeof field) return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(&field, value, sizeof field);
    return CUBLAS_STATUS_SUCCESS;
}

template <class T> cublasStatus_t get(const T &field, void *value, size_t bytes, size_t *written) {
    if (written != nullptr) *written = sizeof field;
    if (value == nullptr || bytes < sizeof field) return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(value, &field, sizeof field);
    return CUBLAS_STATUS_SUCCESS;
}

// Calls f with the field that an attribute stands for; false if there is none.
template <class Desc, class F> bool with_field(Desc &d, int attribute, F f) {
    switch (attribute) {
    case 0: return f(d.compute_type), true;
    case 1: return f(d.scale_type), true;
    case 2: return f(d.pointer_mode), true;
    case 3: return f(d.transpose_a), true;
    case 4: return f(d.transpose_b), true;
    case 5: return f(d.transpose_c), true;
    case 7: return f(d.epilogue), true;
    case 8: return f(d.bias), true;
    case 10: return f(d.bias_batch_stride), true;
    case 11: return f(d.aux), true;
    case 12: return f(d.aux_ld), true;
    case 13: return f(d.aux_batch_stride), true;
    case 22: return f(d.aux_type), true;
    case 26: return f(d.bias_type), true;
    default: return false;
    }
}

template <class Layout, class F> bool with_layout_field(Layout &l, int attribute, F f) {
    switch (attribute) {
    case 0: return f(l.type), true;
    case 1: return f(l.order), true;
    case 2: return f(l.rows), true;
    case 3: return f(l.cols), true;
    case 4: return f(l.ld), true;
    case 5: return f(l.batch_count), true;
    case 6: return f(l.batch_stride), true;
    default: return false;
    }
}

bool aligned(const void *p, size_t bytes) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; }
size_t bytes_of(const Matrix &x) { return x.type == Type::F32 ? 4 : 2; }

} // namespace

EMU_API cublasStatus_t cublasLtCreate(LtHandle **handle) {
    if (handle == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    *handle = new LtHandle;
    return CUBLAS_STATUS_SUCCESS;
}
EMU_API cublasStatus_t cublasLtDestroy(LtHandle *handle) {
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}
EMU_API size_t cublasLtGetVersion() { return 130000; }
EMU_API size_t cublasLtGetCudartVersion() { return 13000; }
EMU_API const char *cublasLtGetStatusName(cublasStatus_t status) {
    switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR: return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    }
    return "unknown";
}
EMU_API const char *cublasLtGetStatusString(cublasStatus_t status) { return cublasLtGetStatusName(status); }

EMU_API cublasStatus_t cublasLtMatmulDescCreate(MatmulDesc **desc, int compute_type, int scale_type) {
    if (desc == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    *desc = new MatmulDesc;
    (*desc)->compute_type = compute_type;
    (*desc)->scale_type = scale_type;
    return CUBLAS_STATUS_SUCCESS;
}
EMU_API cublasStatus_t cublasLtMatmulDescDestroy(MatmulDesc *desc) {
    delete desc;
    return CUBLAS_STATUS_SUCCESS;
}
EMU_API cublasStatus_t cublasLtMatmulDescSetAttribute(MatmulDesc *desc, int attribute, const void *value,
                                                      size_t bytes) {
    cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE;
    if (desc == nullptr) return status;
    if (!with_field(*desc, attribute, [&](auto &field) { status = set(field, value, bytes); }))
        fprintf(stderr, "emulated cuBLASLt: attribute %d of a product is not known\n", attribute);
    return status;
}
EMU_API cublasStatus_t cublasLtMatmulDescGetAttribute(MatmulDesc *desc, int attribute, void *value, size_t bytes,
                                                      size_t *written) {
    cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE;
    if (desc != nullptr) with_field(*desc, attribute, [&](auto &f) { status = get(f, value, bytes, written); });
    return status;
}

EMU_API cublasStatus_t cublasLtMatrixLayoutCreate(MatrixLayout **layout, int type, uint64_t rows, uint64_t cols,
                                                  int64_t ld) {
    if (layout == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    *layout = new MatrixLayout;
    (*layout)->type = type;
    (*layout)->rows = rows;
    (*layout)->cols = cols;
    (*layout)->ld = ld;
    return CUBLAS_STATUS_SUCCESS;
}
EMU_API cublasStatus_t cublasLtMatrixLayoutDestroy(MatrixLayout *layout) {
    delete layout;
    return CUBLAS_STATUS_SUCCESS;
}
EMU_API cublasStatus_t cublasLtMatrixLayoutSetAttribute(MatrixLayout *layout, int attribute, const void *value,
                                                        size_t bytes) {
    cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE;
    if (layout != nullptr)
        with_layout_field(*layout, attribute, [&](auto &field) { status = set(field, value, bytes); });
    return status;
}
EMU_API cublasStatus_t cublasLtMatrixLayoutGetAttribute(MatrixLayout *layout, int attribute, void *value,
                                                        size_t bytes, size_t *written) {
    cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE;
    if (layout != nullptr)
        with_layout_field(*layout, attribute, [&](auto &f) { status = get(f, value, bytes, written); });
    return status;
}

EMU_API cublasStatus_t cublasLtMatmulPreferenceCreate(MatmulPreference **preference) {
    if (preference == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    *preference = new MatmulPreference;
    return CUBLAS_STATUS_SUCCESS;
}
EMU_API cublasStatus_t cublasLtMatmulPreferenceDestroy(MatmulPreference *preference) {
    delete preference;
    return CUBLAS_STATUS_SUCCESS;
}
// What is preferred makes no difference here.
EMU_API cublasStatus_t cublasLtMatmulPreferenceSetAttribute(MatmulPreference *preference, int attribute,
                                                            const void *value, size_t bytes) {
    if (preference == nullptr || value == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    return attribute == 1 ? set(preference->max_workspace, value, bytes) : CUBLAS_STATUS_SUCCESS;
}

EMU_API cublasStatus_t cublasLtMatmulAlgoGetHeuristic(LtHandle *handle, MatmulDesc *desc, MatrixLayout *a,
                                                      MatrixLayout *b, MatrixLayout *c, MatrixLayout *d,
                                                      MatmulPreference *preference, int requested,
                                                      HeuristicResult *results, int *count) {
    if (count != nullptr) *count = 0;
    if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (desc == nullptr || a == nullptr || b == nullptr || c == nullptr || d == nullptr || preference == nullptr ||
        results == nullptr || count == nullptr || requested < 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    Product product;
    const cublasStatus_t status = describe(*desc, *a, *b, *c, *d, product);
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    results[0] = HeuristicResult{{{ALGORITHM}}, 0, CUBLAS_STATUS_SUCCESS, 1.0f, {}};
    *count = 1;
    return CUBLAS_STATUS_SUCCESS;
}

EMU_API cublasStatus_t cublasLtMatmulAlgoCheck(LtHandle *handle, MatmulDesc *desc, MatrixLayout *a, MatrixLayout *b,
                                               MatrixLayout *c, MatrixLayout *d, const MatmulAlgo *algo,
                                               HeuristicResult *result) {
    MatmulPreference none;
    int count;
    if (algo == nullptr || algo->data[0] != ALGORITHM) return CUBLAS_STATUS_INVALID_VALUE;
    return cublasLtMatmulAlgoGetHeuristic(handle, desc, a, b, c, d, &none, 1, result, &count);
}

EMU_API cublasStatus_t cublasLtMatmul(LtHandle *handle, MatmulDesc *desc, const void *alpha, const void *a,
                                      MatrixLayout *a_layout, const void *b, MatrixLayout *b_layout,
                                      const void *beta, const void *c, MatrixLayout *c_layout, void *d,
                                      MatrixLayout *d_layout, const MatmulAlgo *algo, void *workspace,
                                      size_t workspace_bytes, CUstream stream) {
    if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (desc == nullptr || a_layout == nullptr || b_layout == nullptr || c_layout == nullptr || d_layout == nullptr ||
        alpha == nullptr || beta == nullptr || a == nullptr || b == nullptr || d == nullptr)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (algo != nullptr && algo->data[0] != ALGORITHM) return CUBLAS_STATUS_INVALID_VALUE;
    if (workspace_bytes > 0 && !aligned(workspace, 256)) return CUBLAS_STATUS_INVALID_VALUE;
    Product p;
    const cublasStatus_t status = describe(*desc, *a_layout, *b_layout, *c_layout, *d_layout, p);
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    p.a.data = const_cast<void *>(a);
    p.b.data = const_cast<void *>(b);
    p.c.data = const_cast<void *>(c);
    p.d.data = d;
    for (const Matrix *x : {&p.a, &p.b, &p.d})
        if (!aligned(x->data, bytes_of(*x))) return CUBLAS_STATUS_INVALID_VALUE;
    const bool on_host = desc->pointer_mode == 0;
    if (on_host) {
        p.alpha = *static_cast<const float *>(alpha);
        p.beta = *static_cast<const float *>(beta);
    }
    if (c == nullptr && (!on_host || p.beta != 0.0f)) return CUBLAS_STATUS_INVALID_VALUE;
    if (c == d && (p.c.ld != p.d.ld || p.c.batch_stride != p.d.batch_stride)) return CUBLAS_STATUS_INVALID_VALUE;
    const CUresult result = submit_to(stream, [=]() mutable {
        if (!on_host) {
            p.alpha = *static_cast<const float *>(alpha);
            p.beta = *static_cast<const float *>(beta);
        }
        compute(p);
    });
    return result == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
