// The last pass over the gradients of the table's rows: what the chunks of pairs of tiles left is summed up, in the
// order of the list.
#pragma once

#include "disentangled.cuh"

namespace disentangled {

constexpr int REDUCE_THREADS = 256;

// dprojected[row] of some heads, a column of it a thread. sums[chunk, heads of the part, 2 panels, 2 tile ranks,
// width]; a chunk, {first pair, pairs, tiles apart, 0} in the list, met the ranks of the window of whole tiles at its
// distance.
template <class T>
__device__ __forceinline__ void reduce(T *dprojected, const float *sums, const uint32_t *relative_numbers,
                                       const uint32_t *chunks, uint32_t count, const Sizes &sizes, uint32_t longest,
                                       uint32_t ranks, uint32_t first_head, uint32_t heads, int tile, int width) {
    // Chunks that met this row, and its rank in their windows.
    __shared__ uint32_t number[REDUCE_THREADS];
    __shared__ uint8_t place[REDUCE_THREADS];
    __shared__ int of_warp[REDUCE_THREADS / WARP];

    const Relative relative(relative_numbers, longest, ranks);
    // The rank of this block's row, if any distance meets it.
    const uint32_t row = blockIdx.x;
    uint32_t rank = 0, end = ranks;
    while (rank < end) {
        const uint32_t middle = (rank + end) / 2;
        if (relative.row[middle] < row) rank = middle + 1;
        else end = middle;
    }
    const bool met = rank < ranks && relative.row[rank] == row;
    const int low = met ? (int)relative.first[rank] - relative.zero : 0;
    const int high = met ? (int)relative.first[rank + 1] - 1 - relative.zero : 0;

    const int columns = (int)heads * sizes.dim, panels = sizes.panels(), lane = threadIdx.x % WARP;
    const int i = (int)(blockIdx.y * REDUCE_THREADS + threadIdx.x), panel = i / columns;
    const bool exists = panel < panels;
    const int head = i % columns / sizes.dim, c = i % sizes.dim;
    // qr is panel 0 of the sums, also where kr is the only one of the table.
    const int from = panels == 2 ? panel : sizes.terms & C2P ? 1 : 0;
    const float *const column = sums + ((size_t)head * 2 + from) * (2 * tile) * width + c;
    const size_t stride = (size_t)heads * 2 * (2 * tile) * width;
    float sum = 0.0f;
    for (uint32_t start = 0; met && start < count; start += REDUCE_THREADS) {
        const uint32_t n = start + threadIdx.x;
        bool meets = false;
        int at = 0;
        if (n < count) {
            const uint4 chunk = reinterpret_cast<const uint4 *>(chunks)[n];
            const int apart = (int)chunk.z * tile;
            meets = chunk.x != NONE && high >= apart - (tile - 1) && low <= apart + tile - 1;
            if (meets) at = (int)(rank - relative.rank[max(apart - (tile - 1), -relative.zero) + relative.zero]);
        }
        const unsigned warp = __ballot_sync(ALL_LANES, meets);
        if (lane == 0) of_warp[threadIdx.x / WARP] = __popc(warp);
        __syncthreads();
        int before = __popc(warp & ((1u << lane) - 1)), all = 0;
        for (int w = 0; w < REDUCE_THREADS / WARP; ++w) {
            if (w < (int)threadIdx.x / WARP) before += of_warp[w];
            all += of_warp[w];
        }
        if (meets) {
            number[before] = n;
            place[before] = (uint8_t)at;
        }
        __syncthreads();
        if (exists) {
#pragma unroll 4
            for (int m = 0; m < all; ++m) sum += column[number[m] * stride + place[m] * width];
        }
        // The list is made anew.
        __syncthreads();
    }
    if (exists)
        dprojected[row * sizes.row() + (size_t)panel * sizes.hidden + first_head * sizes.dim + i % columns] =
            from_float<T>(sum * sizes.scale);
}

} // namespace disentangled
