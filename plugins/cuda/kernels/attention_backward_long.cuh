// The gradient of long sequences, which are walked twice: by tiles of queries (dq, delta), with keys passing by in
// stages, and by tiles of keys (dk, dv), with queries passing by. So no two blocks add to the same number.
#pragma once

#include "attention_backward.cuh"

namespace attention {

// Rows of a stage.
template <int DP> constexpr int STAGE = DP <= 64 ? 64 : 32;

// dk and dv of a tile of 16 keys a warp; `delta` is what backward_queries left.
// Shared memory: keys and values of the tile, two stages of queries and dout, and of a float2 a query.
template <int DP>
__device__ __forceinline__ void backward_keys(const Sizes &sizes, const bf16 *qkv, const float *lse, const bf16 *dout,
                                              const float *delta, bf16 *dqkv) {
    const int head_dim = (int)sizes.head_dim, hidden = (int)sizes.heads * head_dim;
    const size_t row = 3 * (size_t)hidden;
    const Task task = task_of(sizes);
    if (task.length == 0) return;

    constexpr int STAGE_PANEL = STAGE<DP> * STRIDE<DP>;
    const int height = blockDim.x / WARP * 16, panel = height * STRIDE<DP>;
    KB_SHARED(bf16, shared);
    bf16 *const k = shared, *const v = k + panel, *const stages = v + panel;
    float2 *const stats = reinterpret_cast<float2 *>(stages + 4 * STAGE_PANEL);
    const int keys = min(height, task.length - task.from);
    const size_t column = (size_t)task.head * head_dim, number = (size_t)task.head * sizes.tokens + task.start;
    const bf16 *const base = qkv + task.start * row + column, *const dbase = dout + (size_t)task.start * hidden + column;
    const auto load = [&](int stage) {
        const int from = stage * STAGE<DP>, valid = min(STAGE<DP>, task.length - from), rows = round16(valid);
        bf16 *const to = stages + stage % 2 * 2 * STAGE_PANEL;
        load_rows<DP>(threadIdx.x, blockDim.x, to, base + from * row, row, rows, valid, head_dim);
        load_rows<DP>(threadIdx.x, blockDim.x, to + STAGE_PANEL, dbase + (size_t)from * hidden, hidden, rows, valid,
                      head_dim);
        copy_commit();
    };
    const auto stats_of = [&](int query) {
        return query < task.length ? make_float2(lse[number + query] * LOG2_E, delta[number + query])
                                   : make_float2(INFINITY, 0.0f);
    };
    load_rows<DP>(threadIdx.x, blockDim.x, k, base + task.from * row + hidden, row, height, keys, head_dim);
    load_rows<DP>(threadIdx.x, blockDim.x, v, base + task.from * row + 2 * hidden, row, height, keys, head_dim);
    load(0);
    if (threadIdx.x < STAGE<DP>) stats[threadIdx.x] = stats_of(threadIdx.x);

    const int first = threadIdx.x / WARP * 16;
    const bool active = first < keys;
    const Mask mask(sizes, task.start, task.head);
    const float scale = 1.0f / sqrtf((float)head_dim), to_log2 = scale * LOG2_E;
    const float kept = mask.on() ? sizes.dropout.scale : 1.0f;
    Keys<DP> own;
    own.first = task.from + first;
    own.exist = keys - first;
    clear(own.dk);
    clear(own.dv);
    for (int stage = 0; stage * STAGE<DP> < task.length; ++stage) {
        const int from = stage * STAGE<DP>, rows = round16(min(STAGE<DP>, task.length - from));
        const bool more = from + STAGE<DP> < task.length;
        // On its way while this stage is computed.
        float2 next = make_float2(0.0f, 0.0f);
        if (more) {
            load(stage + 1);
            if (threadIdx.x < STAGE<DP>) next = stats_of(from + STAGE<DP> + threadIdx.x);
            copy_wait<1>();
        } else {
            copy_wait<0>();
        }
        __syncthreads();
        if (active) {
            if (stage == 0) {
                own.k.load(k + first * STRIDE<DP>);
                own.v.load(v + first * STRIDE<DP>);
            }
            const bf16 *const q = stages + stage % 2 * 2 * STAGE_PANEL, *const d = q + STAGE_PANEL;
            const float2 *const stat = stats + stage % 2 * STAGE<DP>;
            for (int sub = 0; sub < rows; sub += 32) {
                const int at = sub * STRIDE<DP>, query = from + sub;
                if (sub + 32 <= rows)
                    meet<DP, 2>(own, q + at, d + at, stat + sub, nullptr, 0, to_log2, kept, mask, query);
                else
                    meet<DP, 1>(own, q + at, d + at, stat + sub, nullptr, 0, to_log2, kept, mask, query);
            }
        }
        if (more && threadIdx.x < STAGE<DP>) stats[(stage + 1) % 2 * STAGE<DP> + threadIdx.x] = next;
        __syncthreads();
    }
    if (!active) return;
    // Nobody else reads the warp's own keys, through whose rows the results pass.
    bf16 *const to = dqkv + (task.start + task.from + first) * row + column + hidden;
    store_rows<DP>(own.dk, scale, scale, k + first * STRIDE<DP>, to, row, keys - first, head_dim);
    store_rows<DP>(own.dv, 1.0f, 1.0f, k + first * STRIDE<DP>, to + hidden, row, keys - first, head_dim);
}

// dq of a tile of 16 M queries a warp, and delta [heads, tokens] of them.
//
// Shared memory: queries and dout of the tile, two stages of keys and values, a float2 a query.
template <int DP, int M>
__device__ __forceinline__ void backward_queries(const Sizes &sizes, const bf16 *qkv, const bf16 *out,
                                                 const float *lse, const bf16 *dout, float *delta, bf16 *dqkv) {
    const int head_dim = (int)sizes.head_dim, hidden = (int)sizes.heads * head_dim;
    const size_t row = 3 * (size_t)hidden;
    const Task task = task_of(sizes);
    const size_t column = (size_t)task.head * head_dim;
    if (task.length == 0) return clear_padding(sizes, dqkv, row);

    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, g = lane / 4, t = lane % 4;
    const int height = blockDim.x / WARP * 16 * M;
    KB_SHARED(bf16, shared);
    const int panel = height * STRIDE<DP>;
    constexpr int STAGE_PANEL = STAGE<DP> * STRIDE<DP>;
    bf16 *const q = shared, *const d = q + panel, *const stages = d + panel;
    float2 *const stats = reinterpret_cast<float2 *>(stages + 4 * STAGE_PANEL);
    const int queries = min(height, task.length - task.from), token = task.start + task.from;
    const bf16 *const base = qkv + task.start * row + column;
    const bf16 *const dbase = dout + (size_t)token * hidden + column;
    const size_t number = (size_t)task.head * sizes.tokens + token;
    const auto load = [&](int stage) {
        const int from = stage * STAGE<DP>, valid = min(STAGE<DP>, task.length - from), rows = round16(valid);
        bf16 *const to = stages + stage % 2 * 2 * STAGE_PANEL;
        load_rows<DP>(threadIdx.x, blockDim.x, to, base + from * row + hidden, row, rows, valid, head_dim);
        load_rows<DP>(threadIdx.x, blockDim.x, to + STAGE_PANEL, base + from * row + 2 * hidden, row, rows, valid,
                      head_dim);
        copy_commit();
    };
    load_rows<DP>(threadIdx.x, blockDim.x, q, base + task.from * row, row, height, queries, head_dim);
    load_rows<DP>(threadIdx.x, blockDim.x, d, dbase, hidden, height, queries, head_dim);
    load(0);
    clear_padding(sizes, dqkv, row);
    query_stats<DP>(threadIdx.x, blockDim.x, stats, out + (size_t)token * hidden + column, dbase, hidden, lse + number,
                    height, queries, head_dim);
    __syncthreads();
    for (int i = threadIdx.x; i < queries; i += blockDim.x) delta[number + i] = stats[i].y;

    const int own = warp * 16 * M;
    const bool active = own < queries;
    const float scale = 1.0f / sqrtf((float)head_dim), to_log2 = scale * LOG2_E;
    const Mask mask(sizes, task.start, task.head);
    const float kept = mask.on() ? sizes.dropout.scale : 1.0f;
    Panel<DP, (DP <= 64)> qa[M], da[M];
    float dq[M][DP / 8][4];
    float2 stat[M][2];
#pragma unroll
    for (int m = 0; m < M; ++m) {
        clear(dq[m]);
        stat[m][0] = stats[own + m * 16 + g];
        stat[m][1] = stats[own + m * 16 + g + 8];
    }
    for (int stage = 0; stage * STAGE<DP> < task.length; ++stage) {
        const int from = stage * STAGE<DP>, valid = min(STAGE<DP>, task.length - from);
        const bool more = from + STAGE<DP> < task.length;
        if (more) {
            load(stage + 1);
            copy_wait<1>();
        } else {
            copy_wait<0>();
        }
        __syncthreads();
        if (active) {
            if (stage == 0) {
#pragma unroll
                for (int m = 0; m < M; ++m) {
                    qa[m].load(q + (own + m * 16) * STRIDE<DP>);
                    da[m].load(d + (own + m * 16) * STRIDE<DP>);
                }
            }
            const bf16 *const k = stages + stage % 2 * 2 * STAGE_PANEL, *const v = k + STAGE_PANEL;
            for (int sub = 0; sub < valid; sub += 16) {
                const bool whole = sub + 16 <= valid;
                float s[M][2][4], dp[M][2][4];
#pragma unroll
                for (int m = 0; m < M; ++m) {
                    clear(s[m]);
                    clear(dp[m]);
                }
#pragma unroll
                for (int i = 0; i < DP / 16; ++i) {
                    uint32_t a[4], b[4];
                    load_b_transposed(b, k + sub * STRIDE<DP> + i * 16, STRIDE<DP>);
#pragma unroll
                    for (int m = 0; m < M; ++m) {
                        qa[m].part(a, i);
                        mma(s[m][0], a, b[0], b[1]);
                        mma(s[m][1], a, b[2], b[3]);
                    }
                    load_b_transposed(b, v + sub * STRIDE<DP> + i * 16, STRIDE<DP>);
#pragma unroll
                    for (int m = 0; m < M; ++m) {
                        da[m].part(a, i);
                        mma(dp[m][0], a, b[0], b[1]);
                        mma(dp[m][1], a, b[2], b[3]);
                    }
                }
                uint32_t a[M][4];
#pragma unroll
                for (int m = 0; m < M; ++m) {
                    uint32_t bits[2] = {ALL_LANES, ALL_LANES};
                    if (mask.on())
                        mask.rows_are_queries<2>(task.from + own + m * 16, from + sub, valid - sub, bits);
#pragma unroll
                    for (int n = 0; n < 2; ++n)
#pragma unroll
                        for (int j = 0; j < 4; ++j) {
                            float p = exp2_fast(fmaf(s[m][n][j], to_log2, -stat[m][j / 2].x));
                            if (!whole && sub + n * 8 + 2 * t + j % 2 >= valid) p = 0.0f;
                            const bool keep = bit(bits[j / 2], 4 * n + j % 2);
                            dp[m][n][j] = p * ((keep ? dp[m][n][j] * kept : 0.0f) - stat[m][j / 2].y);
                        }
                    as_a(a[m], dp[m][0], dp[m][1]);
                }
#pragma unroll
                for (int n = 0; n < DP / 16; ++n) {
                    uint32_t b[4];
                    load_b(b, k + sub * STRIDE<DP> + n * 16, STRIDE<DP>);
#pragma unroll
                    for (int m = 0; m < M; ++m) {
                        mma(dq[m][2 * n], a[m], b[0], b[1]);
                        mma(dq[m][2 * n + 1], a[m], b[2], b[3]);
                    }
                }
            }
        }
        if (more) __syncthreads();
    }
    if (!active) return;
#pragma unroll
    for (int m = 0; m < M; ++m) {
        const int first = own + m * 16;
        store_rows<DP>(dq[m], scale, scale, q + first * STRIDE<DP>, dqkv + (token + first) * row + column, row,
                       queries - first, head_dim);
    }
}

} // namespace attention
