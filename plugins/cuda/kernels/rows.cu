// Norms over rows, with what stands before them (dropout and a residual), and sums of rows.
//
// Each form comes twice: a warp for each row of up to 1024 elements, and a block for each (`_wide`) of up to 8192.
// Either way a row is read once and stays in registers.
#include "rows.cuh"

namespace {

using namespace packs;

// Four warps, each with a row: few enough registers for three such blocks of the backward pass at a time.
constexpr int NARROW = 128;
constexpr int WIDEST = 512;

template <class T, bool WIDE, bool VEC>
__device__ void norm_forward_rows(T *x, const T *residual, Affine norm, T *normalised, float *rstd, uint32_t rows,
                                  uint32_t width, kb_dropout dropout, const kb_step *step) {
    using Row = Team<T, WIDE>;
    constexpr int N = Row::N, PACKS = Row::PACKS;
    __shared__ typename Row::Scratch scratch;
    for (Row team(&scratch); team.row < rows; team.row += team.stride) {
        const uint64_t at = (uint64_t)team.row * width;
        Pack<T> a[PACKS], b[PACKS];
        // All loads before anything waits for one.
#pragma unroll
        for (int p = 0; p < PACKS; ++p) a[p] = load<VEC>(x + at, team.col(p), width);
        if (residual != nullptr) {
#pragma unroll
            for (int p = 0; p < PACKS; ++p) b[p] = load<VEC>(residual + at, team.col(p), width);
        }
        float v[PACKS][N];
#pragma unroll
        for (int p = 0; p < PACKS; ++p) {
#pragma unroll
            for (int i = 0; i < N; ++i) v[p][i] = a[p].at(i);
            if (team.col(p) < width) drop<VEC>(step, dropout, at + team.col(p), v[p]);
            if (residual != nullptr) {
#pragma unroll
                for (int i = 0; i < N; ++i) v[p][i] += b[p].at(i);
            }
        }
        normalise<VEC>(team, v, width, norm, normalised == nullptr ? nullptr : normalised + at,
                       rstd == nullptr ? nullptr : rstd + team.row);
#pragma unroll
        for (int p = 0; p < PACKS; ++p) store<VEC>(x + at, team.col(p), width, v[p]);
    }
}

// x <- LayerNorm(residual + dropout(x)) in place, without a residual where it is NULL.
template <class T, bool WIDE>
__device__ void norm_forward(T *x, const T *residual, Affine norm, T *normalised, float *rstd, uint32_t rows,
                             uint32_t width, kb_dropout dropout, const kb_step *step) {
    if (width % Pack<T>::N == 0 && aligned(x, residual, normalised) && aligned(norm.gamma, norm.beta))
        norm_forward_rows<T, WIDE, true>(x, residual, norm, normalised, rstd, rows, width, dropout, step);
    else
        norm_forward_rows<T, WIDE, false>(x, residual, norm, normalised, rstd, rows, width, dropout, step);
}

// Adds the columns' sums that the warps of a block hold and writes them to `parts`: warp after warp, so in one order.
template <bool VEC, class T, bool WIDE>
__device__ __forceinline__ void write_part(const Team<T, WIDE> &team,
                                           const float (&sums)[Team<T, WIDE>::PACKS][Pack<T>::N], uint32_t width,
                                           float *shared, float *part) {
    constexpr int N = Pack<T>::N, PACKS = Team<T, WIDE>::PACKS;
    if constexpr (WIDE) {
#pragma unroll
        for (int p = 0; p < PACKS; ++p) store_floats<VEC>(part, team.col(p), width, sums[p]);
    } else {
        for (uint32_t warp = 0; warp < blockDim.x / WARP; ++warp) {
            __syncthreads();
            if (threadIdx.x / WARP != warp) continue;
#pragma unroll
            for (int p = 0; p < PACKS; ++p) {
                float all[N];
                load_floats<VEC>(shared, team.col(p), warp == 0 ? 0 : width, all);
#pragma unroll
                for (int i = 0; i < N; ++i) all[i] += sums[p][i];
                store_floats<VEC>(shared, team.col(p), width, all);
            }
        }
        __syncthreads();
        for (uint32_t i = threadIdx.x; i < width; i += blockDim.x) part[i] = shared[i];
    }
}

template <class T, bool WIDE, bool VEC>
__device__ void norm_backward_rows(T *dy, const T *normalised, const float *rstd, const float *gamma, T *dx,
                                   float *parts, float *shared, uint32_t rows, uint32_t width, kb_dropout dropout,
                                   const kb_step *step) {
    using Row = Team<T, WIDE>;
    constexpr int N = Row::N, PACKS = Row::PACKS;
    __shared__ typename Row::Scratch scratch;
    Row team(&scratch);
    float dgamma[PACKS][N] = {}, dbeta[PACKS][N] = {};
    for (; team.row < rows; team.row += team.stride) {
        const uint64_t at = (uint64_t)team.row * width;
        Pack<T> d[PACKS], n[PACKS];
#pragma unroll
        for (int p = 0; p < PACKS; ++p) {
            d[p] = load<VEC>(dy + at, team.col(p), width);
            n[p] = load<VEC>(normalised + at, team.col(p), width);
        }
        const float factor = rstd[team.row];
        float mean = 0.0f, slope = 0.0f;
#pragma unroll
        for (int p = 0; p < PACKS; ++p) {
            float scale[N];
            load_floats<VEC>(gamma, team.col(p), width, scale);
#pragma unroll
            for (int i = 0; i < N; ++i) {
                const float g = d[p].at(i) * scale[i];
                mean += g;
                slope = fmaf(g, n[p].at(i), slope);
                dgamma[p][i] = fmaf(d[p].at(i), n[p].at(i), dgamma[p][i]);
                dbeta[p][i] += d[p].at(i);
            }
        }
        team.sums(mean, slope);
        mean /= (float)width, slope /= (float)width;
#pragma unroll
        for (int p = 0; p < PACKS; ++p) {
            const uint32_t col = team.col(p);
            if (col >= width) continue;
            float scale[N], v[N];
            load_floats<VEC>(gamma, col, width, scale);
#pragma unroll
            for (int i = 0; i < N; ++i) v[i] = factor * (d[p].at(i) * scale[i] - mean - n[p].at(i) * slope);
            store<VEC>(dy + at, col, width, v);
            if (dx == nullptr) continue;
            drop<VEC>(step, dropout, at + col, v);
            store<VEC>(dx + at, col, width, v);
        }
    }
    float *part = parts + (uint64_t)blockIdx.x * 2 * width;
    write_part<VEC>(team, dgamma, width, shared, part);
    write_part<VEC>(team, dbeta, width, shared, part + width);
}

// dy becomes the gradient of the sum that was normalised, and dx, unless it is NULL, that of what dropout was applied
// to. Each block leaves sums of dgamma and dbeta over its rows in `parts` [blocks, 2, width].
template <class T, bool WIDE>
__device__ void norm_backward(T *dy, const T *normalised, const float *rstd, const float *gamma, T *dx, float *parts,
                              float *shared, uint32_t rows, uint32_t width, kb_dropout dropout, const kb_step *step) {
    if (width % Pack<T>::N == 0 && aligned(dy, normalised, dx) && aligned(gamma))
        norm_backward_rows<T, WIDE, true>(dy, normalised, rstd, gamma, dx, parts, shared, rows, width, dropout, step);
    else
        norm_backward_rows<T, WIDE, false>(dy, normalised, rstd, gamma, dx, parts, shared, rows, width, dropout, step);
}

template <class T, bool WIDE, bool VEC>
__device__ void rms_norm_forward_rows(const T *x, const float *weight, float eps, T *y, bool add, uint32_t rows,
                                      uint32_t width) {
    using Row = Team<T, WIDE>;
    constexpr int N = Row::N, PACKS = Row::PACKS;
    __shared__ typename Row::Scratch scratch;
    for (Row team(&scratch); team.row < rows; team.row += team.stride) {
        const uint64_t at = (uint64_t)team.row * width;
        Pack<T> a[PACKS], b[PACKS];
#pragma unroll
        for (int p = 0; p < PACKS; ++p) a[p] = load<VEC>(x + at, team.col(p), width);
        if (add) {
#pragma unroll
            for (int p = 0; p < PACKS; ++p) b[p] = load<VEC>(y + at, team.col(p), width);
        }
        float squares = 0.0f;
#pragma unroll
        for (int p = 0; p < PACKS; ++p)
#pragma unroll
            for (int i = 0; i < N; ++i) squares = fmaf(a[p].at(i), a[p].at(i), squares);
        const float factor = 1.0f / sqrtf(team.sum(squares) / (float)width + eps);
#pragma unroll
        for (int p = 0; p < PACKS; ++p) {
            const uint32_t col = team.col(p);
            if (col >= width) continue;
            float scale[N], v[N];
            load_floats<VEC>(weight, col, width, scale);
#pragma unroll
            for (int i = 0; i < N; ++i) {
                v[i] = a[p].at(i) * factor * (1.0f + scale[i]);
                if (add) v[i] += b[p].at(i);
            }
            store<VEC>(y + at, col, width, v);
        }
    }
}

// y = x / sqrt(mean(x^2) + eps) * (1 + weight), added to y where `add` is not 0.
template <class T, bool WIDE>
__device__ void rms_norm_forward(const T *x, const float *weight, float eps, T *y, uint32_t add, uint32_t rows,
                                 uint32_t width) {
    if (width % Pack<T>::N == 0 && aligned(x, y) && aligned(weight))
        rms_norm_forward_rows<T, WIDE, true>(x, weight, eps, y, add != 0, rows, width);
    else
        rms_norm_forward_rows<T, WIDE, false>(x, weight, eps, y, add != 0, rows, width);
}

template <class T, bool WIDE, bool VEC>
__device__ void rms_norm_backward_rows(const T *x, const float *weight, float eps, const T *dy, T *dx, bool add,
                                       float *parts, float *shared, uint32_t rows, uint32_t width) {
    using Row = Team<T, WIDE>;
    constexpr int N = Row::N, PACKS = Row::PACKS;
    __shared__ typename Row::Scratch scratch;
    Row team(&scratch);
    float dweight[PACKS][N] = {};
    for (; team.row < rows; team.row += team.stride) {
        const uint64_t at = (uint64_t)team.row * width;
        Pack<T> a[PACKS], d[PACKS], b[PACKS];
#pragma unroll
        for (int p = 0; p < PACKS; ++p) {
            a[p] = load<VEC>(x + at, team.col(p), width);
            d[p] = load<VEC>(dy + at, team.col(p), width);
        }
        if (add) {
#pragma unroll
            for (int p = 0; p < PACKS; ++p) b[p] = load<VEC>(dx + at, team.col(p), width);
        }
        float squares = 0.0f, slope = 0.0f;
#pragma unroll
        for (int p = 0; p < PACKS; ++p) {
            float scale[N];
            load_floats<VEC>(weight, team.col(p), width, scale);
#pragma unroll
            for (int i = 0; i < N; ++i) {
                squares = fmaf(a[p].at(i), a[p].at(i), squares);
                slope = fmaf(d[p].at(i) * (1.0f + scale[i]), a[p].at(i), slope);
            }
        }
        team.sums(squares, slope);
        const float factor = 1.0f / sqrtf(squares / (float)width + eps);
        slope *= factor / (float)width;
#pragma unroll
        for (int p = 0; p < PACKS; ++p) {
            const uint32_t col = team.col(p);
            if (col >= width) continue;
            float scale[N], v[N];
            load_floats<VEC>(weight, col, width, scale);
#pragma unroll
            for (int i = 0; i < N; ++i) {
                const float n = a[p].at(i) * factor;
                dweight[p][i] = fmaf(d[p].at(i), n, dweight[p][i]);
                v[i] = factor * (d[p].at(i) * (1.0f + scale[i]) - n * slope);
                if (add) v[i] += b[p].at(i);
            }
            store<VEC>(dx + at, col, width, v);
        }
    }
    write_part<VEC>(team, dweight, width, shared, parts + (uint64_t)blockIdx.x * width);
}

// dx, added to what is there where `add` is not 0, and each block's sums of dweight in `parts` [blocks, width].
template <class T, bool WIDE>
__device__ void rms_norm_backward(const T *x, const float *weight, float eps, const T *dy, T *dx, uint32_t add,
                                  float *parts, float *shared, uint32_t rows, uint32_t width) {
    if (width % Pack<T>::N == 0 && aligned(x, dy) && aligned(dx) && aligned(weight))
        rms_norm_backward_rows<T, WIDE, true>(x, weight, eps, dy, dx, add != 0, parts, shared, rows, width);
    else
        rms_norm_backward_rows<T, WIDE, false>(x, weight, eps, dy, dx, add != 0, parts, shared, rows, width);
}

// Zeros in the rows behind the step's last token, which pad a batch to its bucket.
template <class T> __device__ void clear_padding(T *x, uint32_t rows, uint32_t width, const kb_step *step) {
    const uint64_t first = (uint64_t)step->tokens * width, end = (uint64_t)rows * width;
    const uint64_t stride = (uint64_t)gridDim.x * blockDim.x;
    for (uint64_t i = first + (uint64_t)blockIdx.x * blockDim.x + threadIdx.x; i < end; i += stride)
        x[i] = from_float<T>(0.0f);
}

} // namespace

#define KB_NORMS(T, WIDE, THREADS, BLOCKS, SUFFIX)                                                                    \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)                                                     \
    kb_norm_forward##SUFFIX(T *x, const T *residual, const float *gamma, const float *beta, float eps, T *normalised, \
                            float *rstd, uint32_t rows, uint32_t width, kb_dropout dropout, const kb_step *step) {    \
        norm_forward<T, WIDE>(x, residual, {gamma, beta, eps}, normalised, rstd, rows, width, dropout, step);         \
    }                                                                                                                 \
    KB_EXPORT(kb_norm_forward##SUFFIX);                                                                               \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                             \
    kb_norm_backward##SUFFIX(T *dy, const T *normalised, const float *rstd, const float *gamma, T *dx, float *parts,  \
                             uint32_t rows, uint32_t width, kb_dropout dropout, const kb_step *step) {                \
        KB_SHARED(float, shared);                                                                                     \
        norm_backward<T, WIDE>(dy, normalised, rstd, gamma, dx, parts, shared, rows, width, dropout, step);           \
    }                                                                                                                 \
    KB_EXPORT(kb_norm_backward##SUFFIX);                                                                              \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)                                                     \
    kb_rms_norm_forward##SUFFIX(const T *x, const float *weight, float eps, T *y, uint32_t add, uint32_t rows,        \
                                uint32_t width) {                                                                     \
        rms_norm_forward<T, WIDE>(x, weight, eps, y, add, rows, width);                                               \
    }                                                                                                                 \
    KB_EXPORT(kb_rms_norm_forward##SUFFIX);                                                                           \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                             \
    kb_rms_norm_backward##SUFFIX(const T *x, const float *weight, float eps, const T *dy, T *dx, uint32_t add,        \
                                 float *parts, uint32_t rows, uint32_t width) {                                       \
        KB_SHARED(float, shared);                                                                                     \
        rms_norm_backward<T, WIDE>(x, weight, eps, dy, dx, add, parts, shared, rows, width);                          \
    }                                                                                                                 \
    KB_EXPORT(kb_rms_norm_backward##SUFFIX);

KB_NORMS(float, false, NARROW, 4, _f32)
KB_NORMS(bf16, false, NARROW, 4, _bf16)
KB_NORMS(float, true, WIDEST, 1, _wide_f32)
KB_NORMS(bf16, true, WIDEST, 1, _wide_bf16)

// Sums over `count` parts [count, cols] that a first pass left: the first `split` columns to a, the others to b, added
// to what is there where `add` is not 0. Blocks of 512 threads, 32 columns each.
extern "C" __global__ void __launch_bounds__(512)
kb_sum_parts(const float *parts, uint32_t count, uint32_t cols, float *a, uint32_t split, float *b, uint32_t add) {
    __shared__ float sums[16][WARP];
    const uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, col = blockIdx.x * WARP + lane;
    float sum = 0.0f;
    if (col < cols) {
#pragma unroll 4
        for (uint32_t part = warp; part < count; part += 16) sum += parts[(uint64_t)part * cols + col];
    }
    sums[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || col >= cols) return;
#pragma unroll
    for (int i = 1; i < 16; ++i) sum += sums[i][lane];
    float *to = col < split ? a + col : b + (col - split);
    *to = add != 0 ? *to + sum : sum;
}
KB_EXPORT(kb_sum_parts);

KB_KERNEL kb_clear_padding_f32(float *x, uint32_t rows, uint32_t width, const kb_step *step) {
    clear_padding(x, rows, width, step);
}
KB_EXPORT(kb_clear_padding_f32);
KB_KERNEL kb_clear_padding_bf16(bf16 *x, uint32_t rows, uint32_t width, const kb_step *step) {
    clear_padding(x, rows, width, step);
}
KB_EXPORT(kb_clear_padding_bf16);
