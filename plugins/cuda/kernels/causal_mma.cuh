// Causal attention in bf16 on tensor cores: tiles in shared memory, and what is done with them by both passes.
//
// A tile's rows are DIM + 8 elements apart, so that matrix loads do not meet in a bank; head_dim is padded to DIM, and
// rows behind a sequence's end to a whole tile, with zeros.
#pragma once

#include "causal.cuh"
#include "mma.cuh"

namespace causal {

constexpr float LOG2E = 1.4426950408889634f, LN2 = 0.6931471805599453f;

// Starts loading ROWS rows of one head, of which `rows` exist, that are `width` apart.
template <int ROWS, int DIM, int THREADS>
__device__ __forceinline__ void load_tile(bf16 *tile, const bf16 *from, int rows, int dim, int width) {
    constexpr int STRIDE = DIM + 8, PIECES = DIM / 8, STEP = THREADS / PIECES;
    static_assert(THREADS % PIECES == 0 && ROWS % STEP == 0, "a thread stays in its column");
    if (dim % 8 == 0) {
        const int row0 = (int)threadIdx.x / PIECES, column = (int)threadIdx.x % PIECES * 8;
        const int end = column < dim ? rows : 0;
        bf16 *const to = tile + row0 * STRIDE + column;
        const bf16 *const at = from + (size_t)row0 * width + column;
#pragma unroll
        for (int row = 0; row < ROWS; row += STEP) {
            const bool exists = row0 + row < end;
            copy_async(to + row * STRIDE, exists ? at + (size_t)row * width : from, exists);
        }
    } else {
        for (int i = threadIdx.x; i < ROWS * DIM; i += THREADS) {
            const int row = i / DIM, column = i % DIM;
            const bool there = row < rows && column < dim;
            tile[row * STRIDE + column] = there ? from[(size_t)row * width + column] : from_float<bf16>(0.0f);
        }
    }
}

// Writes a warp's [16, COLUMNS] to global memory, its rows times two factors (those of rows g and g + 8). They go
// through shared memory that no other warp uses, so that whole pieces of rows are written. Only `rows`, and
// the columns up to the head's end, exist.
template <int COLUMNS>
__device__ __forceinline__ void store_block(const float (&block)[COLUMNS / 8][4], float low, float high, bf16 *shared,
                                            int stride, bf16 *to, int rows, int columns, int width) {
    const int lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4;
    __syncwarp();
#pragma unroll
    for (int n = 0; n < COLUMNS / 8; ++n) {
        bf16 *at = shared + g * stride + n * 8 + 2 * t;
        *reinterpret_cast<uint32_t *>(at) = pack_bf16(block[n][0] * low, block[n][1] * low);
        *reinterpret_cast<uint32_t *>(at + 8 * stride) = pack_bf16(block[n][2] * high, block[n][3] * high);
    }
    __syncwarp();
    if (columns % 8 == 0) {
        for (int i = lane; i < 16 * (COLUMNS / 8); i += WARP) {
            const int row = i / (COLUMNS / 8), column = i % (COLUMNS / 8) * 8;
            if (row < rows && column < columns)
                *reinterpret_cast<uint4 *>(to + (size_t)row * width + column) =
                    *reinterpret_cast<const uint4 *>(shared + row * stride + column);
        }
    } else {
        for (int i = lane; i < 16 * COLUMNS; i += WARP) {
            const int row = i / COLUMNS, column = i % COLUMNS;
            if (row < rows && column < columns) to[(size_t)row * width + column] = shared[row * stride + column];
        }
    }
}

// Products become scores. What matters is a score's absolute error, because it becomes an exponent: tanh as
// 1 - 2 / (1 + e^2x) is as good as any then.
struct Cap {
    bool is_on;
    float inner, outer; // 2 log2(e) scale / cap, and cap; without a cap the outer one is the scale

    __device__ __forceinline__ explicit Cap(const Problem &p)
        : is_on(p.cap > 0.0f), inner(is_on ? 2.0f * LOG2E * p.scale / p.cap : 0.0f), outer(is_on ? p.cap : p.scale) {}
    // tanh of product * scale / cap; where there is no cap, the product.
    __device__ __forceinline__ float bounded(float product) const {
        return is_on ? 1.0f - __fdividef(2.0f, 1.0f + exp2_fast(product * inner)) : product;
    }
};

// Dropout's factors of the four elements that a lane holds of a [16, 8] tile of probabilities. `low` and `high` are
// the numbers of its first elements in rows g and g + 8. Two lanes share a random block in each of the rows; either
// makes one of the two, and they swap halves.
__device__ __forceinline__ void tile_factors(const Problem &p, uint64_t low, uint64_t high, float (&factor)[4]) {
    const int t = threadIdx.x % 4;
    const bool odd = t % 2 != 0;
    const uint4 made = philox_block(p.step, p.dropout.site, (odd ? high : low) / 4 + t / 2);
    const uint32_t first = __shfl_xor_sync(ALL_LANES, odd ? made.x : made.z, 1);
    const uint32_t second = __shfl_xor_sync(ALL_LANES, odd ? made.y : made.w, 1);
    const uint32_t words[4] = {odd ? first : made.x, odd ? second : made.y, //
                               odd ? made.z : first, odd ? made.w : second};
#pragma unroll
    for (int e = 0; e < 4; ++e) factor[e] = words[e] >= p.dropout.threshold ? p.dropout.scale : 0.0f;
}

} // namespace causal
