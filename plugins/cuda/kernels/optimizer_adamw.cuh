// AdamW of all tensors at once, as the engine's train/adamw.rs: the same operations on each element, in f32.
#pragma once

#include "optimizer_state.cuh"

// A tensor and its moments. The mirror is in src/ops/adamw.rs.
struct kb_adamw {
    float *w;
    bf16 *copy;          // the weights as products read them, or NULL
    float *g;
    float *m;
    float *v;
    const uint8_t *live; // a table's rows whose moments may be other than zero; NULL: all
    double rate;         // factor on the learning rate
    uint32_t width;      // of a table whose gradient is zeroed behind the step; 0: the gradient stays as it is
    uint32_t decays;
};
static_assert(sizeof(kb_adamw) == 64, "the mirror has this size");

// The factors of one tensor at one step.
struct kb_factors {
    float clip, keep_first, take_first, keep_second, take_second, step, root, eps, decay;
    bool huggingface, finite;
};

__device__ __forceinline__ void factors_of(const kb_adamw &tensor, const kb_update *update, const kb_result *result,
                                           kb_factors &f) {
    const double rate = update->rate * tensor.rate;
    const double decay = tensor.decays ? rate * update->weight_decay : 0.0;
    f.huggingface = update->huggingface != 0;
    f.finite = result->finite != 0;
    f.clip = result->clip;
    f.keep_first = update->keep_first;
    f.take_first = update->take_first;
    f.keep_second = update->keep_second;
    f.take_second = update->take_second;
    f.eps = update->eps;
    if (f.huggingface) {
        f.step = (float)(rate * update->correct_second / update->correct_first);
        f.root = 1.0f;
        f.decay = (float)decay;
    } else {
        f.step = (float)(rate / update->correct_first);
        f.root = (float)update->correct_second;
        f.decay = (float)(1.0 - decay);
    }
}

template <bool HUGGINGFACE>
__device__ __forceinline__ void adamw_element(float &w, float g, float &m, float &v, const kb_factors &f) {
    g *= f.clip;
    if (HUGGINGFACE) {
        m = m * f.keep_first + g * f.take_first;
        v = v * f.keep_second + g * g * f.take_second;
        w -= f.step * (m / (sqrtf(v) + f.eps));
        w -= f.decay * w;
    } else {
        m += (g - m) * f.take_first;
        v = v * f.keep_second + g * g * f.take_second;
        w = w * f.decay - f.step * (m / (sqrtf(v) / f.root + f.eps));
    }
}

// What adamw_element does where gradient and moments are zero.
template <bool HUGGINGFACE> __device__ __forceinline__ float adamw_decay(float w, const kb_factors &f) {
    return HUGGINGFACE ? w - f.decay * w : w * f.decay;
}

// Elements from `first` on, of which a thread takes every `stride`-th four, or one, from number `from` on.
template <bool HUGGINGFACE>
__device__ __forceinline__ void adamw_run(const kb_adamw &t, uint64_t first, uint32_t count, uint32_t from,
                                          uint32_t stride, bool vector, const kb_factors &f) {
    float *w = t.w + first, *g = t.g + first, *m = t.m + first, *v = t.v + first;
    bf16 *copy = t.copy == nullptr ? nullptr : t.copy + first;
    const bool zero = t.width != 0;
    const uint32_t quads = vector ? count / 4 : 0;
    for (uint32_t i = from; i < quads; i += stride) {
        float4 w4 = Quad<float>::load(w + 4 * i), m4 = Quad<float>::load(m + 4 * i);
        float4 v4 = Quad<float>::load(v + 4 * i);
        const float4 g4 = Quad<float>::load(g + 4 * i);
        adamw_element<HUGGINGFACE>(w4.x, g4.x, m4.x, v4.x, f);
        adamw_element<HUGGINGFACE>(w4.y, g4.y, m4.y, v4.y, f);
        adamw_element<HUGGINGFACE>(w4.z, g4.z, m4.z, v4.z, f);
        adamw_element<HUGGINGFACE>(w4.w, g4.w, m4.w, v4.w, f);
        Quad<float>::store(w + 4 * i, w4);
        Quad<float>::store(m + 4 * i, m4);
        Quad<float>::store(v + 4 * i, v4);
        if (copy != nullptr) Quad<bf16>::store(copy + 4 * i, w4);
        if (zero && !(g4.x == 0.0f && g4.y == 0.0f && g4.z == 0.0f && g4.w == 0.0f))
            Quad<float>::store(g + 4 * i, make_float4(0.0f, 0.0f, 0.0f, 0.0f));
    }
    for (uint32_t i = 4 * quads + from; i < count; i += stride) {
        float w1 = w[i], m1 = m[i], v1 = v[i];
        const float g1 = g[i];
        adamw_element<HUGGINGFACE>(w1, g1, m1, v1, f);
        w[i] = w1;
        m[i] = m1;
        v[i] = v1;
        if (copy != nullptr) copy[i] = from_float<bf16>(w1);
        if (zero && g1 != 0.0f) g[i] = 0.0f;
    }
}

// A row that never had a gradient.
template <bool HUGGINGFACE>
__device__ __forceinline__ void adamw_decay_row(const kb_adamw &t, uint64_t first, const kb_factors &f) {
    if (f.decay == (HUGGINGFACE ? 0.0f : 1.0f)) return;
    for (uint32_t i = threadIdx.x % WARP; i < t.width; i += WARP) {
        const float w = adamw_decay<HUGGINGFACE>(t.w[first + i], f);
        t.w[first + i] = w;
        if (t.copy != nullptr) t.copy[first + i] = from_float<bf16>(w);
    }
}

template <bool HUGGINGFACE>
__device__ __forceinline__ void adamw_chunk(const kb_adamw &t, const kb_chunk &chunk, const kb_factors &f) {
    const uintptr_t bits = reinterpret_cast<uintptr_t>(t.w) | reinterpret_cast<uintptr_t>(t.g) |
                           reinterpret_cast<uintptr_t>(t.m) | reinterpret_cast<uintptr_t>(t.v);
    const bool aligned = bits % 16 == 0 && reinterpret_cast<uintptr_t>(t.copy) % 8 == 0;
    if (t.live == nullptr) {
        // Chunks begin at multiples of four, or of a row.
        adamw_run<HUGGINGFACE>(t, chunk.first, chunk.count, threadIdx.x, blockDim.x, aligned && chunk.first % 4 == 0, f);
        return;
    }
    const uint32_t rows = chunk.count / t.width;
    const uint64_t first_row = chunk.first / t.width;
    for (uint32_t i = threadIdx.x / WARP; i < rows; i += blockDim.x / WARP) {
        const uint64_t first = chunk.first + (uint64_t)i * t.width;
        if (t.live[first_row + i])
            adamw_run<HUGGINGFACE>(t, first, t.width, threadIdx.x % WARP, WARP, aligned && t.width % 4 == 0, f);
        else
            adamw_decay_row<HUGGINGFACE>(t, first, f);
    }
}

// A block a chunk of elements; a table's chunks are whole rows.
__device__ __forceinline__ void adamw(const kb_adamw *table, const kb_chunk *chunks, const kb_update *update,
                                      const kb_result *result) {
    __shared__ kb_factors f;
    const kb_chunk chunk = chunks[blockIdx.x];
    const kb_adamw own = table[chunk.tensor];
    if (threadIdx.x == 0) factors_of(own, update, result, f);
    __syncthreads();
    if (!f.finite) {
        // Nothing is updated, but the gradient is forgotten.
        if (own.width == 0) return;
        for (uint32_t i = threadIdx.x; i < chunk.count; i += blockDim.x) {
            const uint64_t at = chunk.first + i;
            if (own.live != nullptr && !own.live[at / own.width]) continue;
            if (own.g[at] != 0.0f) own.g[at] = 0.0f;
        }
        return;
    }
    if (f.huggingface)
        adamw_chunk<true>(own, chunk, f);
    else
        adamw_chunk<false>(own, chunk, f);
}
