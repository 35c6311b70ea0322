// Disentangled attention with tensor cores: what the forward and the backward pass share.
//
// A warp has 16 rows of the block's tile, its "own": queries in the forward pass, keys where gradients of keys are
// made. The products of its own rows with the table's stay in the warp. Those of the other tile's rows are made by all
// warps together, 16 rows each.
#pragma once

#include "disentangled.cuh"
#include "mma.cuh"

namespace disentangled {

constexpr float LOG2_E = 1.44269504088896340736f, LN_2 = 0.693147180559945309417f;

// Elements between rows of DIM elements in shared memory, so that eight of them lie in different banks.
template <int DIM> constexpr int STRIDE = DIM + 8;
// Ranks that 16 rows meet in a pair of tiles, at most (a multiple of 16), and floats between rows of their products.
template <int TILE> constexpr int REACH = TILE + 16;
template <int TILE> constexpr int PRODUCTS = REACH<TILE> + 4;

// Starts loading rows of `dim` elements, padded to DIM with zeros, of which row r < count lies at row(r); rows of zeros
// follow up to `rows`.
template <int DIM, class F> __device__ __forceinline__ void load_rows(bf16 *to, int count, int rows, int dim, F row) {
    constexpr int CHUNKS = DIM / 8;
    for (int i = threadIdx.x; i < rows * CHUNKS; i += blockDim.x) {
        const int r = i / CHUNKS, c = i % CHUNKS * 8;
        const bf16 *from = row(min(r, count - 1));
        bf16 *into = to + r * STRIDE<DIM> + c;
        if (dim % 8 == 0) {
            const bool exists = r < count && c < dim;
            copy_async(into, from + (exists ? c : 0), exists);
        } else {
            for (int e = 0; e < 8; ++e) into[e] = r < count && c + e < dim ? from[c + e] : from_float<bf16>(0.0f);
        }
    }
}

// Rows of qkv or of [tokens, hidden].
template <int DIM>
__device__ __forceinline__ void load_tile(bf16 *to, const bf16 *first, size_t stride, int count, int rows, int dim) {
    load_rows<DIM>(to, count, rows, dim, [=](int r) { return first + r * stride; });
}

// A window's rows of one head of a panel.
template <int DIM>
__device__ __forceinline__ void load_positions(bf16 *to, const bf16 *panel, const Sizes &sizes,
                                               const Relative &relative, const Window &w, int rows) {
    load_rows<DIM>(to, w.count, rows, sizes.dim, Positions<bf16>(panel, sizes, relative, w));
}

// d += A rows^T for the first `count` rows. A column of d with none, or with one of no meaning, harms no other.
template <int N, int DIM>
__device__ __forceinline__ void multiply_transposed(float (&d)[N][4], const uint32_t (&a)[DIM / 16][4],
                                                    const bf16 *rows, int count) {
#pragma unroll
    for (int n = 0; n < N / 2; ++n)
        if (16 * n < count) {
#pragma unroll
            for (int k = 0; k < DIM / 16; ++k) {
                uint32_t b[4];
                load_b_transposed(b, rows + 16 * n * STRIDE<DIM> + 16 * k, STRIDE<DIM>);
                mma(d[2 * n], a[k], b[0], b[1]);
                mma(d[2 * n + 1], a[k], b[2], b[3]);
            }
        }
}

// The same with A in shared memory.
template <int N, int DIM>
__device__ __forceinline__ void multiply_transposed(float (&d)[N][4], const bf16 *a_rows, const bf16 *rows,
                                                    int count) {
#pragma unroll
    for (int k = 0; k < DIM / 16; ++k) {
        uint32_t a[4];
        load_a(a, a_rows + 16 * k, STRIDE<DIM>);
#pragma unroll
        for (int n = 0; n < N / 2; ++n)
            if (16 * n < count) {
                uint32_t b[4];
                load_b_transposed(b, rows + 16 * n * STRIDE<DIM> + 16 * k, STRIDE<DIM>);
                mma(d[2 * n], a, b[0], b[1]);
                mma(d[2 * n + 1], a, b[2], b[3]);
            }
    }
}

// d += A rows, of 16 rows.
template <int DIM>
__device__ __forceinline__ void multiply(float (&d)[DIM / 8][4], const uint32_t (&a)[4], const bf16 *rows) {
#pragma unroll
    for (int n = 0; n < DIM / 16; ++n) {
        uint32_t b[4];
        load_b(b, rows + 16 * n, STRIDE<DIM>);
        mma(d[2 * n], a, b[0], b[1]);
        mma(d[2 * n + 1], a, b[2], b[3]);
    }
}

// 16 columns of scores or of their gradients as the A of a product.
__device__ __forceinline__ void as_a(uint32_t (&a)[4], const float (&left)[4], const float (&right)[4]) {
    a[0] = pack_bf16(left[0], left[1]);
    a[1] = pack_bf16(left[2], left[3]);
    a[2] = pack_bf16(right[0], right[1]);
    a[3] = pack_bf16(right[2], right[3]);
}

// The ranks that 16 rows meet: `columns` from `base` on, both less the window's base.
struct Run {
    int base, columns;
};

// Of the rows from `own` on, queries or keys, where their tile has `owns` tokens and the other one `others`.
template <bool QUERIES, int TILE>
__device__ __forceinline__ Run run_of(const uint8_t *rank, const Window &w, int own, int owns, int others) {
    const int last = min(own + 15, owns - 1);
    int from = (QUERIES ? own - (others - 1) : -last) - w.shift, to = (QUERIES ? last : others - 1 - own) - w.shift;
    if (!w.linear()) {
        from = rank[from];
        to = rank[to];
    }
    // So that whole groups of 16 never end behind the memory of 2 TILE rows.
    const int base = min(from, TILE - 16);
    return {base, to - base + 1};
}

// products [16, columns] = A rows^T for 16 rows and their run of the table's rows, in shared memory.
template <int TILE, int DIM>
__device__ __forceinline__ void make_products(float *products, const uint32_t (&a)[DIM / 16][4], const bf16 *table,
                                              Run run) {
    const int lane = threadIdx.x % WARP, g = lane / 4, l = lane % 4;
#pragma unroll 1
    for (int c = 0; c < run.columns; c += 16) {
        float d[2][4] = {};
        multiply_transposed<2, DIM>(d, a, table + (run.base + c) * STRIDE<DIM>, 16);
#pragma unroll
        for (int n = 0; n < 2; ++n) {
            float *to = products + g * PRODUCTS<TILE> + c + 8 * n + 2 * l;
            *reinterpret_cast<float2 *>(to) = make_float2(d[n][0], d[n][1]);
            *reinterpret_cast<float2 *>(to + 8 * PRODUCTS<TILE>) = make_float2(d[n][2], d[n][3]);
        }
    }
}

// add_products for some size of tiles.
template <bool QUERIES, bool OWN, int TILE>
__device__ __forceinline__ void add_products_of(float (&scores)[TILE / 8][4], const float *products,
                                                const uint8_t *rank, const Window &w, int own, int owns, int others) {
    const int lane = threadIdx.x % WARP, g = lane / 4, l = lane % 4;
    const bool linear = w.linear();
    const int mine[2] = {min(own + g, owns - 1), min(own + g + 8, owns - 1)};
    const int own_base = OWN ? run_of<QUERIES, TILE>(rank, w, own, owns, others).base : 0;
#pragma unroll
    for (int n = 0; n < TILE / 8; ++n) {
        if (8 * n >= others) break;
        const int base = OWN ? own_base : run_of<!QUERIES, TILE>(rank, w, n / 2 * 16, others, owns).base;
#pragma unroll
        for (int e = 0; e < 4; ++e) {
            const int other = min(8 * n + e % 2 + 2 * l, others - 1);
            const int x = (QUERIES ? mine[e / 2] - other : other - mine[e / 2]) - w.shift;
            const int t = linear ? x : rank[x];
            scores[n][e] += products[(OWN ? g + e / 2 * 8 : other) * PRODUCTS<TILE> + t - base];
        }
    }
}

// Adds to scores [16 own, others] what each reads from the products of its own row (OWN), [16, ranks] from `products`
// on, or of the other tile's row, [others, ranks]. Scores that do not count read something that is there.
//
// Most of the time goes here, into finding the element, so whole tiles have code of their own, in which sizes are
// constants and, where ranks are distances, addresses are too.
template <bool QUERIES, bool OWN, int TILE>
__device__ __forceinline__ void add_products(float (&scores)[TILE / 8][4], const float *products, const uint8_t *rank,
                                             const Window &w, int own, int owns, int others) {
    if (owns < TILE || others < TILE) {
        add_products_of<QUERIES, OWN, TILE>(scores, products, rank, w, own, owns, others);
    } else if (w.linear()) {
        add_products_of<QUERIES, OWN, TILE>(scores, products, rank, Window::whole(TILE, true), own, TILE, TILE);
    } else {
        add_products_of<QUERIES, OWN, TILE>(scores, products, rank, Window::whole(TILE, false), own, TILE, TILE);
    }
}

// Two rows' halves of a [16, DIM] result, times a factor each.
template <int DIM>
__device__ __forceinline__ void store_rows(bf16 *first, size_t stride, const float (&d)[DIM / 8][4], float upper,
                                           float lower, int row, int rows, int dim) {
    const int l = threadIdx.x % 4;
#pragma unroll
    for (int h = 0; h < 2; ++h) {
        if (row + 8 * h >= rows) break;
        bf16 *to = first + (row + 8 * h) * stride;
        const float factor = h == 0 ? upper : lower;
#pragma unroll
        for (int n = 0; n < DIM / 8; ++n) {
            const int c = 8 * n + 2 * l;
            const float a = d[n][2 * h] * factor, b = d[n][2 * h + 1] * factor;
            if (dim % 2 == 0) {
                if (c < dim) *reinterpret_cast<uint32_t *>(to + c) = pack_bf16(a, b);
            } else {
                if (c < dim) to[c] = from_float<bf16>(a);
                if (c + 1 < dim) to[c + 1] = from_float<bf16>(b);
            }
        }
    }
}

} // namespace disentangled
