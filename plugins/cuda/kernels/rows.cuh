// Rows of a matrix as threads hold them: packs of sixteen bytes, teams of threads that share a row, and how a block
// walks down a strip of columns. Widths need not be multiples of a pack; where they are not, or an address is not
// aligned (VEC is false), elements are read one by one into the same places.
#pragma once

#include "mma.cuh"

namespace packs {

// Sixteen bytes of neighbouring elements, as they lie in memory: bf16 in registers takes half of what floats take.
template <class T> struct Pack;
template <> struct Pack<float> {
    static constexpr int N = 4;
    uint32_t words[4];
    __device__ __forceinline__ float at(int i) const { return __uint_as_float(words[i]); }
    static __device__ __forceinline__ Pack of(const float (&v)[4]) {
        return {{__float_as_uint(v[0]), __float_as_uint(v[1]), __float_as_uint(v[2]), __float_as_uint(v[3])}};
    }
};
template <> struct Pack<bf16> {
    static constexpr int N = 8;
    uint32_t words[4];
    __device__ __forceinline__ float at(int i) const {
        return i % 2 == 0 ? low_bf16(words[i / 2]) : high_bf16(words[i / 2]);
    }
    static __device__ __forceinline__ Pack of(const float (&v)[8]) {
        return {{pack_bf16(v[0], v[1]), pack_bf16(v[2], v[3]), pack_bf16(v[4], v[5]), pack_bf16(v[6], v[7])}};
    }
};

// Whether packs can be read and written at all of these addresses.
template <class... P> __device__ __forceinline__ bool aligned(const P *...p) {
    return ((reinterpret_cast<uintptr_t>(p) | ...) & 15) == 0;
}

// Whether element `col` + `i` of a pack is one of the row's. With VEC a pack is inside as a whole or not at all.
template <bool VEC> __device__ __forceinline__ bool inside(uint32_t col, int i, uint32_t width) {
    return VEC ? col < width : col + i < width;
}

// The pack of a row from `col` on; zeros behind its end.
template <bool VEC, class T> __device__ __forceinline__ Pack<T> load(const T *row, uint32_t col, uint32_t width) {
    if constexpr (VEC) {
        uint4 raw = make_uint4(0, 0, 0, 0);
        if (col < width) raw = *reinterpret_cast<const uint4 *>(row + col);
        return {{raw.x, raw.y, raw.z, raw.w}};
    } else {
        float v[Pack<T>::N];
#pragma unroll
        for (int i = 0; i < Pack<T>::N; ++i) v[i] = col + i < width ? to_float(row[col + i]) : 0.0f;
        return Pack<T>::of(v);
    }
}

template <bool VEC, class T>
__device__ __forceinline__ void store(T *row, uint32_t col, uint32_t width, const float (&v)[Pack<T>::N]) {
    if constexpr (VEC) {
        const Pack<T> p = Pack<T>::of(v);
        if (col < width)
            *reinterpret_cast<uint4 *>(row + col) = make_uint4(p.words[0], p.words[1], p.words[2], p.words[3]);
    } else {
#pragma unroll
        for (int i = 0; i < Pack<T>::N; ++i)
            if (col + i < width) row[col + i] = from_float<T>(v[i]);
    }
}

// As many floats (of a parameter, a table, a gradient) as a pack of activations has elements.
template <bool VEC, int N>
__device__ __forceinline__ void load_floats(const float *row, uint32_t col, uint32_t width, float (&v)[N]) {
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        if constexpr (VEC) {
            float4 q = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            if (col < width) q = Quad<float>::load(row + col + i);
            v[i] = q.x, v[i + 1] = q.y, v[i + 2] = q.z, v[i + 3] = q.w;
        } else {
#pragma unroll
            for (int j = i; j < i + 4; ++j) v[j] = col + j < width ? row[col + j] : 0.0f;
        }
    }
}

template <bool VEC, int N>
__device__ __forceinline__ void store_floats(float *row, uint32_t col, uint32_t width, const float (&v)[N]) {
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        if constexpr (VEC) {
            if (col < width) Quad<float>::store(row + col + i, make_float4(v[i], v[i + 1], v[i + 2], v[i + 3]));
        } else {
#pragma unroll
            for (int j = i; j < i + 4; ++j)
                if (col + j < width) row[col + j] = v[j];
        }
    }
}

// Dropout of a pack whose first element has number `first` in the tensor, which with VEC is a multiple of four.
template <bool VEC, int N>
__device__ __forceinline__ void drop(const kb_step *step, kb_dropout d, uint64_t first, float (&v)[N]) {
    if (d.threshold == 0) return;
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        if constexpr (VEC) {
            const float4 f = dropout_factors(step, d, first / 4 + i / 4);
            v[i] = dropped(v[i], f.x), v[i + 1] = dropped(v[i + 1], f.y);
            v[i + 2] = dropped(v[i + 2], f.z), v[i + 3] = dropped(v[i + 3], f.w);
        } else {
#pragma unroll
            for (int j = i; j < i + 4; ++j) v[j] = dropped(v[j], dropout_factor(step, d, first + j));
        }
    }
}

// The threads that share a row: a warp, which has room for 1024 elements in registers, or (WIDE) a block of at most
// 512 threads, each with room for sixteen. A pack of the row belongs to one thread, the same in every row.
template <class T, bool WIDE> struct Team {
    static constexpr int N = Pack<T>::N;
    static constexpr int PACKS = (WIDE ? 16 : 32) / N;

    // Of a block's shared memory: two sets of two sums a warp, used in turn, so that one barrier a sum is enough.
    struct Scratch {
        float sums[2][2][WIDE ? 16 : 1];
    };
    Scratch *scratch;
    uint32_t lane, size, row, stride, turn;

    __device__ __forceinline__ explicit Team(Scratch *shared) : scratch(shared), turn(0) {
        if constexpr (WIDE) {
            lane = threadIdx.x, size = blockDim.x;
            row = blockIdx.x, stride = gridDim.x;
        } else {
            const uint32_t warps = blockDim.x / WARP;
            lane = threadIdx.x % WARP, size = WARP;
            row = blockIdx.x * warps + threadIdx.x / WARP, stride = gridDim.x * warps;
        }
    }

    // The first column of one of the thread's packs.
    __device__ __forceinline__ uint32_t col(int pack) const { return (lane + pack * size) * N; }

    // Sums over the team, the same for all of its threads.
    __device__ __forceinline__ void sums(float &a, float &b) {
        a = warp_sum(a), b = warp_sum(b);
        if constexpr (WIDE) {
            const uint32_t warp = threadIdx.x / WARP, mine = threadIdx.x % WARP, warps = blockDim.x / WARP;
            float(&all)[2][WIDE ? 16 : 1] = scratch->sums[turn];
            turn ^= 1;
            if (mine == 0) all[0][warp] = a, all[1][warp] = b;
            __syncthreads();
            a = warp_sum(mine < warps ? all[0][mine] : 0.0f);
            b = warp_sum(mine < warps ? all[1][mine] : 0.0f);
        }
    }

    __device__ __forceinline__ float sum(float a) {
        if (!WIDE) return warp_sum(a);
        float nothing = 0.0f;
        sums(a, nothing);
        return a;
    }
};

// A layer norm of one row.
struct Affine {
    const float *gamma, *beta;
    float eps;
};

// Turns a team's row into gamma n + beta with n = (v - mean) / sqrt(var + eps). Where they are not NULL, `normalised`
// receives n and `rstd` the row's factor.
template <bool VEC, class T, bool WIDE>
__device__ __forceinline__ void normalise(Team<T, WIDE> &team, float (&v)[Team<T, WIDE>::PACKS][Pack<T>::N],
                                          uint32_t width, Affine norm, T *normalised, float *rstd) {
    constexpr int N = Pack<T>::N, PACKS = Team<T, WIDE>::PACKS;
    float sum = 0.0f, squares = 0.0f;
#pragma unroll
    for (int p = 0; p < PACKS; ++p)
#pragma unroll
        for (int i = 0; i < N; ++i) sum += v[p][i];
    const float mean = team.sum(sum) / (float)width;
#pragma unroll
    for (int p = 0; p < PACKS; ++p)
#pragma unroll
        for (int i = 0; i < N; ++i)
            if (inside<VEC>(team.col(p), i, width)) {
                v[p][i] -= mean;
                squares = fmaf(v[p][i], v[p][i], squares);
            }
    const float factor = 1.0f / sqrtf(team.sum(squares) / (float)width + norm.eps);
    if (rstd != nullptr && team.lane == 0) *rstd = factor;
#pragma unroll
    for (int p = 0; p < PACKS; ++p) {
        const uint32_t col = team.col(p);
        if (col >= width) continue;
        float gamma[N], beta[N];
        load_floats<VEC>(norm.gamma, col, width, gamma);
        load_floats<VEC>(norm.beta, col, width, beta);
#pragma unroll
        for (int i = 0; i < N; ++i) v[p][i] *= factor;
        if (normalised != nullptr) store<VEC>(normalised, col, width, v[p]);
#pragma unroll
        for (int i = 0; i < N; ++i) v[p][i] = fmaf(v[p][i], gamma[i], beta[i]);
    }
}

// Which part of a matrix a block of 256 threads has: a strip of 32 packs of columns, one pack a lane, and some rows,
// each warp every eighth of them.
template <class T> struct Strip {
    static constexpr uint32_t WARPS = 8;
    uint32_t col, row, end;

    __device__ __forceinline__ Strip(uint32_t rows) {
        const uint32_t share = (rows + gridDim.y - 1) / gridDim.y;
        col = (blockIdx.x * WARP + threadIdx.x % WARP) * Pack<T>::N;
        row = blockIdx.y * share;
        end = row + share < rows ? row + share : rows;
        row += threadIdx.x / WARP;
    }
};

} // namespace packs
