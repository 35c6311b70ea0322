// What the kernels of causal attention share: the problem, who works on what, which keys a query sees, and the numbers
// of the random words.
//
// Query i of a sequence sees the keys j with i - window < j <= i. qkv [T, (heads + 2 kv_heads) head_dim] holds all
// query heads, then all key heads, then all value heads of a token; a key head serves heads / kv_heads query heads that
// follow one another. Scores are cap * tanh(s / cap), s = q k^T * scale.
#pragma once

#include "common.cuh"

#include <math.h>

namespace causal {

// Rows of the work list's tiles: `TILE` of src/ops/causal.rs.
constexpr int TILE = 64;

struct Problem {
    const uint32_t *cu_seqlens;
    const uint32_t *plan; // pairs (sequence, first row of a tile); NONE: nothing to do
    const kb_step *step;
    kb_dropout dropout;
    int tokens; // rows of the matrices, padding included
    int heads, kv_heads, head_dim;
    float scale;
    float cap;  // 0: none
    int window; // INT_MAX: all keys

    __device__ __forceinline__ int group() const { return heads / kv_heads; }
    // Columns of qkv and of the output.
    __device__ __forceinline__ int width() const { return (heads + 2 * kv_heads) * head_dim; }
    __device__ __forceinline__ int hidden() const { return heads * head_dim; }
    // First column of a query head's keys and values.
    __device__ __forceinline__ int keys_of(int head) const { return (heads + head / group()) * head_dim; }
    __device__ __forceinline__ int values_of(int head) const { return keys_of(head) + kv_heads * head_dim; }

    // Number of a row of probabilities among the dropout's elements, of which a key's is its place in the sequence.
    // It is a multiple of four, so that rows do not share random words.
    __device__ __forceinline__ uint64_t dropout_row(int head, int token) const {
        const uint64_t longest = ((uint64_t)step->longest + 3) / 4 * 4;
        return ((uint64_t)head * step->tokens + (uint64_t)token) * longest;
    }
};

// A tile of a sequence, and one head.
struct Work {
    int start, length; // of the sequence
    int row0;          // of the tile of queries; the greater, the more keys
    int head;
    int window; // at most the sequence

    __device__ __forceinline__ bool sees(int query, int key) const { return key <= query && key > query - window; }
    // Whether all of some queries see all of some keys.
    __device__ __forceinline__ bool all_seen(int query, int queries, int key, int keys) const {
        return key + keys - 1 <= query && key > query + queries - 1 - window;
    }
    // First key that a tile from `query` on sees.
    __device__ __forceinline__ int first_key(int query) const { return query >= window ? query - window + 1 : 0; }
    // One past the last query that sees a key of those up to `key`.
    __device__ __forceinline__ int end_query(int key) const {
        return key + window < length ? key + window : length;
    }
    // First row of the tile of keys that as many queries see as this tile of queries sees keys, where there is no
    // window. So one list with the long tiles first serves both.
    __device__ __forceinline__ int mirrored() const { return (length - 1) / TILE * TILE - row0; }
};

// What this block does, of `heads` heads; false: nothing.
__device__ __forceinline__ bool take_work(const Problem &p, int heads, Work &work) {
    const uint32_t *entry = p.plan + 2 * (size_t)(blockIdx.x / heads);
    const uint32_t sequence = entry[0];
    if (sequence == NONE) return false;
    const uint32_t start = p.cu_seqlens[sequence];
    work.start = (int)start;
    work.length = (int)(p.cu_seqlens[sequence + 1] - start);
    work.row0 = (int)entry[1];
    work.head = (int)(blockIdx.x % heads);
    work.window = p.window < work.length ? p.window : work.length;
    return true;
}

// The rows behind the last sequence belong to nobody. They are made zeros, since sums over all rows (gradients of
// weights) meet them.
template <class T> __device__ __forceinline__ void clear_padding(const Problem &p, T *matrix, int width) {
    if (blockIdx.z != 0) return;
    for (int row = (int)(p.step->tokens + blockIdx.x); row < p.tokens; row += (int)gridDim.x)
        for (int column = threadIdx.x; column < width; column += blockDim.x)
            matrix[(size_t)row * width + column] = from_float<T>(0.0f);
}

// delta[r] = sum of out * dout over one head, of `rows` rows that are `width` apart; a warp a row.
template <class T>
__device__ __forceinline__ void row_products(const T *out, const T *dout, int rows, int dim, int width, float *delta) {
    const int lane = threadIdx.x % WARP;
    for (int row = threadIdx.x / WARP; row < rows; row += (int)blockDim.x / WARP) {
        const T *x = out + (size_t)row * width, *y = dout + (size_t)row * width;
        float sum = 0.0f;
        if (dim % 4 == 0)
            for (int column = lane * 4; column < dim; column += WARP * 4) {
                const float4 a = Quad<T>::load(x + column), b = Quad<T>::load(y + column);
                sum += a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
            }
        else
            for (int column = lane; column < dim; column += WARP) sum += to_float(x[column]) * to_float(y[column]);
        sum = warp_sum(sum);
        if (lane == 0) delta[row] = sum;
    }
}

} // namespace causal

// The arguments that all kernels begin with, and the problem made of them.
#define KB_CAUSAL_ARGUMENTS                                                                                        \
    const uint32_t *cu_seqlens, const uint32_t *plan, const kb_step *step, kb_dropout dropout, int tokens, int heads, \
        int kv_heads, int head_dim, float scale, float cap, int window
#define KB_CAUSAL_PROBLEM                                                                                     \
    causal::Problem {                                                                                         \
        cu_seqlens, plan, step, dropout, tokens, heads, kv_heads, head_dim, scale, cap, window                \
    }
#define KB_CAUSAL_KERNEL(...) extern "C" __global__ void __launch_bounds__(__VA_ARGS__)
