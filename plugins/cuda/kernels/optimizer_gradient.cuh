// The norm of all gradients, and what follows from it: the factor that clips, and whether anything is updated.
#pragma once

#include "optimizer_state.cuh"

// The gradient of a tensor. The mirror is in src/ops/gradient.rs.
struct kb_gradient {
    float *g;
    const uint32_t *rows; // rows of a table that may have a gradient, padded with NONE; zeros elsewhere. NULL: all
    uint8_t *live;        // for each row of a table, whether it ever had a gradient; or NULL
    uint64_t width;       // of a row
};
static_assert(sizeof(kb_gradient) == 32, "the mirror has this size");

// A block a chunk: elements, or entries of the list of rows.
__device__ __forceinline__ void gradient_squares(const kb_gradient *table, const kb_chunk *chunks, double *parts) {
    __shared__ double scratch[33];
    const kb_chunk chunk = chunks[blockIdx.x];
    const kb_gradient own = table[chunk.tensor];
    double sum = 0.0;
    if (own.rows == nullptr) {
        sum = part_of_squares(own.g + chunk.first, chunk.count, threadIdx.x, blockDim.x);
    } else {
        const uint32_t lane = threadIdx.x % WARP;
        for (uint32_t i = threadIdx.x / WARP; i < chunk.count; i += blockDim.x / WARP) {
            const uint32_t row = own.rows[chunk.first + i];
            if (row == NONE) continue;
            sum += part_of_squares(own.g + row * own.width, own.width, lane, WARP);
            if (lane == 0 && own.live != nullptr) own.live[row] = 1;
        }
    }
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

// Squares of f32 do not overflow in f64, so a sum that is not finite has a term that is not.
__device__ __forceinline__ void gradient_finish(const kb_chunk *chunks, uint32_t count, const double *parts,
                                                const kb_update *update, kb_result *result) {
    __shared__ double scratch[33];
    const double squares = sum_parts(parts, count, scratch);
    if (threadIdx.x != 0) return;
    result->grad_squares = squares;
    if (is_finite(squares)) {
        result->clip = (float)fmin(1.0, update->clip_limit / (sqrt(squares) + 1e-6));
        return;
    }
    result->finite = 0;
    uint32_t i = 0;
    while (i + 1 < count && is_finite(parts[i])) ++i;
    result->bad_tensor = chunks[i].tensor;
}

// Zeros in the listed rows, so that a table's gradient is zero everywhere again; other tensors stay as they are.
__device__ __forceinline__ void gradient_clear(const kb_gradient *table, const kb_chunk *chunks) {
    const kb_chunk chunk = chunks[blockIdx.x];
    const kb_gradient own = table[chunk.tensor];
    if (own.rows == nullptr) return;
    for (uint32_t i = threadIdx.x / WARP; i < chunk.count; i += blockDim.x / WARP) {
        const uint32_t row = own.rows[chunk.first + i];
        if (row == NONE) continue;
        for (uint64_t c = threadIdx.x % WARP; c < own.width; c += WARP) own.g[row * own.width + c] = 0.0f;
    }
}

// Adds one gradient to the sum of squares in `result`, and changes nothing else while all is finite. Of a list of rows
// the gradient may be compact: entry after entry, and not at the rows' places.
template <class T>
__device__ __forceinline__ void gradient_measure(const T *g, uint64_t elements, const uint32_t *rows, uint32_t listed,
                                                 uint32_t width, uint32_t compact, uint32_t tensor, double *parts,
                                                 kb_result *result) {
    __shared__ double scratch[33];
    double sum = 0.0;
    if (rows == nullptr) {
        // Chunks of a multiple of four, one a block.
        const uint64_t chunk = ((elements + gridDim.x - 1) / gridDim.x + 3) / 4 * 4, first = chunk * blockIdx.x;
        if (first < elements) {
            const uint64_t left = elements - first;
            sum = part_of_squares(g + first, left < chunk ? left : chunk, threadIdx.x, blockDim.x);
        }
    } else {
        const uint32_t lane = threadIdx.x % WARP;
        for (uint64_t i = ((uint64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP; i < listed;
             i += (uint64_t)gridDim.x * blockDim.x / WARP) {
            const uint32_t row = rows[i];
            if (row == NONE) continue;
            sum += part_of_squares(g + (compact ? i : row) * width, width, lane, WARP);
        }
    }
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
    if (!is_last_block(result)) return;
    const double squares = sum_parts(parts, gridDim.x, scratch);
    if (threadIdx.x != 0 || !result->finite) return;
    result->grad_squares += squares;
    if (!is_finite(squares)) {
        result->finite = 0;
        result->bad_tensor = tensor;
    }
}
