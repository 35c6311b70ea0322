// The optimisers, the norm of the gradients, and what came of a step: train/{gradients,adamw,adalomo,fused}.rs.

#include "optimizer_adalomo_passes.cuh"
#include "optimizer_adamw.cuh"
#include "optimizer_gradient.cuh"

constexpr int ELEMENT_THREADS = 256;
constexpr int FINISH_THREADS = 1024;

#define KB_OPTIMIZER(threads) extern "C" __global__ void __launch_bounds__(threads)

// One thread. Everything but the counter of blocks, which is 0 between launches.
KB_KERNEL kb_result_begin(kb_result *result) {
    result->loss = 0.0;
    result->grad_squares = 0.0;
    result->counted = 0.0;
    result->clip = 1.0f;
    result->finite = 1;
    result->bad_tensor = NONE;
}
KB_EXPORT(kb_result_begin);

// One thread, behind gradients that were measured: the factor that clips them in the next pass, whose gradients are
// measured again.
KB_KERNEL kb_gradient_clip(const kb_update *update, kb_result *result) {
    result->clip = (float)fmin(1.0, update->clip_limit / (sqrt(result->grad_squares) + 1e-6));
    if (result->finite) result->grad_squares = 0.0;
}
KB_EXPORT(kb_gradient_clip);

KB_OPTIMIZER(ELEMENT_THREADS)
kb_gradient_squares(const kb_gradient *table, const kb_chunk *chunks, double *parts) {
    gradient_squares(table, chunks, parts);
}
KB_EXPORT(kb_gradient_squares);

KB_OPTIMIZER(FINISH_THREADS)
kb_gradient_finish(const kb_chunk *chunks, uint32_t count, const double *parts, const kb_update *update,
                   kb_result *result) {
    gradient_finish(chunks, count, parts, update, result);
}
KB_EXPORT(kb_gradient_finish);

KB_OPTIMIZER(ELEMENT_THREADS) kb_gradient_clear(const kb_gradient *table, const kb_chunk *chunks) {
    gradient_clear(table, chunks);
}
KB_EXPORT(kb_gradient_clear);

KB_OPTIMIZER(ELEMENT_THREADS)
kb_adamw_update(const kb_adamw *table, const kb_chunk *chunks, const kb_update *update, const kb_result *result) {
    adamw(table, chunks, update, result);
}
KB_EXPORT(kb_adamw_update);

KB_OPTIMIZER(LOMO_THREADS)
kb_adalomo_moments(const kb_lomo *table, const kb_part *parts, uint32_t fused, const kb_update *update,
                   kb_result *result) {
    lomo_moments(table, parts, fused, update, result);
}
KB_EXPORT(kb_adalomo_moments);

// `gradient` NULL: each tensor's own.
#define KB_BY_GRADIENT(T, name)                                                                                        \
    KB_OPTIMIZER(ELEMENT_THREADS)                                                                                      \
    kb_gradient_measure_##name(const T *g, uint64_t elements, const uint32_t *rows, uint32_t listed, uint32_t width,   \
                               uint32_t compact, uint32_t tensor, double *parts, kb_result *result) {                  \
        gradient_measure(g, elements, rows, listed, width, compact, tensor, parts, result);                            \
    }                                                                                                                  \
    KB_EXPORT(kb_gradient_measure_##name);                                                                             \
    KB_OPTIMIZER(LOMO_THREADS)                                                                                         \
    kb_adalomo_sums_##name(const kb_lomo *table, const kb_part *parts, const T *gradient, const kb_result *result) {   \
        lomo_sums(table, parts, gradient, result);                                                                     \
    }                                                                                                                  \
    KB_EXPORT(kb_adalomo_sums_##name);                                                                                 \
    KB_OPTIMIZER(LOMO_THREADS)                                                                                         \
    kb_adalomo_sizes_##name(const kb_lomo *table, const kb_part *parts, const T *gradient, const kb_result *result) {  \
        lomo_sizes(table, parts, gradient, result);                                                                    \
    }                                                                                                                  \
    KB_EXPORT(kb_adalomo_sizes_##name);                                                                                \
    KB_OPTIMIZER(LOMO_THREADS)                                                                                         \
    kb_adalomo_apply_##name(const kb_lomo *table, const kb_part *parts, T *gradient, const kb_update *update,          \
                            const kb_result *result) {                                                                 \
        lomo_apply(table, parts, gradient, update, result);                                                            \
    }                                                                                                                  \
    KB_EXPORT(kb_adalomo_apply_##name);                                                                                \
    KB_OPTIMIZER(FINISH_THREADS)                                                                                       \
    kb_adalomo_vector_##name(const kb_lomo *table, const kb_part *parts, const T *gradient, uint32_t fused,            \
                             const kb_update *update, kb_result *result) {                                             \
        lomo_vector(table, parts, gradient, fused, update, result);                                                    \
    }                                                                                                                  \
    KB_EXPORT(kb_adalomo_vector_##name)

KB_BY_GRADIENT(float, f32);
KB_BY_GRADIENT(bf16, bf16);
