// Self-attention without tensor cores, in plain f32 arithmetic: what f32 means here, where TF32 would keep ten bits.
//
// A block takes 32 queries or 32 keys of one head and walks the other side in tiles of 32. Thread (ty, tx) of its
// 16 x 8 threads computes the scores of queries ty and ty + 16 with keys tx, tx + 8, tx + 16 and tx + 24, and of
// results the rows ty and ty + 16 and every eighth quad of columns from tx on.
#pragma once

#include "attention.cuh"

namespace attention {
namespace plain {

constexpr int THREADS = 128;
constexpr int ROWS = 32;
// Rows of scores in shared memory lie this far apart: quads stay aligned and eight rows lie in different banks.
constexpr int SCORES = ROWS + 4;

template <int DP> constexpr int APART = DP + 4;
template <int DP> constexpr int TILE = ROWS * APART<DP>;

__device__ __forceinline__ int ty() { return threadIdx.x / 8; }
__device__ __forceinline__ int tx() { return threadIdx.x % 8; }

// Loads a tile's rows, of which `valid` exist; the rest, and columns up to the next quad, are zeros.
template <class T, int DP>
__device__ __forceinline__ void load(float *tile, const T *from, size_t stride, int valid, int head_dim) {
    if (head_dim % 4 == 0) {
        const int quads = head_dim / 4;
        for (int i = threadIdx.x; i < ROWS * quads; i += THREADS) {
            const int row = i / quads, column = i % quads * 4;
            const float4 v = row < valid ? Quad<T>::load(from + row * stride + column) : make_float4(0, 0, 0, 0);
            *reinterpret_cast<float4 *>(tile + row * APART<DP> + column) = v;
        }
    } else {
        const int width = (head_dim + 3) & ~3;
        for (int i = threadIdx.x; i < ROWS * width; i += THREADS) {
            const int row = i / width, column = i % width;
            const bool exists = row < valid && column < head_dim;
            tile[row * APART<DP> + column] = exists ? to_float(from[row * stride + column]) : 0.0f;
        }
    }
}

// s[i][j] = row ty + 16 i of a times row tx + 8 j of b.
template <int DP>
__device__ __forceinline__ void products(float (&s)[2][4], const float *a, const float *b, int head_dim) {
#pragma unroll
    for (int i = 0; i < 2; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) s[i][j] = 0.0f;
    a += ty() * APART<DP>;
    b += tx() * APART<DP>;
#pragma unroll 2
    for (int c = 0; c < head_dim; c += 4) {
        float4 x[2], y[4];
#pragma unroll
        for (int i = 0; i < 2; ++i) x[i] = *reinterpret_cast<const float4 *>(a + i * 16 * APART<DP> + c);
#pragma unroll
        for (int j = 0; j < 4; ++j) y[j] = *reinterpret_cast<const float4 *>(b + j * 8 * APART<DP> + c);
#pragma unroll
        for (int i = 0; i < 2; ++i)
#pragma unroll
            for (int j = 0; j < 4; ++j)
                s[i][j] =
                    fmaf(x[i].w, y[j].w, fmaf(x[i].z, y[j].z, fmaf(x[i].y, y[j].y, fmaf(x[i].x, y[j].x, s[i][j]))));
    }
}

// The thread's part of two result rows.
template <int DP> struct Rows {
    float4 v[2][DP / 32];

    __device__ __forceinline__ Rows() {
#pragma unroll
        for (int i = 0; i < 2; ++i)
#pragma unroll
            for (int c = 0; c < DP / 32; ++c) v[i][c] = make_float4(0, 0, 0, 0);
    }

    // Adds weight a of `row` of a tile to the first row and weight b to the second.
    __device__ __forceinline__ void add(float a, float b, const float *row, int head_dim) {
#pragma unroll
        for (int c = 0; c < DP / 32; ++c) {
            const int column = tx() * 4 + c * 32;
            if (column >= head_dim) break;
            const float4 x = *reinterpret_cast<const float4 *>(row + column);
            v[0][c] = make_float4(fmaf(a, x.x, v[0][c].x), fmaf(a, x.y, v[0][c].y), fmaf(a, x.z, v[0][c].z),
                                  fmaf(a, x.w, v[0][c].w));
            v[1][c] = make_float4(fmaf(b, x.x, v[1][c].x), fmaf(b, x.y, v[1][c].y), fmaf(b, x.z, v[1][c].z),
                                  fmaf(b, x.w, v[1][c].w));
        }
    }

    __device__ __forceinline__ void scale(int i, float by) {
#pragma unroll
        for (int c = 0; c < DP / 32; ++c)
            v[i][c] = make_float4(v[i][c].x * by, v[i][c].y * by, v[i][c].z * by, v[i][c].w * by);
    }

    template <class T>
    __device__ __forceinline__ void store(T *to, size_t stride, int valid, int head_dim) const {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            if (ty() + 16 * i >= valid) continue;
            T *const row = to + (ty() + 16 * i) * stride;
#pragma unroll
            for (int c = 0; c < DP / 32; ++c) {
                const int column = tx() * 4 + c * 32;
                if (head_dim % 4 == 0) {
                    if (column < head_dim) Quad<T>::store(row + column, v[i][c]);
                } else {
                    if (column < head_dim) row[column] = from_float<T>(v[i][c].x);
                    if (column + 1 < head_dim) row[column + 1] = from_float<T>(v[i][c].y);
                    if (column + 2 < head_dim) row[column + 2] = from_float<T>(v[i][c].z);
                    if (column + 3 < head_dim) row[column + 3] = from_float<T>(v[i][c].w);
                }
            }
        }
    }
};

// The dropout factors of keys key + 4 tx .. of the query.
__device__ __forceinline__ float4 factors(const Mask &mask, int query, int key) {
    if (!mask.on()) return make_float4(1, 1, 1, 1);
    const uint32_t bits = mask.four(query, key / 4 + tx());
    const float scale = mask.dropout.scale;
    return make_float4(bit(bits, 0) ? scale : 0, bit(bits, 1) ? scale : 0, bit(bits, 2) ? scale : 0,
                       bit(bits, 3) ? scale : 0);
}

__device__ __forceinline__ float4 dropped4(float4 v, float4 f) {
    return make_float4(dropped(v.x, f.x), dropped(v.y, f.y), dropped(v.z, f.z), dropped(v.w, f.w));
}

// Sum or maximum over the eight threads of a row.
__device__ __forceinline__ float row_sum(float v) {
#pragma unroll
    for (int i = 4; i > 0; i /= 2) v += __shfl_xor_sync(ALL_LANES, v, i);
    return v;
}
__device__ __forceinline__ float row_max(float v) {
#pragma unroll
    for (int i = 4; i > 0; i /= 2) v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, i));
    return v;
}

// Shared memory: tiles of queries, keys and values, and one of scores.
template <class T, int DP>
__device__ __forceinline__ void forward(const Sizes &sizes, const T *qkv, T *out, float *lse) {
    const int head_dim = (int)sizes.head_dim, hidden = (int)sizes.heads * head_dim;
    const Task task = task_of(sizes);
    clear_padding(sizes, out, hidden);
    if (task.length == 0) return;

    KB_SHARED(float, shared);
    float *const q = shared, *const k = q + TILE<DP>, *const v = k + TILE<DP>, *const p = v + TILE<DP>;
    const size_t row = 3 * (size_t)hidden;
    const T *const base = qkv + task.start * row + task.head * head_dim;
    const int queries = min(ROWS, task.length - task.from);
    const float scale = 1.0f / sqrtf((float)head_dim);
    const Mask mask(sizes, task.start, task.head);
    load<T, DP>(q, base + task.from * row, row, queries, head_dim);

    Rows<DP> o;
    float largest[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0};
    for (int key = 0; key < task.length; key += ROWS) {
        const int keys = min(ROWS, task.length - key);
        if (key > 0) __syncthreads();
        load<T, DP>(k, base + key * row + hidden, row, keys, head_dim);
        load<T, DP>(v, base + key * row + 2 * hidden, row, keys, head_dim);
        __syncthreads();
        float s[2][4];
        products<DP>(s, q, k, head_dim);
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            float top = largest[i];
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                s[i][j] = tx() + 8 * j < keys ? s[i][j] * scale : -INFINITY;
                top = fmaxf(top, s[i][j]);
            }
            top = row_max(top);
            const float fade = expf(largest[i] - top);
            largest[i] = top;
            float sum = 0;
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                const float e = expf(s[i][j] - top);
                sum += e;
                p[(ty() + 16 * i) * SCORES + tx() + 8 * j] = e;
            }
            total[i] = total[i] * fade + sum;
            o.scale(i, fade);
        }
        // A row's scores are written and read by the same eight threads.
        __syncwarp();
        if (mask.on()) {
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                float4 *const at = reinterpret_cast<float4 *>(p + (ty() + 16 * i) * SCORES + 4 * tx());
                *at = dropped4(*at, factors(mask, task.from + ty() + 16 * i, key));
            }
            __syncwarp();
        }
        for (int j = 0; j < keys; j += 4) {
            const float4 a = *reinterpret_cast<const float4 *>(p + ty() * SCORES + j);
            const float4 b = *reinterpret_cast<const float4 *>(p + (ty() + 16) * SCORES + j);
            o.add(a.x, b.x, v + j * APART<DP>, head_dim);
            o.add(a.y, b.y, v + (j + 1) * APART<DP>, head_dim);
            o.add(a.z, b.z, v + (j + 2) * APART<DP>, head_dim);
            o.add(a.w, b.w, v + (j + 3) * APART<DP>, head_dim);
        }
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const float sum = row_sum(total[i]);
        o.scale(i, 1.0f / sum);
        if (lse && tx() == 0 && ty() + 16 * i < queries)
            lse[(size_t)task.head * sizes.tokens + task.start + task.from + ty() + 16 * i] = largest[i] + logf(sum);
    }
    o.template store<T>(out + (size_t)(task.start + task.from) * hidden + task.head * head_dim, hidden, queries,
                        head_dim);
}

} // namespace plain
} // namespace attention
