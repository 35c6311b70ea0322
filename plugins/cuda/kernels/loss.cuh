// What all losses share: which rows count, log sum exp in f64, and the mean.
#pragma once

#include "optimizer_state.cuh"

// Blocks of kb_loss_count. With fewer rows than are worth a launch, blocks of the loss count for themselves.
constexpr uint32_t COUNT_BLOCKS = 128;
constexpr int LOSS_THREADS = 256;

// The rows that count, and the sum of the weights of their targets.
struct Counted {
    double rows, weight;
};

// A class, or a number that is none: PyTorch's ignore_index, and padding.
__device__ __forceinline__ bool is_class(int32_t target, uint32_t classes) { return (uint32_t)target < classes; }

__device__ __forceinline__ double weight_of(const float *weights, uint32_t c) {
    return weights == nullptr ? 1.0 : (double)weights[c];
}

// Counts the rows from `first` on, `stride` apart, for all threads of the block.
__device__ __forceinline__ Counted count_targets(const int32_t *targets, uint32_t rows, uint32_t classes,
                                                 const float *weights, uint64_t first, uint64_t stride,
                                                 double *scratch) {
    Counted own = {0.0, 0.0};
    for (uint64_t row = first; row < rows; row += stride) {
        const int32_t target = targets[row];
        if (!is_class(target, classes)) continue;
        own.rows += 1.0;
        own.weight += weight_of(weights, (uint32_t)target);
    }
    own.rows = block_sum(own.rows, scratch);
    own.weight = block_sum(own.weight, scratch);
    return own;
}

// What kb_loss_count found, or where it was not launched (`counts` is NULL) what is found now.
__device__ __forceinline__ Counted all_counted(const double *counts, const int32_t *targets, uint32_t rows,
                                               uint32_t classes, const float *weights, double *scratch) {
    if (counts == nullptr) return count_targets(targets, rows, classes, weights, threadIdx.x, blockDim.x, scratch);
    const bool own = threadIdx.x < COUNT_BLOCKS;
    Counted all;
    all.rows = block_sum(own ? counts[threadIdx.x] : 0.0, scratch);
    all.weight = block_sum(own ? counts[COUNT_BLOCKS + threadIdx.x] : 0.0, scratch);
    return all;
}

// Over each group of `lanes` neighbouring lanes, a power of two.
__device__ __forceinline__ double group_sum(double v, uint32_t lanes) {
    for (uint32_t i = lanes / 2; i > 0; i /= 2) v += __shfl_xor_sync(ALL_LANES, v, i);
    return v;
}

__device__ __forceinline__ double group_max(double v, uint32_t lanes) {
    for (uint32_t i = lanes / 2; i > 0; i /= 2) v = fmax(v, __shfl_xor_sync(ALL_LANES, v, i));
    return v;
}

__device__ __forceinline__ double block_max(double v, double *scratch) {
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = (blockDim.x + WARP - 1) / WARP;
    v = group_max(v, WARP);
    if (lane == 0) scratch[warp] = v;
    __syncthreads();
    double all = scratch[0];
    for (int i = 1; i < warps; ++i) all = fmax(all, scratch[i]);
    __syncthreads();
    return all;
}

// The gradient of a logit as it is stored.
template <class T> __device__ __forceinline__ T stored(double gradient, float scale) {
    return from_float<T>((float)gradient * scale);
}

// Sums the blocks' losses in the last of them, and says what the loss is; 0 where no row counted.
__device__ __forceinline__ void finish_loss(double own, double divisor, bool none, double *parts, kb_result *result,
                                            double *scratch) {
    const double block = block_sum(own, scratch);
    if (threadIdx.x == 0) parts[blockIdx.x] = block;
    if (!is_last_block(result)) return;
    const double sum = sum_parts(parts, gridDim.x, scratch);
    if (threadIdx.x == 0) {
        const double loss = none ? 0.0 : sum / divisor;
        result->loss = loss;
        result->counted = divisor;
        if (!is_finite(loss)) result->finite = 0;
    }
}

// Losses over classes: a group of lanes a row. A rule says what the mean divides by, looks at each row once
// (`begin`), and then gives each logit's gradient, before the division, and its part of the loss.
template <class T, class Rule>
__device__ __forceinline__ void class_loss(Rule rule, const T *logits, const int32_t *targets, const float *weights,
                                           const double *counts, T *dlogits, uint32_t rows, uint32_t classes,
                                           const kb_step *step, double *parts, kb_result *result) {
    __shared__ double scratch[33];
    const Counted counted = all_counted(counts, targets, rows, classes, weights, scratch);
    const double divisor = rule.divisor(counted, classes);
    const float scale = step->loss_scale;
    uint32_t lanes = 1;
    while (lanes < WARP && lanes < classes) lanes *= 2;
    const uint32_t lane = threadIdx.x % WARP, at = lane % lanes, rows_of_warp = WARP / lanes;
    const uint64_t warp = ((uint64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    const uint64_t stride = (uint64_t)gridDim.x * blockDim.x / WARP * rows_of_warp;
    rule.prepare(weights, classes, at, lanes);
    double loss = 0.0;
    // All lanes of a warp go round equally often: they meet in the sums.
    for (uint64_t first = warp * rows_of_warp; first < rows; first += stride) {
        const uint64_t row = first + lane / lanes;
        const bool there = row < rows;
        const int32_t target = there ? targets[row] : -1;
        const bool counts_too = is_class(target, classes);
        const uint32_t mine = counts_too ? classes : 0;
        const T *z = logits + row * classes;
        double lse = 0.0;
        if (Rule::SOFTMAX) {
            double max = -INFINITY;
            for (uint32_t c = at; c < mine; c += lanes) max = fmax(max, (double)to_float(z[c]));
            max = group_max(max, lanes);
            double sum = 0.0;
            for (uint32_t c = at; c < mine; c += lanes) sum += exp((double)to_float(z[c]) - max);
            lse = max + log(group_sum(sum, lanes));
        }
        if (!there) continue;
        T *dz = dlogits + row * classes;
        if (!counts_too) {
            for (uint32_t c = at; c < classes; c += lanes) dz[c] = from_float<T>(0.0f);
            continue;
        }
        const uint32_t y = (uint32_t)target;
        rule.begin(y, (double)to_float(z[y]), lse);
        for (uint32_t c = at; c < classes; c += lanes)
            dz[c] = stored<T>(rule.element(c, c == y, (double)to_float(z[c]), lse, loss) / divisor, scale);
    }
    finish_loss(loss, divisor, counted.rows == 0.0, parts, result, scratch);
}
