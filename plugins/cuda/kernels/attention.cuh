// What the kernels of self-attention share: who computes what, rows between global and shared memory, and the
// dropout of probabilities.
//
// Self-attention within each sequence and head of a packed projection qkv [tokens, 3 hidden] (all q, then all k, then
// all v of a row). The work list says what each block does: (first row of the sequence, its length, first row of the
// tile within it, head). A tile has as many rows as the block can take. Where all sequences fit into one tile, a
// short one leaves warps free, which take the heads that follow: see Unit.
#pragma once

#include <math.h>

#include "common.cuh"
#include "mma.cuh"

namespace attention {

constexpr float LOG2_E = 1.4426950408889634f;

// What all kernels are told. `tokens` counts the padding too: it is the extent of the arrays.
struct Sizes {
    const uint4 *plan;
    uint32_t tokens, heads, head_dim;
    kb_dropout dropout;
    const kb_step *step;
};

#define KB_ATTENTION_SIZES \
    const uint4 *plan, uint32_t tokens, uint32_t heads, uint32_t head_dim, kb_dropout dropout, const kb_step *step
#define KB_ATTENTION_PACKED \
    attention::Sizes { plan, tokens, heads, head_dim, dropout, step }

struct Task {
    int start;  // the sequence's first row in the batch
    int length; // of the sequence; 0 when there is nothing to do
    int from;   // the tile's first row in the sequence
    int head;
};

__device__ __forceinline__ Task task_of(const Sizes &sizes) {
    const uint4 entry = sizes.plan[blockIdx.x];
    if (entry.x == NONE) return {0, 0, 0, 0};
    return {(int)entry.x, (int)entry.y, (int)entry.z, (int)entry.w};
}

// The warps that compute one head of a sequence of at most 16 rows a warp. They are 1, 2, 4 or 8, as many as the
// sequence needs, and the block's other warps take the next heads.
struct Unit {
    int warps;   // of a unit
    int number;  // of this unit in the block
    int own;     // first of the 16 rows of the calling warp
    int thread;  // within the unit
    int threads; // of a unit

    __device__ __forceinline__ explicit Unit(int length) {
        warps = length <= 16 ? 1 : length <= 32 ? 2 : length <= 64 ? 4 : 8;
        threads = warps * WARP;
        number = threadIdx.x / threads;
        thread = threadIdx.x % threads;
        own = thread / WARP * 16;
    }
};

// Rows of padding belong to no sequence. They are zero in results, because the gradients of the weights around
// attention are products over all rows.
template <class T> __device__ __forceinline__ void clear_padding(const Sizes &sizes, T *to, size_t width) {
    for (size_t row = (size_t)sizes.step->tokens + blockIdx.x; row < sizes.tokens; row += gridDim.x)
        for (size_t c = threadIdx.x; c < width; c += blockDim.x) to[row * width + c] = from_float<T>(0.0f);
}

__device__ __forceinline__ int round16(int n) { return (n + 15) & ~15; }

// Rows in shared memory have DP elements, head_dim rounded up, of which the last are zeros, and lie this far apart.
template <int DP> constexpr int STRIDE = DP + 8;

// Some threads copy rows into shared memory, `rows` of them, of which the first `valid` are there and the others are
// zeros. Asynchronous where rows are aligned; the caller commits, waits and meets the other threads.
template <int DP>
__device__ __forceinline__ void load_rows(int thread, int threads, bf16 *tile, const bf16 *from, size_t stride, int rows,
                                          int valid, int head_dim) {
    if (head_dim % 8 == 0) {
        constexpr int PARTS = DP / 8;
        for (int i = thread; i < rows * PARTS; i += threads) {
            const int row = i / PARTS, column = i % PARTS * 8;
            const bool exists = row < valid && column < head_dim;
            copy_async(tile + row * STRIDE<DP> + column, exists ? from + row * stride + column : from, exists);
        }
    } else {
        for (int i = thread; i < rows * DP; i += threads) {
            const int row = i / DP, column = i % DP;
            const bool exists = row < valid && column < head_dim;
            tile[row * STRIDE<DP> + column] = exists ? from[row * stride + column] : from_float<bf16>(0.0f);
        }
    }
}

// A warp writes the D tiles of 16 rows, times a factor each row of the lane's two, into the 16 rows of `tile`, which
// it owns, and copies those that exist to `to`.
template <int DP>
__device__ __forceinline__ void store_rows(const float (&d)[DP / 8][4], float factor, float factor8, bf16 *tile,
                                           bf16 *to, size_t stride, int valid, int head_dim) {
    const int lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int n = 0; n < DP / 8; ++n) {
        bf16 *at = tile + g * STRIDE<DP> + n * 8 + 2 * t;
        *reinterpret_cast<uint32_t *>(at) = pack_bf16(d[n][0] * factor, d[n][1] * factor);
        *reinterpret_cast<uint32_t *>(at + 8 * STRIDE<DP>) = pack_bf16(d[n][2] * factor8, d[n][3] * factor8);
    }
    __syncwarp();
    if (head_dim % 8 == 0) {
        constexpr int PARTS = DP / 8;
        for (int i = lane; i < 16 * PARTS; i += WARP) {
            const int row = i / PARTS, column = i % PARTS * 8;
            if (row < valid && column < head_dim)
                *reinterpret_cast<uint4 *>(to + row * stride + column) =
                    *reinterpret_cast<const uint4 *>(tile + row * STRIDE<DP> + column);
        }
    } else {
        for (int i = lane; i < 16 * DP; i += WARP) {
            const int row = i / DP, column = i % DP;
            if (row < valid && column < head_dim) to[row * stride + column] = tile[row * STRIDE<DP> + column];
        }
    }
    __syncwarp();
}

// The random words of one head of one sequence. A row of probabilities has whole blocks of four keys to itself.
struct Mask {
    kb_step key;
    kb_dropout dropout;
    uint64_t first;  // block of query 0 and keys 0..3
    uint32_t blocks; // of a row

    __device__ __forceinline__ Mask(const Sizes &sizes, int start, int head) : dropout(sizes.dropout) {
        key = kb_step{};
        first = 0;
        blocks = 0;
        if (dropout.threshold == 0) return;
        // A copy, which stays in registers: whatever else is written in between cannot change it.
        key.seed[0] = sizes.step->seed[0];
        key.seed[1] = sizes.step->seed[1];
        key.pass = sizes.step->pass;
        blocks = (sizes.step->longest + 3) / 4;
        first = ((uint64_t)head * sizes.step->tokens + start) * blocks;
    }

    __device__ __forceinline__ bool on() const { return dropout.threshold != 0; }

    // Bit i: key 4 * group + i of this query is kept.
    __device__ __forceinline__ uint32_t four(int query, int group) const {
        const uint4 w = philox_block(&key, dropout.site, first + (uint64_t)query * blocks + group);
        const uint32_t at = dropout.threshold;
        return (uint32_t)(w.x >= at) | (uint32_t)(w.y >= at) << 1 | (uint32_t)(w.z >= at) << 2 |
               (uint32_t)(w.w >= at) << 3;
    }

    // For the D tiles of 16 queries by 8 N keys from (query, first_key) on, where the latter is a multiple of 8: bit
    // 4 n + j of bits[i] says whether the lane's element d[2 i + j] of tile n is kept. Four keys of a query are two
    // lanes' elements, so one of the two draws for row g and the other for row g + 8, and they exchange.
    template <int N>
    __device__ __forceinline__ void rows_are_queries(int query, int first_key, int keys, uint32_t (&bits)[2]) const {
        static_assert(N <= 8, "4 bits a tile");
        const int lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4, odd = t & 1;
        uint32_t own = 0;
#pragma unroll
        for (int n = 0; n < N; ++n)
            if (n * 8 < keys) own |= four(query + g + 8 * odd, first_key / 4 + 2 * n + t / 2) << (4 * n);
        const uint32_t other = __shfl_xor_sync(ALL_LANES, own, 1);
        bits[0] = (odd ? other : own) >> (2 * odd);
        bits[1] = (odd ? own : other) >> (2 * odd);
    }

    // The same of D tiles of 16 keys by 8 N queries: bit 4 n of bits[j] is about d[j] of tile n. Four keys are those
    // of four lanes, which draw for keys (g, g + 8) by queries (2 t, 2 t + 1).
    template <int N>
    __device__ __forceinline__ void rows_are_keys(int first_key, int query, int queries, uint32_t (&bits)[4]) const {
        static_assert(N <= 8, "4 bits a tile");
        const int lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4, place = g % 4;
        const int group = first_key / 4 + g / 4 + 2 * (place / 2);
        uint32_t own = 0;
#pragma unroll
        for (int n = 0; n < N; ++n)
            if (n * 8 < queries) own |= four(query + n * 8 + 2 * t + place % 2, group) << (4 * n);
#pragma unroll
        for (int j = 0; j < 4; ++j)
            bits[j] = __shfl_sync(ALL_LANES, own, (lane & ~12) | j << 2) >> place;
    }
};

// The product of two pairs.
__device__ __forceinline__ float dot2(uint32_t a, uint32_t b) {
    return fmaf(low_bf16(a), low_bf16(b), high_bf16(a) * high_bf16(b));
}

// Whether bit `at` is set.
__device__ __forceinline__ bool bit(uint32_t bits, int at) { return bits >> at & 1; }

// Some whole warps compute what the backward pass needs of `rows` queries, a multiple of 16: the log-sum-exp, here to
// base 2, and sum(dout out). Of queries that do not exist the first is infinite: their probabilities are 0.
template <int DP>
__device__ __forceinline__ void query_stats(int thread, int threads, float2 *stats, const bf16 *out, const bf16 *dout,
                                            size_t stride, const float *lse, int rows, int valid, int head_dim) {
    // Lanes of a row, rows that a lane has on their way at a time, and pieces of a row that a lane takes.
    constexpr int LANES = DP >= 64 ? 8 : DP / 8, AT_ONCE = 4, PIECES = DP / 8 / LANES;
    const int part = thread % LANES, apart = threads / LANES;
    for (int first = thread / LANES; first < rows; first += AT_ONCE * apart) {
        float sum[AT_ONCE] = {}, base[AT_ONCE];
        if (head_dim % 8 == 0) {
            uint4 x[AT_ONCE][PIECES], y[AT_ONCE][PIECES];
#pragma unroll
            for (int i = 0; i < AT_ONCE; ++i) {
                const int row = first + i * apart;
                base[i] = row < valid ? lse[row] : 0.0f;
#pragma unroll
                for (int p = 0; p < PIECES; ++p) {
                    const int column = (p * LANES + part) * 8;
                    const bool exists = row < valid && column < head_dim;
                    const size_t at = exists ? row * stride + column : 0;
                    x[i][p] = *reinterpret_cast<const uint4 *>(out + at);
                    y[i][p] = *reinterpret_cast<const uint4 *>(dout + at);
                    if (!exists) x[i][p] = y[i][p] = make_uint4(0, 0, 0, 0);
                }
            }
#pragma unroll
            for (int i = 0; i < AT_ONCE; ++i)
#pragma unroll
                for (int p = 0; p < PIECES; ++p)
                    sum[i] += dot2(x[i][p].x, y[i][p].x) + dot2(x[i][p].y, y[i][p].y) + dot2(x[i][p].z, y[i][p].z) +
                              dot2(x[i][p].w, y[i][p].w);
        } else {
#pragma unroll
            for (int i = 0; i < AT_ONCE; ++i) {
                const int row = first + i * apart;
                base[i] = row < valid ? lse[row] : 0.0f;
                for (int column = part; row < valid && column < head_dim; column += LANES)
                    sum[i] += to_float(out[row * stride + column]) * to_float(dout[row * stride + column]);
            }
        }
        // Rows are a multiple of 16 and the lanes of a row neighbours, so whole warps are here together.
#pragma unroll
        for (int i = 0; i < AT_ONCE; ++i) {
#pragma unroll
            for (int step = LANES / 2; step > 0; step /= 2) sum[i] += __shfl_xor_sync(ALL_LANES, sum[i], step);
            const int row = first + i * apart;
            if (part == 0 && row < rows)
                stats[row] = row < valid ? make_float2(base[i] * LOG2_E, sum[i]) : make_float2(INFINITY, 0.0f);
        }
    }
}

} // namespace attention
