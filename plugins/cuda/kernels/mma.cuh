// Tensor cores, matrix loads from shared memory and asynchronous copies into it: what has to be written as PTX
// (sm_80 and up), each with a twin for the emulator that moves the same elements between the same lanes.
//
// One instruction multiplies a [16, 16] tile A by a [16, 8] tile B into a [16, 8] tile of f32, by a whole warp. A
// lane of group g = lane / 4 and place t = lane % 4 holds these elements (two bf16 a register, the lower half first):
//
//     A, rows x k:   a[0] (g, 2t) (g, 2t+1)     a[1] (g+8, 2t) (g+8, 2t+1)
//                    a[2] (g, 2t+8) (g, 2t+9)   a[3] (g+8, 2t+8) (g+8, 2t+9)
//     B, k x columns: b0 (2t, g) (2t+1, g)       b1 (2t+8, g) (2t+9, g)
//     D, rows x columns: d[0], d[1] (g, 2t) (g, 2t+1)   d[2], d[3] (g+8, 2t) (g+8, 2t+1)
//
// So two neighbouring D tiles (16 columns), packed by `pack_bf16`, are the A of a further product without a word
// passing between lanes: a = {pack(d[0], d[1]), pack(d[2], d[3]), pack(e[0], e[1]), pack(e[2], e[3])}.
//
// The loads below want rows of a tile that start at multiples of 16 bytes. A stride of a multiple of 8 elements which
// is 8 modulo 64 (or any odd multiple of 8) keeps their eight rows in different banks.
#pragma once

#include "common.cuh"

#ifdef KOBENCH_EMULATED
#include <cmath>
#include <map>
#include <mutex>
#include <vector>
#endif

// Two floats as bf16, `low` in the lower half (the lower address in memory).
__device__ __forceinline__ uint32_t pack_bf16(float low, float high) {
#ifdef KOBENCH_EMULATED
    const bf16 both[2] = {from_float<bf16>(low), from_float<bf16>(high)};
    uint32_t word;
    __builtin_memcpy(&word, both, sizeof word);
    return word;
#else
    const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
    uint32_t word;
    __builtin_memcpy(&word, &both, sizeof word);
    return word;
#endif
}

__device__ __forceinline__ float low_bf16(uint32_t word) { return __uint_as_float(word << 16); }
__device__ __forceinline__ float high_bf16(uint32_t word) { return __uint_as_float(word & 0xffff0000u); }

// 2^v by the special function unit: within 2 ulp, tiny results become 0, 2^-infinity is 0.
__device__ __forceinline__ float exp2_fast(float v) {
#ifdef KOBENCH_EMULATED
    return std::exp2(v);
#else
    float power;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(v));
    return power;
#endif
}

#ifdef KOBENCH_EMULATED
namespace mma_emulated {
struct Operands {
    uint32_t a[4], b[2];
    float d[4];
};
struct Result {
    float d[4];
};
struct Four {
    uint32_t word[4];
};
inline float half_of(uint32_t word, int which) { return which ? high_bf16(word) : low_bf16(word); }

inline void multiply(const Operands (&in)[32], Result (&out)[32]) {
    for (int row = 0; row < 16; ++row)
        for (int column = 0; column < 8; ++column) {
            double sum = 0.0;
            for (int k = 0; k < 16; ++k) {
                const int place = k % 8 / 2, half = k / 8;
                const uint32_t a = in[row % 8 * 4 + place].a[half * 2 + row / 8];
                const uint32_t b = in[column * 4 + place].b[half];
                sum += (double)half_of(a, k % 2) * half_of(b, k % 2);
            }
            const int lane = row % 8 * 4 + column / 2, which = row / 8 * 2 + column % 2;
            out[lane].d[which] = (float)(in[lane].d[which] + sum);
        }
}

// Matrix i's rows come from the addresses of lanes 8i..8i+7.
template <int MATRICES, bool TRANSPOSED> void load(const void *const (&rows)[32], Four (&out)[32]) {
    for (int i = 0; i < MATRICES; ++i)
        for (int lane = 0; lane < 32; ++lane) {
            uint16_t halves[2];
            for (int h = 0; h < 2; ++h) {
                const int line = lane / 4, place = lane % 4 * 2 + h;
                const int row = TRANSPOSED ? place : line, column = TRANSPOSED ? line : place;
                const char *from = static_cast<const char *>(rows[i * 8 + row]);
                if (reinterpret_cast<uintptr_t>(from) % 16 != 0) emu::fail("ldmatrix: a row is not aligned to 16 bytes");
                __builtin_memcpy(&halves[h], from + 2 * column, 2);
            }
            out[lane].word[i] = halves[0] | (uint32_t)halves[1] << 16;
        }
}

// A copy is made when it is waited for and until then its destination is full of NaN, so that what is read too
// soon, or overwritten too soon, is seen.
struct Copy {
    void *to;
    const void *from; // null: zeros
    int group;
};
struct Copies {
    std::vector<Copy> pending;
    int group = 0;
};
// Those of the calling thread. Not thread-local variables, for the emulator takes those for shared memory.
inline Copies &copies() {
    static std::mutex mutex;
    static std::map<const void *, std::vector<Copies>> of_blocks;
    const std::lock_guard<std::mutex> lock(mutex);
    std::vector<Copies> &block = of_blocks[&emu::arena()];
    if (block.empty()) block.resize(1024);
    return block[threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)];
}
inline void finish(int groups_left) {
    Copies &mine = copies();
    std::vector<Copy> rest;
    for (const Copy &copy : mine.pending) {
        if (copy.group >= mine.group - groups_left) rest.push_back(copy);
        else if (copy.from) __builtin_memcpy(copy.to, copy.from, 16);
        else __builtin_memset(copy.to, 0, 16);
    }
    mine.pending.swap(rest);
}
} // namespace mma_emulated
#endif

// d += A B.
__device__ __forceinline__ void mma(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
#ifdef KOBENCH_EMULATED
    mma_emulated::Operands in = {{a[0], a[1], a[2], a[3]}, {b0, b1}, {d[0], d[1], d[2], d[3]}};
    mma_emulated::Result out;
    emu::warp_collective(in, out, [](const auto &all, auto &results) { mma_emulated::multiply(all, results); });
    for (int i = 0; i < 4; ++i) d[i] = out.d[i];
#else
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
}

// ldmatrix: lanes 8i..8i+7 name the rows (16 bytes each, in shared memory) of the 8 x 8 matrix i; a lane receives
// in word[i] the elements (g, 2t) and (g, 2t+1) of it, or with TRANSPOSED (2t, g) and (2t+1, g). With two
// matrices the addresses of the upper lanes are not used.
template <bool TRANSPOSED> __device__ __forceinline__ void ldmatrix_x4(uint32_t (&word)[4], const void *row) {
#ifdef KOBENCH_EMULATED
    mma_emulated::Four out;
    emu::warp_collective(row, out, [](const auto &all, auto &words) {
        mma_emulated::load<4, TRANSPOSED>(all, words);
    });
    for (int i = 0; i < 4; ++i) word[i] = out.word[i];
#else
    const uint32_t address = (uint32_t)__cvta_generic_to_shared(row);
    if (TRANSPOSED)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(word[0]), "=r"(word[1]), "=r"(word[2]), "=r"(word[3])
                     : "r"(address)
                     : "memory");
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(word[0]), "=r"(word[1]), "=r"(word[2]), "=r"(word[3])
                     : "r"(address)
                     : "memory");
#endif
}

template <bool TRANSPOSED> __device__ __forceinline__ void ldmatrix_x2(uint32_t (&word)[2], const void *row) {
#ifdef KOBENCH_EMULATED
    mma_emulated::Four out;
    emu::warp_collective(row, out, [](const auto &all, auto &words) {
        mma_emulated::load<2, TRANSPOSED>(all, words);
    });
    for (int i = 0; i < 2; ++i) word[i] = out.word[i];
#else
    const uint32_t address = (uint32_t)__cvta_generic_to_shared(row);
    if (TRANSPOSED)
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                     : "=r"(word[0]), "=r"(word[1])
                     : "r"(address)
                     : "memory");
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                     : "=r"(word[0]), "=r"(word[1])
                     : "r"(address)
                     : "memory");
#endif
}

// A [16 rows, 16 k] from shared memory that holds it row by row: element (row, k) at tile[row * stride + k].
__device__ __forceinline__ void load_a(uint32_t (&a)[4], const bf16 *tile, int stride) {
    const int lane = threadIdx.x % WARP;
    ldmatrix_x4<false>(a, tile + lane % 16 * stride + lane / 16 * 8);
}

// The same of a transposed matrix: element (row, k) at tile[k * stride + row].
__device__ __forceinline__ void load_a_transposed(uint32_t (&a)[4], const bf16 *tile, int stride) {
    const int lane = threadIdx.x % WARP;
    ldmatrix_x4<true>(a, tile + (lane / 16 * 8 + lane % 8) * stride + lane / 8 % 2 * 8);
}

// B of two neighbouring products, [16 k, 16 columns]: b[0], b[1] of columns 0..7 and b[2], b[3] of columns 8..15.
// Element (k, column) at tile[k * stride + column].
__device__ __forceinline__ void load_b(uint32_t (&b)[4], const bf16 *tile, int stride) {
    const int lane = threadIdx.x % WARP;
    ldmatrix_x4<true>(b, tile + lane % 16 * stride + lane / 16 * 8);
}

// The same of a transposed matrix: element (k, column) at tile[column * stride + k]. So the keys of q k^T.
__device__ __forceinline__ void load_b_transposed(uint32_t (&b)[4], const bf16 *tile, int stride) {
    const int lane = threadIdx.x % WARP;
    ldmatrix_x4<false>(b, tile + (lane / 16 * 8 + lane % 8) * stride + lane / 8 % 2 * 8);
}

// Starts copying 16 bytes from global to shared memory, both aligned to 16, or zeros where the source does not
// exist (then nothing is read, but `from` should still point into the buffer). The copies since the last commit are
// a group; every thread waits for its own copies, and a barrier shows them to others.
__device__ __forceinline__ void copy_async(void *to, const void *from, bool exists = true) {
#ifdef KOBENCH_EMULATED
    if (reinterpret_cast<uintptr_t>(to) % 16 != 0 || (exists && reinterpret_cast<uintptr_t>(from) % 16 != 0))
        emu::fail("copy_async: an address is not aligned to 16 bytes");
    mma_emulated::Copies &mine = mma_emulated::copies();
    __builtin_memset(to, 0xff, 16);
    mine.pending.push_back({to, exists ? from : nullptr, mine.group});
#else
    const uint32_t bytes = exists ? 16 : 0, address = (uint32_t)__cvta_generic_to_shared(to);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(bytes) : "memory");
#endif
}

__device__ __forceinline__ void copy_commit() {
#ifdef KOBENCH_EMULATED
    ++mma_emulated::copies().group;
#else
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until at most the last GROUPS_LEFT of the committed groups are still on their way. (0 does not wait for
// copies that were not committed.)
template <int GROUPS_LEFT> __device__ __forceinline__ void copy_wait() {
#ifdef KOBENCH_EMULATED
    mma_emulated::finish(GROUPS_LEFT);
#else
    asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS_LEFT) : "memory");
#endif
}
