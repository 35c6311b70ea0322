// The gradient of self-attention. With p the probabilities, m the dropout factors, delta = sum(dout out) of a row:
// dv = (m p)^T dout, dp = m (dout v^T), ds = p (dp - delta), dq = scale ds k, dk = scale ds^T q. The probabilities are
// computed again from each row's log-sum-exp.

#include "attention_backward.cuh"
#include "attention_backward_long.cuh"
#include "attention_plain_backward.cuh"

#define KB_ATTENTION_BACKWARD(DP, THREADS, M)                                                                     \
    extern "C" __global__ void __launch_bounds__(THREADS) kb_attention_backward_short_d##DP##_bf16(               \
        KB_ATTENTION_SIZES, const bf16 *qkv, const bf16 *out, const float *lse, const bf16 *dout, bf16 *dqkv) {   \
        attention::backward_short<DP>(KB_ATTENTION_PACKED, qkv, out, lse, dout, dqkv);                            \
    }                                                                                                             \
    KB_EXPORT(kb_attention_backward_short_d##DP##_bf16);                                                          \
    extern "C" __global__ void __launch_bounds__(128) kb_attention_backward_queries_d##DP##_bf16(                 \
        KB_ATTENTION_SIZES, const bf16 *qkv, const bf16 *out, const float *lse, const bf16 *dout, float *delta,   \
        bf16 *dqkv) {                                                                                             \
        attention::backward_queries<DP, M>(KB_ATTENTION_PACKED, qkv, out, lse, dout, delta, dqkv);                \
    }                                                                                                             \
    KB_EXPORT(kb_attention_backward_queries_d##DP##_bf16);                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS) kb_attention_backward_keys_d##DP##_bf16(                \
        KB_ATTENTION_SIZES, const bf16 *qkv, const float *lse, const bf16 *dout, const float *delta,              \
        bf16 *dqkv) {                                                                                             \
        attention::backward_keys<DP>(KB_ATTENTION_PACKED, qkv, lse, dout, delta, dqkv);                           \
    }                                                                                                             \
    KB_EXPORT(kb_attention_backward_keys_d##DP##_bf16);

KB_ATTENTION_BACKWARD(16, 256, 2)
KB_ATTENTION_BACKWARD(32, 256, 2)
KB_ATTENTION_BACKWARD(64, 256, 2)
KB_ATTENTION_BACKWARD(128, 128, 1)

// Without tensor cores: f32, and bf16 where heads are wider than the above.
#define KB_ATTENTION_BACKWARD_PLAIN(T, DP, NAME)                                                                  \
    extern "C" __global__ void __launch_bounds__(attention::plain::THREADS) kb_attention_backward_queries_##NAME( \
        KB_ATTENTION_SIZES, const T *qkv, const T *out, const float *lse, const T *dout, float *delta, T *dqkv) { \
        attention::plain::backward_queries<T, DP>(KB_ATTENTION_PACKED, qkv, out, lse, dout, dqkv, delta);         \
    }                                                                                                             \
    KB_EXPORT(kb_attention_backward_queries_##NAME);                                                              \
    extern "C" __global__ void __launch_bounds__(attention::plain::THREADS) kb_attention_backward_keys_##NAME(    \
        KB_ATTENTION_SIZES, const T *qkv, const float *lse, const T *dout, const float *delta, T *dqkv) {         \
        attention::plain::backward_keys<T, DP>(KB_ATTENTION_PACKED, qkv, lse, dout, delta, dqkv);                 \
    }                                                                                                             \
    KB_EXPORT(kb_attention_backward_keys_##NAME);

KB_ATTENTION_BACKWARD_PLAIN(float, 32, plain_d32_f32)
KB_ATTENTION_BACKWARD_PLAIN(float, 64, plain_d64_f32)
KB_ATTENTION_BACKWARD_PLAIN(float, 128, plain_d128_f32)
KB_ATTENTION_BACKWARD_PLAIN(float, 256, plain_d256_f32)
KB_ATTENTION_BACKWARD_PLAIN(bf16, 256, plain_d256_bf16)
