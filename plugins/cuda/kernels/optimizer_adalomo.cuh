// AdaLomo, as the engine's train/adalomo.rs: second moments as means of rows and of columns, in four passes.
//
// sums:    squares of the gradient, by row and by column, and of the weights
// moments: mixes them into the moments
// sizes:   squares of the update, whose size is known only when all of it is
// apply:   the update, computed a second time
//
// The gradient is read three times and the weights twice; all that passes hand to each other is small. Each tensor has
// a space of its own for it. Work comes in tiles of some rows by TILE columns, a block each; a warp has a run of rows,
// and a lane the same eight columns of each.
#pragma once

#include "optimizer_state.cuh"

constexpr uint32_t TILE = 256;
constexpr int LOMO_WARPS = 8, LOMO_THREADS = LOMO_WARPS * WARP, OWN = TILE / WARP;
constexpr uint32_t MEANS = LOMO_THREADS; // rows or columns of a block of `moments`

// A tensor, its moments and its space. The mirror is in src/ops/adalomo.rs.
struct kb_lomo {
    float *w;
    bf16 *copy;           // the weights as products read them, or NULL
    void *g;              // the gradient, where the launch names no other
    float *first;         // moments of rows, or of a vector's elements
    float *second;        // moments of columns
    const uint32_t *rows; // the rows of a table that have a gradient, ascending, then NONE; NULL: all
    double *space;
    double rate;          // factor on the learning rate
    uint64_t weight_chunk; // elements of a block that sums squares of weights
    uint32_t weight_blocks;
    uint32_t matrices, height, width;
    uint32_t listed;      // rows that `rows` has room for; NULL: height
    uint32_t warp_rows, row_tiles;             // of the gradient's rows
    uint32_t apply_warp_rows, apply_row_tiles; // of the rows that `apply` visits
    uint32_t column_tiles;
    uint32_t decays;      // weights decay, so that `apply` visits all rows
    uint32_t compact;     // the gradient holds the listed rows behind one another, else all rows
    uint32_t tensor;      // number for messages
    uint32_t reserved;
};
static_assert(sizeof(kb_lomo) == 128, "the mirror has this size");

// Block `part` of a tensor.
struct kb_part {
    uint32_t tensor, part;
};

// What one pass hands to the next, in a tensor's space. `lomo_doubles` of src/ops/adalomo.rs is the size of it all.
struct Space {
    double *row_sums;    // [matrices, column_tiles, listed]
    double *column_sums; // [matrices, row_tiles, width]
    double *squares;     // of each tile's gradient
    double *sizes;       // squares of each tile's update
    double *weights;     // squares of each block's weights
    double *means;       // [matrices, mean_blocks]: sums of the moments of rows
    float *roots;        // [matrices, width]: 1 / sqrt of the moments of columns
    uint32_t tiles, mean_blocks;
};

__device__ __forceinline__ Space space_of(const kb_lomo &t) {
    Space s;
    const size_t matrices = t.matrices;
    s.tiles = t.matrices * t.row_tiles * t.column_tiles;
    s.mean_blocks = (t.height + MEANS - 1) / MEANS;
    s.row_sums = t.space;
    s.column_sums = s.row_sums + matrices * t.column_tiles * t.listed;
    s.squares = s.column_sums + matrices * t.row_tiles * t.width;
    s.sizes = s.squares + s.tiles;
    s.weights = s.sizes + s.tiles;
    s.means = s.weights + t.weight_blocks;
    s.roots = reinterpret_cast<float *>(s.means + matrices * s.mean_blocks);
    return s;
}

// A number that another block of the same launch may write: all threads of a block must see the same.
__device__ __forceinline__ uint32_t same_for_block(const uint32_t *value) {
    __shared__ uint32_t seen;
    if (threadIdx.x == 0) seen = *reinterpret_cast<const volatile uint32_t *>(value);
    __syncthreads();
    const uint32_t all = seen;
    __syncthreads();
    return all;
}

// The place of a row in an ascending list, or NONE.
__device__ __forceinline__ uint32_t place_of(const uint32_t *rows, uint32_t listed, uint32_t row) {
    uint32_t low = 0, high = listed;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (rows[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < listed && rows[low] == row ? low : NONE;
}

// The tile of a block, and the eight columns of a lane: neighbours, where rows are aligned to sixteen bytes, else one
// of each 32.
struct Tile {
    uint32_t matrix, row_tile, column_tile;
    uint32_t columns; // that there are from its first on
    bool vector;

    __device__ Tile(const kb_lomo &t, uint32_t part, uint32_t row_tiles, bool vector) : vector(vector) {
        column_tile = part % t.column_tiles;
        row_tile = part / t.column_tiles % row_tiles;
        matrix = part / t.column_tiles / row_tiles;
        columns = t.width - column_tile * TILE;
        if (columns > TILE) columns = TILE;
    }

    // Of element k of this lane, from the tile's first on.
    __device__ uint32_t column(uint32_t k) const {
        const uint32_t lane = threadIdx.x % WARP;
        return vector ? lane * OWN + k : k * WARP + lane;
    }

    // The lane's elements of a row, from the tile's first column on; zeros behind the end.
    template <class T> __device__ __forceinline__ void load(const T *row, float (&x)[OWN]) const;
    template <class T> __device__ __forceinline__ void store(T *row, const float (&x)[OWN]) const;
};

template <class T> __device__ __forceinline__ void Tile::load(const T *row, float (&x)[OWN]) const {
    if (vector) {
        const uint32_t c = column(0);
        float4 low = make_float4(0.0f, 0.0f, 0.0f, 0.0f), high = low;
        if (c < columns) {
            low = Quad<T>::load(row + c);
            high = Quad<T>::load(row + c + 4);
        }
        x[0] = low.x, x[1] = low.y, x[2] = low.z, x[3] = low.w;
        x[4] = high.x, x[5] = high.y, x[6] = high.z, x[7] = high.w;
        return;
    }
#pragma unroll
    for (int k = 0; k < OWN; ++k) x[k] = column(k) < columns ? to_float(row[column(k)]) : 0.0f;
}

// Eight neighbours in one access.
template <> __device__ __forceinline__ void Tile::load<bf16>(const bf16 *row, float (&x)[OWN]) const {
    if (vector) {
        const uint32_t c = column(0);
        uint4 raw = make_uint4(0, 0, 0, 0);
        if (c < columns) raw = *reinterpret_cast<const uint4 *>(row + c);
        const uint32_t words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            x[2 * k] = __uint_as_float(words[k] << 16);
            x[2 * k + 1] = __uint_as_float(words[k] & 0xffff0000u);
        }
        return;
    }
#pragma unroll
    for (int k = 0; k < OWN; ++k) x[k] = column(k) < columns ? to_float(row[column(k)]) : 0.0f;
}

template <class T> __device__ __forceinline__ void Tile::store(T *row, const float (&x)[OWN]) const {
    if (vector) {
        const uint32_t c = column(0);
        if (c >= columns) return;
        Quad<T>::store(row + c, make_float4(x[0], x[1], x[2], x[3]));
        Quad<T>::store(row + c + 4, make_float4(x[4], x[5], x[6], x[7]));
        return;
    }
#pragma unroll
    for (int k = 0; k < OWN; ++k)
        if (column(k) < columns) row[column(k)] = from_float<T>(x[k]);
}

__device__ __forceinline__ bool aligned_rows(const kb_lomo &t, const void *g, bool with_weights) {
    uintptr_t bits = reinterpret_cast<uintptr_t>(g);
    if (with_weights) bits |= reinterpret_cast<uintptr_t>(t.w) | reinterpret_cast<uintptr_t>(t.copy);
    return bits % 16 == 0 && t.width % OWN == 0;
}

// The row that entry `at` of the gradient's rows stands for, or NONE.
__device__ __forceinline__ uint32_t row_at(const kb_lomo &t, uint32_t at, uint32_t end) {
    if (at >= end) return NONE;
    return t.rows == nullptr ? at : t.rows[at];
}

// The first element of a tile's row in the gradient: of row `row`, entry `at`.
template <class T>
__device__ __forceinline__ T *gradient_row(const kb_lomo &t, T *g, const Tile &tile, uint32_t at, uint32_t row) {
    const size_t number = t.compact ? at : row;
    return g + ((size_t)tile.matrix * t.height + number) * t.width + tile.column_tile * TILE;
}
