// Causal attention of a decoder, the forward pass: a kernel each for widths of a head up to the number in its name.
#include "causal_f32_forward.cuh"
#include "causal_mma_forward.cuh"

// Grid: (entries of the plan * heads). Block: 128 threads. Shared memory: three tiles of 64 * (width + 8).
#define KB_CAUSAL_FORWARD_BF16(width)                                                                       \
    KB_CAUSAL_KERNEL(causal::FORWARD_THREADS)                                                               \
    kb_causal_forward_##width##_bf16(KB_CAUSAL_ARGUMENTS, const bf16 *qkv, bf16 *out, float *lse) {         \
        causal::forward<width>(KB_CAUSAL_PROBLEM, qkv, out, lse);                                           \
    }                                                                                                       \
    KB_EXPORT(kb_causal_forward_##width##_bf16);

// The same grid; 256 threads. As many blocks a multiprocessor as have registers for their sums.
#define KB_CAUSAL_FORWARD_F32(width)                                                                        \
    KB_CAUSAL_KERNEL(causal::STRICT_THREADS, width <= 64 ? 2 : 1)                                           \
    kb_causal_forward_##width##_f32(KB_CAUSAL_ARGUMENTS, const float *qkv, float *out, float *lse) {        \
        causal::forward_strict<width / causal::CHUNK>(KB_CAUSAL_PROBLEM, qkv, out, lse);                    \
    }                                                                                                       \
    KB_EXPORT(kb_causal_forward_##width##_f32);

KB_CAUSAL_FORWARD_BF16(32)
KB_CAUSAL_FORWARD_BF16(128)
KB_CAUSAL_FORWARD_BF16(256)
KB_CAUSAL_FORWARD_F32(64)
KB_CAUSAL_FORWARD_F32(128)
KB_CAUSAL_FORWARD_F32(256)
