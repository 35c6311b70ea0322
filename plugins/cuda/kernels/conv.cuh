// Windows of a convolution along the tokens of each sequence, which make it a linear layer.
#pragma once

#include "rows.cuh"

namespace conv {

using namespace packs;

// The sequence of a token: the last that starts at or before it. Tokens behind the last sequence, which pad a batch,
// leave start and end as they are; cu_seqlens [count] may itself be padded, with its last number or with NONE.
__device__ __forceinline__ void find_sequence(const uint32_t *cu_seqlens, uint32_t count, uint32_t token,
                                              uint32_t &start, uint32_t &end) {
    uint32_t low = 0, high = count;
    while (high - low > 1) {
        const uint32_t middle = (low + high) / 2;
        if (cu_seqlens[middle] <= token)
            low = middle;
        else
            high = middle;
    }
    if (low + 1 >= count || cu_seqlens[low + 1] == NONE) return;
    start = cu_seqlens[low], end = cu_seqlens[low + 1];
}

// Whether token + by - kernel / 2 is one of the token's sequence, and which it is.
__device__ __forceinline__ bool neighbour(uint32_t token, uint32_t by, uint32_t kernel, uint32_t start, uint32_t end,
                                          uint32_t &other) {
    other = token + by - kernel / 2;
    return token + by >= start + kernel / 2 && other < end;
}

// windows [rows, width kernel]: element c kernel + k of a token is column c of token + k - kernel / 2 of the same
// sequence, or 0. A block a token.
template <class T, bool VEC>
__device__ void windows_row(const T *x, T *row, uint32_t width, uint32_t kernel, uint32_t start, uint32_t end) {
    constexpr int N = Pack<T>::N;
    const uint32_t token = blockIdx.x;
    uint32_t other;
    if (VEC && kernel == 3) {
        for (uint32_t col = threadIdx.x * N; col < width; col += blockDim.x * N) {
            float v[3 * N];
#pragma unroll
            for (int k = 0; k < 3; ++k) {
                const bool there = neighbour(token, k, 3, start, end, other);
                const Pack<T> p = load<VEC>(x + (uint64_t)other * width, col, there ? width : 0);
#pragma unroll
                for (int i = 0; i < N; ++i) v[3 * i + k] = p.at(i);
            }
#pragma unroll
            for (int k = 0; k < 3; ++k) {
                float part[N];
#pragma unroll
                for (int i = 0; i < N; ++i) part[i] = v[k * N + i];
                store<VEC>(row, 3 * col + k * N, 3 * width, part);
            }
        }
        return;
    }
    for (uint32_t i = threadIdx.x; i < width * kernel; i += blockDim.x) {
        const bool there = neighbour(token, i % kernel, kernel, start, end, other);
        row[i] = there ? x[(uint64_t)other * width + i / kernel] : from_float<T>(0.0f);
    }
}

template <class T>
__device__ void windows(const uint32_t *cu_seqlens, uint32_t count, const T *x, T *windows, uint32_t width,
                        uint32_t kernel) {
    uint32_t start = 0, end = 0;
    find_sequence(cu_seqlens, count, blockIdx.x, start, end);
    T *row = windows + (uint64_t)blockIdx.x * width * kernel;
    if (width % Pack<T>::N == 0 && aligned(x, windows))
        windows_row<T, true>(x, row, width, kernel, start, end);
    else
        windows_row<T, false>(x, row, width, kernel, start, end);
}

// The gradient of `windows`. Column c of a token was element c kernel + k of token - k + kernel / 2, for each k.
template <class T>
__device__ void backward(const uint32_t *cu_seqlens, uint32_t count, const T *dwindows, T *dx, uint32_t width,
                         uint32_t kernel) {
    uint32_t start = 0, end = 0, user;
    find_sequence(cu_seqlens, count, blockIdx.x, start, end);
    for (uint32_t col = threadIdx.x; col < width; col += blockDim.x) {
        float sum = 0.0f;
        // In threes, whose loads do not wait for each other.
#pragma unroll 3
        for (uint32_t k = 0; k < kernel; ++k)
            if (neighbour(blockIdx.x, kernel - 1 - k, kernel, start, end, user))
                sum += to_float(dwindows[((uint64_t)user * width + col) * kernel + k]);
        dx[(uint64_t)blockIdx.x * width + col] = from_float<T>(sum);
    }
}

} // namespace conv
