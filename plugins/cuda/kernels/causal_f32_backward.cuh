// The backward pass in f32, in two kernels as in bf16 (causal_mma_backward.cuh).
#pragma once

#include "causal_f32.cuh"

namespace causal {

// From products q k^T and dout v^T: probabilities behind dropout, and gradients of the products (but for the scale).
// `query` and `key` are the first of this thread.
__device__ __forceinline__ void gradients_strict(const Problem &p, const Work &work, const float *lse,
                                                 const float *delta, int query, int key, Fragment &s, Fragment &d) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const bool there = query + i < work.length;
        const float row_lse = there ? lse[query + i] : INFINITY, row_delta = there ? delta[query + i] : 0.0f;
        float factor[4];
        key_factors(p, p.dropout_row(work.head, work.start + query + i) + (uint64_t)key, factor);
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            float score = s[i][j] * p.scale, slope = 1.0f;
            if (p.cap > 0.0f) {
                const float bounded = tanhf(score / p.cap);
                score = p.cap * bounded;
                slope = 1.0f - bounded * bounded;
            }
            const float probability = work.sees(query + i, key + j) ? expf(score - row_lse) : 0.0f;
            d[i][j] = probability * (dropped(d[i][j], factor[j]) - row_delta) * slope;
            s[i][j] = dropped(probability, factor[j]);
        }
    }
}

// As causal::backward_queries in bf16.
template <int CHUNKS>
__device__ __forceinline__ void backward_queries_strict(const Problem &p, const float *qkv, const float *out,
                                                        const float *lse, const float *dout, float *delta,
                                                        float *dqkv) {
    __shared__ __align__(16) float shared[2][TILE * STRICT_STRIDE];
    const Pair tiles = {shared[0], shared[1]};
    const int dim = p.head_dim, width = p.width(), hidden = p.hidden();
    clear_padding(p, dqkv, width);
    Work work;
    if (!take_work(p, p.heads, work)) return;
    const int row0 = work.row0, there = work.length - row0 < TILE ? work.length - row0 : TILE;
    const float *const sequence = qkv + (size_t)work.start * width;
    const float *const q = sequence + (size_t)row0 * width + work.head * dim;
    const float *const k = sequence + p.keys_of(work.head), *const v = sequence + p.values_of(work.head);
    const size_t head_at = (size_t)(work.start + row0) * hidden + work.head * dim;
    const size_t stats = (size_t)work.head * p.tokens + work.start;
    row_products(out + head_at, dout + head_at, there, dim, hidden, delta + stats + row0);

    Fragment dq[CHUNKS];
#pragma unroll
    for (int chunk = 0; chunk < CHUNKS; ++chunk) clear(dq[chunk]);
    for (int key = work.first_key(row0) / TILE * TILE; key <= row0; key += TILE) {
        const size_t at = (size_t)key * width;
        const int keys = work.length - key;
        Fragment s, d;
        row_by_row(tiles, s, q, there, width, k + at, keys, width, dim);
        row_by_row(tiles, d, dout + head_at, there, hidden, v + at, keys, width, dim);
        gradients_strict(p, work, lse + stats, delta + stats, row0 + thread_row(), key + thread_column(), s, d);
        add_product<CHUNKS, false>(tiles, dq, d, k + at, keys, width, dim);
    }
    const float factors[4] = {p.scale, p.scale, p.scale, p.scale};
    float *const to = dqkv + (size_t)(work.start + row0) * width + work.head * dim;
#pragma unroll
    for (int chunk = 0; chunk < CHUNKS; ++chunk)
        store_strict(dq[chunk], factors, to + chunk * CHUNK, there, dim - chunk * CHUNK, width);
}

// As causal::backward_keys in bf16.
template <int CHUNKS>
__device__ __forceinline__ void backward_keys_strict(const Problem &p, const float *qkv, const float *lse,
                                                     const float *dout, const float *delta, float *dqkv) {
    __shared__ __align__(16) float shared[2][TILE * STRICT_STRIDE];
    const Pair tiles = {shared[0], shared[1]};
    Work work;
    if (!take_work(p, p.kv_heads, work)) return;
    const int dim = p.head_dim, width = p.width(), hidden = p.hidden();
    const int key = work.mirrored(), keys = work.length - key, first_head = work.head * p.group();
    const float *const sequence = qkv + (size_t)work.start * width;
    const int keys_at = p.keys_of(first_head), values_at = p.values_of(first_head);
    const float *const k = sequence + (size_t)key * width + keys_at, *const v = k - keys_at + values_at;

    Fragment dk[CHUNKS], dv[CHUNKS];
#pragma unroll
    for (int chunk = 0; chunk < CHUNKS; ++chunk) clear(dk[chunk]), clear(dv[chunk]);
    for (int member = 0; member < p.group(); ++member) {
        work.head = first_head + member;
        const size_t stats = (size_t)work.head * p.tokens + work.start;
        for (int row0 = key; row0 < work.end_query(key + TILE - 1); row0 += TILE) {
            const int there = work.length - row0;
            const float *const q = sequence + (size_t)row0 * width + work.head * dim;
            const float *const d_out = dout + (size_t)(work.start + row0) * hidden + work.head * dim;
            Fragment s, d;
            row_by_row(tiles, s, q, there, width, k, keys, width, dim);
            row_by_row(tiles, d, d_out, there, hidden, v, keys, width, dim);
            gradients_strict(p, work, lse + stats, delta + stats, row0 + thread_row(), key + thread_column(), s, d);
            add_product<CHUNKS, true>(tiles, dv, s, d_out, there, hidden, dim);
            add_product<CHUNKS, true>(tiles, dk, d, q, there, width, dim);
        }
    }
    const float factors[4] = {p.scale, p.scale, p.scale, p.scale}, ones[4] = {1.0f, 1.0f, 1.0f, 1.0f};
    float *const to = dqkv + (size_t)(work.start + key) * width;
#pragma unroll
    for (int chunk = 0; chunk < CHUNKS; ++chunk) {
        store_strict(dk[chunk], factors, to + keys_at + chunk * CHUNK, keys, dim - chunk * CHUNK, width);
        store_strict(dv[chunk], ones, to + values_at + chunk * CHUNK, keys, dim - chunk * CHUNK, width);
    }
}

} // namespace causal
