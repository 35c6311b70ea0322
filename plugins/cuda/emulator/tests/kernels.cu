#include "kernels.cuh"

KB_KERNEL test_scale(float *x, float by, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] *= by;
}
KB_EXPORT(test_scale);

KB_KERNEL test_scale_bf16(bf16 *x, float by) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    x[i] = from_float<bf16>(to_float(x[i]) * by);
}
KB_EXPORT(test_scale_bf16);

KB_KERNEL test_reverse(int *x) {
    KB_SHARED(int, s);
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = s[blockDim.x - 1 - threadIdx.x];
}
KB_EXPORT(test_reverse);

KB_KERNEL test_reverse_without_barrier(int *x) {
    KB_SHARED(int, s);
    s[threadIdx.x] = x[threadIdx.x];
    x[threadIdx.x] = s[blockDim.x - 1 - threadIdx.x];
}
KB_EXPORT(test_reverse_without_barrier);

KB_KERNEL test_sum(const float *x, float *sums, int n) {
    __shared__ float scratch[33];
    float sum = 0.0f;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += x[(size_t)blockIdx.x * n + i];
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}
KB_EXPORT(test_sum);

KB_KERNEL test_last_block(const unsigned *x, unsigned *sums, unsigned *counter, unsigned *total) {
    __shared__ unsigned s[64];
    __shared__ bool last;
    s[threadIdx.x] = x[blockIdx.x * blockDim.x + threadIdx.x];
    __syncthreads();
    if (threadIdx.x == 0) {
        unsigned sum = 0;
        for (unsigned i = 0; i < blockDim.x; ++i) sum += s[i];
        sums[blockIdx.x] = sum;
        __threadfence();
        last = atomicInc(counter, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (!last || threadIdx.x != 0) return;
    unsigned sum = 0;
    for (unsigned i = 0; i < gridDim.x; ++i) sum += sums[i];
    *total = sum;
}
KB_EXPORT(test_last_block);

// Threads return one after another; the rest goes on with barriers and warp operations.
KB_KERNEL test_exit(int *x, int stay) {
    for (int i = 0; i < stay; ++i) {
        if ((int)threadIdx.x % stay == i) return;
        __syncthreads();
        __syncwarp();
        x[threadIdx.x] += __popc(__ballot_sync(ALL_LANES, 1));
    }
}
KB_EXPORT(test_exit);

KB_KERNEL test_votes(int *votes) {
    const int t = threadIdx.x;
    const int some = __syncthreads_or(t == 40), none = __syncthreads_or(0);
    const int all = __syncthreads_and(t < 64), not_all = __syncthreads_and(t != 3);
    const int odd = __syncthreads_count(t & 1);
    if (t == 5) {
        votes[0] = some;
        votes[1] = none;
        votes[2] = all;
        votes[3] = not_all;
        votes[4] = odd;
    }
}
KB_EXPORT(test_votes);

KB_KERNEL test_shuffles(int *out) {
    const int lane = threadIdx.x;
    int *to = out + 12 * lane;
    to[0] = __shfl_sync(ALL_LANES, lane, 7);
    to[1] = __shfl_xor_sync(ALL_LANES, lane, 5);
    to[2] = __shfl_down_sync(ALL_LANES, lane, 3);
    to[3] = __shfl_up_sync(ALL_LANES, lane, 3);
    to[4] = __shfl_sync(ALL_LANES, lane, 9, 8);
    to[5] = __shfl_down_sync(ALL_LANES, lane, 3, 8);
    to[6] = (int)__ballot_sync(ALL_LANES, lane % 3 == 0);
    to[7] = __any_sync(ALL_LANES, lane == 31) + 2 * __all_sync(ALL_LANES, lane < 31);
    to[8] = (int)__reduce_add_sync(ALL_LANES, (unsigned)lane);
    to[9] = __reduce_max_sync(ALL_LANES, -lane);
    to[10] = (int)__shfl_sync(ALL_LANES, (unsigned long long)lane << 32, 2) + (int)__shfl_sync(ALL_LANES, 0.5 * lane, 8);
    to[11] = (int)__match_any_sync(ALL_LANES, lane / 16);
}
KB_EXPORT(test_shuffles);

// The halves of a warp do different numbers of operations.
KB_KERNEL test_halves(unsigned *out) {
    const unsigned lane = threadIdx.x, half = lane / 16, mask = half == 0 ? 0xffffu : 0xffff0000u;
    unsigned v = lane;
    for (unsigned i = 0; i < 3 + 4 * half; ++i) v = __shfl_xor_sync(mask, v, 1) + 1;
    __syncwarp();
    out[lane] = v + __shfl_xor_sync(ALL_LANES, v, 16);
}
KB_EXPORT(test_halves);

struct test_in {
    int value;
};
struct test_out {
    int value, sum;
};
KB_KERNEL test_collective(int *out) {
    const test_in in = {(int)threadIdx.x};
    test_out mine;
    emu::warp_collective(in, mine, [](const test_in(&all)[32], test_out(&results)[32]) {
        int sum = 0;
        for (int i = 0; i < 32; ++i) sum += all[i].value;
        for (int i = 0; i < 32; ++i) results[i] = {all[31 - i].value, sum};
    });
    out[2 * threadIdx.x] = mine.value;
    out[2 * threadIdx.x + 1] = mine.sum;
}
KB_EXPORT(test_collective);

KB_KERNEL test_index(uint32_t *out) {
    const uint32_t block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    const uint32_t thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    __syncthreads();
    out[block * blockDim.x * blockDim.y * blockDim.z + thread] += block * 1000 + thread;
}
KB_EXPORT(test_index);

KB_KERNEL test_fresh_shared(float *out, int write) {
    __shared__ float fixed[32];
    KB_SHARED(float, dynamic);
    if (write) fixed[threadIdx.x] = dynamic[threadIdx.x] = 1.0f;
    __syncthreads();
    out[threadIdx.x] = fixed[threadIdx.x];
    out[32 + threadIdx.x] = dynamic[threadIdx.x];
}
KB_EXPORT(test_fresh_shared);

KB_KERNEL test_shared_overrun(int at) {
    KB_SHARED(float, s);
    s[at] = 1.0f;
}
KB_EXPORT(test_shared_overrun);

KB_KERNEL test_deadlock() {
    if (threadIdx.x == 3)
        __syncthreads();
    else
        __shfl_sync(ALL_LANES, 1, 0);
}
KB_EXPORT(test_deadlock);

KB_KERNEL test_two_masks() {
    if (threadIdx.x < 8)
        __syncwarp(0x1ffu);
    else
        __syncwarp();
}
KB_EXPORT(test_two_masks);

KB_KERNEL test_store(float *x, long long at) { x[at] = 1.0f; }
KB_EXPORT(test_store);

KB_KERNEL test_mixed(char a, double b, kb_dropout c, const kb_step *d, double *out) {
    *out = a + b + c.site + c.threshold + c.scale + (d == nullptr ? 1 : 0);
}
KB_EXPORT(test_mixed);
