// Disentangled attention in single precision: what the forward and the backward pass share.
//
// A block of 64 threads has a tile of 32 queries (or keys) and WIDE columns of the results. Thread (a, b), of an 8 x 8
// grid, has the scores of queries a, a + 8, .. and keys b, b + 8, ..: only seven distances, so a row of the table is
// read once for several scores. Dot products go over slices of the head's columns, so that any width fits.
#pragma once

#include "disentangled.cuh"

namespace disentangled {

constexpr int TILE_F32 = 32, THREADS_F32 = 64, SLICE = 32, WIDE = 64;
// Floats between rows in shared memory; multiples of four, such that eight rows lie in different banks.
constexpr int SLICE_STRIDE = SLICE + 4, WIDE_STRIDE = WIDE + 4;
// Of [keys, queries] and of [own, ranks], which are read one by one.
constexpr int PAIR_STRIDE = TILE_F32 + 1, RANKS_STRIDE = 2 * TILE_F32 + 1;

// Slices of queries (or other rows), of keys, and of the two panels of the table's rows.
struct Slices {
    float q[TILE_F32 * SLICE_STRIDE], k[TILE_F32 * SLICE_STRIDE];
    float kr[2 * TILE_F32 * SLICE_STRIDE], qr[2 * TILE_F32 * SLICE_STRIDE];
};

// WIDTH columns of rows from `column` on; what lies beyond `dim`, or where row(r) is null, is zero.
template <int WIDTH, class F>
__device__ __forceinline__ void load_columns(float *to, int rows, int column, int dim, F row) {
    for (int i = threadIdx.x; i < rows * (WIDTH / 4); i += blockDim.x) {
        const int r = i / (WIDTH / 4), c = i % (WIDTH / 4) * 4;
        const float *from = row(r);
        float4 v = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        if (from) {
            const int at = column + c;
            if (dim % 4 == 0) {
                if (at < dim) v = Quad<float>::load(from + at);
            } else {
                if (at < dim) v.x = from[at];
                if (at + 1 < dim) v.y = from[at + 1];
                if (at + 2 < dim) v.z = from[at + 2];
                if (at + 3 < dim) v.w = from[at + 3];
            }
        }
        Quad<float>::store(to + r * (WIDTH + 4) + c, v);
    }
}

template <int WIDTH>
__device__ __forceinline__ void load_tile(float *to, const float *first, size_t stride, int count, int column,
                                          int dim) {
    load_columns<WIDTH>(to, TILE_F32, column, dim,
                        [=](int r) { return r < count ? first + r * stride : nullptr; });
}

template <int WIDTH>
__device__ __forceinline__ void load_positions(float *to, const float *panel, const Sizes &sizes,
                                               const Relative &relative, const Window &w, int column) {
    load_columns<WIDTH>(to, w.count, column, sizes.dim, Positions<float>(panel, sizes, relative, w));
}

__device__ __forceinline__ float add_dot(float sum, float4 a, float4 b) {
    return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
}

// One head's operands of a pair of tiles.
struct Pair {
    const float *q, *k;
    size_t q_stride, k_stride;
    int queries, keys;
    const float *kr, *qr; // the panels' columns of the head
};

// d[x][y] += q . k of query a + 8 x and key b + 8 y, and with positions the two other terms.
template <bool POSITIONS>
__device__ __forceinline__ void add_scores(float (&d)[4][4], Slices &slices, const Pair &pair, const Sizes &sizes,
                                           const Relative &relative, const Window &w, const uint8_t *rank) {
    const int a = threadIdx.x / 8, b = threadIdx.x % 8;
    const bool c2p = POSITIONS && sizes.terms & C2P, p2c = POSITIONS && sizes.terms & P2C;
    int t[7] = {};
    if (POSITIONS && sizes.terms) {
#pragma unroll
        for (int m = 0; m < 7; ++m) {
            // Distances that no pair has read something that is there.
            const int x = min(max(a - b + 8 * (m - 3) - w.shift, 0), w.span - 1);
            t[m] = (w.linear() ? x : rank[x]) * SLICE_STRIDE;
        }
    }
    for (int column = 0; column < sizes.dim; column += SLICE) {
        __syncthreads();
        load_tile<SLICE>(slices.q, pair.q, pair.q_stride, pair.queries, column, sizes.dim);
        load_tile<SLICE>(slices.k, pair.k, pair.k_stride, pair.keys, column, sizes.dim);
        if (c2p) load_positions<SLICE>(slices.kr, pair.kr, sizes, relative, w, column);
        if (p2c) load_positions<SLICE>(slices.qr, pair.qr, sizes, relative, w, column);
        __syncthreads();
        const int end = min(SLICE, sizes.dim - column);
        for (int c = 0; c < end; c += 4) {
            float4 q[4], k[4];
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                q[i] = Quad<float>::load(slices.q + (a + 8 * i) * SLICE_STRIDE + c);
                k[i] = Quad<float>::load(slices.k + (b + 8 * i) * SLICE_STRIDE + c);
            }
#pragma unroll
            for (int x = 0; x < 4; ++x)
#pragma unroll
                for (int y = 0; y < 4; ++y) d[x][y] = add_dot(d[x][y], q[x], k[y]);
#pragma unroll
            for (int m = 0; m < 7; ++m) {
                float4 kr = {}, qr = {};
                if (c2p) kr = Quad<float>::load(slices.kr + t[m] + c);
                if (p2c) qr = Quad<float>::load(slices.qr + t[m] + c);
#pragma unroll
                for (int x = 0; x < 4; ++x) {
                    const int y = x + 3 - m;
                    if (y < 0 || y > 3) continue;
                    if (c2p) d[x][y] = add_dot(d[x][y], q[x], kr);
                    if (p2c) d[x][y] = add_dot(d[x][y], k[y], qr);
                }
            }
        }
    }
}

// d[x], columns 4 b .. and 32 + 4 b .., += sum over o of matrix(a + 8 x, o) times row o of `rows`, of WIDE columns.
template <int N>
__device__ __forceinline__ void add_product(float (&d)[N][8], const float *matrix, int row_stride, int o_stride,
                                            const float *rows, int count) {
    const int a = threadIdx.x / 8, b = threadIdx.x % 8;
    for (int o = 0; o < count; ++o) {
        const float4 left = Quad<float>::load(rows + o * WIDE_STRIDE + 4 * b);
        const float4 right = Quad<float>::load(rows + o * WIDE_STRIDE + WIDE / 2 + 4 * b);
#pragma unroll
        for (int x = 0; x < N; ++x) {
            const float m = matrix[(a + 8 * x) * row_stride + o * o_stride];
            d[x][0] = fmaf(m, left.x, d[x][0]);
            d[x][1] = fmaf(m, left.y, d[x][1]);
            d[x][2] = fmaf(m, left.z, d[x][2]);
            d[x][3] = fmaf(m, left.w, d[x][3]);
            d[x][4] = fmaf(m, right.x, d[x][4]);
            d[x][5] = fmaf(m, right.y, d[x][5]);
            d[x][6] = fmaf(m, right.z, d[x][6]);
            d[x][7] = fmaf(m, right.w, d[x][7]);
        }
    }
}

// Stores what add_product made, times a factor, into rows of `dim` columns from `column` on.
__device__ __forceinline__ void store_result(float *first, size_t stride, const float (&d)[4][8],
                                             const float (&factor)[4], int rows, int column, int dim) {
    const int a = threadIdx.x / 8, b = threadIdx.x % 8;
#pragma unroll
    for (int x = 0; x < 4; ++x) {
        if (a + 8 * x >= rows) break;
        float *to = first + (a + 8 * x) * stride;
#pragma unroll
        for (int c = 0; c < 8; ++c) {
            const int at = column + c / 4 * (WIDE / 2) + 4 * b + c % 4;
            if (at < dim) to[at] = d[x][c] * factor[x];
        }
    }
}

} // namespace disentangled
