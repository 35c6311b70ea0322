// Causal attention of a decoder, the backward pass. First comes the kernel of the queries, which writes `delta`
// [heads, T], then that of the keys, which reads it.
#include "causal_f32_backward.cuh"
#include "causal_mma_backward.cuh"

// Grid: (entries of the plan * heads, 1, 64 / rows) for the queries, (entries * kv_heads, 1, 64 / rows) for the keys.
// Block: 4 * rows threads. Shared memory: 2 + 2 * stages tiles of rows * (width + 8), and one (queries) or two (keys)
// squares of rows * (rows + 8).
#define KB_CAUSAL_BACKWARD_BF16(name, width, rows)                                                          \
    KB_CAUSAL_KERNEL((causal::Backward<width, rows>::THREADS))                                              \
    kb_causal_backward_queries_##name##_bf16(KB_CAUSAL_ARGUMENTS, const bf16 *qkv, const bf16 *out,         \
                                             const float *lse, const bf16 *dout, float *delta, bf16 *dqkv,  \
                                             int stages) {                                                  \
        causal::backward_queries<width, rows>(KB_CAUSAL_PROBLEM, qkv, out, lse, dout, delta, dqkv, stages); \
    }                                                                                                       \
    KB_EXPORT(kb_causal_backward_queries_##name##_bf16);                                                    \
    KB_CAUSAL_KERNEL((causal::Backward<width, rows>::THREADS))                                              \
    kb_causal_backward_keys_##name##_bf16(KB_CAUSAL_ARGUMENTS, const bf16 *qkv, const float *lse,           \
                                          const bf16 *dout, const float *delta, bf16 *dqkv, int stages) {   \
        causal::backward_keys<width, rows>(KB_CAUSAL_PROBLEM, qkv, lse, dout, delta, dqkv, stages);         \
    }                                                                                                       \
    KB_EXPORT(kb_causal_backward_keys_##name##_bf16);

// Grid: (entries * heads) for the queries, (entries * kv_heads) for the keys; 256 threads.
#define KB_CAUSAL_BACKWARD_F32(width)                                                                       \
    KB_CAUSAL_KERNEL(causal::STRICT_THREADS, 1)                                                             \
    kb_causal_backward_queries_##width##_f32(KB_CAUSAL_ARGUMENTS, const float *qkv, const float *out,       \
                                             const float *lse, const float *dout, float *delta,             \
                                             float *dqkv) {                                                 \
        causal::backward_queries_strict<width / causal::CHUNK>(KB_CAUSAL_PROBLEM, qkv, out, lse, dout,      \
                                                               delta, dqkv);                                \
    }                                                                                                       \
    KB_EXPORT(kb_causal_backward_queries_##width##_f32);                                                    \
    KB_CAUSAL_KERNEL(causal::STRICT_THREADS, 1)                                                             \
    kb_causal_backward_keys_##width##_f32(KB_CAUSAL_ARGUMENTS, const float *qkv, const float *lse,          \
                                          const float *dout, const float *delta, float *dqkv) {             \
        causal::backward_keys_strict<width / causal::CHUNK>(KB_CAUSAL_PROBLEM, qkv, lse, dout, delta,       \
                                                            dqkv);                                          \
    }                                                                                                       \
    KB_EXPORT(kb_causal_backward_keys_##width##_f32);

KB_CAUSAL_BACKWARD_BF16(32, 32, 64)
KB_CAUSAL_BACKWARD_BF16(128, 128, 64)
KB_CAUSAL_BACKWARD_BF16(256, 256, 64)
// Where a block may not have 150 KiB of shared memory.
KB_CAUSAL_BACKWARD_BF16(256_narrow, 256, 32)
KB_CAUSAL_BACKWARD_F32(64)
KB_CAUSAL_BACKWARD_F32(128)
KB_CAUSAL_BACKWARD_F32(256)
