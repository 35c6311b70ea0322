// Activation functions and their derivatives, in f32. Numbers are those of the engine's `Activation`, in its order.
#pragma once

#include "rows.cuh"

namespace activation {

enum : uint32_t { IDENTITY, GELU, GELU_TANH, RELU, TANH };

// e^v and 1 / v (v > 0). In bf16 those of the special function unit are exact enough.
template <class T> __device__ __forceinline__ float power_of_e(float v) {
    return sizeof(T) == 4 ? expf(v) : __expf(v);
}
template <class T> __device__ __forceinline__ float reciprocal(float v) {
    return sizeof(T) == 4 ? 1.0f / v : __fdividef(1.0f, v);
}

// The normal distribution's Phi(x), and e^(-x^2 / 2), which the derivative of gelu needs too.
//
// Phi(-|x|) e^(x^2 / 2) is t P(t) with t = 1 / (1 + 0.264 |x|), P of degree 6, within 6e-7 of itself for |x| < 13 (the
// form of Abramowitz and Stegun 7.1.26, fitted to the tail and not to erf, so that gelu has no cancellation there).
// With the error of the power, |x| Phi(-|x|) is within 4e-7.
template <class T> __device__ __forceinline__ float normal(float x, float &power) {
    const float a = fabsf(x), t = reciprocal<T>(fmaf(0.264f, a, 1.0f));
    float p = -0.0692625791f;
    p = fmaf(p, t, 0.203366265f);
    p = fmaf(p, t, -0.0761999711f);
    p = fmaf(p, t, 0.14862752f);
    p = fmaf(p, t, 0.0804756507f);
    p = fmaf(p, t, 0.107819065f);
    p = fmaf(p, t, 0.105173782f);
    power = power_of_e<T>(-0.5f * x * x);
    const float tail = p * t * power;
    return x < 0.0f ? tail : 1.0f - tail;
}

// s = (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, as a logistic function of twice the argument, and 1 - s without
// cancellation.
template <class T> __device__ __forceinline__ float gate_of_gelu_tanh(float x, float &rest) {
    const float u = 0.7978845608f * fmaf(0.044715f * x * x, x, x);
    const float power = power_of_e<T>(-2.0f * u), finite = power > 1e38f ? 1e38f : power;
    const float s = reciprocal<T>(1.0f + finite);
    rest = finite * s;
    return s;
}

// Applies a function to some values.
template <class T, int N> __device__ __forceinline__ void activate(uint32_t act, float (&v)[N]) {
    switch (act) {
    case GELU:
#pragma unroll
        for (int i = 0; i < N; ++i) {
            float power;
            v[i] *= normal<T>(v[i], power);
        }
        break;
    case GELU_TANH:
#pragma unroll
        for (int i = 0; i < N; ++i) {
            float rest;
            v[i] *= gate_of_gelu_tanh<T>(v[i], rest);
        }
        break;
    case RELU:
        // A comparison, because fmaxf would turn NaN into 0.
#pragma unroll
        for (int i = 0; i < N; ++i) v[i] = v[i] < 0.0f ? 0.0f : v[i];
        break;
    case TANH:
#pragma unroll
        for (int i = 0; i < N; ++i) v[i] = tanhf(v[i]);
        break;
    default:
        break;
    }
}

// Multiplies gradients by the derivative at what the function was applied to.
template <class T, int N>
__device__ __forceinline__ void scale_gradient(uint32_t act, float (&g)[N], const float (&z)[N]) {
    switch (act) {
    case GELU:
#pragma unroll
        for (int i = 0; i < N; ++i) {
            float power;
            const float phi = normal<T>(z[i], power);
            g[i] *= fmaf(z[i] * 0.3989422804f, power, phi);
        }
        break;
    case GELU_TANH:
#pragma unroll
        for (int i = 0; i < N; ++i) {
            float rest;
            const float s = gate_of_gelu_tanh<T>(z[i], rest);
            const float inner = 0.7978845608f * fmaf(0.134145f * z[i], z[i], 1.0f);
            g[i] *= fmaf(2.0f * z[i] * inner, s * rest, s);
        }
        break;
    case RELU:
#pragma unroll
        for (int i = 0; i < N; ++i) g[i] *= z[i] > 0.0f ? 1.0f : 0.0f;
        break;
    case TANH:
#pragma unroll
        for (int i = 0; i < N; ++i) {
            const float t = tanhf(z[i]);
            g[i] *= 1.0f - t * t;
        }
        break;
    default:
        break;
    }
}

} // namespace activation
