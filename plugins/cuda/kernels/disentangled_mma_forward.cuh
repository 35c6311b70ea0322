// The forward pass of disentangled attention with tensor cores: a block has one tile of queries of one head and walks
// over the sequence's keys with a running maximum and sum (Dao et al. 2022).
#pragma once

#include "disentangled_mma.cuh"

namespace disentangled {

// The scores of one tile of keys become probabilities before normalisation, and what was summed so far is rescaled.
template <int TILE, int DIM>
__device__ __forceinline__ void soften(float (&scores)[TILE / 8][4], float (&sums)[DIM / 8][4], float (&most)[2],
                                       float (&total)[2], float scale, int keys) {
    const int l = threadIdx.x % 4;
    float high[2] = {most[0], most[1]};
#pragma unroll
    for (int n = 0; n < TILE / 8; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
            scores[n][e] = 8 * n + 2 * l + e % 2 < keys ? scores[n][e] * scale : -INFINITY;
            high[e / 2] = fmaxf(high[e / 2], scores[n][e]);
        }
#pragma unroll
    for (int h = 0; h < 2; ++h) {
        high[h] = fmaxf(high[h], __shfl_xor_sync(ALL_LANES, high[h], 1));
        high[h] = fmaxf(high[h], __shfl_xor_sync(ALL_LANES, high[h], 2));
        const float factor = exp2_fast(most[h] - high[h]);
        most[h] = high[h];
        total[h] *= factor;
#pragma unroll
        for (int n = 0; n < DIM / 8; ++n) {
            sums[n][2 * h] *= factor;
            sums[n][2 * h + 1] *= factor;
        }
    }
#pragma unroll
    for (int n = 0; n < TILE / 8; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
            scores[n][e] = exp2_fast(scores[n][e] - high[e / 2]);
            total[e / 2] += scores[n][e];
        }
}

// Dropout of probabilities [16 queries, TILE keys]; `rows` are the dropout blocks of the lane's two queries at the
// first key. Two neighbouring lanes have two blocks of four between them, so each makes one.
template <int TILE>
__device__ __forceinline__ void drop(float (&p)[TILE / 8][4], const kb_step &step, kb_dropout dropout,
                                     const uint64_t (&rows)[2], int keys) {
    const int l = threadIdx.x % 4;
    const bool odd = l % 2 != 0;
    const uint64_t mine = (odd ? rows[1] : rows[0]) + l / 2;
#pragma unroll
    for (int n = 0; n < TILE / 8; ++n) {
        if (8 * n >= keys) break;
        const uint32_t bits = kept_bits(step, dropout, mine + 2 * n), other = __shfl_xor_sync(ALL_LANES, bits, 1);
        const uint32_t upper = odd ? other >> 2 : bits, lower = odd ? bits >> 2 : other;
        p[n][0] = upper & 1 ? p[n][0] * dropout.scale : 0.0f;
        p[n][1] = upper & 2 ? p[n][1] * dropout.scale : 0.0f;
        p[n][2] = lower & 1 ? p[n][2] * dropout.scale : 0.0f;
        p[n][3] = lower & 2 ? p[n][3] * dropout.scale : 0.0f;
    }
}

template <int TILE, int DIM>
__device__ __forceinline__ void forward(bf16 *out, float *lse, const bf16 *qkv, const bf16 *projected,
                                        const uint32_t *relative_numbers, const uint32_t *tiles, const Sizes &sizes,
                                        uint32_t longest, uint32_t ranks, kb_dropout dropout, const kb_step *step) {
    constexpr int S = STRIDE<DIM>, ROWS = 2 * TILE - 1;
    // Floats for each query, while it lies where products will.
    constexpr int SCRATCH = PRODUCTS<TILE> > S / 2 ? PRODUCTS<TILE> : S / 2;
    KB_SHARED(bf16, shared);
    bf16 *const k_rows = shared, *const v_rows = k_rows + TILE * S, *const kr = v_rows + TILE * S,
               *const qr = kr + ROWS * S;
    float *const products = reinterpret_cast<float *>(qr + ROWS * S);
    uint8_t *const rank = reinterpret_cast<uint8_t *>(products + TILE * SCRATCH);

    const kb_step state = *step;
    clear_padding(out, sizes.hidden, state, sizes.tokens);
    const int head = blockIdx.x % sizes.heads;
    Tile tile;
    if (!read_tile(tile, tiles, blockIdx.x / sizes.heads)) return;
    const int queries = min(TILE, tile.length - tile.from), first = tile.start + tile.from;
    const size_t stride = 3 * (size_t)sizes.hidden;
    const bf16 *const q_from = qkv + (size_t)first * stride + head * sizes.dim;
    const bf16 *const k_from = qkv + (size_t)tile.start * stride + sizes.hidden + head * sizes.dim;
    const bf16 *const qr_from = projected + head * sizes.dim;
    const bf16 *const kr_from = qr_from + (sizes.terms & P2C ? sizes.hidden : 0);
    const Relative relative(relative_numbers, longest, ranks);

    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, own = 16 * warp, row = own + lane / 4;
    const bool active = own < queries;
    float *const own_products = products + own * PRODUCTS<TILE>;

    // Until they are in registers.
    bf16 *const q_rows = reinterpret_cast<bf16 *>(products);
    load_tile<DIM>(q_rows, q_from, stride, queries, (queries + 15) & ~15, sizes.dim);
    uint32_t q[DIM / 16][4];

    float sums[DIM / 8][4] = {}, most[2] = {-INFINITY, -INFINITY}, total[2] = {};
    for (int key = 0; key < tile.length; key += TILE) {
        const int keys = min(TILE, tile.length - key), padded = (keys + 15) & ~15, apart = tile.from - key;
        // All are done with the last tile.
        __syncthreads();
        load_tile<DIM>(k_rows, k_from + key * stride, stride, keys, padded, sizes.dim);
        const Window w = sizes.terms ? Window(relative, apart, queries, keys) : Window();
        if (sizes.terms & C2P) load_positions<DIM>(kr, kr_from, sizes, relative, w, w.count);
        if (sizes.terms & P2C) load_positions<DIM>(qr, qr_from, sizes, relative, w, w.count);
        copy_commit();
        load_tile<DIM>(v_rows, k_from + sizes.hidden + key * stride, stride, keys, padded, sizes.dim);
        copy_commit();
        if (sizes.terms && !w.linear()) fill_ranks(rank, relative, w, apart);
        copy_wait<1>();
        __syncthreads();
        if (key == 0) {
            if (active) {
#pragma unroll
                for (int c = 0; c < DIM / 16; ++c) load_a(q[c], q_rows + own * S + 16 * c, S);
            }
            __syncthreads();
        }

        float scores[TILE / 8][4] = {};
        if (active) {
            multiply_transposed<TILE / 8, DIM>(scores, q, k_rows, keys);
            if (sizes.terms & C2P) {
                make_products<TILE, DIM>(own_products, q, kr, run_of<true, TILE>(rank, w, own, queries, keys));
                __syncwarp();
                add_products<true, true, TILE>(scores, own_products, rank, w, own, queries, keys);
                __syncwarp();
            }
        }
        if (sizes.terms & P2C && own < keys) {
            uint32_t k[DIM / 16][4];
#pragma unroll
            for (int c = 0; c < DIM / 16; ++c) load_a(k[c], k_rows + own * S + 16 * c, S);
            make_products<TILE, DIM>(own_products, k, qr, run_of<false, TILE>(rank, w, own, keys, queries));
        }
        copy_wait<0>();
        __syncthreads();
        if (!active) continue;
        if (sizes.terms & P2C) add_products<true, false, TILE>(scores, products, rank, w, own, queries, keys);
        soften<TILE, DIM>(scores, sums, most, total, sizes.scale * LOG2_E, keys);
        if (dropout.threshold != 0) {
            const uint64_t at = dropout_row(state, head, first + row) + key / 4;
            const uint64_t rows[2] = {at, at + 8 * (uint64_t)((state.longest + 3) / 4)};
            drop<TILE>(scores, state, dropout, rows, keys);
        }
#pragma unroll
        for (int c = 0; c < TILE / 16; ++c)
            if (16 * c < keys) {
                uint32_t p[4];
                as_a(p, scores[2 * c], scores[2 * c + 1]);
                multiply<DIM>(sums, p, v_rows + 16 * c * S);
            }
    }
    if (!active) return;
#pragma unroll
    for (int h = 0; h < 2; ++h) {
        total[h] += __shfl_xor_sync(ALL_LANES, total[h], 1);
        total[h] += __shfl_xor_sync(ALL_LANES, total[h], 2);
        if (lse && lane % 4 == 0 && row + 8 * h < queries)
            lse[(size_t)head * sizes.tokens + first + row + 8 * h] = most[h] * LN_2 + logf(total[h]);
    }
    store_rows<DIM>(out + (size_t)first * sizes.hidden + head * sizes.dim, sizes.hidden, sums, 1.0f / total[0],
                    1.0f / total[1], row, queries, sizes.dim);
}

} // namespace disentangled
