// Self-attention within the sequences of a packed batch, forward: out = dropout(softmax(q k^T / sqrt head_dim)) v.
//
// The bf16 form is that of Dao 2023: a warp owns 16 queries (or two times 16), keys and values pass by in tiles, and the
// softmax is brought up to date tile by tile, so no more scores exist than a warp holds in registers.

#include "attention.cuh"
#include "attention_plain.cuh"

namespace attention {

// What a warp knows of its 16 M queries while keys pass by: the weighted values, and of the two rows of each lane in
// each tile the largest score and the sum (of the lane's own columns).
template <int DP, int M> struct Running {
    float o[M][DP / 8][4];
    float largest[M][2], sum[M][2];

    __device__ __forceinline__ Running() {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int n = 0; n < DP / 8; ++n)
#pragma unroll
                for (int j = 0; j < 4; ++j) o[m][n][j] = 0.0f;
#pragma unroll
            for (int r = 0; r < 2; ++r) {
                largest[m][r] = -INFINITY;
                sum[m][r] = 0.0f;
            }
        }
    }
};

// The warp's queries as A.
template <int DP, int M>
__device__ __forceinline__ void load_queries(uint32_t (&qa)[M][DP / 16][4], const bf16 *q) {
#pragma unroll
    for (int m = 0; m < M; ++m)
#pragma unroll
        for (int i = 0; i < DP / 16; ++i) load_a(qa[m][i], q + m * 16 * STRIDE<DP> + i * 16, STRIDE<DP>);
}

// One tile of keys and values, KEYS or, if not WHOLE, `valid` of them. `to_log2` makes scores exponents of 2.
template <int DP, int M, int KEYS, bool WHOLE>
__device__ __forceinline__ void meet(Running<DP, M> &run, const uint32_t (&qa)[M][DP / 16][4], const bf16 *k,
                                     const bf16 *v, int valid, float to_log2, const Mask &mask, int query, int key) {
    float s[M][KEYS / 8][4];
#pragma unroll
    for (int n = 0; n < KEYS / 16; ++n) {
#pragma unroll
        for (int m = 0; m < M; ++m)
#pragma unroll
            for (int j = 0; j < 4; ++j) s[m][2 * n][j] = s[m][2 * n + 1][j] = 0.0f;
        if (!WHOLE && n * 16 >= valid) continue;
#pragma unroll
        for (int i = 0; i < DP / 16; ++i) {
            uint32_t b[4];
            load_b_transposed(b, k + n * 16 * STRIDE<DP> + i * 16, STRIDE<DP>);
#pragma unroll
            for (int m = 0; m < M; ++m) {
                mma(s[m][2 * n], qa[m][i], b[0], b[1]);
                mma(s[m][2 * n + 1], qa[m][i], b[2], b[3]);
            }
        }
    }
    if (!WHOLE && valid < KEYS) {
        const int first = threadIdx.x % 4 * 2;
#pragma unroll
        for (int n = 0; n < KEYS / 8; ++n)
#pragma unroll
            for (int j = 0; j < 4; ++j)
                if (n * 8 + first + j % 2 >= valid)
#pragma unroll
                    for (int m = 0; m < M; ++m) s[m][n][j] = -INFINITY;
    }
#pragma unroll
    for (int m = 0; m < M; ++m) {
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            float top = run.largest[m][r];
#pragma unroll
            for (int n = 0; n < KEYS / 8; ++n) top = fmaxf(top, fmaxf(s[m][n][2 * r], s[m][n][2 * r + 1]));
            top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 1));
            top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 2));
            const float shift = top * to_log2;
            const float fade = exp2_fast(fmaf(run.largest[m][r], to_log2, -shift));
            float sum = 0.0f;
#pragma unroll
            for (int n = 0; n < KEYS / 8; ++n)
#pragma unroll
                for (int j = 2 * r; j < 2 * r + 2; ++j) {
                    s[m][n][j] = exp2_fast(fmaf(s[m][n][j], to_log2, -shift));
                    sum += s[m][n][j];
                }
            run.sum[m][r] = run.sum[m][r] * fade + sum;
            run.largest[m][r] = top;
#pragma unroll
            for (int n = 0; n < DP / 8; ++n) {
                run.o[m][n][2 * r] *= fade;
                run.o[m][n][2 * r + 1] *= fade;
            }
        }
        if (mask.on()) {
            uint32_t bits[2];
            mask.rows_are_queries<KEYS / 8>(query + m * 16, key, WHOLE ? KEYS : valid, bits);
#pragma unroll
            for (int n = 0; n < KEYS / 8; ++n)
#pragma unroll
                for (int j = 0; j < 4; ++j)
                    if (!bit(bits[j / 2], 4 * n + j % 2)) s[m][n][j] = 0.0f;
        }
    }
#pragma unroll
    for (int i = 0; i < KEYS / 16; ++i) {
        if (!WHOLE && i * 16 >= valid) continue;
        uint32_t p[M][4];
#pragma unroll
        for (int m = 0; m < M; ++m)
#pragma unroll
            for (int j = 0; j < 4; ++j)
                p[m][j] = pack_bf16(s[m][2 * i + j / 2][2 * (j % 2)], s[m][2 * i + j / 2][2 * (j % 2) + 1]);
#pragma unroll
        for (int n = 0; n < DP / 16; ++n) {
            uint32_t b[4];
            load_b(b, v + i * 16 * STRIDE<DP> + n * 16, STRIDE<DP>);
#pragma unroll
            for (int m = 0; m < M; ++m) {
                mma(run.o[m][2 * n], p[m], b[0], b[1]);
                mma(run.o[m][2 * n + 1], p[m], b[2], b[3]);
            }
        }
    }
}

// Writes what has become of the warp's queries, of which `valid` exist; `out` and `lse` are the first one's. `tile`
// is its own rows in shared memory.
template <int DP, int M>
__device__ __forceinline__ void finish(const Running<DP, M> &run, float scale, float kept, bf16 *tile, bf16 *out,
                                       size_t stride, float *lse, int valid, int head_dim) {
    const int lane = threadIdx.x % WARP;
#pragma unroll
    for (int m = 0; m < M; ++m) {
        float factor[2];
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            float sum = run.sum[m][r];
            sum += __shfl_xor_sync(ALL_LANES, sum, 1);
            sum += __shfl_xor_sync(ALL_LANES, sum, 2);
            factor[r] = kept / sum;
            const int query = m * 16 + lane / 4 + 8 * r;
            if (lse && lane % 4 == 0 && query < valid) lse[query] = run.largest[m][r] * scale + logf(sum);
        }
        store_rows<DP>(run.o[m], factor[0], factor[1], tile + m * 16 * STRIDE<DP>, out + m * 16 * stride, stride,
                       valid - m * 16, head_dim);
    }
}

// Sequences that a block covers, of which it takes several heads when they are short.
// Shared memory: queries, keys and values of each unit, 16 rows a warp.
template <int DP>
__device__ __forceinline__ void forward_short(const Sizes &sizes, const bf16 *qkv, bf16 *out, float *lse) {
    const int head_dim = (int)sizes.head_dim, hidden = (int)sizes.heads * head_dim;
    const Task task = task_of(sizes);
    if (task.length == 0) return clear_padding(sizes, out, hidden);

    KB_SHARED(bf16, shared);
    const Unit unit(task.length);
    const int head = task.head + unit.number, panel = unit.warps * 16 * STRIDE<DP>;
    const bool exists = head < (int)sizes.heads;
    bf16 *const q = shared + unit.number * 3 * panel, *const k = q + panel, *const v = k + panel;
    const size_t row = 3 * (size_t)hidden;
    if (exists) {
        const bf16 *const from = qkv + task.start * row + head * head_dim;
        const int rows = round16(task.length);
        load_rows<DP>(unit.thread, unit.threads, q, from, row, rows, task.length, head_dim);
        load_rows<DP>(unit.thread, unit.threads, k, from + hidden, row, rows, task.length, head_dim);
        load_rows<DP>(unit.thread, unit.threads, v, from + 2 * hidden, row, rows, task.length, head_dim);
        copy_commit();
    }
    clear_padding(sizes, out, hidden);
    const Mask mask(sizes, task.start, head);
    copy_wait<0>();
    __syncthreads();
    if (!exists || unit.own >= task.length) return;

    const float scale = 1.0f / sqrtf((float)head_dim);
    uint32_t qa[1][DP / 16][4];
    load_queries<DP, 1>(qa, q + unit.own * STRIDE<DP>);
    Running<DP, 1> run;
    constexpr int KEYS = 32;
    for (int key = 0; key < task.length; key += KEYS)
        meet<DP, 1, KEYS, false>(run, qa, k + key * STRIDE<DP>, v + key * STRIDE<DP>, min(KEYS, task.length - key),
                                 scale * LOG2_E, mask, unit.own, key);
    const int token = task.start + unit.own;
    finish<DP, 1>(run, scale, mask.on() ? sizes.dropout.scale : 1.0f, q + unit.own * STRIDE<DP>,
                  out + (size_t)token * hidden + head * head_dim, hidden,
                  lse ? lse + (size_t)head * sizes.tokens + token : nullptr, task.length - unit.own, head_dim);
}

// Sequences of any length, in tiles of 16 M queries a warp.
// Shared memory: queries of the tile, and two stages of KEYS keys and as many values.
template <int DP, int M>
__device__ __forceinline__ void forward_long(const Sizes &sizes, const bf16 *qkv, bf16 *out, float *lse) {
    constexpr int KEYS = 64, PANEL = KEYS * STRIDE<DP>;
    const int head_dim = (int)sizes.head_dim, hidden = (int)sizes.heads * head_dim;
    const Task task = task_of(sizes);
    if (task.length == 0) return clear_padding(sizes, out, hidden);

    KB_SHARED(bf16, shared);
    const int warp = threadIdx.x / WARP, height = blockDim.x / WARP * 16 * M;
    bf16 *const q = shared, *const stages = shared + height * STRIDE<DP>;
    const size_t row = 3 * (size_t)hidden;
    const bf16 *const base = qkv + task.start * row + task.head * head_dim;
    const int queries = min(height, task.length - task.from);
    const auto load = [&](int stage) {
        const int valid = min(KEYS, task.length - stage * KEYS), rows = round16(valid);
        const bf16 *const keys = base + (size_t)stage * KEYS * row + hidden;
        bf16 *const to = stages + stage % 2 * 2 * PANEL;
        load_rows<DP>(threadIdx.x, blockDim.x, to, keys, row, rows, valid, head_dim);
        load_rows<DP>(threadIdx.x, blockDim.x, to + PANEL, keys + hidden, row, rows, valid, head_dim);
        copy_commit();
    };
    load_rows<DP>(threadIdx.x, blockDim.x, q, base + task.from * row, row, height, queries, head_dim);
    load(0);
    clear_padding(sizes, out, hidden);

    const int own = warp * 16 * M;
    const float scale = 1.0f / sqrtf((float)head_dim);
    const Mask mask(sizes, task.start, task.head);
    uint32_t qa[M][DP / 16][4];
    Running<DP, M> run;
    for (int stage = 0; stage * KEYS < task.length; ++stage) {
        const bool more = (stage + 1) * KEYS < task.length;
        if (more) {
            load(stage + 1);
            copy_wait<1>();
        } else {
            copy_wait<0>();
        }
        __syncthreads();
        if (own < queries) {
            if (stage == 0) load_queries<DP, M>(qa, q + own * STRIDE<DP>);
            const bf16 *const k = stages + stage % 2 * 2 * PANEL, *const v = k + PANEL;
            const int key = stage * KEYS, valid = task.length - key;
            if (valid >= KEYS)
                meet<DP, M, KEYS, true>(run, qa, k, v, KEYS, scale * LOG2_E, mask, task.from + own, key);
            else
                meet<DP, M, KEYS, false>(run, qa, k, v, valid, scale * LOG2_E, mask, task.from + own, key);
        }
        if (more) __syncthreads();
    }
    if (own >= queries) return;
    const int token = task.start + task.from + own;
    finish<DP, M>(run, scale, mask.on() ? sizes.dropout.scale : 1.0f, q + own * STRIDE<DP>,
                  out + (size_t)token * hidden + task.head * head_dim, hidden,
                  lse ? lse + (size_t)task.head * sizes.tokens + token : nullptr, queries - own, head_dim);
}

} // namespace attention

// A lane holds DP / 2 numbers of each 16 queries, which is what limits the rows of a block.
#define KB_ATTENTION_FORWARD(DP, SHORT_THREADS, M)                                                                \
    extern "C" __global__ void __launch_bounds__(SHORT_THREADS) kb_attention_forward_short_d##DP##_bf16(          \
        KB_ATTENTION_SIZES, const bf16 *qkv, bf16 *out, float *lse) {                                             \
        attention::forward_short<DP>(KB_ATTENTION_PACKED, qkv, out, lse);                                         \
    }                                                                                                             \
    KB_EXPORT(kb_attention_forward_short_d##DP##_bf16);                                                           \
    extern "C" __global__ void __launch_bounds__(128) kb_attention_forward_long_d##DP##_bf16(                     \
        KB_ATTENTION_SIZES, const bf16 *qkv, bf16 *out, float *lse) {                                             \
        attention::forward_long<DP, M>(KB_ATTENTION_PACKED, qkv, out, lse);                                       \
    }                                                                                                             \
    KB_EXPORT(kb_attention_forward_long_d##DP##_bf16);

KB_ATTENTION_FORWARD(16, 256, 2)
KB_ATTENTION_FORWARD(32, 256, 2)
KB_ATTENTION_FORWARD(64, 256, 2)
KB_ATTENTION_FORWARD(128, 128, 1)

// Without tensor cores: f32, and bf16 where heads are wider than the above.
#define KB_ATTENTION_FORWARD_PLAIN(T, DP, NAME)                                                                   \
    extern "C" __global__ void __launch_bounds__(attention::plain::THREADS) kb_attention_forward_##NAME(          \
        KB_ATTENTION_SIZES, const T *qkv, T *out, float *lse) {                                                   \
        attention::plain::forward<T, DP>(KB_ATTENTION_PACKED, qkv, out, lse);                                     \
    }                                                                                                             \
    KB_EXPORT(kb_attention_forward_##NAME);

KB_ATTENTION_FORWARD_PLAIN(float, 32, plain_d32_f32)
KB_ATTENTION_FORWARD_PLAIN(float, 64, plain_d64_f32)
KB_ATTENTION_FORWARD_PLAIN(float, 128, plain_d128_f32)
KB_ATTENTION_FORWARD_PLAIN(float, 256, plain_d256_f32)
KB_ATTENTION_FORWARD_PLAIN(bf16, 256, plain_d256_bf16)
