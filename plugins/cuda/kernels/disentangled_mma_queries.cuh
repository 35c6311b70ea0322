// The parts of the backward pass that read the gradients of scores again: dq of sequences of several tiles, and the
// gradients of the table's rows.
#pragma once

#include "disentangled_mma_backward.cuh"

namespace disentangled {

// Starts loading the gradients of a pair of tiles.
template <int TILE> __device__ __forceinline__ void load_pair(bf16 *to, const bf16 *pair) {
    for (int i = threadIdx.x; i < TILE * (TILE / 8); i += blockDim.x) {
        const int r = i / (TILE / 8), c = i % (TILE / 8) * 8;
        copy_async(to + r * DS_STRIDE<TILE> + c, pair + r * TILE + c);
    }
}

template <int TILE, int DIM>
__device__ __forceinline__ void by_queries(bf16 *dqkv, const bf16 *ds_pairs, const bf16 *qkv, const bf16 *projected,
                                           const uint32_t *relative_numbers, const uint32_t *tiles,
                                           const Sizes &sizes, uint32_t longest, uint32_t ranks, const Part &part) {
    constexpr int S = STRIDE<DIM>;
    KB_SHARED(bf16, shared);
    bf16 *const k_rows = shared, *const kr = k_rows + TILE * S, *const ds = kr + 2 * TILE * S;
    uint8_t *const rank = reinterpret_cast<uint8_t *>(ds + TILE * DS_STRIDE<TILE>), *const first = rank + 2 * TILE;

    const int head = part.first + part.local();
    Tile tile;
    if (!read_tile(tile, tiles, blockIdx.x / part.count) || tile.length <= TILE) return;
    const int queries = min(TILE, tile.length - tile.from), tiles_across = (tile.length + TILE - 1) / TILE;
    const size_t stride = 3 * (size_t)sizes.hidden;
    const bf16 *const k_from = qkv + (size_t)tile.start * stride + sizes.hidden + head * sizes.dim;
    const bf16 *const kr_from = projected + (sizes.terms & P2C ? sizes.hidden : 0) + head * sizes.dim;
    const Relative relative(relative_numbers, longest, ranks);
    const int own = 16 * (threadIdx.x / WARP);

    float dq[DIM / 8][4] = {};
    for (int key = 0; key < tile.length; key += TILE) {
        const int keys = min(TILE, tile.length - key), apart = tile.from - key;
        const int number = tile.pairs + tile.from / TILE * tiles_across + key / TILE;
        __syncthreads();
        load_pair<TILE>(ds, ds_pairs + part.pair(number) * (TILE * TILE));
        load_tile<DIM>(k_rows, k_from + key * stride, stride, keys, (keys + 15) & ~15, sizes.dim);
        Window w;
        if (sizes.terms & C2P) {
            w = Window(relative, apart, queries, keys);
            load_positions<DIM>(kr, kr_from, sizes, relative, w, padded_rows<TILE>(w));
            if (!w.linear()) {
                fill_ranks(rank, relative, w, apart);
                fill_first(first, relative, w, apart);
            }
        }
        copy_commit();
        copy_wait<0>();
        __syncthreads();
        if (own < queries)
            add_query_gradient<TILE, DIM>(dq, ds, k_rows, kr, rank, first, w, sizes.terms, own, queries, keys);
    }
    if (own < queries)
        store_gradient<DIM>(dqkv + (size_t)(tile.start + tile.from) * stride + head * sizes.dim, stride, dq,
                            sizes.scale, own, queries, sizes.dim);
}

// sums[chunk, head of the part, panel, rank of the window, DIM]: dqr (panel 0) and dkr (panel 1) of a chunk of pairs of
// tiles at the same distance, without the scale. Half of the warps make either, each for some of the window's ranks.
template <int TILE, int DIM>
__device__ __forceinline__ void by_distances(float *sums, const bf16 *ds_pairs, const bf16 *qkv,
                                             const uint32_t *relative_numbers, const uint32_t *chunks,
                                             const uint32_t *pairs, const Sizes &sizes, uint32_t longest,
                                             uint32_t ranks, const Part &part) {
    constexpr int S = STRIDE<DIM>, DS = DS_STRIDE<TILE>, STAGE = TILE * DS + 2 * TILE * S, WARPS = 4;
    // Groups of 16 ranks of a warp.
    constexpr int GROUPS = 2 * TILE / 16 / WARPS;
    KB_SHARED(bf16, shared);
    uint8_t *const first = reinterpret_cast<uint8_t *>(shared + 2 * STAGE);

    const uint4 chunk = reinterpret_cast<const uint4 *>(chunks)[blockIdx.x / part.count];
    if (chunk.x == NONE) return;
    const int head = part.first + part.local(), count = (int)chunk.y, apart = (int)chunk.z * TILE;
    const size_t stride = 3 * (size_t)sizes.hidden;
    const bf16 *const q_from = qkv + head * sizes.dim;
    const Relative relative(relative_numbers, longest, ranks);
    const Window w(relative, apart, TILE);
    if (!w.linear()) fill_first(first, relative, w, apart);

    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, g = lane / 4, l = lane % 4;
    const bool queries_own = warp >= WARPS;
    const bool active = (sizes.terms & (queries_own ? C2P : P2C)) != 0;

    const auto load = [&](int i, bf16 *stage) {
        const uint4 pair = reinterpret_cast<const uint4 *>(pairs)[chunk.x + i];
        const int length = (int)pair.y, query = (int)pair.z, key = query - apart;
        const bf16 *const q = q_from + (pair.x + (size_t)query) * stride;
        const bf16 *const k = q_from + (pair.x + (size_t)key) * stride + sizes.hidden;
        load_pair<TILE>(stage, ds_pairs + part.pair((int)pair.w) * (TILE * TILE));
        if (sizes.terms & C2P) load_tile<DIM>(stage + TILE * DS, q, stride, min(TILE, length - query), TILE, sizes.dim);
        if (sizes.terms & P2C)
            load_tile<DIM>(stage + TILE * DS + TILE * S, k, stride, min(TILE, length - key), TILE, sizes.dim);
    };
    float d[GROUPS][DIM / 8][4] = {};
    load(0, shared);
    copy_commit();
    for (int i = 0; i < count; ++i) {
        const bf16 *const ds = shared + i % 2 * STAGE;
        const bf16 *const rows = ds + TILE * DS + (queries_own ? 0 : TILE * S);
        if (i + 1 < count) load(i + 1, shared + (i + 1) % 2 * STAGE);
        copy_commit();
        copy_wait<1>();
        __syncthreads();
#pragma unroll
        for (int group = 0; group < GROUPS; ++group) {
            const int t = (warp % WARPS * GROUPS + group) * 16;
            if (!active || t >= w.count) break;
            const int last = min(t + 16, w.count);
            const int low = w.shift + (w.linear() ? t : first[t]);
            const int high = w.shift + (w.linear() ? last : first[last]) - 1;
#pragma unroll 1
            for (int o = 0; o < TILE; o += 16) {
                // Tokens of the other tile at these distances, if there are any.
                const int from = queries_own ? o - high : o + low, to = queries_own ? o + 15 - low : o + 15 + high;
                if (to < 0 || from >= TILE) continue;
                uint32_t a[4];
                if (queries_own) {
                    if (w.linear()) gathered_a<true, false, true>(a, ds, DS, first, w, o, TILE, t);
                    else gathered_a<true, false, false>(a, ds, DS, first, w, o, TILE, t);
                } else {
                    if (w.linear()) gathered_a<false, false, true>(a, ds, DS, first, w, o, TILE, t);
                    else gathered_a<false, false, false>(a, ds, DS, first, w, o, TILE, t);
                }
                multiply<DIM>(d[group], a, rows + o * S);
            }
        }
        __syncthreads();
    }
    if (!active) return;
    float *const to = sums + ((size_t)blockIdx.x * 2 + (queries_own ? 1 : 0)) * (2 * TILE * DIM);
#pragma unroll
    for (int group = 0; group < GROUPS; ++group)
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            const int t = (warp % WARPS * GROUPS + group) * 16 + 8 * h + g;
            if (t >= w.count) continue;
#pragma unroll
            for (int n = 0; n < DIM / 8; ++n)
                *reinterpret_cast<float2 *>(to + t * DIM + 8 * n + 2 * l) =
                    make_float2(d[group][n][2 * h], d[group][n][2 * h + 1]);
        }
}

} // namespace disentangled
