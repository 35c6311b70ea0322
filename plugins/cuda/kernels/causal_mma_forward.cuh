// The forward pass in bf16: a block of four warps has 64 queries of one head, each warp 16 of them, and walks the tiles
// of keys with a running maximum and sum of each row (Dao 2023). While scores are computed the values are on their
// way, and during what follows the next keys.
#pragma once

#include "causal_mma.cuh"

namespace causal {

constexpr int FORWARD_THREADS = 128;

// A row's running softmax, in powers of two: the greatest score, and this lane's part of the sum.
struct Running {
    float greatest = -INFINITY, sum = 0.0f;

    // Takes in the greatest of a tile; returns the factor of what was summed before.
    __device__ __forceinline__ float raise(float tile) {
        tile = fmaxf(tile, __shfl_xor_sync(ALL_LANES, tile, 1));
        tile = fmaxf(tile, __shfl_xor_sync(ALL_LANES, tile, 2));
        const float before = greatest;
        greatest = fmaxf(greatest, tile);
        const float factor = exp2_fast(before - base());
        sum *= factor;
        return factor;
    }
    // A row that has seen no key yet has no greatest score to subtract.
    __device__ __forceinline__ float base() const { return greatest == -INFINITY ? 0.0f : greatest; }
    __device__ __forceinline__ void finish() {
        sum += __shfl_xor_sync(ALL_LANES, sum, 1);
        sum += __shfl_xor_sync(ALL_LANES, sum, 2);
    }
};

// scores = q k^T of this warp's 16 queries.
template <int DIM>
__device__ __forceinline__ void forward_products(float (&scores)[TILE / 8][4], const bf16 *q, const bf16 *k) {
    constexpr int STRIDE = DIM + 8;
#pragma unroll
    for (int n = 0; n < TILE / 8; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) scores[n][e] = 0.0f;
#pragma unroll
    for (int step = 0; step < DIM / 16; ++step) {
        uint32_t a[4];
        load_a(a, q + step * 16, STRIDE);
#pragma unroll
        for (int n = 0; n < TILE / 16; ++n) {
            uint32_t b[4];
            load_b_transposed(b, k + n * 16 * STRIDE + step * 16, STRIDE);
            mma(scores[2 * n], a, b[0], b[1]);
            mma(scores[2 * n + 1], a, b[2], b[3]);
        }
    }
}

// Products become scores in powers of two; those that are not seen become -infinity. Returns the greatest of this
// lane's two rows.
__device__ __forceinline__ float2 forward_scores(float (&scores)[TILE / 8][4], const Work &work, Cap cap, int query,
                                                 int key, bool all) {
    const int t = threadIdx.x % 4;
    float greatest[2] = {-INFINITY, -INFINITY};
#pragma unroll
    for (int n = 0; n < TILE / 8; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
            float score = cap.bounded(scores[n][e]) * (cap.outer * LOG2E);
            if (!all && !work.sees(query + e / 2 * 8, key + n * 8 + 2 * t + e % 2)) score = -INFINITY;
            scores[n][e] = score;
            greatest[e / 2] = fmaxf(greatest[e / 2], score);
        }
    return make_float2(greatest[0], greatest[1]);
}

template <int DIM> __device__ __forceinline__ void forward(const Problem &p, const bf16 *qkv, bf16 *out, float *lse) {
    constexpr int STRIDE = DIM + 8, THREADS = FORWARD_THREADS;
    KB_SHARED(bf16, tiles);
    bf16 *const q_tile = tiles, *const k_tile = tiles + TILE * STRIDE, *const v_tile = tiles + 2 * TILE * STRIDE;
    clear_padding(p, out, p.hidden());
    Work work;
    if (!take_work(p, p.heads, work)) return;

    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4;
    const int dim = p.head_dim, width = p.width(), row0 = work.row0;
    const bf16 *const sequence = qkv + (size_t)work.start * width;
    const bf16 *const keys = sequence + p.keys_of(work.head), *const values = sequence + p.values_of(work.head);
    const int first = work.first_key(row0) / TILE * TILE;
    const bf16 *const queries = sequence + (size_t)row0 * width + work.head * dim;
    load_tile<TILE, DIM, THREADS>(q_tile, queries, work.length - row0, dim, width);
    load_tile<TILE, DIM, THREADS>(k_tile, keys + (size_t)first * width, work.length - first, dim, width);
    copy_commit();

    const Cap cap(p);
    // This lane has parts of the queries `query` and `query + 8`.
    const int query = row0 + warp * 16 + g;
    const uint64_t number = p.dropout_row(work.head, work.start + query), apart = p.dropout_row(0, 8);
    Running low, high;
    float mixed[DIM / 8][4];
#pragma unroll
    for (int n = 0; n < DIM / 8; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) mixed[n][e] = 0.0f;

    for (int key = first; key <= row0; key += TILE) {
        copy_wait<0>();
        __syncthreads();
        load_tile<TILE, DIM, THREADS>(v_tile, values + (size_t)key * width, work.length - key, dim, width);
        copy_commit();
        float scores[TILE / 8][4];
        forward_products<DIM>(scores, q_tile + warp * 16 * STRIDE, k_tile);
        copy_wait<0>();
        __syncthreads();
        if (key + TILE <= row0) {
            const int next = key + TILE;
            load_tile<TILE, DIM, THREADS>(k_tile, keys + (size_t)next * width, work.length - next, dim, width);
            copy_commit();
        }

        const float2 greatest = forward_scores(scores, work, cap, query, key, work.all_seen(row0, TILE, key, TILE));
        const float low_factor = low.raise(greatest.x), high_factor = high.raise(greatest.y);
#pragma unroll
        for (int n = 0; n < DIM / 8; ++n) {
            mixed[n][0] *= low_factor;
            mixed[n][1] *= low_factor;
            mixed[n][2] *= high_factor;
            mixed[n][3] *= high_factor;
        }
#pragma unroll
        for (int n = 0; n < TILE / 8; ++n) {
            float(&s)[4] = scores[n];
#pragma unroll
            for (int e = 0; e < 4; ++e) s[e] = exp2_fast(s[e] - (e < 2 ? low : high).base());
            low.sum += s[0] + s[1];
            high.sum += s[2] + s[3];
            if (p.dropout.threshold != 0) {
                float factor[4];
                tile_factors(p, number + (uint64_t)(key + n * 8), number + apart + (uint64_t)(key + n * 8), factor);
#pragma unroll
                for (int e = 0; e < 4; ++e) s[e] = dropped(s[e], factor[e]);
            }
        }
#pragma unroll
        for (int step = 0; step < TILE / 16; ++step) {
            const float(&l)[4] = scores[2 * step], (&r)[4] = scores[2 * step + 1];
            const uint32_t a[4] = {pack_bf16(l[0], l[1]), pack_bf16(l[2], l[3]), //
                                   pack_bf16(r[0], r[1]), pack_bf16(r[2], r[3])};
#pragma unroll
            for (int n = 0; n < DIM / 16; ++n) {
                uint32_t b[4];
                load_b(b, v_tile + step * 16 * STRIDE + n * 16, STRIDE);
                mma(mixed[2 * n], a, b[0], b[1]);
                mma(mixed[2 * n + 1], a, b[2], b[3]);
            }
        }
    }

    low.finish();
    high.finish();
    if (lse && t == 0) {
        float *const at = lse + (size_t)work.head * p.tokens + work.start + query;
        if (query < work.length) at[0] = low.greatest * LN2 + logf(low.sum);
        if (query + 8 < work.length) at[8] = high.greatest * LN2 + logf(high.sum);
    }
    // The warp's own queries are not needed any more.
    const int row = row0 + warp * 16;
    store_block<DIM>(mixed, 1.0f / low.sum, 1.0f / high.sum, q_tile + warp * 16 * STRIDE, STRIDE,
                     out + (size_t)(work.start + row) * p.hidden() + work.head * dim, work.length - row, dim,
                     p.hidden());
}

} // namespace causal
