// What the kernels of disentangled attention share: work lists, the table of relative positions, and the products with
// its rows.
//
//     score(i, j) = (q_i . k_j + q_i . kr_t + k_j . qr_t) scale,   t = row(i - j)
//
// The second term is "content to position" (c2p), the third "position to content" (p2c). Rows never descend as
// distances grow, so a tile of TILE queries and TILE keys, which has at most 2 TILE - 1 distances, meets a run of at
// most so many rows: it multiplies its queries and its keys by that run alone, and reads the products by index. No
// intermediate of [L, rows] leaves shared memory.
//
// Rows that some distance meets are numbered without gaps: those numbers are called ranks. `relative` holds
//
//     rank of distance d at d + longest - 1          [2 longest - 1]
//     row of the projected table of each rank        [ranks]
//     index (d + longest - 1) of the first distance of each rank, and where they end   [ranks + 1]
#pragma once

#include "common.cuh"

namespace disentangled {

constexpr uint32_t C2P = 1, P2C = 2;

// A tile of queries (or of keys) of one sequence, an entry of the work list.
struct Tile {
    int start;  // first token of the sequence
    int length; // of the sequence
    int from;   // first query of the tile, in the sequence
    int pairs;  // number of the sequence's first pair of tiles
};

__device__ __forceinline__ bool read_tile(Tile &tile, const uint32_t *tiles, uint32_t number) {
    const uint4 entry = reinterpret_cast<const uint4 *>(tiles)[number];
    if (entry.x == NONE) return false;
    tile = {(int)entry.x, (int)entry.y, (int)entry.z, (int)entry.w};
    return true;
}

// Sizes of an attention; qkv is [tokens, 3 hidden], projected is [rows, panels hidden], qr before kr.
struct Sizes {
    int heads, dim, hidden, tokens;
    uint32_t terms;
    float scale;

    __device__ __forceinline__ int panels() const { return (terms & C2P ? 1 : 0) + (terms & P2C ? 1 : 0); }
    __device__ __forceinline__ size_t row() const { return (size_t)panels() * hidden; }
};

// What is launched for: heads first .. first + count, and their pairs of tiles.
struct Part {
    int first, count;
    size_t pairs;

    // Of the heads of this part.
    __device__ __forceinline__ int local() const { return blockIdx.x % count; }
    __device__ __forceinline__ size_t pair(int number) const { return local() * pairs + number; }
};

struct Relative {
    const uint32_t *rank, *row, *first;
    int zero; // index of distance 0

    __device__ __forceinline__ Relative(const uint32_t *relative, uint32_t longest, uint32_t ranks)
        : rank(relative), row(relative + 2 * longest - 1), first(relative + 2 * longest - 1 + ranks),
          zero((int)longest - 1) {}
};

// The distances of a pair of tiles, `span` successive ones, and the ranks that they meet, `count` from `base` on.
// Distance x of them belongs to the pairs of query i and key j, counted from the tiles' first, with i - j = x + shift.
struct Window {
    int shift, span, base, count;

    // Of nothing.
    __device__ __forceinline__ Window() : shift(0), span(0), base(0), count(0) {}

    // Of the first `queries` and `keys` of tiles whose first query and key are `apart`.
    __device__ __forceinline__ Window(const Relative &relative, int apart, int queries, int keys) {
        shift = 1 - keys;
        span = queries + keys - 1;
        ranks(relative, apart);
    }

    // Of whole tiles, as far as the table goes.
    __device__ __forceinline__ Window(const Relative &relative, int apart, int tile) {
        const int low = max(apart - (tile - 1), -relative.zero), high = min(apart + tile - 1, relative.zero);
        shift = low - apart;
        span = high - low + 1;
        ranks(relative, apart);
    }

    // Stands for that of a pair of whole tiles where ranks do not matter, or are distances.
    static __device__ __forceinline__ Window whole(int tile, bool linear) {
        Window w;
        w.shift = 1 - tile;
        w.span = 2 * tile - 1;
        w.count = linear ? w.span : 0;
        return w;
    }

    // Distances and ranks are the same thing here.
    __device__ __forceinline__ bool linear() const { return count == span; }

  private:
    __device__ __forceinline__ void ranks(const Relative &relative, int apart) {
        const int low = relative.zero + apart + shift;
        base = (int)relative.rank[low];
        count = (int)relative.rank[low + span - 1] - base + 1;
    }
};

// Where the rows of a window lie in one head's columns of a panel. They follow each other in all but odd tables, and
// then nothing has to be looked up on the way to each.
template <class T> struct Positions {
    const T *panel;
    const uint32_t *row;
    size_t stride;
    bool successive;

    __device__ __forceinline__ Positions(const T *panel, const Sizes &sizes, const Relative &relative, const Window &w)
        : panel(panel), row(relative.row + w.base), stride(sizes.row()) {
        const uint32_t first = row[0];
        successive = row[w.count - 1] - first + 1 == (uint32_t)w.count;
        if (successive) this->panel += first * stride;
    }

    __device__ __forceinline__ const T *operator()(int t) const { return panel + (successive ? t : row[t]) * stride; }
};

// Ranks of a window's distances, less the base, into shared memory [span].
__device__ __forceinline__ void fill_ranks(uint8_t *rank, const Relative &relative, const Window &w, int apart) {
    const uint32_t *from = relative.rank + relative.zero + apart + w.shift;
    for (int x = threadIdx.x; x < w.span; x += blockDim.x) rank[x] = (uint8_t)((int)from[x] - w.base);
}

// The other way round: the first distance of each rank, and where they end, [count + 1].
__device__ __forceinline__ void fill_first(uint8_t *first, const Relative &relative, const Window &w, int apart) {
    const int low = relative.zero + apart + w.shift;
    for (int t = threadIdx.x; t <= w.count; t += blockDim.x)
        first[t] = (uint8_t)min(max((int)relative.first[w.base + t] - low, 0), w.span);
}

// The sum of the score gradients of one query (BY_QUERY) or key, `own`, over the other tile's tokens at the distances
// of rank t: an element of a matrix [own, ranks], of which the rest of the backward pass are products. `ds` is the
// gradient of a pair of tiles, [keys, queries] with `stride`; the other tile has `others` tokens. LINEAR says what the
// window is.
template <bool BY_QUERY, bool LINEAR, class T>
__device__ __forceinline__ float gathered(const T *ds, int stride, const uint8_t *first, const Window &w, int own,
                                          int others, int t) {
    if (t >= w.count) return 0.0f;
    // The other is own - x - shift for a query and own + x + shift for a key.
    if (LINEAR) {
        const int other = BY_QUERY ? own - t - w.shift : own + t + w.shift;
        if (other < 0 || other >= others) return 0.0f;
        return to_float(ds[BY_QUERY ? other * stride + own : own * stride + other]);
    }
    const int least = BY_QUERY ? own - w.shift - (others - 1) : -own - w.shift;
    const int from = max((int)first[t], least), to = min((int)first[t + 1], least + others);
    float sum = 0.0f;
    // A few elements at most: unrolled it would be much code for nothing.
#pragma unroll 1
    for (int x = from; x < to; ++x) {
        const int other = BY_QUERY ? own - x - w.shift : own + x + w.shift;
        sum += to_float(ds[BY_QUERY ? other * stride + own : own * stride + other]);
    }
    return sum;
}

// Number of the dropout block (of four) of the first probability of a token's row.
__device__ __forceinline__ uint64_t dropout_row(const kb_step &step, int head, int token) {
    return ((uint64_t)head * step.tokens + token) * ((step.longest + 3) / 4);
}

// Which of the four elements of a block are kept, a bit each.
__device__ __forceinline__ uint32_t kept_bits(const kb_step &step, kb_dropout d, uint64_t block) {
    const uint4 w = philox_block(&step, d.site, block);
    return (w.x >= d.threshold ? 1u : 0u) | (w.y >= d.threshold ? 2u : 0u) | (w.z >= d.threshold ? 4u : 0u) |
           (w.w >= d.threshold ? 8u : 0u);
}

// Rows that pad the tokens to a bucket take part in matrix products later on, so they may not hold just anything.
template <class T>
__device__ __forceinline__ void clear_padding(T *rows, size_t width, const kb_step &step, int tokens) {
    for (size_t row = (size_t)step.tokens + blockIdx.x; row < (size_t)tokens; row += gridDim.x)
        for (size_t c = threadIdx.x; c < width; c += blockDim.x) rows[row * width + c] = from_float<T>(0.0f);
}

} // namespace disentangled
