// Causal attention in f32 without tensor cores.
//
// Everything is a product of [64, 64] tiles in shared memory, which hold the factors with their summed dimension first;
// head_dim is walked in chunks of 64. A block of 256 threads stands as 16 by 16, and each has [4, 4] of a tile.
#pragma once

#include "causal.cuh"

namespace causal {

constexpr int STRICT_THREADS = 256;
constexpr int STRICT_STRIDE = TILE + 4;
constexpr int CHUNK = 64; // of head_dim
static_assert(CHUNK == TILE, "one shape of tiles");

typedef float Fragment[4][4];

__device__ __forceinline__ int thread_row() { return (int)threadIdx.x / 16 * 4; }
__device__ __forceinline__ int thread_column() { return (int)threadIdx.x % 16 * 4; }

__device__ __forceinline__ void clear(Fragment &fragment) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) fragment[i][j] = 0.0f;
}

// Loads a [rows, columns] part of a matrix, zeros around it up to 64: tile[row][column], or with TRANSPOSED
// tile[column][row]. `quads` says that four elements are aligned.
template <bool TRANSPOSED>
__device__ __forceinline__ void load_strict(float *tile, const float *from, int rows, int columns, int width,
                                            bool quads) {
    const int i = (int)threadIdx.x;
    if (quads) {
        // A transposed tile is written by a warp as two rows of 16, which are in different banks.
        const int row0 = TRANSPOSED ? i / 32 % 4 * 16 + i % 16 : i / 16;
        const int column0 = 4 * (TRANSPOSED ? i / 128 * 2 + i / 16 % 2 : i % 16);
        from += (size_t)row0 * width + column0;
#pragma unroll
        for (int n = 0; n < TILE * CHUNK / 4 / STRICT_THREADS; ++n) {
            const int row = row0 + (TRANSPOSED ? 0 : n * 16), column = column0 + (TRANSPOSED ? n * 16 : 0);
            float4 v = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            if (row < rows && column < columns) v = Quad<float>::load(from + n * 16 * (TRANSPOSED ? 1 : width));
            if (TRANSPOSED) {
                tile[column * STRICT_STRIDE + row] = v.x;
                tile[(column + 1) * STRICT_STRIDE + row] = v.y;
                tile[(column + 2) * STRICT_STRIDE + row] = v.z;
                tile[(column + 3) * STRICT_STRIDE + row] = v.w;
            } else {
                Quad<float>::store(tile + row * STRICT_STRIDE + column, v);
            }
        }
    } else {
        for (int at = i; at < TILE * CHUNK; at += STRICT_THREADS) {
            const int row = at / CHUNK, column = at % CHUNK;
            const bool there = row < rows && column < columns;
            tile[TRANSPOSED ? column * STRICT_STRIDE + row : row * STRICT_STRIDE + column] =
                there ? from[(size_t)row * width + column] : 0.0f;
        }
    }
}

// fragment += left^T right over `depth` rows.
__device__ __forceinline__ void multiply(Fragment &fragment, const float *left, const float *right, int depth) {
    left += thread_row();
    right += thread_column();
#pragma unroll 4
    for (int k = 0; k < depth; ++k) {
        const float4 l = Quad<float>::load(left + k * STRICT_STRIDE), r = Quad<float>::load(right + k * STRICT_STRIDE);
        const float a[4] = {l.x, l.y, l.z, l.w}, b[4] = {r.x, r.y, r.z, r.w};
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
            for (int j = 0; j < 4; ++j) fragment[i][j] = fmaf(a[i], b[j], fragment[i][j]);
    }
}

// Puts all fragments into a tile: tile[row][column], or with TRANSPOSED tile[column][row].
template <bool TRANSPOSED> __device__ __forceinline__ void put(float *tile, const Fragment &f) {
    float *const at = TRANSPOSED ? tile + thread_column() * STRICT_STRIDE + thread_row()
                                 : tile + thread_row() * STRICT_STRIDE + thread_column();
#pragma unroll
    for (int i = 0; i < 4; ++i)
        Quad<float>::store(at + i * STRICT_STRIDE, TRANSPOSED ? make_float4(f[0][i], f[1][i], f[2][i], f[3][i])
                                                              : make_float4(f[i][0], f[i][1], f[i][2], f[i][3]));
}

// Writes a fragment, its rows times factors, into a matrix of which `rows` rows and the columns up to the head's end
// are there.
__device__ __forceinline__ void store_strict(const Fragment &f, const float (&factor)[4], float *to, int rows,
                                             int columns, int width) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int row = thread_row() + i, column = thread_column();
        if (row >= rows) continue;
        float *const at = to + (size_t)row * width + column;
        if (columns % 4 == 0) {
            if (column < columns)
                Quad<float>::store(at, make_float4(f[i][0] * factor[i], f[i][1] * factor[i], f[i][2] * factor[i],
                                                   f[i][3] * factor[i]));
        } else {
#pragma unroll
            for (int j = 0; j < 4; ++j)
                if (column + j < columns) at[j] = f[i][j] * factor[i];
        }
    }
}

// The two tiles in shared memory.
struct Pair {
    float *left, *right;
};

// fragment = left right^T of [64, dim] parts of matrices.
__device__ __forceinline__ void row_by_row(Pair tiles, Fragment &fragment, const float *left, int left_rows,
                                           int left_width, const float *right, int right_rows, int right_width,
                                           int dim) {
    clear(fragment);
    for (int chunk = 0; chunk < dim; chunk += CHUNK) {
        const int depth = dim - chunk < CHUNK ? dim - chunk : CHUNK;
        __syncthreads();
        load_strict<true>(tiles.left, left + chunk, left_rows, depth, left_width, dim % 4 == 0);
        load_strict<true>(tiles.right, right + chunk, right_rows, depth, right_width, dim % 4 == 0);
        __syncthreads();
        multiply(fragment, tiles.left, tiles.right, depth);
    }
}

// sums += square right, or with TRANSPOSED square^T right, where `right` is a [64, dim] part of a matrix.
template <int CHUNKS, bool TRANSPOSED>
__device__ __forceinline__ void add_product(Pair tiles, Fragment (&sums)[CHUNKS], const Fragment &square,
                                            const float *right, int rows, int width, int dim) {
    __syncthreads();
    put<!TRANSPOSED>(tiles.left, square);
#pragma unroll
    for (int chunk = 0; chunk < CHUNKS; ++chunk) {
        if (chunk > 0) __syncthreads();
        const int left = dim - chunk * CHUNK;
        load_strict<false>(tiles.right, right + chunk * CHUNK, rows, left < CHUNK ? left : CHUNK, width, dim % 4 == 0);
        __syncthreads();
        multiply(sums[chunk], tiles.left, tiles.right, rows < TILE ? rows : TILE);
    }
}

// The factors of four keys that follow one another, the first a multiple of four.
__device__ __forceinline__ void key_factors(const Problem &p, uint64_t number, float (&factor)[4]) {
    const float4 f = dropout_factors(p.step, p.dropout, number / 4);
    factor[0] = f.x;
    factor[1] = f.y;
    factor[2] = f.z;
    factor[3] = f.w;
}

} // namespace causal
