// The backward pass of disentangled attention in single precision: the same parts as with tensor cores, see
// disentangled_mma_backward.cuh. Each block makes WIDE columns of the results, and the scores' gradients anew for them.
#pragma once

#include "disentangled_f32.cuh"

namespace disentangled {

// Of [own, ranks], what is gathered from a pair's gradients.
template <bool BY_QUERY>
__device__ __forceinline__ void gather(float *to, const float *ds, const uint8_t *first, const Window &w, int others) {
    for (int i = threadIdx.x; i < TILE_F32 * 2 * TILE_F32; i += blockDim.x) {
        const int own = i / (2 * TILE_F32), t = i % (2 * TILE_F32);
        to[own * RANKS_STRIDE + t] = gathered<BY_QUERY, false>(ds, PAIR_STRIDE, first, w, own, others, t);
    }
}

__device__ __forceinline__ void load_pair(float *to, const float *pair) {
    for (int i = threadIdx.x; i < TILE_F32 * TILE_F32; i += blockDim.x)
        to[i / TILE_F32 * PAIR_STRIDE + i % TILE_F32] = pair[i];
}

__device__ __forceinline__ void by_keys_f32(float *dqkv, float *ds_pairs, const float *qkv, const float *projected,
                                            const uint32_t *relative_numbers, const uint32_t *tiles, const float *out,
                                            const float *lse, const float *dout, const Sizes &sizes, uint32_t longest,
                                            uint32_t ranks, kb_dropout dropout, const kb_step *step,
                                            const Part &part) {
    __shared__ union {
        Slices slices;
        float rows[2 * TILE_F32 * WIDE_STRIDE];
    } shared;
    __shared__ float p[TILE_F32 * PAIR_STRIDE], ds[TILE_F32 * PAIR_STRIDE]; // [keys, queries]
    __shared__ float ranked[TILE_F32 * RANKS_STRIDE], row_delta[TILE_F32], row_lse[TILE_F32];
    __shared__ uint8_t rank[2 * TILE_F32], first[2 * TILE_F32];

    const kb_step state = *step;
    if (blockIdx.y == 0) clear_padding(dqkv, 3 * (size_t)sizes.hidden, state, sizes.tokens);
    const int head = part.first + part.local(), column = blockIdx.y * WIDE;
    Tile tile;
    if (!read_tile(tile, tiles, blockIdx.x / part.count)) return;
    const int keys = min(TILE_F32, tile.length - tile.from), a = threadIdx.x / 8, b = threadIdx.x % 8;
    const int tiles_across = (tile.length + TILE_F32 - 1) / TILE_F32;
    const size_t stride = 3 * (size_t)sizes.hidden, values = (size_t)tile.start * sizes.hidden + head * sizes.dim;
    const float *const q_from = qkv + tile.start * stride + head * sizes.dim;
    const float *const k_from = q_from + tile.from * stride + sizes.hidden;
    const float *const qr_from = projected + head * sizes.dim;
    const Relative relative(relative_numbers, longest, ranks);

    float dk[4][8] = {}, dv[4][8] = {};
    for (int query = 0; query < tile.length; query += TILE_F32) {
        const int queries = min(TILE_F32, tile.length - query), apart = query - tile.from;
        const float *const q = q_from + query * stride;
        const float *const g = dout + values + (size_t)query * sizes.hidden;
        __syncthreads();
        Window w;
        if (sizes.terms) {
            w = Window(relative, apart, queries, keys);
            fill_ranks(rank, relative, w, apart);
            fill_first(first, relative, w, apart);
        }
        for (int r = threadIdx.x / 8; r < TILE_F32; r += THREADS_F32 / 8) {
            const size_t at = values + (size_t)(query + r) * sizes.hidden;
            float sum = 0.0f;
            for (int c = b; r < queries && c < sizes.dim; c += 8) sum = fmaf(out[at + c], dout[at + c], sum);
#pragma unroll
            for (int i = 1; i < 8; i *= 2) sum += __shfl_xor_sync(ALL_LANES, sum, i);
            if (b == 0) {
                row_delta[r] = sum;
                row_lse[r] = r < queries ? lse[(size_t)head * sizes.tokens + tile.start + query + r] : INFINITY;
            }
        }
        __syncthreads();
        float d[4][4] = {}, dp[4][4] = {};
        const Pair scores = {q, k_from, stride, stride, queries, keys,
                             qr_from + (sizes.terms & P2C ? sizes.hidden : 0), qr_from};
        add_scores<true>(d, shared.slices, scores, sizes, relative, w, rank);
        const Pair products = {g, k_from + sizes.hidden, (size_t)sizes.hidden, stride, queries, keys, nullptr, nullptr};
        add_scores<false>(dp, shared.slices, products, sizes, relative, w, rank);
#pragma unroll
        for (int x = 0; x < 4; ++x) {
            const int i = a + 8 * x;
            const uint64_t row = dropout_row(state, head, tile.start + query + i);
#pragma unroll
            for (int y = 0; y < 4; ++y) {
                const int j = b + 8 * y;
                const float v = j < keys ? expf(d[x][y] * sizes.scale - row_lse[i]) : 0.0f;
                const float factor = dropout_factor(&state, dropout, row * 4 + (uint64_t)(tile.from + j));
                p[j * PAIR_STRIDE + i] = dropped(v, factor);
                ds[j * PAIR_STRIDE + i] = v * (dropped(dp[x][y], factor) - row_delta[i]);
            }
        }
        __syncthreads();
        load_tile<WIDE>(shared.rows, g, sizes.hidden, queries, column, sizes.dim);
        load_tile<WIDE>(shared.rows + TILE_F32 * WIDE_STRIDE, q, stride, queries, column, sizes.dim);
        if (sizes.terms & P2C) gather<false>(ranked, ds, first, w, queries);
        if (blockIdx.y == 0) {
            const int number = tile.pairs + query / TILE_F32 * tiles_across + tile.from / TILE_F32;
            float *const to = ds_pairs + part.pair(number) * (TILE_F32 * TILE_F32);
            for (int i = threadIdx.x; i < TILE_F32 * TILE_F32; i += blockDim.x)
                to[i] = ds[i / TILE_F32 * PAIR_STRIDE + i % TILE_F32];
        }
        __syncthreads();
        add_product<4>(dv, p, PAIR_STRIDE, 1, shared.rows, queries);
        add_product<4>(dk, ds, PAIR_STRIDE, 1, shared.rows + TILE_F32 * WIDE_STRIDE, queries);
        if (sizes.terms & P2C) {
            __syncthreads();
            load_positions<WIDE>(shared.rows, qr_from, sizes, relative, w, column);
            __syncthreads();
            add_product<4>(dk, ranked, RANKS_STRIDE, 1, shared.rows, w.count);
        }
    }
    const float scale[4] = {sizes.scale, sizes.scale, sizes.scale, sizes.scale}, one[4] = {1.0f, 1.0f, 1.0f, 1.0f};
    float *const to = dqkv + (tile.start + tile.from) * stride + sizes.hidden + head * sizes.dim;
    store_result(to, stride, dk, scale, keys, column, sizes.dim);
    store_result(to + sizes.hidden, stride, dv, one, keys, column, sizes.dim);
}

__device__ __forceinline__ void by_queries_f32(float *dqkv, const float *ds_pairs, const float *qkv,
                                               const float *projected, const uint32_t *relative_numbers,
                                               const uint32_t *tiles, const Sizes &sizes, uint32_t longest,
                                               uint32_t ranks, const Part &part) {
    __shared__ float rows[2 * TILE_F32 * WIDE_STRIDE], ds[TILE_F32 * PAIR_STRIDE], ranked[TILE_F32 * RANKS_STRIDE];
    __shared__ uint8_t first[2 * TILE_F32];
    const int head = part.first + part.local(), column = blockIdx.y * WIDE;
    Tile tile;
    if (!read_tile(tile, tiles, blockIdx.x / part.count)) return;
    const int queries = min(TILE_F32, tile.length - tile.from), across = (tile.length + TILE_F32 - 1) / TILE_F32;
    const size_t stride = 3 * (size_t)sizes.hidden;
    const float *const k_from = qkv + tile.start * stride + sizes.hidden + head * sizes.dim;
    const float *const kr_from = projected + (sizes.terms & P2C ? sizes.hidden : 0) + head * sizes.dim;
    const Relative relative(relative_numbers, longest, ranks);

    float dq[4][8] = {};
    for (int key = 0; key < tile.length; key += TILE_F32) {
        const int keys = min(TILE_F32, tile.length - key), apart = tile.from - key;
        const int number = tile.pairs + tile.from / TILE_F32 * across + key / TILE_F32;
        Window w;
        __syncthreads();
        load_pair(ds, ds_pairs + part.pair(number) * (TILE_F32 * TILE_F32));
        load_tile<WIDE>(rows, k_from + key * stride, stride, keys, column, sizes.dim);
        if (sizes.terms & C2P) {
            w = Window(relative, apart, queries, keys);
            fill_first(first, relative, w, apart);
        }
        __syncthreads();
        add_product<4>(dq, ds, 1, PAIR_STRIDE, rows, keys);
        if (!(sizes.terms & C2P)) continue;
        gather<true>(ranked, ds, first, w, keys);
        __syncthreads();
        load_positions<WIDE>(rows, kr_from, sizes, relative, w, column);
        __syncthreads();
        add_product<4>(dq, ranked, RANKS_STRIDE, 1, rows, w.count);
    }
    const float scale[4] = {sizes.scale, sizes.scale, sizes.scale, sizes.scale};
    store_result(dqkv + (tile.start + tile.from) * stride + head * sizes.dim, stride, dq, scale, queries, column,
                 sizes.dim);
}

// As by_distances with tensor cores. Block y is columns and panel, x chunk and head; `width` is that of the sums' rows.
__device__ __forceinline__ void by_distances_f32(float *sums, const float *ds_pairs, const float *qkv,
                                                 const uint32_t *relative_numbers, const uint32_t *chunks,
                                                 const uint32_t *pairs, const Sizes &sizes, uint32_t longest,
                                                 uint32_t ranks, const Part &part) {
    __shared__ float rows[TILE_F32 * WIDE_STRIDE], ds[TILE_F32 * PAIR_STRIDE], ranked[TILE_F32 * RANKS_STRIDE];
    __shared__ uint8_t first[2 * TILE_F32];
    const uint4 chunk = reinterpret_cast<const uint4 *>(chunks)[blockIdx.x / part.count];
    if (chunk.x == NONE) return;
    const int panel = blockIdx.y % 2, column = blockIdx.y / 2 * WIDE, width = (int)gridDim.y / 2 * WIDE;
    if (!(sizes.terms & (panel ? C2P : P2C))) return;
    const int head = part.first + part.local(), apart = (int)chunk.z * TILE_F32;
    const size_t stride = 3 * (size_t)sizes.hidden;
    const Relative relative(relative_numbers, longest, ranks);
    const Window w(relative, apart, TILE_F32);
    fill_first(first, relative, w, apart);

    float d[8][8] = {};
    for (uint32_t i = 0; i < chunk.y; ++i) {
        const uint4 pair = reinterpret_cast<const uint4 *>(pairs)[chunk.x + i];
        const int token = (int)pair.z - (panel ? 0 : apart);
        const float *const from =
            qkv + (pair.x + (size_t)token) * stride + (panel ? 0 : sizes.hidden) + head * sizes.dim;
        __syncthreads();
        load_pair(ds, ds_pairs + part.pair((int)pair.w) * (TILE_F32 * TILE_F32));
        load_tile<WIDE>(rows, from, stride, min(TILE_F32, (int)pair.y - token), column, sizes.dim);
        __syncthreads();
        if (panel) gather<true>(ranked, ds, first, w, TILE_F32);
        else gather<false>(ranked, ds, first, w, TILE_F32);
        __syncthreads();
        add_product<8>(d, ranked, 1, RANKS_STRIDE, rows, TILE_F32);
    }
    float *const to = sums + ((size_t)blockIdx.x * 2 + panel) * (2 * TILE_F32) * width + column;
    const int a = threadIdx.x / 8, b = threadIdx.x % 8;
#pragma unroll
    for (int x = 0; x < 8; ++x)
        if (a + 8 * x < w.count)
#pragma unroll
            for (int c = 0; c < 8; ++c) to[(a + 8 * x) * width + c / 4 * (WIDE / 2) + 4 * b + c % 4] = d[x][c];
}

} // namespace disentangled
