// The backward pass of disentangled attention (He et al. 2021), in up to four launches for some of the heads: by keys,
// by queries, by distances, and the sums of the last. In bf16 with tensor cores, in f32 without them.
#include "disentangled_f32_backward.cuh"
#include "disentangled_mma_keys.cuh"
#include "disentangled_mma_queries.cuh"
#include "disentangled_reduce.cuh"

#define KB_DISENTANGLED_SIZES                                                                                      \
    const disentangled::Sizes sizes = {(int)heads, (int)dim, (int)(heads * dim), (int)tokens, terms, scale};       \
    const disentangled::Part part = {(int)first_head, (int)part_heads, (size_t)pairs}

// dk and dv of the tiles in the list (dq too of sequences of one tile, in bf16), and ds [heads of the part, pairs,
// keys, queries]. Blocks: tiles x heads of the part in x, columns of a head in y (f32).
#define KB_DISENTANGLED_BY_KEYS(name, T, threads, blocks, body)                                                     \
    extern "C" __global__ void __launch_bounds__(threads, blocks)                                                   \
        name(T *dqkv, T *ds, const T *qkv, const T *projected, const uint32_t *relative, const uint32_t *tiles,     \
             const T *out, const float *lse, const T *dout, uint32_t heads, uint32_t dim, uint32_t tokens,          \
             uint32_t terms, uint32_t longest, uint32_t ranks, float scale, kb_dropout dropout, const kb_step *step, \
             uint32_t first_head, uint32_t part_heads, uint32_t pairs) {                                            \
        KB_DISENTANGLED_SIZES;                                                                                      \
        body(dqkv, ds, qkv, projected, relative, tiles, out, lse, dout, sizes, longest, ranks, dropout, step, part); \
    }                                                                                                               \
    KB_EXPORT(name)

// dq of the tiles in the list (in bf16 of sequences of several tiles). Blocks as before.
#define KB_DISENTANGLED_BY_QUERIES(name, T, threads, blocks, body)                                                  \
    extern "C" __global__ void __launch_bounds__(threads, blocks)                                                   \
        name(T *dqkv, const T *ds, const T *qkv, const T *projected, const uint32_t *relative,                      \
             const uint32_t *tiles, uint32_t heads, uint32_t dim, uint32_t tokens, uint32_t terms,                  \
             uint32_t longest, uint32_t ranks, float scale, uint32_t first_head, uint32_t part_heads,               \
             uint32_t pairs) {                                                                                      \
        KB_DISENTANGLED_SIZES;                                                                                      \
        body(dqkv, ds, qkv, projected, relative, tiles, sizes, longest, ranks, part);                               \
    }                                                                                                               \
    KB_EXPORT(name)

// Sums of each chunk. Blocks: chunks x heads of the part in x; panels and columns of a head in y (f32).
#define KB_DISENTANGLED_BY_DISTANCES(name, T, threads, blocks, body)                                                \
    extern "C" __global__ void __launch_bounds__(threads, blocks)                                                   \
        name(float *sums, const T *ds, const T *qkv, const uint32_t *relative, const uint32_t *chunks,              \
             const uint32_t *pair_list, uint32_t heads, uint32_t dim, uint32_t tokens, uint32_t terms,              \
             uint32_t longest, uint32_t ranks, float scale, uint32_t first_head, uint32_t part_heads,               \
             uint32_t pairs) {                                                                                      \
        KB_DISENTANGLED_SIZES;                                                                                      \
        body(sums, ds, qkv, relative, chunks, pair_list, sizes, longest, ranks, part);                              \
    }                                                                                                               \
    KB_EXPORT(name)

// The part's heads of dprojected. Blocks: rows of the projected table in x, columns in y.
#define KB_DISENTANGLED_REDUCE(name, T)                                                                             \
    extern "C" __global__ void __launch_bounds__(disentangled::REDUCE_THREADS)                                      \
        name(T *dprojected, const float *sums, const uint32_t *relative, const uint32_t *chunks, uint32_t count,    \
             uint32_t heads, uint32_t dim, uint32_t tokens, uint32_t terms, uint32_t longest, uint32_t ranks,       \
             float scale, uint32_t first_head, uint32_t part_heads, uint32_t tile, uint32_t width) {                \
        const disentangled::Sizes sizes = {(int)heads, (int)dim, (int)(heads * dim), (int)tokens, terms, scale};    \
        disentangled::reduce(dprojected, sums, relative, chunks, count, sizes, longest, ranks, first_head,          \
                             part_heads, (int)tile, (int)width);                                                    \
    }                                                                                                               \
    KB_EXPORT(name)

KB_DISENTANGLED_BY_KEYS(kb_disentangled_by_keys_f32, float, 64, 4, disentangled::by_keys_f32);
KB_DISENTANGLED_BY_KEYS(kb_disentangled_by_keys_t64_bf16, bf16, 128, 2, (disentangled::by_keys<64, 64>));
KB_DISENTANGLED_BY_KEYS(kb_disentangled_by_keys_t32_bf16, bf16, 64, 4, (disentangled::by_keys<32, 64>));
KB_DISENTANGLED_BY_KEYS(kb_disentangled_by_keys_t32_wide_bf16, bf16, 64, 2, (disentangled::by_keys<32, 128>));

KB_DISENTANGLED_BY_QUERIES(kb_disentangled_by_queries_f32, float, 64, 4, disentangled::by_queries_f32);
KB_DISENTANGLED_BY_QUERIES(kb_disentangled_by_queries_t64_bf16, bf16, 128, 4, (disentangled::by_queries<64, 64>));
KB_DISENTANGLED_BY_QUERIES(kb_disentangled_by_queries_t32_bf16, bf16, 64, 8, (disentangled::by_queries<32, 64>));
KB_DISENTANGLED_BY_QUERIES(kb_disentangled_by_queries_t32_wide_bf16, bf16, 64, 4, (disentangled::by_queries<32, 128>));

KB_DISENTANGLED_BY_DISTANCES(kb_disentangled_by_distances_f32, float, 64, 4, disentangled::by_distances_f32);
KB_DISENTANGLED_BY_DISTANCES(kb_disentangled_by_distances_t64_bf16, bf16, 256, 2, (disentangled::by_distances<64, 64>));
KB_DISENTANGLED_BY_DISTANCES(kb_disentangled_by_distances_t32_bf16, bf16, 256, 2, (disentangled::by_distances<32, 64>));
KB_DISENTANGLED_BY_DISTANCES(kb_disentangled_by_distances_t32_wide_bf16, bf16, 256, 2,
                             (disentangled::by_distances<32, 128>));

KB_DISENTANGLED_REDUCE(kb_disentangled_reduce_f32, float);
KB_DISENTANGLED_REDUCE(kb_disentangled_reduce_bf16, bf16);
