// What the gradient's bf16 kernels share, and the one for short sequences. The formulas are in attention_backward.cu.
#pragma once

#include "attention.cuh"

namespace attention {

template <int N> __device__ __forceinline__ void clear(float (&d)[N][4]) {
#pragma unroll
    for (int n = 0; n < N; ++n)
#pragma unroll
        for (int j = 0; j < 4; ++j) d[n][j] = 0.0f;
}

// Two neighbouring D tiles as an A.
__device__ __forceinline__ void as_a(uint32_t (&a)[4], const float (&low)[4], const float (&high)[4]) {
    a[0] = pack_bf16(low[0], low[1]);
    a[1] = pack_bf16(low[2], low[3]);
    a[2] = pack_bf16(high[0], high[1]);
    a[3] = pack_bf16(high[2], high[3]);
}

// d += a b for b [16, DP] as it lies in shared memory.
template <int DP>
__device__ __forceinline__ void add_product(float (&d)[DP / 8][4], const uint32_t (&a)[4], const bf16 *b) {
#pragma unroll
    for (int n = 0; n < DP / 16; ++n) {
        uint32_t word[4];
        load_b(word, b + n * 16, STRIDE<DP>);
        mma(d[2 * n], a, word[0], word[1]);
        mma(d[2 * n + 1], a, word[2], word[3]);
    }
}

// The A of 16 rows: in registers where there is room, else loaded each time.
template <int DP, bool KEPT> struct Panel;
template <int DP> struct Panel<DP, true> {
    uint32_t a[DP / 16][4];
    __device__ __forceinline__ void load(const bf16 *rows) {
#pragma unroll
        for (int i = 0; i < DP / 16; ++i) load_a(a[i], rows + i * 16, STRIDE<DP>);
    }
    __device__ __forceinline__ void part(uint32_t (&to)[4], int i) const {
#pragma unroll
        for (int j = 0; j < 4; ++j) to[j] = a[i][j];
    }
};
template <int DP> struct Panel<DP, false> {
    const bf16 *rows = nullptr;
    __device__ __forceinline__ void load(const bf16 *from) { rows = from; }
    __device__ __forceinline__ void part(uint32_t (&to)[4], int i) const { load_a(to, rows + i * 16, STRIDE<DP>); }
};

// A warp's 16 keys while queries pass by.
template <int DP> struct Keys {
    Panel<DP, (DP <= 64)> k, v;
    float dk[DP / 8][4], dv[DP / 8][4];
    int first, exist; // the first one's number in the sequence, and how many exist
};

// 16 N queries: their rows, dout and stats in shared memory. `query` is the first one's number. Where ds is not null,
// ds [key][query] is left there too, with rows `ds_stride` apart.
template <int DP, int N>
__device__ __forceinline__ void meet(Keys<DP> &own, const bf16 *q, const bf16 *d, const float2 *stats, bf16 *ds,
                                     int ds_stride, float to_log2, float kept, const Mask &mask, int query) {
    const int lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4;
    float s[2 * N][4], dp[2 * N][4];
    clear(s);
    clear(dp);
#pragma unroll
    for (int i = 0; i < DP / 16; ++i) {
        uint32_t k[4], v[4];
        own.k.part(k, i);
        own.v.part(v, i);
#pragma unroll
        for (int n = 0; n < N; ++n) {
            uint32_t b[4];
            load_b_transposed(b, q + n * 16 * STRIDE<DP> + i * 16, STRIDE<DP>);
            mma(s[2 * n], k, b[0], b[1]);
            mma(s[2 * n + 1], k, b[2], b[3]);
            load_b_transposed(b, d + n * 16 * STRIDE<DP> + i * 16, STRIDE<DP>);
            mma(dp[2 * n], v, b[0], b[1]);
            mma(dp[2 * n + 1], v, b[2], b[3]);
        }
    }
    uint32_t bits[4] = {ALL_LANES, ALL_LANES, ALL_LANES, ALL_LANES};
    if (mask.on()) mask.rows_are_keys<2 * N>(own.first, query, 16 * N, bits);
#pragma unroll
    for (int n = 0; n < 2 * N; ++n) {
        // Log-sum-exp and delta of the lane's two queries.
        const float4 of = *reinterpret_cast<const float4 *>(stats + n * 8 + 2 * t);
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            float p = exp2_fast(fmaf(s[n][j], to_log2, j % 2 ? -of.z : -of.x));
            // Keys that do not exist would reach dq.
            if (g + 8 * (j / 2) >= own.exist) p = 0.0f;
            const bool keep = bit(bits[j], 4 * n);
            s[n][j] = keep ? p * kept : 0.0f;
            dp[n][j] = p * ((keep ? dp[n][j] * kept : 0.0f) - (j % 2 ? of.w : of.y));
        }
    }
#pragma unroll
    for (int n = 0; n < N; ++n) {
        uint32_t a[4];
        as_a(a, s[2 * n], s[2 * n + 1]);
        add_product<DP>(own.dv, a, d + n * 16 * STRIDE<DP>);
        as_a(a, dp[2 * n], dp[2 * n + 1]);
        if (ds) {
            bf16 *const at = ds + g * ds_stride + n * 16 + 2 * t;
            *reinterpret_cast<uint32_t *>(at) = a[0];
            *reinterpret_cast<uint32_t *>(at + 8 * ds_stride) = a[1];
            *reinterpret_cast<uint32_t *>(at + 8) = a[2];
            *reinterpret_cast<uint32_t *>(at + 8 * ds_stride + 8) = a[3];
        }
        add_product<DP>(own.dk, a, q + n * 16 * STRIDE<DP>);
    }
}

// Sequences that a block covers, of which it takes several heads when they are short. A warp has 16 keys, for which
// all queries pass by; what it finds of ds the other warps of the unit need for dq, of which each has 16 queries.
//
// Shared memory of each unit: queries, keys, values and dout, 16 rows a warp; ds [key][query], a float2 a query.
template <int DP>
__device__ __forceinline__ void backward_short(const Sizes &sizes, const bf16 *qkv, const bf16 *out, const float *lse,
                                               const bf16 *dout, bf16 *dqkv) {
    const int head_dim = (int)sizes.head_dim, hidden = (int)sizes.heads * head_dim;
    const size_t row = 3 * (size_t)hidden;
    const Task task = task_of(sizes);
    if (task.length == 0) return clear_padding(sizes, dqkv, row);

    KB_SHARED(bf16, shared);
    const Unit unit(task.length);
    const int head = task.head + unit.number, height = unit.warps * 16, ds_stride = height + 8;
    const bool exists = head < (int)sizes.heads;
    const int panel = height * STRIDE<DP>, stats_size = height * (int)(sizeof(float2) / sizeof(bf16));
    bf16 *const q = shared + unit.number * (4 * panel + height * ds_stride + stats_size);
    bf16 *const k = q + panel, *const v = k + panel, *const d = v + panel, *const ds = d + panel;
    float2 *const stats = reinterpret_cast<float2 *>(ds + height * ds_stride);
    const size_t first = task.start * row + head * head_dim;
    const int rows = round16(task.length);
    if (exists) {
        const bf16 *const from = qkv + first;
        const size_t dfirst = (size_t)task.start * hidden + head * head_dim;
        load_rows<DP>(unit.thread, unit.threads, q, from, row, rows, task.length, head_dim);
        load_rows<DP>(unit.thread, unit.threads, k, from + hidden, row, rows, task.length, head_dim);
        load_rows<DP>(unit.thread, unit.threads, v, from + 2 * hidden, row, rows, task.length, head_dim);
        load_rows<DP>(unit.thread, unit.threads, d, dout + dfirst, hidden, rows, task.length, head_dim);
        copy_commit();
        query_stats<DP>(unit.thread, unit.threads, stats, out + dfirst, dout + dfirst, hidden,
                        lse + (size_t)head * sizes.tokens + task.start, rows, task.length, head_dim);
    }
    clear_padding(sizes, dqkv, row);
    const Mask mask(sizes, task.start, head);
    copy_wait<0>();
    __syncthreads();

    const bool active = exists && unit.own < task.length;
    const float scale = 1.0f / sqrtf((float)head_dim), to_log2 = scale * LOG2_E;
    const float kept = mask.on() ? sizes.dropout.scale : 1.0f;
    Keys<DP> own;
    clear(own.dk);
    clear(own.dv);
    if (active) {
        own.first = unit.own;
        own.exist = task.length - unit.own;
        own.k.load(k + unit.own * STRIDE<DP>);
        own.v.load(v + unit.own * STRIDE<DP>);
        bf16 *const ds_rows = ds + unit.own * ds_stride;
        for (int query = 0; query < rows; query += 32) {
            const bf16 *const q_rows = q + query * STRIDE<DP>, *const d_rows = d + query * STRIDE<DP>;
            if (query + 32 <= rows)
                meet<DP, 2>(own, q_rows, d_rows, stats + query, ds_rows + query, ds_stride, to_log2, kept, mask, query);
            else
                meet<DP, 1>(own, q_rows, d_rows, stats + query, ds_rows + query, ds_stride, to_log2, kept, mask, query);
        }
    }
    __syncthreads();
    if (!active) return;

    // Only keys and ds are needed still, so results can pass through the rows of the queries.
    bf16 *const tile = q + unit.own * STRIDE<DP>, *const to = dqkv + first + unit.own * row;
    const int valid = task.length - unit.own;
    store_rows<DP>(own.dk, scale, scale, tile, to + hidden, row, valid, head_dim);
    store_rows<DP>(own.dv, 1.0f, 1.0f, tile, to + 2 * hidden, row, valid, head_dim);
    clear(own.dk);
    for (int key = 0; key < rows; key += 16) {
        uint32_t a[4];
        load_a_transposed(a, ds + key * ds_stride + unit.own, ds_stride);
        add_product<DP>(own.dk, a, k + key * STRIDE<DP>);
    }
    store_rows<DP>(own.dk, scale, scale, tile, to, row, valid, head_dim);
}

} // namespace attention
