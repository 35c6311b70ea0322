#include "product.h"

#include <math.h>
#include <string.h>

#include <algorithm>
#include <vector>

#include "../pool.h"

namespace emu {

namespace {

// Register tile, and the blocks that are packed for it.
constexpr size_t MR = 16, NR = 6;
constexpr size_t MC = 192, NC = 192, KC = 256;

typedef float Eight __attribute__((vector_size(32)));

float from_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

uint16_t to_bf16(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
    return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// Adds a panel of A (k columns of MR) times one of B (k rows of NR) to a tile of columns of MR.
#if defined(__x86_64__)
__attribute__((target_clones("arch=x86-64-v3", "default")))
#endif
void multiply_panels(size_t k, const float *a, const float *b, float *tile) {
    Eight sum[NR][2];
    memcpy(sum, tile, sizeof sum);
    for (size_t p = 0; p < k; ++p, a += MR, b += NR) {
        Eight low, high;
        memcpy(&low, a, sizeof low);
        memcpy(&high, a + 8, sizeof high);
        for (size_t j = 0; j < NR; ++j) {
            sum[j][0] += low * b[j];
            sum[j][1] += high * b[j];
        }
    }
    memcpy(tile, sum, sizeof sum);
}

// Packs `count` rows (or columns) of an operand from `first` on, `depth` deep from `from` on, in panels of
// `width`; what is missing in the last one becomes 0.
void pack(const Matrix &x, size_t offset, bool along_k, size_t first, size_t count, size_t from, size_t depth,
          size_t width, float *out) {
    for (size_t panel = 0; panel < count; panel += width, out += width * depth) {
        const size_t here = std::min(width, count - panel);
        for (size_t p = 0; p < depth; ++p) {
            float *to = out + p * width;
            for (size_t i = 0; i < here; ++i) {
                const size_t outer = first + panel + i, inner = from + p;
                to[i] = load(x, offset + (along_k ? outer * x.ld + inner : inner * x.ld + outer));
            }
            std::fill(to + here, to + width, 0.0f);
        }
    }
}

float gelu(float x) { return 0.5f * x * (1.0f + tanhf(0.7978845608f * (x + 0.044715f * x * x * x))); }

float gelu_slope(float x) {
    const float t = tanhf(0.7978845608f * (x + 0.044715f * x * x * x));
    return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * 0.7978845608f * (1.0f + 3.0f * 0.044715f * x * x);
}

// What becomes of a finished element; returns what is stored.
float finish(const Product &p, size_t batch, size_t i, size_t j, float sum) {
    float v = p.alpha * sum;
    if (p.beta != 0.0f) v += p.beta * load(p.c, batch * p.c.batch_stride + j * p.c.ld + i);
    if (p.adds_bias) v += load(p.bias, batch * p.bias.batch_stride + i);
    const size_t at = batch * p.aux.batch_stride + j * p.aux.ld + i;
    switch (p.activation) {
    case Activation::NONE: return v;
    case Activation::RELU: return v > 0.0f ? v : 0.0f;
    case Activation::GELU:
        if (p.keeps_aux) store(p.aux, at, v);
        return gelu(v);
    case Activation::GELU_GRADIENT: return v * gelu_slope(load(p.aux, at));
    }
    return v;
}

// One block of D. Where D is summed up for a bias, `kept` gets it before it is rounded.
void compute_block(const Product &p, size_t batch, size_t i0, size_t j0, float *kept) {
    const size_t rows = std::min(MC, p.m - i0), cols = std::min(NC, p.n - j0);
    const size_t row_panels = (rows + MR - 1) / MR, col_panels = (cols + NR - 1) / NR;
    // Thread-local memory is not ours to use here: see poison_static_shared.
    std::vector<float> a(row_panels * MR * KC), b(col_panels * NR * KC), tiles(row_panels * col_panels * MR * NR);
    for (size_t k0 = 0; k0 < p.k; k0 += KC) {
        const size_t depth = std::min(KC, p.k - k0);
        pack(p.a, batch * p.a.batch_stride, p.transpose_a, i0, rows, k0, depth, MR, a.data());
        pack(p.b, batch * p.b.batch_stride, !p.transpose_b, j0, cols, k0, depth, NR, b.data());
        for (size_t c = 0; c < col_panels; ++c)
            for (size_t r = 0; r < row_panels; ++r)
                multiply_panels(depth, &a[r * MR * depth], &b[c * NR * depth],
                                &tiles[(c * row_panels + r) * MR * NR]);
    }
    for (size_t j = 0; j < cols; ++j)
        for (size_t i = 0; i < rows; ++i) {
            const size_t tile = j / NR * row_panels + i / MR;
            const float v = finish(p, batch, i0 + i, j0 + j, tiles[tile * MR * NR + j % NR * MR + i % MR]);
            store(p.d, batch * p.d.batch_stride + (j0 + j) * p.d.ld + i0 + i, v);
            if (kept != nullptr) kept[(j0 + j) * p.m + i0 + i] = v;
        }
}

void sum_bias(const Product &p, size_t batch, const float *d) {
    const size_t count = p.bias_gradient == BiasGradient::B ? p.n : p.m;
    const size_t depth = p.bias_gradient == BiasGradient::D ? p.n : p.k;
    for (size_t i = 0; i < count; ++i) {
        float sum = 0;
        for (size_t q = 0; q < depth; ++q) switch (p.bias_gradient) {
            case BiasGradient::D: sum += d[q * p.m + i]; break;
            case BiasGradient::A:
                sum += load(p.a, batch * p.a.batch_stride + (p.transpose_a ? i * p.a.ld + q : q * p.a.ld + i));
                break;
            default: sum += load(p.b, batch * p.b.batch_stride + (p.transpose_b ? q * p.b.ld + i : i * p.b.ld + q));
            }
        store(p.bias, batch * p.bias.batch_stride + i, sum);
    }
}

} // namespace

float load(const Matrix &x, size_t index) {
    if (x.type == Type::F32) return static_cast<const float *>(x.data)[index];
    return from_bits(static_cast<uint32_t>(static_cast<const uint16_t *>(x.data)[index]) << 16);
}

void store(const Matrix &x, size_t index, float value) {
    if (x.type == Type::F32)
        static_cast<float *>(x.data)[index] = value;
    else
        static_cast<uint16_t *>(x.data)[index] = to_bf16(value);
}

void compute(const Product &p) {
    const size_t row_blocks = (p.m + MC - 1) / MC, blocks = row_blocks * ((p.n + NC - 1) / NC);
    const size_t kept = p.bias_gradient == BiasGradient::D ? p.m * p.n : 0;
    std::vector<float> d(kept * p.batches);
    parallel_for(blocks * p.batches, [&](size_t task) {
        const size_t batch = task / blocks, block = task % blocks;
        compute_block(p, batch, block % row_blocks * MC, block / row_blocks * NC, kept == 0 ? nullptr : &d[batch * kept]);
    });
    if (p.bias_gradient == BiasGradient::NONE) return;
    for (size_t batch = 0; batch < p.batches; ++batch) sum_bias(p, batch, d.data() + batch * kept);
}

} // namespace emu
