// Losses over logits, each with its gradient, computed in f64: ops/loss.
//
// Every kernel takes logits [rows, classes], writes the gradient of the mean loss times the step's loss scale, and
// says in kb_result what the loss is. Rows without a target (-100 or padding) take no part, and get zeros.

#include "loss.cuh"

// Cross-entropy with class weights and label smoothing, as the engine's.
struct CrossEntropy {
    static constexpr bool SOFTMAX = true;
    const float *weights;
    double smoothing;
    double spread = 0.0, all = 0.0, own = 0.0;

    __device__ CrossEntropy(const float *weights, double smoothing) : weights(weights), smoothing(smoothing) {}

    __device__ double divisor(Counted counted, uint32_t) const { return counted.weight; }

    __device__ void prepare(const float *, uint32_t classes, uint32_t at, uint32_t lanes) {
        spread = smoothing / classes;
        if (!(spread > 0.0)) return;
        for (uint32_t c = at; c < classes; c += lanes) all += weight_of(weights, c);
        all = group_sum(all, lanes);
    }

    __device__ void begin(uint32_t y, double, double) { own = (1.0 - smoothing) * weight_of(weights, y); }

    __device__ double element(uint32_t c, bool hit, double z, double lse, double &loss) const {
        const double p = exp(z - lse);
        double gradient = own * (hit ? p - 1.0 : p);
        if (hit) loss += own * (lse - z);
        if (spread > 0.0) {
            const double weight = weight_of(weights, c);
            loss += spread * weight * (lse - z);
            gradient += spread * (all * p - weight);
        }
        return gradient;
    }
};

// -(1 - p)^gamma log p, and its derivative by log p: gamma p (1 - p)^(gamma - 1) log p - (1 - p)^gamma.
__device__ __forceinline__ void focus(double log_p, double gamma, double &value, double &slope) {
    // 1 - p without cancellation where p is near 1.
    const double rest = -expm1(log_p);
    const double power = pow(rest, gamma);
    // The limit at p = 1 is 0 for every positive gamma.
    const double bend = gamma > 0.0 && rest > 0.0 ? gamma * exp(log_p) * pow(rest, gamma - 1.0) * log_p : 0.0;
    value = -power * log_p;
    slope = bend - power;
}

// Focal loss in both readings. Without alpha, `own` and `others` are 1.
template <bool SIGMOID> struct Focal {
    static constexpr bool SOFTMAX = !SIGMOID;
    double gamma, own, others;
    bool by_element;
    double value = 0.0, slope = 0.0;

    __device__ Focal(double gamma, double own, double others, bool by_element)
        : gamma(gamma), own(own), others(others), by_element(by_element) {}

    __device__ double divisor(Counted counted, uint32_t classes) const {
        return by_element ? counted.rows * classes : counted.rows;
    }

    __device__ void prepare(const float *, uint32_t, uint32_t, uint32_t) {}

    __device__ void begin(uint32_t, double z, double lse) {
        if (!SIGMOID) focus(z - lse, gamma, value, slope);
    }

    __device__ double element(uint32_t, bool hit, double z, double lse, double &loss) const {
        if (!SIGMOID) {
            const double p = exp(z - lse);
            if (hit) loss += own * value;
            // d log p_y / d z_c = [c = y] - p_c
            return own * slope * (hit ? 1.0 - p : -p);
        }
        const double sign = hit ? 1.0 : -1.0, alpha = hit ? own : others, u = sign * z;
        // log sigmoid(u), without overflow on either side.
        const double log_q = fmin(u, 0.0) - log1p(exp(-fabs(u)));
        double value_of_one, slope_of_one;
        focus(log_q, gamma, value_of_one, slope_of_one);
        loss += alpha * value_of_one;
        // d log q / d u = 1 - q
        return alpha * slope_of_one * -expm1(log_q) * sign;
    }
};

template <class T>
__device__ __forceinline__ void focal(const T *logits, const int32_t *targets, const double *counts, T *dlogits,
                                      uint32_t rows, uint32_t classes, double gamma, double own, double others,
                                      uint32_t sigmoid, uint32_t by_element, const kb_step *step, double *parts,
                                      kb_result *result) {
    if (sigmoid)
        class_loss(Focal<true>(gamma, own, others, by_element != 0), logits, targets, nullptr, counts, dlogits, rows,
                   classes, step, parts, result);
    else
        class_loss(Focal<false>(gamma, own, others, by_element != 0), logits, targets, nullptr, counts, dlogits, rows,
                   classes, step, parts, result);
}

// mean((z - t)^2) of one logit a row.
template <class T>
__device__ __forceinline__ void mse(const T *logits, const float *targets, T *dlogits, uint32_t rows,
                                    const kb_step *step, double *parts, kb_result *result) {
    __shared__ double scratch[33];
    double counted = 0.0;
    for (uint32_t row = threadIdx.x; row < rows; row += blockDim.x)
        counted += __float_as_uint(targets[row]) == NONE ? 0.0 : 1.0;
    counted = block_sum(counted, scratch);
    const float scale = step->loss_scale;
    double loss = 0.0;
    for (uint64_t row = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x; row < rows;
         row += (uint64_t)gridDim.x * blockDim.x) {
        const float target = targets[row];
        if (__float_as_uint(target) == NONE) {
            dlogits[row] = from_float<T>(0.0f);
            continue;
        }
        const double difference = (double)to_float(logits[row]) - (double)target;
        loss += difference * difference;
        dlogits[row] = stored<T>(2.0 * difference / counted, scale);
    }
    finish_loss(loss, counted, counted == 0.0, parts, result, scratch);
}

// Answers in a text: logits [rows, 2] (start, end). A block a sequence, and one for the rows behind the last.
template <class T>
__device__ __forceinline__ void span(const T *logits, const uint32_t *cu_seqlens, const uint32_t *starts,
                                     const uint32_t *ends, T *dlogits, uint32_t rows, uint32_t sequences,
                                     const kb_step *step, double *parts, kb_result *result) {
    __shared__ double scratch[33];
    double counted = 0.0;
    for (uint32_t i = threadIdx.x; i < sequences; i += blockDim.x) counted += starts[i] == NONE ? 0.0 : 1.0;
    counted = block_sum(counted, scratch);
    const double weight = 0.5 / fmax(counted, 1.0);
    const float scale = step->loss_scale;
    const bool behind = blockIdx.x == sequences;
    const uint64_t first = cu_seqlens[blockIdx.x], end = behind ? rows : cu_seqlens[blockIdx.x + 1];
    double loss = 0.0;
    if (behind || starts[blockIdx.x] == NONE) {
        for (uint64_t i = 2 * first + threadIdx.x; i < 2 * end; i += blockDim.x) dlogits[i] = from_float<T>(0.0f);
    } else {
        const uint64_t target[2] = {first + starts[blockIdx.x], first + ends[blockIdx.x]};
        for (int column = 0; column < 2; ++column) {
            double max = -INFINITY;
            for (uint64_t row = first + threadIdx.x; row < end; row += blockDim.x)
                max = fmax(max, (double)to_float(logits[2 * row + column]));
            max = block_max(max, scratch);
            double sum = 0.0;
            for (uint64_t row = first + threadIdx.x; row < end; row += blockDim.x)
                sum += exp((double)to_float(logits[2 * row + column]) - max);
            const double lse = max + log(block_sum(sum, scratch));
            for (uint64_t row = first + threadIdx.x; row < end; row += blockDim.x) {
                const double z = (double)to_float(logits[2 * row + column]), p = exp(z - lse);
                const bool hit = row == target[column];
                if (hit) loss += lse - z;
                dlogits[2 * row + column] = stored<T>(weight * (hit ? p - 1.0 : p), scale);
            }
        }
    }
    finish_loss(loss, 2.0 * counted, counted == 0.0, parts, result, scratch);
}

// counts [2, COUNT_BLOCKS]: rows, and weights of their targets.
KB_KERNEL kb_loss_count(const int32_t *targets, const float *weights, uint32_t rows, uint32_t classes,
                        double *counts) {
    __shared__ double scratch[33];
    const uint64_t first = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;
    const Counted own =
        count_targets(targets, rows, classes, weights, first, (uint64_t)gridDim.x * blockDim.x, scratch);
    if (threadIdx.x == 0) {
        counts[blockIdx.x] = own.rows;
        counts[COUNT_BLOCKS + blockIdx.x] = own.weight;
    }
}
KB_EXPORT(kb_loss_count);

// parts: an f64 for each block.
#define KB_LOSSES(T, name)                                                                                             \
    extern "C" __global__ void __launch_bounds__(LOSS_THREADS) kb_loss_cross_entropy_##name(                           \
        const T *logits, const int32_t *targets, const float *weights, const double *counts, T *dlogits,               \
        uint32_t rows, uint32_t classes, double smoothing, const kb_step *step, double *parts, kb_result *result) {    \
        class_loss(CrossEntropy(weights, smoothing), logits, targets, weights, counts, dlogits, rows, classes, step,   \
                   parts, result);                                                                                     \
    }                                                                                                                  \
    KB_EXPORT(kb_loss_cross_entropy_##name);                                                                           \
    extern "C" __global__ void __launch_bounds__(LOSS_THREADS)                                                         \
        kb_loss_focal_##name(const T *logits, const int32_t *targets, const double *counts, T *dlogits, uint32_t rows, \
                             uint32_t classes, double gamma, double own, double others, uint32_t sigmoid,              \
                             uint32_t by_element, const kb_step *step, double *parts, kb_result *result) {             \
        focal(logits, targets, counts, dlogits, rows, classes, gamma, own, others, sigmoid, by_element, step, parts,   \
              result);                                                                                                 \
    }                                                                                                                  \
    KB_EXPORT(kb_loss_focal_##name);                                                                                   \
    extern "C" __global__ void __launch_bounds__(LOSS_THREADS)                                                         \
        kb_loss_mse_##name(const T *logits, const float *targets, T *dlogits, uint32_t rows, const kb_step *step,      \
                           double *parts, kb_result *result) {                                                         \
        mse(logits, targets, dlogits, rows, step, parts, result);                                                      \
    }                                                                                                                  \
    KB_EXPORT(kb_loss_mse_##name);                                                                                     \
    extern "C" __global__ void __launch_bounds__(LOSS_THREADS)                                                         \
        kb_loss_span_##name(const T *logits, const uint32_t *cu_seqlens, const uint32_t *starts, const uint32_t *ends, \
                            T *dlogits, uint32_t rows, uint32_t sequences, const kb_step *step, double *parts,         \
                            kb_result *result) {                                                                       \
        span(logits, cu_seqlens, starts, ends, dlogits, rows, sequences, step, parts, result);                         \
    }                                                                                                                  \
    KB_EXPORT(kb_loss_span_##name)

KB_LOSSES(float, f32);
KB_LOSSES(bf16, bf16);
