// The part of the backward pass that has a tile of keys and walks over the sequence's queries: dk, dv and the
// gradients of scores, and dq of sequences of a single tile.
#pragma once

#include "disentangled_mma_backward.cuh"

namespace disentangled {

template <int TILE, int DIM>
__device__ __forceinline__ void by_keys(bf16 *dqkv, bf16 *ds_pairs, const bf16 *qkv, const bf16 *projected,
                                        const uint32_t *relative_numbers, const uint32_t *tiles, const bf16 *out,
                                        const float *lse, const bf16 *dout, const Sizes &sizes, uint32_t longest,
                                        uint32_t ranks, kb_dropout dropout, const kb_step *step, const Part &part) {
    constexpr int S = STRIDE<DIM>, DS = DS_STRIDE<TILE>;
    KB_SHARED(bf16, shared);
    bf16 *const k_rows = shared, *const v_rows = k_rows + TILE * S, *const q_rows = v_rows + TILE * S,
               *const g_rows = q_rows + TILE * S, *const kr = g_rows + TILE * S, *const qr = kr + 2 * TILE * S,
               *const ds = qr + 2 * TILE * S;
    float *const products = reinterpret_cast<float *>(ds + TILE * DS),
                *const row_lse = products + TILE * PRODUCTS<TILE>, *const row_delta = row_lse + TILE;
    uint8_t *const rank = reinterpret_cast<uint8_t *>(row_delta + TILE), *const first = rank + 2 * TILE;

    const kb_step state = *step;
    clear_padding(dqkv, 3 * (size_t)sizes.hidden, state, sizes.tokens);
    const int head = part.first + part.local();
    Tile tile;
    if (!read_tile(tile, tiles, blockIdx.x / part.count)) return;
    const int keys = min(TILE, tile.length - tile.from), tiles_across = (tile.length + TILE - 1) / TILE;
    const size_t stride = 3 * (size_t)sizes.hidden;
    const bf16 *const q_from = qkv + (size_t)tile.start * stride + head * sizes.dim;
    const bf16 *const k_from = q_from + tile.from * stride + sizes.hidden;
    const bf16 *const qr_from = projected + head * sizes.dim;
    const bf16 *const kr_from = qr_from + (sizes.terms & P2C ? sizes.hidden : 0);
    const size_t values = (size_t)tile.start * sizes.hidden + head * sizes.dim;
    const Relative relative(relative_numbers, longest, ranks);

    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, g = lane / 4, l = lane % 4, own = 16 * warp;
    const bool active = own < keys;
    float *const own_products = products + own * PRODUCTS<TILE>;
    bf16 *const own_ds = ds + own * DS;

    load_tile<DIM>(k_rows, k_from, stride, keys, (keys + 15) & ~15, sizes.dim);
    load_tile<DIM>(v_rows, k_from + sizes.hidden, stride, keys, (keys + 15) & ~15, sizes.dim);
    float dk[DIM / 8][4] = {}, dv[DIM / 8][4] = {};
    Window w;
    int queries = 0;
    for (int query = 0; query < tile.length; query += TILE) {
        queries = min(TILE, tile.length - query);
        const int padded = (queries + 15) & ~15, apart = query - tile.from;
        // All are done with the last tile.
        __syncthreads();
        load_tile<DIM>(q_rows, q_from + query * stride, stride, queries, padded, sizes.dim);
        load_tile<DIM>(g_rows, dout + values + (size_t)query * sizes.hidden, sizes.hidden, queries, padded, sizes.dim);
        if (sizes.terms) w = Window(relative, apart, queries, keys);
        if (sizes.terms & C2P) load_positions<DIM>(kr, kr_from, sizes, relative, w, padded_rows<TILE>(w));
        if (sizes.terms & P2C) load_positions<DIM>(qr, qr_from, sizes, relative, w, padded_rows<TILE>(w));
        copy_commit();
        if (sizes.terms && !w.linear()) {
            fill_ranks(rank, relative, w, apart);
            fill_first(first, relative, w, apart);
        }
        for (int r = threadIdx.x / 8; r < TILE; r += blockDim.x / 8) {
            const bool exists = r < queries;
            const size_t at = values + (size_t)(query + r) * sizes.hidden;
            const float delta = row_dot(out + at, dout + at, sizes.dim, exists);
            if (threadIdx.x % 8 == 0) {
                row_delta[r] = delta;
                // So that probabilities of queries that are not there are 0.
                row_lse[r] = exists ? lse[(size_t)head * sizes.tokens + tile.start + query + r] * LOG2_E : INFINITY;
            }
        }
        copy_wait<0>();
        __syncthreads();

        // Scores and what follows from them are [keys, queries].
        float scores[TILE / 8][4] = {};
        if (active) {
            multiply_transposed<TILE / 8, DIM>(scores, k_rows + own * S, q_rows, queries);
            if (sizes.terms & P2C) {
                uint32_t k[DIM / 16][4];
#pragma unroll
                for (int c = 0; c < DIM / 16; ++c) load_a(k[c], k_rows + own * S + 16 * c, S);
                make_products<TILE, DIM>(own_products, k, qr, run_of<false, TILE>(rank, w, own, keys, queries));
                __syncwarp();
                add_products<false, true, TILE>(scores, own_products, rank, w, own, keys, queries);
                __syncwarp();
            }
        }
        if (sizes.terms & C2P) {
            if (own < queries) {
                uint32_t q[DIM / 16][4];
#pragma unroll
                for (int c = 0; c < DIM / 16; ++c) load_a(q[c], q_rows + own * S + 16 * c, S);
                make_products<TILE, DIM>(own_products, q, kr, run_of<true, TILE>(rank, w, own, queries, keys));
            }
            __syncthreads();
            if (active) add_products<false, false, TILE>(scores, products, rank, w, own, keys, queries);
        }
        float dp[TILE / 8][4] = {};
        if (active) multiply_transposed<TILE / 8, DIM>(dp, v_rows + own * S, g_rows, queries);
        const uint64_t width = (state.longest + 3) / 4;
        const uint64_t row = dropout_row(state, head, tile.start + query) + (tile.from + own) / 4;
#pragma unroll
        for (int c = 0; c < TILE / 16; ++c) {
            uint32_t p[4] = {}, gradient[4] = {};
            if (active && 16 * c < queries) {
#pragma unroll
                for (int n = 2 * c; n < 2 * c + 2; ++n) {
                    uint32_t kept = 0xf;
                    if (dropout.threshold != 0)
                        kept = kept_transposed(state, dropout, row + 8 * n * width, width);
#pragma unroll
                    for (int e = 0; e < 4; ++e) {
                        const int i = 8 * n + 2 * l + e % 2;
                        float v = exp2_fast(scores[n][e] * (sizes.scale * LOG2_E) - row_lse[i]);
                        if (own + g + e / 2 * 8 >= keys) v = 0.0f;
                        const bool keep = kept >> e & 1;
                        scores[n][e] = keep ? v * dropout.scale : 0.0f;
                        dp[n][e] = v * ((keep ? dp[n][e] * dropout.scale : 0.0f) - row_delta[i]);
                    }
                }
                as_a(p, scores[2 * c], scores[2 * c + 1]);
                as_a(gradient, dp[2 * c], dp[2 * c + 1]);
                multiply<DIM>(dv, p, g_rows + 16 * c * S);
                multiply<DIM>(dk, gradient, q_rows + 16 * c * S);
            }
#pragma unroll
            for (int i = 0; i < 4; ++i)
                *reinterpret_cast<uint32_t *>(own_ds + (g + i % 2 * 8) * DS + 16 * c + 2 * l + i / 2 * 8) = gradient[i];
        }
        __syncwarp();
        if (active && sizes.terms & P2C)
            add_positions<false, TILE, DIM>(dk, ds, rank, first, w, own, keys, queries, qr);
        if (sizes.terms || tiles_across > 1) {
            const int number = tile.pairs + query / TILE * tiles_across + tile.from / TILE;
            bf16 *const to = ds_pairs + part.pair(number) * (TILE * TILE) + own * TILE;
            for (int i = lane; i < 16 * (TILE / 8); i += WARP) {
                const int r = i / (TILE / 8), c = i % (TILE / 8) * 8;
                *reinterpret_cast<uint4 *>(to + r * TILE + c) = *reinterpret_cast<const uint4 *>(own_ds + r * DS + c);
            }
        }
    }

    bf16 *const dq_to = dqkv + (size_t)tile.start * stride + head * sizes.dim;
    bf16 *const dk_to = dq_to + tile.from * stride + sizes.hidden;
    if (active) {
        store_gradient<DIM>(dk_to, stride, dk, sizes.scale, own, keys, sizes.dim);
        store_gradient<DIM>(dk_to + sizes.hidden, stride, dv, 1.0f, own, keys, sizes.dim);
    }
    if (tiles_across > 1) return;
    __syncthreads();
    if (own >= queries) return;
    float dq[DIM / 8][4] = {};
    add_query_gradient<TILE, DIM>(dq, ds, k_rows, kr, rank, first, w, sizes.terms, own, queries, keys);
    store_gradient<DIM>(dq_to, stride, dq, sizes.scale, own, queries, sizes.dim);
}

} // namespace disentangled
