// The four passes of optimizer_adalomo.cuh over matrices, and the one over a vector.
#pragma once

#include "optimizer_adalomo.cuh"

// Sums of one tile's squares by row and by column, before clipping.
template <class T>
__device__ __forceinline__ void lomo_tile_sums(const kb_lomo &t, const Space &space, const T *g, uint32_t part,
                                               double *scratch) {
    __shared__ double columns[LOMO_WARPS][TILE];
    const Tile tile(t, part, t.row_tiles, aligned_rows(t, g, false));
    const uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const uint32_t begin = (tile.row_tile * LOMO_WARPS + warp) * t.warp_rows;
    const uint32_t end = begin + t.warp_rows < t.listed ? begin + t.warp_rows : t.listed;
    double *row_sums = space.row_sums + ((size_t)tile.matrix * t.column_tiles + tile.column_tile) * t.listed;
    double column[OWN] = {};
    // Rows whose loads are under way at the same time.
    constexpr uint32_t AT_ONCE = 4;
    for (uint32_t first = begin; first < end; first += AT_ONCE) {
        float x[AT_ONCE][OWN];
#pragma unroll
        for (uint32_t i = 0; i < AT_ONCE; ++i) {
            const uint32_t row = row_at(t, first + i, end);
            if (row != NONE) {
                tile.load(gradient_row(t, g, tile, first + i, row), x[i]);
            } else {
#pragma unroll
                for (int k = 0; k < OWN; ++k) x[i][k] = 0.0f;
            }
        }
#pragma unroll
        for (uint32_t i = 0; i < AT_ONCE; ++i) {
            double row_sum = 0.0;
#pragma unroll
            for (int k = 0; k < OWN; ++k) {
                const double d = x[i][k];
                row_sum += d * d;
                column[k] += d * d;
            }
            row_sum = warp_sum(row_sum);
            if (lane == 0 && first + i < end) row_sums[first + i] = row_sum;
        }
    }
#pragma unroll
    for (int k = 0; k < OWN; ++k) columns[warp][k * WARP + lane] = column[k];
    __syncthreads();
    double sum = 0.0;
    for (int i = 0; i < LOMO_WARPS; ++i) sum += columns[i][threadIdx.x];
    // This thread's column is element `warp` of lane `lane`.
    const uint32_t c = tile.column(warp);
    double *column_sums = space.column_sums + ((size_t)tile.matrix * t.row_tiles + tile.row_tile) * t.width;
    if (c < tile.columns) column_sums[tile.column_tile * TILE + c] = sum;
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) space.squares[part] = sum;
}

// Blocks: the tiles, then those that sum squares of weights.
template <class T>
__device__ __forceinline__ void lomo_sums(const kb_lomo *table, const kb_part *parts, const T *gradient,
                                          const kb_result *result) {
    __shared__ double scratch[33];
    if (!result->finite) return;
    const kb_part own = parts[blockIdx.x];
    const kb_lomo t = table[own.tensor];
    const Space space = space_of(t);
    if (own.part < space.tiles) {
        lomo_tile_sums(t, space, gradient != nullptr ? gradient : static_cast<const T *>(t.g), own.part, scratch);
        return;
    }
    const uint32_t number = own.part - space.tiles;
    const uint64_t elements = (uint64_t)t.matrices * t.height * t.width, first = number * t.weight_chunk;
    const uint64_t count = elements - first < t.weight_chunk ? elements - first : t.weight_chunk;
    const double sum = block_sum(part_of_squares(t.w + first, count, threadIdx.x, blockDim.x), scratch);
    if (threadIdx.x == 0) space.weights[number] = sum;
}

// A mean of squares as it goes into a moment.
__device__ __forceinline__ float lomo_mix(float old, double mean, const kb_update *update) {
    const double keep = update->keep_square;
    return (float)((double)old * keep + (mean + update->least_square) * (1.0 - keep));
}

// Where weights are updated in the backward pass: notes the squares of one gradient, or that they are not finite.
__device__ __forceinline__ void lomo_note(double squares, uint32_t tensor, kb_result *result) {
    result->grad_squares += squares;
    if (is_finite(squares)) return;
    result->finite = 0;
    result->bad_tensor = tensor;
}

// Blocks: for each matrix those of its rows, then those of its columns.
__device__ __forceinline__ void lomo_moments(const kb_lomo *table, const kb_part *parts, uint32_t fused,
                                             const kb_update *update, kb_result *result) {
    __shared__ double scratch[33];
    if (!same_for_block(&result->finite)) return;
    const kb_part own = parts[blockIdx.x];
    const kb_lomo t = table[own.tensor];
    const Space space = space_of(t);
    if (fused) {
        const double squares = sum_parts(space.squares, space.tiles, scratch);
        if (own.part == 0 && threadIdx.x == 0) lomo_note(squares, t.tensor, result);
        if (!is_finite(squares)) return;
    }
    const double clip = result->clip, clipped = clip * clip;
    const uint32_t blocks = space.mean_blocks + (t.width + MEANS - 1) / MEANS;
    const uint32_t matrix = own.part / blocks, block = own.part % blocks;
    double sum = 0.0;
    if (block < space.mean_blocks) {
        const uint32_t row = block * MEANS + threadIdx.x;
        double moment = 0.0;
        if (row < t.height) {
            const uint32_t at = t.rows == nullptr ? row : place_of(t.rows, t.listed, row);
            const double *sums = space.row_sums + (size_t)matrix * t.column_tiles * t.listed + at;
            for (uint32_t i = 0; at != NONE && i < t.column_tiles; ++i) sum += sums[(size_t)i * t.listed];
            float *place = t.first + (size_t)matrix * t.height + row;
            const float mixed = lomo_mix(*place, sum * clipped / t.width, update);
            *place = mixed;
            moment = mixed;
        }
        moment = block_sum(moment, scratch);
        if (threadIdx.x == 0) space.means[(size_t)matrix * space.mean_blocks + block] = moment;
        return;
    }
    const uint32_t column = (block - space.mean_blocks) * MEANS + threadIdx.x;
    if (column >= t.width) return;
    const double *sums = space.column_sums + (size_t)matrix * t.row_tiles * t.width + column;
    for (uint32_t i = 0; i < t.row_tiles; ++i) sum += sums[(size_t)i * t.width];
    float *place = t.second + (size_t)matrix * t.width + column;
    const float mixed = lomo_mix(*place, sum * clipped / t.height, update);
    *place = mixed;
    space.roots[(size_t)matrix * t.width + column] = (float)(1.0 / sqrt((double)mixed));
}

// The mean of the moments of a matrix's rows.
__device__ __forceinline__ double lomo_mean(const kb_lomo &t, const Space &space, uint32_t matrix, double *scratch) {
    return sum_parts(space.means + (size_t)matrix * space.mean_blocks, space.mean_blocks, scratch) / t.height;
}

// The factor of a row's gradient: 1 / sqrt(r / mean(r)), and clipping. 0 where there is no row.
__device__ __forceinline__ float lomo_root(const kb_lomo &t, uint32_t matrix, uint32_t row, double mean, float clip) {
    if (row == NONE) return 0.0f;
    const double moment = t.first[(size_t)matrix * t.height + row];
    return (float)sqrt(mean / moment) * clip;
}

template <class T>
__device__ __forceinline__ void lomo_sizes(const kb_lomo *table, const kb_part *parts, const T *gradient,
                                           const kb_result *result) {
    __shared__ double scratch[33];
    if (!result->finite) return;
    const kb_part own = parts[blockIdx.x];
    const kb_lomo t = table[own.tensor];
    const Space space = space_of(t);
    const T *g = gradient != nullptr ? gradient : static_cast<const T *>(t.g);
    const Tile tile(t, own.part, t.row_tiles, aligned_rows(t, g, false));
    const double mean = lomo_mean(t, space, tile.matrix, scratch);
    float c[OWN];
    // Columns begin at a multiple of TILE, but a matrix of a stack anywhere.
    const float *roots = space.roots + (size_t)tile.matrix * t.width + tile.column_tile * TILE;
#pragma unroll
    for (int k = 0; k < OWN; ++k) c[k] = tile.column(k) < tile.columns ? roots[tile.column(k)] : 0.0f;
    const uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const uint32_t begin = (tile.row_tile * LOMO_WARPS + warp) * t.warp_rows;
    const uint32_t end = begin + t.warp_rows < t.listed ? begin + t.warp_rows : t.listed;
    double sum = 0.0;
    for (uint32_t first = begin; first < end; first += WARP) {
        // Each lane computes the root of one row, for all.
        const uint32_t mine = row_at(t, first + lane, end);
        const float root = lomo_root(t, tile.matrix, mine, mean, result->clip);
        const uint32_t count = end - first < WARP ? end - first : WARP;
#pragma unroll 4
        for (uint32_t i = 0; i < count; ++i) {
            const uint32_t row = __shfl_sync(ALL_LANES, mine, i);
            const float r = __shfl_sync(ALL_LANES, root, i);
            if (row == NONE) continue;
            float x[OWN];
            tile.load(gradient_row(t, g, tile, first + i, row), x);
#pragma unroll
            for (int k = 0; k < OWN; ++k) {
                if (tile.column(k) >= tile.columns) continue;
                const double u = x[k] * r * c[k];
                sum += u * u;
            }
        }
    }
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) space.sizes[own.part] = sum;
}

// The learning rate by the size of the weights, and what the update is multiplied by, of so many elements and with so
// large sums of squares.
struct LomoRate {
    double rate, scale;
    float keep; // of the weights

    __device__ LomoRate(double weights, double update_squares, double elements, double own, uint32_t decays,
                        const kb_update *update) {
        rate = update->rate * own * fmax(update->least_rms, sqrt(weights / elements));
        scale = rate / fmax(sqrt(update_squares / elements) / update->largest_rms, 1.0);
        keep = decays ? (float)(1.0 - rate * update->weight_decay) : 1.0f;
    }
};

template <class T>
__device__ __forceinline__ void lomo_apply(const kb_lomo *table, const kb_part *parts, T *gradient,
                                           const kb_update *update, const kb_result *result) {
    __shared__ double scratch[33];
    const kb_part own = parts[blockIdx.x];
    const kb_lomo t = table[own.tensor];
    const bool finite = result->finite != 0, zero = t.rows != nullptr && !t.compact;
    if (!finite && !zero) return;
    const Space space = space_of(t);
    T *g = gradient != nullptr ? gradient : static_cast<T *>(t.g);
    const Tile tile(t, own.part, t.apply_row_tiles, aligned_rows(t, g, true));
    // What is not finite was not summed.
    double mean = 0.0, update_squares = 0.0, weights = 0.0;
    if (finite) {
        mean = lomo_mean(t, space, tile.matrix, scratch);
        update_squares = sum_parts(space.sizes, space.tiles, scratch);
        weights = sum_parts(space.weights, t.weight_blocks, scratch);
    }
    const double elements = (double)t.matrices * t.height * t.width;
    const LomoRate rate(weights, update_squares, elements, t.rate, t.decays, update);
    const float scale = (float)rate.scale;
    float c[OWN];
    const float *roots = space.roots + (size_t)tile.matrix * t.width + tile.column_tile * TILE;
#pragma unroll
    for (int k = 0; k < OWN; ++k) c[k] = tile.column(k) < tile.columns ? roots[tile.column(k)] : 0.0f;
    const uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    // Where weights decay, all rows are visited, and looked for in the list.
    const bool all = t.rows == nullptr || t.decays;
    const uint32_t visited = all ? t.height : t.listed;
    const uint32_t begin = (tile.row_tile * LOMO_WARPS + warp) * t.apply_warp_rows;
    const uint32_t end = begin + t.apply_warp_rows < visited ? begin + t.apply_warp_rows : visited;
    for (uint32_t first = begin; first < end; first += WARP) {
        const uint32_t here = first + lane;
        const uint32_t mine = here >= end ? NONE : all ? here : t.rows[here];
        uint32_t place = NONE;
        if (mine != NONE) place = t.rows != nullptr && all ? place_of(t.rows, t.listed, mine) : here;
        const float root = place == NONE ? 0.0f : lomo_root(t, tile.matrix, mine, mean, result->clip);
        const uint32_t count = end - first < WARP ? end - first : WARP;
#pragma unroll 2
        for (uint32_t i = 0; i < count; ++i) {
            const uint32_t row = __shfl_sync(ALL_LANES, mine, i), at = __shfl_sync(ALL_LANES, place, i);
            const float r = __shfl_sync(ALL_LANES, root, i);
            if (row == NONE) continue;
            float x[OWN] = {};
            if (at != NONE) {
                T *from = gradient_row(t, g, tile, at, row);
                tile.load(from, x);
                const float nothing[OWN] = {};
                if (zero) tile.store(from, nothing);
            }
            if (!finite) continue;
            const size_t offset = ((size_t)tile.matrix * t.height + row) * t.width + tile.column_tile * TILE;
            float w[OWN];
            tile.load(t.w + offset, w);
#pragma unroll
            for (int k = 0; k < OWN; ++k) {
                if (t.decays) w[k] *= rate.keep;
                // Not for rows without a gradient: their moments may be zero.
                if (at != NONE) w[k] -= scale * (x[k] * r * c[k]);
            }
            tile.store(t.w + offset, w);
            if (t.copy != nullptr) tile.store(t.copy + offset, w);
        }
    }
}

// A vector, by one block.
template <class T>
__device__ __forceinline__ void lomo_vector(const kb_lomo *table, const kb_part *parts, const T *gradient,
                                            uint32_t fused, const kb_update *update, kb_result *result) {
    __shared__ double scratch[33];
    if (!same_for_block(&result->finite)) return;
    const kb_lomo t = table[parts[blockIdx.x].tensor];
    const T *g = gradient != nullptr ? gradient : static_cast<const T *>(t.g);
    if (fused) {
        const double squares = block_sum(part_of_squares(g, t.width, threadIdx.x, blockDim.x), scratch);
        if (threadIdx.x == 0) lomo_note(squares, t.tensor, result);
        if (!is_finite(squares)) return;
    }
    const float clip = result->clip;
    const double weights = block_sum(part_of_squares(t.w, t.width, threadIdx.x, blockDim.x), scratch);
    double sum = 0.0;
    for (uint32_t i = threadIdx.x; i < t.width; i += blockDim.x) {
        const double x = to_float(g[i]) * clip;
        const float mixed = lomo_mix(t.first[i], x * x, update);
        t.first[i] = mixed;
        const double u = x / sqrt((double)mixed);
        sum += u * u;
    }
    const LomoRate rate(weights, block_sum(sum, scratch), t.width, t.rate, t.decays, update);
    for (uint32_t i = threadIdx.x; i < t.width; i += blockDim.x) {
        const double x = to_float(g[i]) * clip;
        float w = t.w[i];
        if (t.decays) w *= rate.keep;
        w -= (float)(rate.scale * (x / sqrt((double)t.first[i])));
        t.w[i] = w;
        if (t.copy != nullptr) t.copy[i] = from_float<bf16>(w);
    }
}
