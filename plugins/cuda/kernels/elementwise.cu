// What is done to each element alone (activations, dropout, sums of two tensors, casts), sums of columns, and the
// windows of a convolution.
#include "activation.cuh"
#include "conv.cuh"

namespace {

using namespace packs;

// Values of a bias, which is of floats or of bf16.
template <bool VEC, int N>
__device__ __forceinline__ void load_bias(const void *bias, uint32_t is_bf16, uint32_t col, uint32_t width,
                                          float (&v)[N]) {
#pragma unroll
    for (int i = 0; i < N; ++i) v[i] = 0.0f;
    if (bias == nullptr) return;
    if (is_bf16 == 0) {
        load_floats<VEC>(static_cast<const float *>(bias), col, width, v);
        return;
    }
    const bf16 *row = static_cast<const bf16 *>(bias);
#pragma unroll
    for (int i = 0; i < N; ++i) v[i] = inside<VEC>(col, i, width) ? to_float(row[col + i]) : 0.0f;
}

template <class T, bool VEC>
__device__ void activation_forward_rows(const T *x, const void *bias, uint32_t bias_is_bf16, T *pre, T *y,
                                        uint32_t rows, uint32_t width, uint32_t act) {
    constexpr int N = Pack<T>::N, AHEAD = 2;
    Strip<T> at(rows);
    if (at.col >= width) return;
    float b[N];
    load_bias<VEC>(bias, bias_is_bf16, at.col, width, b);
    for (; at.row < at.end; at.row += AHEAD * Strip<T>::WARPS) {
        Pack<T> z[AHEAD];
#pragma unroll
        for (int k = 0; k < AHEAD; ++k) {
            const uint32_t row = at.row + k * Strip<T>::WARPS;
            z[k] = load<VEC>(x + (uint64_t)row * width, at.col, row < at.end ? width : 0);
        }
#pragma unroll
        for (int k = 0; k < AHEAD; ++k) {
            const uint32_t row = at.row + k * Strip<T>::WARPS;
            if (row >= at.end) break;
            float v[N];
#pragma unroll
            for (int i = 0; i < N; ++i) v[i] = z[k].at(i) + b[i];
            if (pre != nullptr) store<VEC>(pre + (uint64_t)row * width, at.col, width, v);
            activation::activate<T>(act, v);
            store<VEC>(y + (uint64_t)row * width, at.col, width, v);
        }
    }
}

// y = act(x + bias), and x + bias to `pre`; bias and pre may be NULL, and y or pre the same as x.
template <class T>
__device__ void activation_forward(const T *x, const void *bias, uint32_t bias_is_bf16, T *pre, T *y, uint32_t rows,
                                   uint32_t width, uint32_t act) {
    if (width % Pack<T>::N == 0 && aligned(x, pre, y) && aligned(static_cast<const char *>(bias)))
        activation_forward_rows<T, true>(x, bias, bias_is_bf16, pre, y, rows, width, act);
    else
        activation_forward_rows<T, false>(x, bias, bias_is_bf16, pre, y, rows, width, act);
}

template <class T, bool VEC>
__device__ void activation_backward_rows(T *dy, const T *pre, float *sums, uint32_t add, float *shared, uint32_t rows,
                                         uint32_t width, uint32_t act) {
    constexpr int N = Pack<T>::N, AHEAD = 4;
    constexpr uint32_t WARPS = Strip<T>::WARPS;
    Strip<T> at(rows);
    float sum[N] = {};
    for (; at.row < at.end; at.row += AHEAD * WARPS) {
        Pack<T> g[AHEAD], z[AHEAD];
#pragma unroll
        for (int k = 0; k < AHEAD; ++k) {
            const uint32_t row = at.row + k * WARPS, columns = row < at.end ? width : 0;
            g[k] = load<VEC>(dy + (uint64_t)row * width, at.col, columns);
            if (act != activation::IDENTITY) z[k] = load<VEC>(pre + (uint64_t)row * width, at.col, columns);
        }
#pragma unroll
        for (int k = 0; k < AHEAD; ++k) {
            const uint32_t row = at.row + k * WARPS;
            if (row >= at.end || at.col >= width) break;
            float v[N];
#pragma unroll
            for (int i = 0; i < N; ++i) v[i] = g[k].at(i);
            if (act != activation::IDENTITY) {
                float w[N];
#pragma unroll
                for (int i = 0; i < N; ++i) w[i] = z[k].at(i);
                activation::scale_gradient<T>(act, v, w);
                store<VEC>(dy + (uint64_t)row * width, at.col, width, v);
            }
#pragma unroll
            for (int i = 0; i < N; ++i) sum[i] += v[i];
        }
    }
    if (sums == nullptr) return;
    const uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
#pragma unroll
    for (int i = 0; i < N; ++i) shared[(warp * N + i) * WARP + lane] = sum[i];
    __syncthreads();
    for (uint32_t i = threadIdx.x; i < N * WARP; i += blockDim.x) {
        // Element i / 32 of the pack of lane i % 32.
        const uint32_t col = (blockIdx.x * WARP + i % WARP) * N + i / WARP;
        if (col >= width) continue;
        float all = 0.0f;
#pragma unroll
        for (uint32_t other = 0; other < WARPS; ++other) all += shared[other * N * WARP + i];
        float *to = sums + (uint64_t)blockIdx.y * width + col;
        *to = add != 0 ? *to + all : all;
    }
}

// dy *= act'(pre) in place, and sums of its columns: each row of blocks leaves those of its rows in `sums`
// [gridDim.y, width], of which a second pass makes one. With one row of blocks they are the result, added to what is
// there where `add` is not 0. Without activation dy is only read, and without `sums` (NULL) nothing is summed.
template <class T>
__device__ void activation_backward(T *dy, const T *pre, float *sums, uint32_t add, uint32_t rows, uint32_t width,
                                    uint32_t act) {
    __shared__ float shared[Strip<T>::WARPS * Pack<T>::N * WARP];
    if (width % Pack<T>::N == 0 && aligned(dy, pre))
        activation_backward_rows<T, true>(dy, pre, sums, add, shared, rows, width, act);
    else
        activation_backward_rows<T, false>(dy, pre, sums, add, shared, rows, width, act);
}

template <class T, bool VEC>
__device__ void gated_forward_rows(const T *gate_up, T *y, uint32_t rows, uint32_t width, uint32_t act) {
    constexpr int N = Pack<T>::N;
    Strip<T> at(rows);
    for (; at.row < at.end && at.col < width; at.row += Strip<T>::WARPS) {
        const T *row = gate_up + (uint64_t)at.row * 2 * width;
        const Pack<T> gate = load<VEC>(row, at.col, width), up = load<VEC>(row + width, at.col, width);
        float v[N];
#pragma unroll
        for (int i = 0; i < N; ++i) v[i] = gate.at(i);
        activation::activate<T>(act, v);
#pragma unroll
        for (int i = 0; i < N; ++i) v[i] *= up.at(i);
        store<VEC>(y + (uint64_t)at.row * width, at.col, width, v);
    }
}

// y [rows, width] = act(gate) * up of gate_up [rows, 2 width].
template <class T>
__device__ void gated_forward(const T *gate_up, T *y, uint32_t rows, uint32_t width, uint32_t act) {
    if (width % Pack<T>::N == 0 && aligned(gate_up, y))
        gated_forward_rows<T, true>(gate_up, y, rows, width, act);
    else
        gated_forward_rows<T, false>(gate_up, y, rows, width, act);
}

template <class T, bool VEC>
__device__ void gated_backward_rows(const T *gate_up, const T *dy, T *dgate_up, uint32_t rows, uint32_t width,
                                    uint32_t act) {
    constexpr int N = Pack<T>::N;
    Strip<T> at(rows);
    for (; at.row < at.end && at.col < width; at.row += Strip<T>::WARPS) {
        const T *row = gate_up + (uint64_t)at.row * 2 * width;
        T *drow = dgate_up + (uint64_t)at.row * 2 * width;
        const Pack<T> gate = load<VEC>(row, at.col, width), up = load<VEC>(row + width, at.col, width);
        const Pack<T> d = load<VEC>(dy + (uint64_t)at.row * width, at.col, width);
        float z[N], v[N];
#pragma unroll
        for (int i = 0; i < N; ++i) z[i] = gate.at(i), v[i] = d.at(i) * up.at(i);
        activation::scale_gradient<T>(act, v, z);
        store<VEC>(drow, at.col, width, v);
        activation::activate<T>(act, z);
#pragma unroll
        for (int i = 0; i < N; ++i) v[i] = d.at(i) * z[i];
        store<VEC>(drow + width, at.col, width, v);
    }
}

template <class T>
__device__ void gated_backward(const T *gate_up, const T *dy, T *dgate_up, uint32_t rows, uint32_t width,
                               uint32_t act) {
    if (width % Pack<T>::N == 0 && aligned(gate_up, dy, dgate_up))
        gated_backward_rows<T, true>(gate_up, dy, dgate_up, rows, width, act);
    else
        gated_backward_rows<T, false>(gate_up, dy, dgate_up, rows, width, act);
}

// Walks over `count` elements pack by pack: f(first element, how many there are from it on).
template <int N, class F> __device__ __forceinline__ void each_pack(uint64_t count, F f) {
    const uint64_t stride = (uint64_t)gridDim.x * blockDim.x * N;
    for (uint64_t at = ((uint64_t)blockIdx.x * blockDim.x + threadIdx.x) * N; at < count; at += stride)
        f(at, count - at < N ? (uint32_t)(count - at) : (uint32_t)N);
}

// x *= scale, of which dropout keeps some.
template <class T>
__device__ void dropout_apply(T *x, uint64_t count, float scale, kb_dropout dropout, const kb_step *step) {
    constexpr int N = Pack<T>::N;
    const bool whole = aligned(x);
    each_pack<N>(count, [=](uint64_t at, uint32_t left) {
        const bool vec = whole && left == N;
        const Pack<T> p = vec ? load<true>(x + at, 0, N) : load<false>(x + at, 0, left);
        float v[N];
#pragma unroll
        for (int i = 0; i < N; ++i) v[i] = p.at(i) * scale;
        drop<true>(step, dropout, at, v);
        if (vec)
            store<true>(x + at, 0, N, v);
        else
            store<false>(x + at, 0, left, v);
    });
}

// sum += x
template <class T> __device__ void residual_add(T *sum, const T *x, uint64_t count) {
    constexpr int N = Pack<T>::N;
    const bool whole = aligned(sum) && aligned(x);
    each_pack<N>(count, [=](uint64_t at, uint32_t left) {
        const bool vec = whole && left == N;
        const Pack<T> a = vec ? load<true>(sum + at, 0, N) : load<false>(sum + at, 0, left);
        const Pack<T> b = vec ? load<true>(x + at, 0, N) : load<false>(x + at, 0, left);
        float v[N];
#pragma unroll
        for (int i = 0; i < N; ++i) v[i] = a.at(i) + b.at(i);
        if (vec)
            store<true>(sum + at, 0, N, v);
        else
            store<false>(sum + at, 0, left, v);
    });
}

template <class From, class To, bool VEC>
__device__ void cast_rows(const From *from, To *to, uint32_t rows, uint32_t width, uint64_t from_stride,
                          uint64_t to_stride) {
    // Packs of the wider type have fewer elements: eight at a time of both.
    Strip<bf16> at(rows);
    for (; at.row < at.end && at.col < width; at.row += Strip<bf16>::WARPS) {
        const From *row = from + at.row * from_stride;
        To *row_to = to + at.row * to_stride;
        float v[8];
        if constexpr (sizeof(From) == 4) {
            load_floats<VEC>(row, at.col, width, v);
        } else {
            const Pack<From> p = load<VEC>(row, at.col, width);
#pragma unroll
            for (int i = 0; i < 8; ++i) v[i] = p.at(i);
        }
        if constexpr (sizeof(To) == 4)
            store_floats<VEC>(row_to, at.col, width, v);
        else
            store<VEC>(row_to, at.col, width, v);
    }
}

// Rows of `width` elements that lie `from_stride` elements apart, to rows that lie `to_stride` apart.
template <class From, class To>
__device__ void cast(const From *from, To *to, uint32_t rows, uint32_t width, uint64_t from_stride,
                     uint64_t to_stride) {
    if (width % 8 == 0 && (from_stride | to_stride) % 8 == 0 && aligned(from) && aligned(to))
        cast_rows<From, To, true>(from, to, rows, width, from_stride, to_stride);
    else
        cast_rows<From, To, false>(from, to, rows, width, from_stride, to_stride);
}

} // namespace

#define KB_ELEMENTWISE(T, SUFFIX)                                                                                     \
    extern "C" __global__ void __launch_bounds__(256)                                                                 \
    kb_activation_forward##SUFFIX(const T *x, const void *bias, uint32_t bias_is_bf16, T *pre, T *y, uint32_t rows,   \
                                  uint32_t width, uint32_t act) {                                                     \
        activation_forward<T>(x, bias, bias_is_bf16, pre, y, rows, width, act);                                       \
    }                                                                                                                 \
    KB_EXPORT(kb_activation_forward##SUFFIX);                                                                         \
    extern "C" __global__ void __launch_bounds__(256)                                                                 \
    kb_activation_backward##SUFFIX(T *dy, const T *pre, float *sums, uint32_t add, uint32_t rows, uint32_t width,     \
                                   uint32_t act) {                                                                    \
        activation_backward<T>(dy, pre, sums, add, rows, width, act);                                                 \
    }                                                                                                                 \
    KB_EXPORT(kb_activation_backward##SUFFIX);                                                                        \
    extern "C" __global__ void __launch_bounds__(256)                                                                 \
    kb_gated_forward##SUFFIX(const T *gate_up, T *y, uint32_t rows, uint32_t width, uint32_t act) {                   \
        gated_forward<T>(gate_up, y, rows, width, act);                                                               \
    }                                                                                                                 \
    KB_EXPORT(kb_gated_forward##SUFFIX);                                                                              \
    extern "C" __global__ void __launch_bounds__(256)                                                                 \
    kb_gated_backward##SUFFIX(const T *gate_up, const T *dy, T *dgate_up, uint32_t rows, uint32_t width,              \
                              uint32_t act) {                                                                         \
        gated_backward<T>(gate_up, dy, dgate_up, rows, width, act);                                                   \
    }                                                                                                                 \
    KB_EXPORT(kb_gated_backward##SUFFIX);                                                                             \
    KB_KERNEL kb_dropout_apply##SUFFIX(T *x, uint64_t count, float scale, kb_dropout dropout, const kb_step *step) {  \
        dropout_apply(x, count, scale, dropout, step);                                                                \
    }                                                                                                                 \
    KB_EXPORT(kb_dropout_apply##SUFFIX);                                                                              \
    KB_KERNEL kb_residual_add##SUFFIX(T *sum, const T *x, uint64_t count) { residual_add(sum, x, count); }            \
    KB_EXPORT(kb_residual_add##SUFFIX);                                                                               \
    KB_KERNEL kb_cast_to_f32##SUFFIX(const T *from, float *to, uint32_t rows, uint32_t width, uint64_t from_stride,   \
                                     uint64_t to_stride) {                                                            \
        cast(from, to, rows, width, from_stride, to_stride);                                                          \
    }                                                                                                                 \
    KB_EXPORT(kb_cast_to_f32##SUFFIX);                                                                                \
    KB_KERNEL kb_cast_to_bf16##SUFFIX(const T *from, bf16 *to, uint32_t rows, uint32_t width, uint64_t from_stride,   \
                                      uint64_t to_stride) {                                                           \
        cast(from, to, rows, width, from_stride, to_stride);                                                          \
    }                                                                                                                 \
    KB_EXPORT(kb_cast_to_bf16##SUFFIX);                                                                               \
    KB_KERNEL kb_conv_windows##SUFFIX(const uint32_t *cu_seqlens, uint32_t count, const T *x, T *windows,             \
                                      uint32_t width, uint32_t kernel) {                                              \
        conv::windows(cu_seqlens, count, x, windows, width, kernel);                                                   \
    }                                                                                                                 \
    KB_EXPORT(kb_conv_windows##SUFFIX);                                                                               \
    KB_KERNEL kb_conv_backward##SUFFIX(const uint32_t *cu_seqlens, uint32_t count, const T *dwindows, T *dx,          \
                                       uint32_t width, uint32_t kernel) {                                             \
        conv::backward(cu_seqlens, count, dwindows, dx, width, kernel);                                                \
    }                                                                                                                 \
    KB_EXPORT(kb_conv_backward##SUFFIX);

KB_ELEMENTWISE(float, _f32)
KB_ELEMENTWISE(bf16, _bf16)
