// What a training step reads and writes beside tensors: the numbers of the update, and what came of the step.
#pragma once

#include "common.cuh"

// What came of a step; the host reads it once the step is done. The mirror is `StepResult` in src/ops/gradient.rs.
struct kb_result {
    double loss;          // mean, before the loss scale; 0 where no row has a target
    double grad_squares;  // of all gradients before clipping
    double counted;       // what the loss was divided by
    float clip;           // the factor on all gradients
    uint32_t finite;      // 0: loss or gradients are not finite, and nothing is to be updated any more
    uint32_t bad_tensor;  // the first tensor whose gradient is not finite, or NONE
    uint32_t blocks_done; // 0 between launches
    uint32_t reserved[6];
};
static_assert(sizeof(kb_result) == 64, "the mirror has this size");

// The numbers of an update that change from step to step, beside the settings that go with them, so that a captured
// graph serves every step. The mirror is `Update` in src/ops/gradient.rs.
struct kb_update {
    double rate;           // learning rate
    double clip_limit;     // largest norm of the gradients; infinity: any
    double weight_decay;   // decoupled
    double correct_first;  // AdamW: 1 - b1^t
    double correct_second; // AdamW: sqrt(1 - b2^t)
    float keep_first;      // AdamW: b1
    float take_first;      // AdamW: 1 - b1
    float keep_second;     // AdamW: b2
    float take_second;     // AdamW: 1 - b2
    float eps;             // AdamW
    uint32_t huggingface;  // AdamW: whose form
    double keep_square;    // AdaLomo: 1 - t^decay_rate
    double least_square;   // AdaLomo: eps 1, added to squared gradients
    double least_rms;      // AdaLomo: eps 2, least root mean square of the weights
    double largest_rms;    // AdaLomo: of an update
    double reserved[4];
};
static_assert(sizeof(kb_update) == 128, "the mirror has this size");

// A run of elements, or of a list's rows, of one tensor: the work of one block. A tensor's number is its place in
// the table.
struct kb_chunk {
    uint32_t tensor;
    uint32_t count;
    uint64_t first;
};

__device__ __forceinline__ bool is_finite(double v) { return v - v == 0.0; }

// Whether this is the last block of the grid that comes here. It then sees all that the others wrote before, and
// sums it in a fixed order. All threads call it.
__device__ __forceinline__ bool is_last_block(kb_result *result) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        last = atomicAdd(&result->blocks_done, 1u) == gridDim.x - 1;
        if (last) result->blocks_done = 0;
    }
    __syncthreads();
    if (last) __threadfence();
    return last;
}

// Sum of what blocks wrote, the same for all threads. `scratch` as in block_sum.
__device__ __forceinline__ double sum_parts(const double *parts, uint32_t count, double *scratch) {
    // Other blocks of this launch may have written them: not through a cache of this multiprocessor.
    const volatile double *fresh = parts;
    double sum = 0.0;
    for (uint32_t i = threadIdx.x; i < count; i += blockDim.x) sum += fresh[i];
    return block_sum(sum, scratch);
}

// Sum of the squares of every `stride`-th four of `count` elements from four number `from` on: the part of one of
// `stride` threads.
template <class T>
__device__ __forceinline__ double part_of_squares(const T *values, uint64_t count, uint32_t from, uint32_t stride) {
    double sum = 0.0;
    const bool vector = (reinterpret_cast<uintptr_t>(values) & (4 * sizeof(T) - 1)) == 0;
    const uint64_t quads = vector ? count / 4 : 0;
    for (uint64_t i = from; i < quads; i += stride) {
        const float4 q = Quad<T>::load(values + 4 * i);
        const double x = q.x, y = q.y, z = q.z, w = q.w;
        sum += x * x;
        sum += y * y;
        sum += z * z;
        sum += w * w;
    }
    for (uint64_t i = 4 * quads + from; i < count; i += stride) {
        const double x = to_float(values[i]);
        sum += x * x;
    }
    return sum;
}
