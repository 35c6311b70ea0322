// The backward pass in bf16, in two kernels without atomics: one walks the keys of a tile of queries and makes dq, one
// the queries of a tile of keys and makes dk and dv. Both make the scores again, which for rows of some hundred tokens
// costs less than to pass parts of dq through memory.
//
// A block has ROWS queries against ROWS keys at a time (64, or 32 where shared memory is short). Its warps stand in two
// columns: each makes scores of 16 queries with half of the keys, and after these have passed through shared memory a
// [16, DIM / 2] part of a gradient.
#pragma once

#include "causal_mma.cuh"

namespace causal {

template <int DIM, int ROWS> struct Backward {
    static constexpr int THREADS = ROWS / 16 * 2 * WARP;
    static constexpr int STRIDE = DIM + 8, TILE_SIZE = ROWS * STRIDE; // of queries, keys, values, dout
    static constexpr int SQUARE_STRIDE = ROWS + 8, SQUARE_SIZE = ROWS * SQUARE_STRIDE; // of probabilities
    static constexpr int HALF = DIM / 2;
    typedef float Square[ROWS / 16][4]; // a warp's [16, ROWS / 2] of the scores
    typedef float Part[HALF / 8][4];    // a warp's [16, DIM / 2] of a gradient

    static __device__ __forceinline__ int warp_row() { return (int)threadIdx.x / WARP / 2 * 16; }
    static __device__ __forceinline__ int warp_key() { return (int)threadIdx.x / WARP % 2 * (ROWS / 2); }
    static __device__ __forceinline__ int warp_column() { return (int)threadIdx.x / WARP % 2 * HALF; }

    static __device__ __forceinline__ void load(bf16 *tile, const bf16 *from, int rows, int dim, int width) {
        load_tile<ROWS, DIM, THREADS>(tile, from, rows, dim, width);
    }

    // left right^T: of queries with keys, or of dout with values.
    static __device__ __forceinline__ void products(Square &square, const bf16 *left, const bf16 *right) {
#pragma unroll
        for (int n = 0; n < ROWS / 16; ++n)
#pragma unroll
            for (int e = 0; e < 4; ++e) square[n][e] = 0.0f;
        left += warp_row() * STRIDE;
        right += warp_key() * STRIDE;
#pragma unroll
        for (int step = 0; step < DIM / 16; ++step) {
            uint32_t a[4];
            load_a(a, left + step * 16, STRIDE);
#pragma unroll
            for (int n = 0; n < ROWS / 32; ++n) {
                uint32_t b[4];
                load_b_transposed(b, right + n * 16 * STRIDE + step * 16, STRIDE);
                mma(square[2 * n], a, b[0], b[1]);
                mma(square[2 * n + 1], a, b[2], b[3]);
            }
        }
    }

    // part += square right, or square^T right: of the gradient of scores with keys or queries, or of probabilities
    // with dout.
    template <bool TRANSPOSED>
    static __device__ __forceinline__ void accumulate(Part &part, const bf16 *square, const bf16 *right) {
#pragma unroll
        for (int step = 0; step < ROWS / 16; ++step) {
            uint32_t a[4];
            if (TRANSPOSED) load_a_transposed(a, square + step * 16 * SQUARE_STRIDE + warp_row(), SQUARE_STRIDE);
            else load_a(a, square + warp_row() * SQUARE_STRIDE + step * 16, SQUARE_STRIDE);
#pragma unroll
            for (int n = 0; n < HALF / 16; ++n) {
                uint32_t b[4];
                load_b(b, right + step * 16 * STRIDE + warp_column() + n * 16, STRIDE);
                mma(part[2 * n], a, b[0], b[1]);
                mma(part[2 * n + 1], a, b[2], b[3]);
            }
        }
    }

    static __device__ __forceinline__ void clear(Part &part) {
#pragma unroll
        for (int n = 0; n < HALF / 8; ++n)
#pragma unroll
            for (int e = 0; e < 4; ++e) part[n][e] = 0.0f;
    }

    static __device__ __forceinline__ void put(bf16 *square, const Square &values) {
        const int lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4;
        bf16 *const at = square + (warp_row() + g) * SQUARE_STRIDE + warp_key() + 2 * t;
#pragma unroll
        for (int n = 0; n < ROWS / 16; ++n) {
            *reinterpret_cast<uint32_t *>(at + n * 8) = pack_bf16(values[n][0], values[n][1]);
            *reinterpret_cast<uint32_t *>(at + n * 8 + 8 * SQUARE_STRIDE) = pack_bf16(values[n][2], values[n][3]);
        }
    }

    static __device__ __forceinline__ void store(const Part &part, float factor, bf16 *tile, bf16 *to, int rows,
                                                 int dim, int width) {
        const int row = warp_row(), column = warp_column();
        store_block<HALF>(part, factor, factor, tile + row * STRIDE + column, STRIDE, to + (size_t)row * width + column,
                          rows - row, dim - column, width);
    }

    // What is kept of this lane's two queries. Queries that do not exist have a sum of infinity, so that their
    // probabilities are 0.
    struct Rows {
        float lse[2], delta[2];

        __device__ __forceinline__ Rows(const float *lse_at, const float *delta_at, int query, int length) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const bool there = query + half * 8 < length;
                lse[half] = there ? lse_at[query + half * 8] * LOG2E : INFINITY;
                delta[half] = there ? delta_at[query + half * 8] : 0.0f;
            }
        }
    };

    // From products q k^T and dout v^T: probabilities behind dropout, and gradients of the products (but for the
    // scale). `query` is the first of this lane's two, `key` the first key of the tile.
    static __device__ __forceinline__ void gradients(const Problem &p, const Work &work, Cap cap, const Rows &rows,
                                                     int query, int key, bool all, Square &s, Square &d) {
        const int t = threadIdx.x % 4, key0 = key + warp_key();
        const uint64_t number = p.dropout_row(work.head, work.start + query), apart = p.dropout_row(0, 8);
#pragma unroll
        for (int n = 0; n < ROWS / 16; ++n) {
            float factor[4] = {1.0f, 1.0f, 1.0f, 1.0f};
            if (p.dropout.threshold != 0) {
                const uint64_t at = number + (uint64_t)(key0 + n * 8);
                tile_factors(p, at, at + apart, factor);
            }
#pragma unroll
            for (int e = 0; e < 4; ++e) {
                const float bounded = cap.bounded(s[n][e]);
                const float slope = cap.is_on ? 1.0f - bounded * bounded : 1.0f;
                float probability = exp2_fast(bounded * (cap.outer * LOG2E) - rows.lse[e / 2]);
                if (!all && !work.sees(query + e / 2 * 8, key0 + n * 8 + 2 * t + e % 2)) probability = 0.0f;
                d[n][e] = probability * (dropped(d[n][e], factor[e]) - rows.delta[e / 2]) * slope;
                s[n][e] = dropped(probability, factor[e]);
            }
        }
    }
};

// dq of a tile of queries; also `delta` [heads, T], the sums of out * dout, which the other kernel needs.
template <int DIM, int ROWS>
__device__ __forceinline__ void backward_queries(const Problem &p, const bf16 *qkv, const bf16 *out, const float *lse,
                                                 const bf16 *dout, float *delta, bf16 *dqkv, int stages) {
    typedef Backward<DIM, ROWS> B;
    KB_SHARED(bf16, tiles);
    bf16 *const q_tile = tiles, *const dout_tile = q_tile + B::TILE_SIZE, *const square = dout_tile + B::TILE_SIZE;
    bf16 *const stage0 = square + B::SQUARE_SIZE; // keys and values of a stage side by side
    const int width = p.width(), hidden = p.hidden(), dim = p.head_dim;
    clear_padding(p, dqkv, width);
    Work work;
    if (!take_work(p, p.heads, work)) return;
    const int row0 = work.row0 + (int)blockIdx.z * ROWS;
    if (row0 >= work.length) return;

    const bf16 *const sequence = qkv + (size_t)work.start * width;
    const size_t head_at = (size_t)(work.start + row0) * hidden + work.head * dim;
    const int first = work.first_key(row0) / ROWS * ROWS, last = row0;
    const auto load_stage = [&](int key, int stage) {
        bf16 *const tile = stage0 + stage * 2 * B::TILE_SIZE;
        const bf16 *const row = sequence + (size_t)key * width;
        B::load(tile, row + p.keys_of(work.head), work.length - key, dim, width);
        B::load(tile + B::TILE_SIZE, row + p.values_of(work.head), work.length - key, dim, width);
        copy_commit();
    };
    B::load(q_tile, sequence + (size_t)row0 * width + work.head * dim, work.length - row0, dim, width);
    B::load(dout_tile, dout + head_at, work.length - row0, dim, hidden);
    load_stage(first, 0);

    const size_t stats = (size_t)work.head * p.tokens + work.start;
    const int there = work.length - row0 < ROWS ? work.length - row0 : ROWS;
    row_products(out + head_at, dout + head_at, there, dim, hidden, delta + stats + row0);
    __syncthreads();
    const int query = row0 + B::warp_row() + (int)threadIdx.x % WARP / 4;
    const typename B::Rows rows(lse + stats, delta + stats, query, work.length);
    const Cap cap(p);
    typename B::Part dq;
    B::clear(dq);
    for (int key = first, stage = 0; key <= last; key += ROWS, stage = stages - 1 - stage) {
        if (stages == 2 && key < last) {
            load_stage(key + ROWS, 1 - stage);
            copy_wait<1>();
        } else {
            copy_wait<0>();
        }
        __syncthreads();
        const bf16 *const k_tile = stage0 + stage * 2 * B::TILE_SIZE;
        typename B::Square s, d;
        B::products(s, q_tile, k_tile);
        B::products(d, dout_tile, k_tile + B::TILE_SIZE);
        B::gradients(p, work, cap, rows, query, key, work.all_seen(row0, ROWS, key, ROWS), s, d);
        B::put(square, d);
        __syncthreads();
        B::template accumulate<false>(dq, square, k_tile);
        __syncthreads();
        if (stages == 1 && key < last) load_stage(key + ROWS, 0);
    }
    B::store(dq, p.scale, q_tile, dqkv + (size_t)(work.start + row0) * width + work.head * dim, there, dim, width);
}

// dk and dv of a tile of keys: over the query heads of its group, one after the other, and their queries.
template <int DIM, int ROWS>
__device__ __forceinline__ void backward_keys(const Problem &p, const bf16 *qkv, const float *lse, const bf16 *dout,
                                              const float *delta, bf16 *dqkv, int stages) {
    typedef Backward<DIM, ROWS> B;
    KB_SHARED(bf16, tiles);
    bf16 *const k_tile = tiles, *const v_tile = k_tile + B::TILE_SIZE, *const p_square = v_tile + B::TILE_SIZE;
    bf16 *const d_square = p_square + B::SQUARE_SIZE;
    bf16 *const stage0 = d_square + B::SQUARE_SIZE; // queries and dout of a stage side by side
    Work work;
    if (!take_work(p, p.kv_heads, work)) return;
    const int kv = work.head, key = work.mirrored() + (int)blockIdx.z * ROWS;
    if (key >= work.length) return;

    const int width = p.width(), hidden = p.hidden(), dim = p.head_dim, first_head = kv * p.group();
    const bf16 *const sequence = qkv + (size_t)work.start * width;
    const int keys_at = p.keys_of(first_head), values_at = p.values_of(first_head);
    // The steps are the tiles of queries that see some of the keys, of each head.
    const int tiles_seen = (work.end_query(key + ROWS - 1) - 1) / ROWS - key / ROWS + 1;
    const int steps = tiles_seen * p.group();
    const auto load_stage = [&](int step, int stage) {
        bf16 *const tile = stage0 + stage * 2 * B::TILE_SIZE;
        const int head = first_head + step / tiles_seen, row0 = key + step % tiles_seen * ROWS;
        const int there = work.length - row0;
        B::load(tile, sequence + (size_t)row0 * width + head * dim, there, dim, width);
        B::load(tile + B::TILE_SIZE, dout + (size_t)(work.start + row0) * hidden + head * dim, there, dim, hidden);
        copy_commit();
    };
    B::load(k_tile, sequence + (size_t)key * width + keys_at, work.length - key, dim, width);
    B::load(v_tile, sequence + (size_t)key * width + values_at, work.length - key, dim, width);
    load_stage(0, 0);

    const Cap cap(p);
    typename B::Part dk, dv;
    B::clear(dk);
    B::clear(dv);
    for (int step = 0, stage = 0; step < steps; ++step, stage = stages - 1 - stage) {
        work.head = first_head + step / tiles_seen;
        const int row0 = key + step % tiles_seen * ROWS;
        const int query = row0 + B::warp_row() + (int)threadIdx.x % WARP / 4;
        const size_t stats = (size_t)work.head * p.tokens + work.start;
        const typename B::Rows rows(lse + stats, delta + stats, query, work.length);
        if (stages == 2 && step + 1 < steps) {
            load_stage(step + 1, 1 - stage);
            copy_wait<1>();
        } else {
            copy_wait<0>();
        }
        __syncthreads();
        const bf16 *const q_tile = stage0 + stage * 2 * B::TILE_SIZE, *const dout_tile = q_tile + B::TILE_SIZE;
        {
            typename B::Square s, d;
            B::products(s, q_tile, k_tile);
            B::products(d, dout_tile, v_tile);
            B::gradients(p, work, cap, rows, query, key, work.all_seen(row0, ROWS, key, ROWS), s, d);
            B::put(p_square, s);
            B::put(d_square, d);
        }
        __syncthreads();
        B::template accumulate<true>(dv, p_square, dout_tile);
        B::template accumulate<true>(dk, d_square, q_tile);
        __syncthreads();
        if (stages == 1 && step + 1 < steps) load_stage(step + 1, 0);
    }
    bf16 *const to = dqkv + (size_t)(work.start + key) * width;
    B::store(dk, p.scale, k_tile, to + keys_at, work.length - key, dim, width);
    B::store(dv, 1.0f, v_tile, to + values_at, work.length - key, dim, width);
}

} // namespace causal
