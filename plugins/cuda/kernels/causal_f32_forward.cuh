// The forward pass in f32: a block has 64 queries of one head, and walks the tiles of keys with a running maximum and
// sum of each row.
#pragma once

#include "causal_f32.cuh"

namespace causal {

template <int CHUNKS>
__device__ __forceinline__ void forward_strict(const Problem &p, const float *qkv, float *out, float *lse) {
    __shared__ __align__(16) float shared[2][TILE * STRICT_STRIDE];
    const Pair tiles = {shared[0], shared[1]};
    clear_padding(p, out, p.hidden());
    Work work;
    if (!take_work(p, p.heads, work)) return;
    const int dim = p.head_dim, width = p.width(), row0 = work.row0, there = work.length - row0;
    const float *const sequence = qkv + (size_t)work.start * width;
    const float *const q = sequence + (size_t)row0 * width + work.head * dim;
    const float *const k = sequence + p.keys_of(work.head), *const v = sequence + p.values_of(work.head);
    const int query = row0 + thread_row();

    float greatest[4], sum[4];
    Fragment mixed[CHUNKS];
#pragma unroll
    for (int i = 0; i < 4; ++i) greatest[i] = -INFINITY, sum[i] = 0.0f;
#pragma unroll
    for (int chunk = 0; chunk < CHUNKS; ++chunk) clear(mixed[chunk]);
    for (int key = work.first_key(row0) / TILE * TILE; key <= row0; key += TILE) {
        const size_t at = (size_t)key * width;
        const int keys = work.length - key;
        Fragment s;
        row_by_row(tiles, s, q, there, width, k + at, keys, width, dim);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            float highest = -INFINITY;
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                float score = s[i][j] * p.scale;
                if (p.cap > 0.0f) score = p.cap * tanhf(score / p.cap);
                s[i][j] = work.sees(query + i, key + thread_column() + j) ? score : -INFINITY;
                highest = fmaxf(highest, s[i][j]);
            }
            // The 16 threads of a row are half of a warp.
#pragma unroll
            for (int apart = 8; apart > 0; apart /= 2)
                highest = fmaxf(highest, __shfl_xor_sync(ALL_LANES, highest, apart));
            highest = fmaxf(highest, greatest[i]);
            // A row that has seen no key yet has no greatest score to subtract.
            const float base = highest == -INFINITY ? 0.0f : highest, before = expf(greatest[i] - base);
            greatest[i] = highest;
            float factor[4];
            const uint64_t number = p.dropout_row(work.head, work.start + query + i);
            key_factors(p, number + (uint64_t)(key + thread_column()), factor);
            float part = 0.0f;
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                const float power = expf(s[i][j] - base);
                part += power;
                s[i][j] = dropped(power, factor[j]);
            }
            sum[i] = sum[i] * before + part;
#pragma unroll
            for (int chunk = 0; chunk < CHUNKS; ++chunk)
#pragma unroll
                for (int j = 0; j < 4; ++j) mixed[chunk][i][j] *= before;
        }
        add_product<CHUNKS, false>(tiles, mixed, s, v + at, keys, width, dim);
    }

    float inverse[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int apart = 8; apart > 0; apart /= 2) sum[i] += __shfl_xor_sync(ALL_LANES, sum[i], apart);
        inverse[i] = 1.0f / sum[i];
        if (lse && thread_column() == 0 && query + i < work.length)
            lse[(size_t)work.head * p.tokens + work.start + query + i] = greatest[i] + logf(sum[i]);
    }
    float *const to = out + (size_t)(work.start + row0) * p.hidden() + work.head * dim;
#pragma unroll
    for (int chunk = 0; chunk < CHUNKS; ++chunk)
        store_strict(mixed[chunk], inverse, to + chunk * CHUNK, there, dim - chunk * CHUNK, p.hidden());
}

} // namespace causal
