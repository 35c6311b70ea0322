// What every kernel file includes: element types, the step's state, reductions, and the names under which
// kernels are exported.
//
// The same files compile for the device (nvcc) and, with KOBENCH_EMULATED, for the host (any C++17 compiler),
// where ../emulator runs them thread by thread. What only one of the two knows stands behind that macro, here
// and in mma.cuh, and nowhere else.
#pragma once

#include <stdint.h>

#ifdef KOBENCH_EMULATED
#include "emulated.cuh"
#else
#include <cuda_bf16.h>
#include <cuda_runtime.h>
// Kernels are found by name in their module; only the emulator needs a list of them.
#define KB_EXPORT(name)
// Shared memory whose size the launch says; one a kernel.
#define KB_SHARED(type, name)                                       \
    extern __shared__ __align__(16) unsigned char kb_shared_bytes[]; \
    type *name = reinterpret_cast<type *>(kb_shared_bytes)
#endif

#define KB_KERNEL extern "C" __global__ void

typedef __nv_bfloat16 bf16;

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;
// A sequence number, row or id that stands for nothing: lists are padded with it, so that a captured graph
// serves every batch of its bucket.
constexpr uint32_t NONE = 0xffffffffu;

// What changes from step to step. It lies in device memory and not among a launch's arguments, so that a
// captured graph can be launched again with other values. The mirror is `StepState` in src/step.rs.
struct kb_step {
    uint32_t seed[2];   // key of all random numbers
    uint32_t pass;      // number of the pass; with a dropout site it names a stream
    uint32_t tokens;    // T before padding to a bucket: random numbers do not depend on buckets
    uint32_t longest;   // longest sequence before padding
    uint32_t sequences; // B before padding
    float loss_scale;
    uint32_t reserved;
};

// Dropout of one site: element i of the tensor is kept where its random word is at least `threshold`.
struct kb_dropout {
    uint32_t site;
    uint32_t threshold; // 0: off
    float scale;        // of what is kept: 1 / (1 - p)
    uint32_t reserved;
};

template <class T> __device__ __forceinline__ float to_float(T v);
template <> __device__ __forceinline__ float to_float<float>(float v) { return v; }
template <> __device__ __forceinline__ float to_float<bf16>(bf16 v) { return __bfloat162float(v); }

template <class T> __device__ __forceinline__ T from_float(float v);
template <> __device__ __forceinline__ float from_float<float>(float v) { return v; }
template <> __device__ __forceinline__ bf16 from_float<bf16>(float v) { return __float2bfloat16_rn(v); }

// Four neighbouring elements, aligned to four.
template <class T> struct Quad;
template <> struct Quad<float> {
    static __device__ __forceinline__ float4 load(const float *p) { return *reinterpret_cast<const float4 *>(p); }
    static __device__ __forceinline__ void store(float *p, float4 v) { *reinterpret_cast<float4 *>(p) = v; }
};
template <> struct Quad<bf16> {
    static __device__ __forceinline__ float4 load(const bf16 *p) {
        const uint2 raw = *reinterpret_cast<const uint2 *>(p);
        return make_float4(__uint_as_float(raw.x << 16), __uint_as_float(raw.x & 0xffff0000u),
                           __uint_as_float(raw.y << 16), __uint_as_float(raw.y & 0xffff0000u));
    }
    static __device__ __forceinline__ void store(bf16 *p, float4 v) {
        bf16 q[4] = {from_float<bf16>(v.x), from_float<bf16>(v.y), from_float<bf16>(v.z), from_float<bf16>(v.w)};
        uint2 raw;
        __builtin_memcpy(&raw, q, sizeof raw);
        *reinterpret_cast<uint2 *>(p) = raw;
    }
};

// Philox4x32-10 (Salmon et al. 2011), as in the engine's rng.rs: the four words of block `index` of a site's stream.
__device__ __forceinline__ uint4 philox_block(const kb_step *step, uint32_t site, uint64_t index) {
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32), c2 = step->pass, c3 = site;
    uint32_t k0 = step->seed[0], k1 = step->seed[1];
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        if (round > 0) {
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        const uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        const uint32_t n0 = (uint32_t)(b >> 32) ^ c1 ^ k0, n2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        c0 = n0;
        c2 = n2;
    }
    return make_uint4(c0, c1, c2, c3);
}

// The factor of element `index`: 0 or the scale.
__device__ __forceinline__ float dropout_factor(const kb_step *step, kb_dropout d, uint64_t index) {
    if (d.threshold == 0) return 1.0f;
    const uint4 words = philox_block(step, d.site, index >> 2);
    const uint32_t which = (uint32_t)(index & 3);
    const uint32_t word = which == 0 ? words.x : which == 1 ? words.y : which == 2 ? words.z : words.w;
    return word >= d.threshold ? d.scale : 0.0f;
}

// The factors of the four elements of a block.
__device__ __forceinline__ float4 dropout_factors(const kb_step *step, kb_dropout d, uint64_t block) {
    if (d.threshold == 0) return make_float4(1.0f, 1.0f, 1.0f, 1.0f);
    const uint4 w = philox_block(step, d.site, block);
    return make_float4(w.x >= d.threshold ? d.scale : 0.0f, w.y >= d.threshold ? d.scale : 0.0f,
                       w.z >= d.threshold ? d.scale : 0.0f, w.w >= d.threshold ? d.scale : 0.0f);
}

// A value times its factor. Not a plain product: what is dropped is 0 even where it was infinite or NaN.
__device__ __forceinline__ float dropped(float v, float factor) { return factor == 0.0f ? 0.0f : v * factor; }

__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
    for (int i = WARP / 2; i > 0; i /= 2) v += __shfl_xor_sync(ALL_LANES, v, i);
    return v;
}

__device__ __forceinline__ float warp_max(float v) {
#pragma unroll
    for (int i = WARP / 2; i > 0; i /= 2) v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, i));
    return v;
}

__device__ __forceinline__ double warp_sum(double v) {
#pragma unroll
    for (int i = WARP / 2; i > 0; i /= 2) v += __shfl_xor_sync(ALL_LANES, v, i);
    return v;
}

// Sum over all threads of a block of at most 1024, the same for all of them, in an order that depends on the
// block's size alone. `scratch` is shared memory of 33 elements; it may be used again after the call.
template <class T> __device__ __forceinline__ T block_sum(T v, T *scratch) {
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = (blockDim.x + WARP - 1) / WARP;
    v = warp_sum(v);
    if (lane == 0) scratch[warp] = v;
    __syncthreads();
    if (warp == 0) {
        T all = lane < warps ? scratch[lane] : T(0);
        all = warp_sum(all);
        if (lane == 0) scratch[32] = all;
    }
    __syncthreads();
    const T all = scratch[32];
    __syncthreads();
    return all;
}
