// Rows of tables by number: the input of a model, the sparse gradient of a table, picked rows of a batch, and the
// angles by which positions turn queries and keys.
#include "rows.cuh"

namespace {

using namespace packs;

// Up to three tables [entries, width] and the row of each that a token takes. Tables that are NULL count nothing.
struct Lookups {
    const float *table[3];
    const uint32_t *ids[3];
};

// The sum of a token's rows, in the order of the tables. A row number NONE adds nothing.
template <bool VEC, class T, bool WIDE>
__device__ __forceinline__ void sum_rows(const Team<T, WIDE> &team, const Lookups &of, uint32_t width,
                                         float (&v)[Team<T, WIDE>::PACKS][Pack<T>::N]) {
    constexpr int N = Pack<T>::N, PACKS = Team<T, WIDE>::PACKS;
    uint32_t id[3];
#pragma unroll
    for (int k = 0; k < 3; ++k) id[k] = of.table[k] == nullptr ? NONE : of.ids[k][team.row];
    // No branches, so that the tables are read at the same time: a row that is not there has no columns.
#pragma unroll
    for (int k = 0; k < 3; ++k) {
        const uint64_t at = id[k] == NONE ? 0 : (uint64_t)id[k] * width;
        const uint32_t columns = id[k] == NONE ? 0 : width;
#pragma unroll
        for (int p = 0; p < PACKS; ++p) {
            float entry[N];
            load_floats<VEC>(of.table[k] + at, team.col(p), columns, entry);
#pragma unroll
            for (int i = 0; i < N; ++i) v[p][i] += entry[i];
        }
    }
}

template <class T, bool WIDE, bool VEC>
__device__ void embedding_forward_rows(const Lookups &of, Affine norm, float scale, T *y, T *normalised, float *rstd,
                                       uint32_t rows, uint32_t width, kb_dropout dropout, const kb_step *step) {
    using Row = Team<T, WIDE>;
    constexpr int N = Row::N, PACKS = Row::PACKS;
    __shared__ typename Row::Scratch scratch;
    for (Row team(&scratch); team.row < rows; team.row += team.stride) {
        const uint64_t at = (uint64_t)team.row * width;
        float v[PACKS][N] = {};
        sum_rows<VEC>(team, of, width, v);
        if (norm.gamma != nullptr)
            normalise<VEC>(team, v, width, norm, normalised == nullptr ? nullptr : normalised + at,
                           rstd == nullptr ? nullptr : rstd + team.row);
#pragma unroll
        for (int p = 0; p < PACKS; ++p) {
            const uint32_t col = team.col(p);
            if (col >= width) continue;
#pragma unroll
            for (int i = 0; i < N; ++i) v[p][i] *= scale;
            drop<VEC>(step, dropout, at + col, v[p]);
            store<VEC>(y + at, col, width, v[p]);
        }
    }
}

// y = dropout(scale * LayerNorm(sum of the rows)), without the norm where gamma is NULL.
template <class T, bool WIDE>
__device__ void embedding_forward(const Lookups &of, Affine norm, float scale, T *y, T *normalised, float *rstd,
                                  uint32_t rows, uint32_t width, kb_dropout dropout, const kb_step *step) {
    if (width % Pack<T>::N == 0 && aligned(of.table[0], of.table[1], of.table[2], norm.gamma, norm.beta) &&
        aligned(y, normalised))
        embedding_forward_rows<T, WIDE, true>(of, norm, scale, y, normalised, rstd, rows, width, dropout, step);
    else
        embedding_forward_rows<T, WIDE, false>(of, norm, scale, y, normalised, rstd, rows, width, dropout, step);
}

// Sorted tokens that one block sums: a row of the table that more tokens share is summed in pieces, which
// `embedding_join` adds. So no thread walks over a whole batch, however often a token such as [CLS] occurs.
constexpr uint32_t PIECE = 32;

// The tokens of a batch in the order of the table's rows that they took: those of group g are
// tokens[starts[g] .. starts[g + 1]], ascending, and took row rows[g]. Lists may be padded: rows and tokens with NONE,
// starts with their last number.
struct Groups {
    const uint32_t *rows, *starts, *tokens;
    uint32_t count;
};

// Where the sum of a group goes.
struct Target {
    float *grad;
    uint32_t dense; // grad is a whole table's, and not [groups, width]
    uint32_t add;
    float scale;
};

// The group of a position: the last that starts at or before it. All lanes of a warp ask for the same one.
__device__ __forceinline__ uint32_t find_group(const Groups &of, uint32_t position) {
    const uint32_t lane = threadIdx.x % WARP;
    uint32_t low = 0, high = of.count;
    while (high - low > 1) {
        const uint32_t stride = (high - low + WARP - 1) / WARP, probe = low + lane * stride;
        // True of the first lanes; of lane 0 always.
        const unsigned before = __ballot_sync(ALL_LANES, probe < high && of.starts[probe] <= position);
        low += (__popc(before) - 1) * stride;
        high = low + stride < high ? low + stride : high;
    }
    return low;
}

template <bool VEC, int N>
__device__ __forceinline__ void put_sum(const Groups &of, Target to, uint32_t group, uint32_t col, uint32_t width,
                                        float (&sum)[N]) {
    const uint32_t row = of.rows[group];
    if (row == NONE) return;
    float *grad = to.grad + (uint64_t)(to.dense != 0 ? row : group) * width;
#pragma unroll
    for (int i = 0; i < N; ++i) sum[i] *= to.scale;
    if (to.add != 0) {
        float old[N];
        load_floats<VEC>(grad, col, width, old);
#pragma unroll
        for (int i = 0; i < N; ++i) sum[i] += old[i];
    }
    store_floats<VEC>(grad, col, width, sum);
}

template <class T, bool VEC>
__device__ void embedding_backward_piece(const T *dsum, const Groups &of, Target to, float *open, uint32_t width) {
    constexpr int N = Pack<T>::N;
    constexpr uint32_t AHEAD = 8;
    __shared__ uint32_t tokens[PIECE], ends[PIECE];
    const uint32_t total = of.starts[of.count], first = blockIdx.x * PIECE;
    if (first >= total) return;
    const uint32_t last = first + PIECE < total ? first + PIECE : total;
    uint32_t group = find_group(of, first);
    if (threadIdx.x < PIECE) {
        // Each group but the first has a token here, so there are not more of them.
        const uint32_t end = group + 1 + threadIdx.x;
        tokens[threadIdx.x] = of.tokens[first + threadIdx.x < last ? first + threadIdx.x : last - 1];
        ends[threadIdx.x] = of.starts[end < of.count ? end : of.count];
    }
    __syncthreads();
    const uint32_t col = (blockIdx.y * blockDim.x + threadIdx.x) * N;
    if (col >= width) return;
    float *pieces = open + (uint64_t)blockIdx.x * 2 * width;
    bool before = of.starts[group] < first;
    uint32_t number = 0;
    float sum[N] = {};
    for (uint32_t at = first; at < last; at += AHEAD) {
        Pack<T> rows[AHEAD];
#pragma unroll
        for (uint32_t k = 0; k < AHEAD; ++k)
            rows[k] = load<VEC>(dsum + (uint64_t)tokens[at - first + k] * width, col, width);
#pragma unroll
        for (uint32_t k = 0; k < AHEAD; ++k) {
            if (at + k >= last) break;
#pragma unroll
            for (int i = 0; i < N; ++i) sum[i] += rows[k].at(i);
            const uint32_t end = ends[number];
            if (at + k + 1 < end && at + k + 1 < last) continue;
            // The group ends here, or the piece does.
            if (before || end > last)
                store_floats<VEC>(before ? pieces : pieces + width, col, width, sum);
            else
                put_sum<VEC>(of, to, group + number, col, width, sum);
#pragma unroll
            for (int i = 0; i < N; ++i) sum[i] = 0.0f;
            before = false;
            ++number;
        }
    }
}

// Sums rows of dsum [T, width] over groups of tokens, each in token order. Of a group that does not lie in one piece,
// sums are left in `open` [pieces, 2, width]: that of what came from the piece before, and that of what goes on.
template <class T>
__device__ void embedding_backward(const T *dsum, const Groups &of, Target to, float *open, uint32_t width) {
    if (width % Pack<T>::N == 0 && aligned(dsum) && aligned(to.grad))
        embedding_backward_piece<T, true>(dsum, of, to, open, width);
    else
        embedding_backward_piece<T, false>(dsum, of, to, open, width);
}

template <bool VEC>
__device__ void embedding_join(const Groups &of, Target to, const float *open, uint32_t width,
                               float (*sums)[4 * WARP]) {
    const uint32_t total = of.starts[of.count], first = blockIdx.x * PIECE, last = first + PIECE;
    if (last >= total) return;
    const uint32_t group = find_group(of, last - 1), end = of.starts[group + 1];
    // The block whose piece has a group's first token adds its sums.
    if (of.starts[group] < first || end <= last) return;
    const uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    const uint32_t col = (blockIdx.y * WARP + lane) * 4;
    float sum[4] = {}, part[4];
#pragma unroll 4
    for (uint32_t piece = blockIdx.x + warp; piece <= (end - 1) / PIECE; piece += warps) {
        load_floats<VEC>(open + ((uint64_t)piece * 2 + (piece == blockIdx.x)) * width, col, width, part);
#pragma unroll
        for (int i = 0; i < 4; ++i) sum[i] += part[i];
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) sums[warp][lane * 4 + i] = sum[i];
    __syncthreads();
    if (warp > 0 || col >= width) return;
    for (uint32_t other = 1; other < warps; ++other)
#pragma unroll
        for (int i = 0; i < 4; ++i) sum[i] += sums[other][lane * 4 + i];
    put_sum<VEC>(of, to, group, col, width, sum);
}

template <class T, bool VEC> __device__ __forceinline__ void copy_row(const T *from, T *to, uint32_t width) {
    for (uint32_t col = threadIdx.x % WARP * Pack<T>::N; col < width; col += WARP * Pack<T>::N) {
        const Pack<T> p = from == nullptr ? Pack<T>{} : load<VEC>(from, col, width);
        float v[Pack<T>::N];
#pragma unroll
        for (int i = 0; i < Pack<T>::N; ++i) v[i] = p.at(i);
        store<VEC>(to, col, width, v);
    }
}

// out[b] = x[tokens[b]], zeros for NONE; a warp a row.
template <class T>
__device__ void pick_forward(const T *x, const uint32_t *tokens, T *out, uint32_t count, uint32_t width) {
    const uint32_t b = (blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    if (b >= count) return;
    const T *from = tokens[b] == NONE ? nullptr : x + (uint64_t)tokens[b] * width;
    T *to = out + (uint64_t)b * width;
    if (width % Pack<T>::N == 0 && aligned(x, out))
        copy_row<T, true>(from, to, width);
    else
        copy_row<T, false>(from, to, width);
}

// dx [rows, width] is dout[b] in row tokens[b] and 0 elsewhere; tokens ascend, NONE behind the others.
template <class T>
__device__ void pick_backward(const T *dout, const uint32_t *tokens, T *dx, uint32_t count, uint32_t rows,
                              uint32_t width) {
    const uint32_t row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    if (row >= rows) return;
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (tokens[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    const T *from = low < count && tokens[low] == row ? dout + (uint64_t)low * width : nullptr;
    T *to = dx + (uint64_t)row * width;
    if (width % Pack<T>::N == 0 && aligned(dout, dx))
        copy_row<T, true>(from, to, width);
    else
        copy_row<T, false>(from, to, width);
}

template <class T, bool VEC>
__device__ __forceinline__ void turn_heads(T *row, uint32_t heads, uint32_t half, const float *cos, const float *sin,
                                           float direction) {
    constexpr int N = Pack<T>::N;
    const uint32_t packs = (half + N - 1) / N;
    for (uint32_t unit = threadIdx.x; unit < heads * packs; unit += blockDim.x) {
        const uint32_t head = unit / packs, i = (unit - head * packs) * N;
        T *first = row + head * 2 * half, *second = first + half;
        const Pack<T> x = load<VEC>(first, i, half), y = load<VEC>(second, i, half);
        float c[N], s[N], a[N], b[N];
        load_floats<VEC>(cos, i, half, c);
        load_floats<VEC>(sin, i, half, s);
#pragma unroll
        for (int k = 0; k < N; ++k) {
            const float turn = direction * s[k];
            a[k] = x.at(k) * c[k] - y.at(k) * turn;
            b[k] = y.at(k) * c[k] + x.at(k) * turn;
        }
        store<VEC>(first, i, half, a);
        store<VEC>(second, i, half, b);
    }
}

// Turns the first heads of each row of x [rows, width] by the angles of its position (cos and sin are
// [positions, half]), or back where `back` is not 0. A block a row; rows of position NONE stay as they are.
template <class T>
__device__ void rope(T *x, uint32_t width, uint32_t heads, uint32_t half, const uint32_t *positions, const float *cos,
                     const float *sin, uint32_t back) {
    const uint32_t position = positions[blockIdx.x];
    if (position == NONE) return;
    T *row = x + (uint64_t)blockIdx.x * width;
    cos += (uint64_t)position * half, sin += (uint64_t)position * half;
    const float direction = back != 0 ? -1.0f : 1.0f;
    if (half % Pack<T>::N == 0 && aligned(row) && aligned(cos, sin))
        turn_heads<T, true>(row, heads, half, cos, sin, direction);
    else
        turn_heads<T, false>(row, heads, half, cos, sin, direction);
}

} // namespace

extern "C" __global__ void __launch_bounds__(256)
kb_embedding_join(const float *open, const uint32_t *rows, const uint32_t *starts, const uint32_t *tokens,
                  uint32_t groups, uint32_t width, float *grad, uint32_t dense, uint32_t add, float scale) {
    __shared__ float sums[8][4 * WARP];
    if (width % 4 == 0 && aligned(open) && aligned(grad))
        embedding_join<true>({rows, starts, tokens, groups}, {grad, dense, add, scale}, open, width, sums);
    else
        embedding_join<false>({rows, starts, tokens, groups}, {grad, dense, add, scale}, open, width, sums);
}
KB_EXPORT(kb_embedding_join);

#define KB_EMBEDDING(T, WIDE, THREADS, SUFFIX)                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                             \
    kb_embedding_forward##SUFFIX(const float *table0, const uint32_t *ids0, const float *table1,                      \
                                 const uint32_t *ids1, const float *table2, const uint32_t *ids2, const float *gamma, \
                                 const float *beta, float eps, float scale, T *y, T *normalised, float *rstd,         \
                                 uint32_t rows, uint32_t width, kb_dropout dropout, const kb_step *step) {            \
        embedding_forward<T, WIDE>({{table0, table1, table2}, {ids0, ids1, ids2}}, {gamma, beta, eps}, scale, y,      \
                                   normalised, rstd, rows, width, dropout, step);                                     \
    }                                                                                                                 \
    KB_EXPORT(kb_embedding_forward##SUFFIX);

KB_EMBEDDING(float, false, 128, _f32)
KB_EMBEDDING(bf16, false, 128, _bf16)
KB_EMBEDDING(float, true, 512, _wide_f32)
KB_EMBEDDING(bf16, true, 512, _wide_bf16)

#define KB_ROWS(T, SUFFIX)                                                                                            \
    extern "C" __global__ void __launch_bounds__(256)                                                                 \
    kb_embedding_backward##SUFFIX(const T *dsum, const uint32_t *rows, const uint32_t *starts, const uint32_t *tokens, \
                                  uint32_t groups, uint32_t width, float *grad, uint32_t dense, uint32_t add,         \
                                  float scale, float *open) {                                                         \
        embedding_backward<T>(dsum, {rows, starts, tokens, groups}, {grad, dense, add, scale}, open, width);          \
    }                                                                                                                 \
    KB_EXPORT(kb_embedding_backward##SUFFIX);                                                                         \
    KB_KERNEL kb_pick_forward##SUFFIX(const T *x, const uint32_t *tokens, T *out, uint32_t count, uint32_t width) {   \
        pick_forward(x, tokens, out, count, width);                                                                   \
    }                                                                                                                 \
    KB_EXPORT(kb_pick_forward##SUFFIX);                                                                               \
    KB_KERNEL kb_pick_backward##SUFFIX(const T *dout, const uint32_t *tokens, T *dx, uint32_t count, uint32_t rows,   \
                                       uint32_t width) {                                                              \
        pick_backward(dout, tokens, dx, count, rows, width);                                                          \
    }                                                                                                                 \
    KB_EXPORT(kb_pick_backward##SUFFIX);                                                                              \
    KB_KERNEL kb_rope##SUFFIX(T *x, uint32_t width, uint32_t heads, uint32_t half, const uint32_t *positions,         \
                              const float *cos, const float *sin, uint32_t back) {                                    \
        rope(x, width, heads, half, positions, cos, sin, back);                                                       \
    }                                                                                                                 \
    KB_EXPORT(kb_rope##SUFFIX);

KB_ROWS(float, _f32)
KB_ROWS(bf16, _bf16)
