// The part of cuBLASLt's interface that is emulated.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../driver/cuda.h"

enum cublasStatus_t : unsigned {
    CUBLAS_STATUS_SUCCESS = 0,
    CUBLAS_STATUS_NOT_INITIALIZED = 1,
    CUBLAS_STATUS_INVALID_VALUE = 7,
    CUBLAS_STATUS_EXECUTION_FAILED = 13,
    CUBLAS_STATUS_INTERNAL_ERROR = 14,
    CUBLAS_STATUS_NOT_SUPPORTED = 15,
};

enum : int { CUDA_R_32F = 0, CUDA_R_16BF = 14 };
enum : int { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1, CUBLAS_OP_C = 2 };
enum : int {
    CUBLAS_COMPUTE_32F = 68,
    CUBLAS_COMPUTE_32F_PEDANTIC = 69,
    CUBLAS_COMPUTE_32F_FAST_16BF = 75,
    CUBLAS_COMPUTE_32F_FAST_TF32 = 77,
};

enum : unsigned {
    EPILOGUE_DEFAULT = 1,
    EPILOGUE_RELU = 2,
    EPILOGUE_BIAS = 4,
    EPILOGUE_RELU_BIAS = 6,
    EPILOGUE_GELU = 32,
    EPILOGUE_GELU_BIAS = 36,
    EPILOGUE_GELU_AUX = 160,
    EPILOGUE_GELU_AUX_BIAS = 164,
    EPILOGUE_DGELU = 192,
    EPILOGUE_DGELU_BGRAD = 208,
    EPILOGUE_BGRADA = 256,
    EPILOGUE_BGRADB = 512,
};

struct MatmulDesc {
    int32_t compute_type = CUBLAS_COMPUTE_32F, scale_type = CUDA_R_32F;
    int32_t pointer_mode = 0;
    int32_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N, transpose_c = CUBLAS_OP_N;
    uint32_t epilogue = EPILOGUE_DEFAULT;
    void *bias = nullptr;
    int64_t bias_batch_stride = 0;
    void *aux = nullptr;
    int64_t aux_ld = 0, aux_batch_stride = 0;
    int32_t bias_type = -1, aux_type = -1; // -1: as D
};

struct MatrixLayout {
    int32_t type = CUDA_R_32F, order = 0;
    uint64_t rows = 0, cols = 0;
    int64_t ld = 0;
    int32_t batch_count = 1;
    int64_t batch_stride = 0;
};

struct MatmulPreference {
    uint64_t max_workspace = 0;
};

struct MatmulAlgo {
    uint64_t data[8];
};

struct HeuristicResult {
    MatmulAlgo algo;
    size_t workspace_size;
    cublasStatus_t state;
    float waves;
    int reserved[4];
};

struct LtHandle {};
