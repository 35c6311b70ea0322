// The forward pass of disentangled attention (He et al. 2021). In bf16 with tensor cores, in f32 without them.
#include "disentangled_f32.cuh"
#include "disentangled_mma_forward.cuh"

namespace disentangled {

__device__ __forceinline__ void forward_f32(float *out, float *lse, const float *qkv, const float *projected,
                                            const uint32_t *relative_numbers, const uint32_t *tiles,
                                            const Sizes &sizes, uint32_t longest, uint32_t ranks, kb_dropout dropout,
                                            const kb_step *step) {
    __shared__ union {
        Slices slices;
        float values[TILE_F32 * WIDE_STRIDE];
    } shared;
    __shared__ float p[TILE_F32 * PAIR_STRIDE];
    __shared__ uint8_t rank[2 * TILE_F32];

    const kb_step state = *step;
    if (blockIdx.y == 0) clear_padding(out, sizes.hidden, state, sizes.tokens);
    const int head = blockIdx.x % sizes.heads, column = blockIdx.y * WIDE;
    Tile tile;
    if (!read_tile(tile, tiles, blockIdx.x / sizes.heads)) return;
    const int first = tile.start + tile.from, a = threadIdx.x / 8, b = threadIdx.x % 8;
    const size_t stride = 3 * (size_t)sizes.hidden;
    const float *const columns = qkv + head * sizes.dim;
    const float *const k_from = columns + tile.start * stride + sizes.hidden;
    const Relative relative(relative_numbers, longest, ranks);
    Pair pair = {columns + first * stride, k_from, stride, stride, min(TILE_F32, tile.length - tile.from), 0,
                 projected + (sizes.terms & P2C ? sizes.hidden : 0) + head * sizes.dim,
                 projected + head * sizes.dim};

    float sums[4][8] = {}, most[4], total[4] = {};
    for (int x = 0; x < 4; ++x) most[x] = -INFINITY;
    for (int key = 0; key < tile.length; key += TILE_F32) {
        const int keys = min(TILE_F32, tile.length - key), apart = tile.from - key;
        pair.k = k_from + key * stride;
        pair.keys = keys;
        Window w;
        if (sizes.terms) {
            w = Window(relative, apart, pair.queries, keys);
            __syncthreads();
            fill_ranks(rank, relative, w, apart);
            __syncthreads();
        }
        float d[4][4] = {};
        add_scores<true>(d, shared.slices, pair, sizes, relative, w, rank);
        __syncthreads();
        load_tile<WIDE>(shared.values, pair.k + sizes.hidden, stride, keys, column, sizes.dim);
#pragma unroll
        for (int x = 0; x < 4; ++x) {
            float high = most[x];
#pragma unroll
            for (int y = 0; y < 4; ++y) {
                d[x][y] = b + 8 * y < keys ? d[x][y] * sizes.scale : -INFINITY;
                high = fmaxf(high, d[x][y]);
            }
#pragma unroll
            for (int i = 1; i < 8; i *= 2) high = fmaxf(high, __shfl_xor_sync(ALL_LANES, high, i));
            const float factor = expf(most[x] - high);
            most[x] = high;
            total[x] *= factor;
#pragma unroll
            for (int c = 0; c < 8; ++c) sums[x][c] *= factor;
            const uint64_t row = dropout_row(state, head, first + a + 8 * x);
#pragma unroll
            for (int y = 0; y < 4; ++y) {
                const int j = b + 8 * y;
                const float e = expf(d[x][y] - high);
                total[x] += e;
                p[(a + 8 * x) * PAIR_STRIDE + j] =
                    dropped(e, dropout_factor(&state, dropout, row * 4 + (uint64_t)(key + j)));
            }
        }
        __syncthreads();
        add_product<4>(sums, p, PAIR_STRIDE, 1, shared.values, keys);
    }
    float factor[4];
#pragma unroll
    for (int x = 0; x < 4; ++x) {
#pragma unroll
        for (int i = 1; i < 8; i *= 2) total[x] += __shfl_xor_sync(ALL_LANES, total[x], i);
        factor[x] = 1.0f / total[x];
        if (lse && blockIdx.y == 0 && b == 0 && a + 8 * x < pair.queries)
            lse[(size_t)head * sizes.tokens + first + a + 8 * x] = most[x] + logf(total[x]);
    }
    store_result(out + (size_t)first * sizes.hidden + head * sizes.dim, sizes.hidden, sums, factor, pair.queries,
                 column, sizes.dim);
}

} // namespace disentangled

// out [tokens, hidden] and, unless null, lse [heads, tokens] of the tiles in the list. Blocks: tiles x heads in x,
// columns of a head in y (f32).
#define KB_DISENTANGLED_FORWARD(name, T, threads, blocks, body)                                                     \
    extern "C" __global__ void __launch_bounds__(threads, blocks)                                                   \
        name(T *out, float *lse, const T *qkv, const T *projected, const uint32_t *relative, const uint32_t *tiles, \
             uint32_t heads, uint32_t dim, uint32_t tokens, uint32_t terms, uint32_t longest, uint32_t ranks,       \
             float scale, kb_dropout dropout, const kb_step *step) {                                                \
        const disentangled::Sizes sizes = {(int)heads, (int)dim, (int)(heads * dim), (int)tokens, terms, scale};    \
        body(out, lse, qkv, projected, relative, tiles, sizes, longest, ranks, dropout, step);                      \
    }                                                                                                               \
    KB_EXPORT(name)

KB_DISENTANGLED_FORWARD(kb_disentangled_forward_f32, float, 64, 6, disentangled::forward_f32);
KB_DISENTANGLED_FORWARD(kb_disentangled_forward_t64_bf16, bf16, 128, 3, (disentangled::forward<64, 64>));
KB_DISENTANGLED_FORWARD(kb_disentangled_forward_t32_bf16, bf16, 64, 6, (disentangled::forward<32, 64>));
KB_DISENTANGLED_FORWARD(kb_disentangled_forward_t32_wide_bf16, bf16, 64, 4, (disentangled::forward<32, 128>));
