// The backward pass of disentangled attention with tensor cores. With ds the gradient of the scores:
//
//     dq_i = sum_j ds_ij (k_j + kr_t)        dkr_t = sum_{ij: row(i - j) = t} ds_ij q_i
//     dk_j = sum_i ds_ij (q_i + qr_t)        dqr_t = sum_{ij: row(i - j) = t} ds_ij k_j
//
// Everything is summed where one block sees all of it, in a fixed order: `by_keys` has a tile of keys and walks over
// the queries. It makes dk and dv, and leaves ds in memory (a pair of tiles after the other, [keys, queries]);
// `by_queries` walks over that for dq, unless the sequence has a single tile, whose dq `by_keys` makes too;
// `by_distances` walks over pairs of tiles at the same distance, which meet the same rows of the table, and leaves
// sums for a last pass over them.
#pragma once

#include "disentangled_mma.cuh"

namespace disentangled {

// Elements between the rows of ds in shared memory.
template <int TILE> constexpr int DS_STRIDE = TILE + 8;

// [16 own, 16 ranks] of what is gathered as the A of a product, or [16 ranks, 16 own].
template <bool BY_QUERY, bool OWN_ROWS, bool LINEAR>
__device__ __forceinline__ void gathered_a(uint32_t (&a)[4], const bf16 *ds, int stride, const uint8_t *first,
                                           const Window &w, int own, int others, int t) {
    const int lane = threadIdx.x % WARP, g = lane / 4, l = lane % 4;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int row = g + i % 2 * 8, k = 2 * l + i / 2 * 8;
        float v[2];
#pragma unroll
        for (int h = 0; h < 2; ++h)
            v[h] = gathered<BY_QUERY, LINEAR>(ds, stride, first, w, own + (OWN_ROWS ? row : k + h), others,
                                              t + (OWN_ROWS ? k + h : row));
        a[i] = pack_bf16(v[0], v[1]);
    }
}

// d [16 own, DIM] += what is gathered, times the table's rows.
template <bool BY_QUERY, int TILE, int DIM>
__device__ __forceinline__ void add_positions(float (&d)[DIM / 8][4], const bf16 *ds, const uint8_t *rank,
                                              const uint8_t *first, const Window &w, int own, int owns, int others,
                                              const bf16 *table) {
    const Run run = run_of<BY_QUERY, TILE>(rank, w, own, owns, others);
    const bool linear = w.linear();
#pragma unroll 1
    for (int c = 0; c < run.columns; c += 16) {
        uint32_t a[4];
        const int t = run.base + c;
        if (linear) gathered_a<BY_QUERY, true, true>(a, ds, DS_STRIDE<TILE>, first, w, own, others, t);
        else gathered_a<BY_QUERY, true, false>(a, ds, DS_STRIDE<TILE>, first, w, own, others, t);
        multiply<DIM>(d, a, table + t * STRIDE<DIM>);
    }
}

// dq [16 queries, DIM] of one pair of tiles.
template <int TILE, int DIM>
__device__ __forceinline__ void add_query_gradient(float (&dq)[DIM / 8][4], const bf16 *ds, const bf16 *k_rows,
                                                   const bf16 *kr, const uint8_t *rank, const uint8_t *first,
                                                   const Window &w, uint32_t terms, int own, int queries, int keys) {
#pragma unroll
    for (int c = 0; c < TILE / 16; ++c)
        if (16 * c < keys) {
            uint32_t a[4];
            load_a_transposed(a, ds + 16 * c * DS_STRIDE<TILE> + own, DS_STRIDE<TILE>);
            multiply<DIM>(dq, a, k_rows + 16 * c * STRIDE<DIM>);
        }
    if (terms & C2P) add_positions<true, TILE, DIM>(dq, ds, rank, first, w, own, queries, keys, kr);
}

// Rows of a window's panel that are there, and as many zeros as reading in groups of 16 can meet.
template <int TILE> __device__ __forceinline__ int padded_rows(const Window &w) {
    return min(2 * TILE, w.count + 15);
}

// sum of a_c b_c, by eight neighbouring lanes for each row; without a row, nothing is read.
__device__ __forceinline__ float row_dot(const bf16 *a, const bf16 *b, int dim, bool exists) {
    const int lane = threadIdx.x % 8;
    float sum = 0.0f;
    if (exists && dim % 8 == 0) {
        for (int c = 8 * lane; c < dim; c += 64) {
            const uint4 x = *reinterpret_cast<const uint4 *>(a + c), y = *reinterpret_cast<const uint4 *>(b + c);
            const uint32_t p[4] = {x.x, x.y, x.z, x.w}, q[4] = {y.x, y.y, y.z, y.w};
#pragma unroll
            for (int i = 0; i < 4; ++i)
                sum = fmaf(high_bf16(p[i]), high_bf16(q[i]), fmaf(low_bf16(p[i]), low_bf16(q[i]), sum));
        }
    } else if (exists) {
        for (int c = lane; c < dim; c += 8) sum = fmaf(to_float(a[c]), to_float(b[c]), sum);
    }
#pragma unroll
    for (int i = 1; i < 8; i *= 2) sum += __shfl_xor_sync(ALL_LANES, sum, i);
    return sum;
}

// Which of a lane's four elements of a tile [16 keys, 8 queries] are kept, a bit each. A block of dropout has four
// successive keys of one query, so four lanes share four blocks and make one each. `row`: the blocks of the tile's
// first query at its first key, `width` blocks a query.
__device__ __forceinline__ uint32_t kept_transposed(const kb_step &step, kb_dropout dropout, uint64_t row,
                                                    uint64_t width) {
    const int lane = threadIdx.x % WARP, g = lane / 4, l = lane % 4, mine = g % 4;
    const uint64_t block = row + (2 * l + mine % 2) * width + mine / 2 * 2 + g / 4;
    uint32_t all = kept_bits(step, dropout, block) << 4 * mine;
    all |= __shfl_xor_sync(ALL_LANES, all, 4);
    all |= __shfl_xor_sync(ALL_LANES, all, 8);
    all >>= mine;
    return (all & 1) | (all >> 4 & 1) << 1 | (all >> 8 & 1) << 2 | (all >> 12 & 1) << 3;
}

// A tile's rows of dq, dk or dv from 16 rows a warp.
template <int DIM>
__device__ __forceinline__ void store_gradient(bf16 *first, size_t stride, const float (&d)[DIM / 8][4], float factor,
                                               int own, int rows, int dim) {
    const int lane = threadIdx.x % WARP;
    store_rows<DIM>(first, stride, d, factor, factor, own + lane / 4, rows, dim);
}

} // namespace disentangled
