// The gradient of self-attention without tensor cores; see attention_plain.cuh for who computes what, and
// attention_backward.cu for the formulas.
#pragma once

#include "attention_plain.cuh"

namespace attention {
namespace plain {

// What both kernels do with a pair of tiles: p and ds of 32 queries by 32 keys, in shared memory; p with the dropout of
// the forward pass, for dv takes it so. `lse` and `delta` are those of the thread's queries, of which the first
// `queries` exist.
template <int DP>
__device__ __forceinline__ void gradients(float *p, float *ds, const float *q, const float *k, const float *v,
                                          const float *dout, const float (&lse)[2], const float (&delta)[2], float scale,
                                          int queries, int keys, int head_dim, const Mask &mask, int query, int key) {
    float s[2][4];
    products<DP>(s, q, k, head_dim);
#pragma unroll
    for (int i = 0; i < 2; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            const bool exists = ty() + 16 * i < queries && tx() + 8 * j < keys;
            p[(ty() + 16 * i) * SCORES + tx() + 8 * j] = exists ? expf(s[i][j] * scale - lse[i]) : 0.0f;
        }
    products<DP>(s, dout, v, head_dim);
#pragma unroll
    for (int i = 0; i < 2; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) ds[(ty() + 16 * i) * SCORES + tx() + 8 * j] = s[i][j];
    // A row's scores are written and read by the same eight threads, here in quads.
    __syncwarp();
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int at = (ty() + 16 * i) * SCORES + 4 * tx();
        const float4 f = factors(mask, query + ty() + 16 * i, key), e = *reinterpret_cast<float4 *>(p + at);
        const float4 d = dropped4(*reinterpret_cast<float4 *>(ds + at), f);
        *reinterpret_cast<float4 *>(ds + at) = make_float4(e.x * (d.x - delta[i]), e.y * (d.y - delta[i]),
                                                           e.z * (d.z - delta[i]), e.w * (d.w - delta[i]));
        *reinterpret_cast<float4 *>(p + at) = dropped4(e, f);
    }
}

// dq of a tile of queries, and delta = sum(dout out) [heads, tokens] of them for the other kernel.
// Shared memory: tiles of queries, keys, values and dout, and two of scores.
template <class T, int DP>
__device__ __forceinline__ void backward_queries(const Sizes &sizes, const T *qkv, const T *out, const float *lse,
                                                 const T *dout, T *dqkv, float *delta) {
    const int head_dim = (int)sizes.head_dim, hidden = (int)sizes.heads * head_dim;
    const size_t row = 3 * (size_t)hidden;
    const Task task = task_of(sizes);
    clear_padding(sizes, dqkv, row);
    if (task.length == 0) return;

    KB_SHARED(float, shared);
    float *const q = shared, *const k = q + TILE<DP>, *const v = k + TILE<DP>, *const d = v + TILE<DP>;
    float *const p = d + TILE<DP>, *const ds = p + ROWS * SCORES;
    const int token = task.start + task.from, queries = min(ROWS, task.length - task.from);
    const T *const base = qkv + task.start * row + task.head * head_dim;
    const size_t first = (size_t)token * hidden + task.head * head_dim;
    const float scale = 1.0f / sqrtf((float)head_dim);
    const Mask mask(sizes, task.start, task.head);
    load<T, DP>(q, base + task.from * row, row, queries, head_dim);
    load<T, DP>(d, dout + first, hidden, queries, head_dim);

    float own_lse[2], own_delta[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int query = ty() + 16 * i;
        const size_t at = (size_t)task.head * sizes.tokens + token + query;
        float sum = 0;
        if (query < queries)
            for (int c = tx(); c < head_dim; c += 8)
                sum = fmaf(to_float(out[first + (size_t)query * hidden + c]),
                           to_float(dout[first + (size_t)query * hidden + c]), sum);
        own_delta[i] = row_sum(sum);
        own_lse[i] = query < queries ? lse[at] : 0.0f;
        if (tx() == 0 && query < queries) delta[at] = own_delta[i];
    }

    Rows<DP> dq;
    for (int key = 0; key < task.length; key += ROWS) {
        const int keys = min(ROWS, task.length - key);
        if (key > 0) __syncthreads();
        load<T, DP>(k, base + key * row + hidden, row, keys, head_dim);
        load<T, DP>(v, base + key * row + 2 * hidden, row, keys, head_dim);
        __syncthreads();
        gradients<DP>(p, ds, q, k, v, d, own_lse, own_delta, scale, queries, keys, head_dim, mask, task.from, key);
        __syncwarp();
        for (int j = 0; j < keys; j += 4) {
            const float4 a = *reinterpret_cast<const float4 *>(ds + ty() * SCORES + j);
            const float4 b = *reinterpret_cast<const float4 *>(ds + (ty() + 16) * SCORES + j);
            dq.add(a.x, b.x, k + j * APART<DP>, head_dim);
            dq.add(a.y, b.y, k + (j + 1) * APART<DP>, head_dim);
            dq.add(a.z, b.z, k + (j + 2) * APART<DP>, head_dim);
            dq.add(a.w, b.w, k + (j + 3) * APART<DP>, head_dim);
        }
    }
    dq.scale(0, scale);
    dq.scale(1, scale);
    dq.template store<T>(dqkv + token * row + task.head * head_dim, row, queries, head_dim);
}

// dk and dv of a tile of keys; `delta` as the other kernel left it.
template <class T, int DP>
__device__ __forceinline__ void backward_keys(const Sizes &sizes, const T *qkv, const float *lse, const T *dout,
                                              const float *delta, T *dqkv) {
    const int head_dim = (int)sizes.head_dim, hidden = (int)sizes.heads * head_dim;
    const size_t row = 3 * (size_t)hidden;
    const Task task = task_of(sizes);
    if (task.length == 0) return;

    KB_SHARED(float, shared);
    float *const q = shared, *const k = q + TILE<DP>, *const v = k + TILE<DP>, *const d = v + TILE<DP>;
    float *const p = d + TILE<DP>, *const ds = p + ROWS * SCORES;
    const int keys = min(ROWS, task.length - task.from);
    const T *const base = qkv + task.start * row + task.head * head_dim;
    const float scale = 1.0f / sqrtf((float)head_dim);
    const Mask mask(sizes, task.start, task.head);
    load<T, DP>(k, base + task.from * row + hidden, row, keys, head_dim);
    load<T, DP>(v, base + task.from * row + 2 * hidden, row, keys, head_dim);

    Rows<DP> dk, dv;
    for (int query = 0; query < task.length; query += ROWS) {
        const int queries = min(ROWS, task.length - query);
        if (query > 0) __syncthreads();
        load<T, DP>(q, base + query * row, row, queries, head_dim);
        load<T, DP>(d, dout + (size_t)(task.start + query) * hidden + task.head * head_dim, hidden, queries, head_dim);
        float own_lse[2] = {0, 0}, own_delta[2] = {0, 0};
#pragma unroll
        for (int i = 0; i < 2; ++i)
            if (ty() + 16 * i < queries) {
                const size_t at = (size_t)task.head * sizes.tokens + task.start + query + ty() + 16 * i;
                own_lse[i] = lse[at];
                own_delta[i] = delta[at];
            }
        __syncthreads();
        gradients<DP>(p, ds, q, k, v, d, own_lse, own_delta, scale, queries, keys, head_dim, mask, query, task.from);
        __syncthreads();
        for (int j = 0; j < queries; ++j) {
            dv.add(p[j * SCORES + ty()], p[j * SCORES + ty() + 16], d + j * APART<DP>, head_dim);
            dk.add(ds[j * SCORES + ty()], ds[j * SCORES + ty() + 16], q + j * APART<DP>, head_dim);
        }
    }
    dk.scale(0, scale);
    dk.scale(1, scale);
    T *const to = dqkv + (task.start + task.from) * row + task.head * head_dim + hidden;
    dk.template store<T>(to, row, keys, head_dim);
    dv.template store<T>(to + hidden, row, keys, head_dim);
}

} // namespace plain
} // namespace attention
