// Products against a plain f64 loop, for each epilogue.
#include <stdlib.h>
#include <string.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "blaslt/check.h"
#include "blaslt/cublaslt.h"
#include "blaslt/product.h"
#include "check.h"

extern "C" {
CUresult cuInit(unsigned);
CUresult cuDevicePrimaryCtxRetain(CUcontext *, CUdevice);
CUresult cuCtxSetCurrent(CUcontext);
cublasStatus_t cublasLtCreate(LtHandle **);
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(LtHandle *, MatmulDesc *, MatrixLayout *, MatrixLayout *, MatrixLayout *,
                                              MatrixLayout *, MatmulPreference *, int, HeuristicResult *, int *);
cublasStatus_t cublasLtMatmul(LtHandle *, MatmulDesc *, const void *, const void *, MatrixLayout *, const void *,
                              MatrixLayout *, const void *, const void *, MatrixLayout *, void *, MatrixLayout *,
                              const MatmulAlgo *, void *, size_t, CUstream);
}

namespace {

using emu::Matrix;

// A matrix with its memory, filled with numbers.
struct Filled {
    std::vector<unsigned char> bytes;
    MatrixLayout layout;
    Filled(int type, size_t rows, size_t cols, size_t ld, int batches, unsigned seed) {
        layout.type = type;
        layout.rows = rows;
        layout.cols = cols;
        layout.ld = static_cast<int64_t>(ld);
        layout.batch_count = batches;
        layout.batch_stride = static_cast<int64_t>(ld * cols + 5);
        bytes.resize((ld * cols + 5) * static_cast<size_t>(batches) * 4);
        std::mt19937 random(seed);
        std::uniform_real_distribution<float> values(-1, 1);
        for (size_t i = 0; i < bytes.size() / 4; ++i) emu::store(matrix(), i, values(random));
    }
    Matrix matrix() {
        return {bytes.data(), layout.type == CUDA_R_32F ? emu::Type::F32 : emu::Type::BF16,
                static_cast<size_t>(layout.ld), static_cast<size_t>(layout.batch_stride)};
    }
    double at(int batch, size_t i, size_t j) {
        return emu::load(matrix(), static_cast<size_t>(batch) * matrix().batch_stride + j * matrix().ld + i);
    }
};

double gelu(double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
double gelu_slope(double x) { return (gelu(x + 1e-6) - gelu(x - 1e-6)) / 2e-6; }

LtHandle *handle() {
    static LtHandle *h = [] {
        LtHandle *made;
        CUcontext context;
        CHECK(cuInit(0) == CUDA_SUCCESS);
        CHECK(cuDevicePrimaryCtxRetain(&context, 0) == CUDA_SUCCESS && cuCtxSetCurrent(context) == CUDA_SUCCESS);
        CHECK(cublasLtCreate(&made) == CUBLAS_STATUS_SUCCESS);
        return made;
    }();
    return h;
}

struct Case {
    int in, out;
    bool ta, tb;
    size_t m, n, k;
    int batches;
    unsigned epilogue;
    float alpha, beta;
};

void check(const Case &c) {
    const size_t aux_ld = (c.m + 7) / 8 * 8;
    Filled a(c.in, c.ta ? c.k : c.m, c.ta ? c.m : c.k, (c.ta ? c.k : c.m) + 3, c.batches, 1);
    Filled b(c.in, c.tb ? c.n : c.k, c.tb ? c.k : c.n, (c.tb ? c.n : c.k) + 1, c.batches, 2);
    Filled source(c.out, c.m, c.n, c.m + 2, c.batches, 3), d(c.out, c.m, c.n, c.m + 4, c.batches, 4);
    const size_t longer = std::max(c.m, c.n);
    Filled aux(c.out, c.m, c.n, aux_ld, c.batches, 5), bias(c.out, longer, 1, longer, c.batches, 6);
    Filled aux_before = aux, bias_before = bias;
    MatmulDesc desc;
    desc.transpose_a = c.ta;
    desc.transpose_b = c.tb;
    desc.epilogue = c.epilogue;
    desc.bias = bias.bytes.data();
    desc.bias_batch_stride = bias.layout.batch_stride;
    desc.aux = aux.bytes.data();
    desc.aux_ld = static_cast<int64_t>(aux_ld);
    desc.aux_batch_stride = aux.layout.batch_stride;
    MatmulPreference preference;
    HeuristicResult found;
    int count = 0;
    CHECK(cublasLtMatmulAlgoGetHeuristic(handle(), &desc, &a.layout, &b.layout, &source.layout, &d.layout, &preference, 1,
                                         &found, &count) == CUBLAS_STATUS_SUCCESS);
    CHECK(count == 1);
    CHECK(cublasLtMatmul(handle(), &desc, &c.alpha, a.bytes.data(), &a.layout, b.bytes.data(), &b.layout, &c.beta,
                         source.bytes.data(), &source.layout, d.bytes.data(), &d.layout, &found.algo, nullptr, 0,
                         nullptr) == CUBLAS_STATUS_SUCCESS);
    const double error = c.out == CUDA_R_32F ? 1e-5 + 1e-7 * static_cast<double>(c.k) : 0.01;
    const auto near = [&](double x, double y) { return std::fabs(x - y) <= error * (1 + std::fabs(y)); };
    const auto left = [&](int batch, size_t i, size_t p) { return c.ta ? a.at(batch, p, i) : a.at(batch, i, p); };
    const auto right = [&](int batch, size_t p, size_t j) { return c.tb ? b.at(batch, j, p) : b.at(batch, p, j); };
    for (int batch = 0; batch < c.batches; ++batch) {
        std::vector<double> rows_of_d(c.m);
        for (size_t j = 0; j < c.n; ++j)
            for (size_t i = 0; i < c.m; ++i) {
                double sum = 0;
                for (size_t p = 0; p < c.k; ++p)
                    sum += left(batch, i, p) * right(batch, p, j);
                double v = c.alpha * sum + (c.beta != 0 ? c.beta * source.at(batch, i, j) : 0);
                if (c.epilogue < 128 && (c.epilogue & EPILOGUE_BIAS)) v += bias_before.at(batch, i, 0);
                if (c.epilogue == EPILOGUE_GELU_AUX_BIAS) v += bias_before.at(batch, i, 0);
                if ((c.epilogue & ~EPILOGUE_BIAS) == EPILOGUE_GELU_AUX) CHECK(near(aux.at(batch, i, j), v));
                if (c.epilogue == EPILOGUE_RELU || c.epilogue == EPILOGUE_RELU_BIAS) v = std::max(v, 0.0);
                if (c.epilogue == EPILOGUE_DGELU || c.epilogue == EPILOGUE_DGELU_BGRAD)
                    v *= gelu_slope(aux_before.at(batch, i, j));
                else if (c.epilogue & EPILOGUE_GELU)
                    v = gelu(v);
                CHECK(near(d.at(batch, i, j), v));
                rows_of_d[i] += v;
            }
        const bool of_b = c.epilogue == EPILOGUE_BGRADB;
        for (size_t i = 0; i < (of_b ? c.n : c.m); ++i) {
            double sum = c.epilogue == EPILOGUE_DGELU_BGRAD ? rows_of_d[i] : bias_before.at(batch, i, 0);
            if (c.epilogue == EPILOGUE_BGRADA || of_b) {
                sum = 0;
                for (size_t p = 0; p < c.k; ++p)
                    sum += of_b ? right(batch, p, i) : left(batch, i, p);
            }
            CHECK(near(bias.at(batch, i, 0), sum));
        }
    }
}

const unsigned EPILOGUES[] = {EPILOGUE_DEFAULT,   EPILOGUE_RELU,          EPILOGUE_BIAS,    EPILOGUE_RELU_BIAS,
                              EPILOGUE_GELU,      EPILOGUE_GELU_BIAS,     EPILOGUE_GELU_AUX, EPILOGUE_GELU_AUX_BIAS,
                              EPILOGUE_DGELU,     EPILOGUE_DGELU_BGRAD,   EPILOGUE_BGRADA,  EPILOGUE_BGRADB};

TEST(products_are_right_with_each_epilogue) {
    for (unsigned epilogue : EPILOGUES)
        for (int t = 0; t < 4; ++t) {
            check({CUDA_R_32F, CUDA_R_32F, (t & 1) != 0, (t & 2) != 0, 33, 21, 40, 2, epilogue, 1.5f, 0.0f});
            check({CUDA_R_16BF, CUDA_R_32F, (t & 1) != 0, (t & 2) != 0, 20, 33, 17, 1, epilogue, 1.0f, 0.5f});
            check({CUDA_R_16BF, CUDA_R_16BF, (t & 1) != 0, (t & 2) != 0, 16, 7, 64, 2, epilogue, 1.0f, 1.0f});
        }
}

TEST(products_of_many_blocks_are_right) {
    check({CUDA_R_32F, CUDA_R_32F, true, false, 400, 210, 700, 1, EPILOGUE_BIAS, 1.0f, 1.0f});
    check({CUDA_R_16BF, CUDA_R_16BF, false, true, 193, 193, 257, 1, EPILOGUE_DEFAULT, 1.0f, 0.0f});
    check({CUDA_R_32F, CUDA_R_32F, false, false, 1, 1, 1, 3, EPILOGUE_DEFAULT, 1.0f, 0.0f});
}

TEST(what_the_library_lacks_is_refused) {
    const auto status = [](const std::function<void(MatmulDesc &, MatrixLayout *)> &change) {
        MatmulDesc desc;
        MatrixLayout l[4];
        for (MatrixLayout &x : l) x.rows = x.cols = 12, x.ld = 12;
        float memory[256];
        desc.bias = memory;
        change(desc, l);
        MatmulPreference preference;
        HeuristicResult found;
        int count = 7;
        const cublasStatus_t s = cublasLtMatmulAlgoGetHeuristic(handle(), &desc, &l[0], &l[1], &l[2], &l[3], &preference,
                                                                1, &found, &count);
        CHECK(count == (s == CUBLAS_STATUS_SUCCESS ? 1 : 0));
        return s;
    };
    const auto with = [&](unsigned epilogue, bool bias, bool aux, int64_t aux_ld) {
        return status([=](MatmulDesc &d, MatrixLayout *) {
            d.epilogue = epilogue;
            if (aux) d.aux = d.bias;
            if (!bias) d.bias = nullptr;
            d.aux_ld = aux_ld;
        });
    };
    CHECK(with(EPILOGUE_DEFAULT, false, false, 0) == CUBLAS_STATUS_SUCCESS);
    CHECK(with(EPILOGUE_BIAS, true, false, 0) == CUBLAS_STATUS_SUCCESS);
    CHECK(with(EPILOGUE_BIAS, false, false, 0) == CUBLAS_STATUS_NOT_SUPPORTED);
    CHECK(with(EPILOGUE_GELU_AUX, false, true, 16) == CUBLAS_STATUS_SUCCESS);
    CHECK(with(EPILOGUE_GELU_AUX, false, false, 16) == CUBLAS_STATUS_NOT_SUPPORTED);
    CHECK(with(EPILOGUE_GELU_AUX, false, true, 12) == CUBLAS_STATUS_NOT_SUPPORTED); // no multiple of 8
    CHECK(with(EPILOGUE_GELU_AUX, false, true, 8) == CUBLAS_STATUS_NOT_SUPPORTED);  // fewer than the rows
    CHECK(with(3, true, true, 16) == CUBLAS_STATUS_NOT_SUPPORTED);
    using Change = std::function<void(MatrixLayout *)>;
    const auto changed = [&](const Change &change) { return status([&](MatmulDesc &, MatrixLayout *l) { change(l); }); };
    CHECK(changed([](MatrixLayout *l) { l[0].type = CUDA_R_16BF; }) == CUBLAS_STATUS_NOT_SUPPORTED);
    CHECK(changed([](MatrixLayout *l) { l[2].type = l[3].type = CUDA_R_16BF; }) == CUBLAS_STATUS_NOT_SUPPORTED);
    CHECK(changed([](MatrixLayout *l) { l[1].rows = 11; }) == CUBLAS_STATUS_INVALID_VALUE);
    CHECK(changed([](MatrixLayout *l) { l[3].ld = 11; }) == CUBLAS_STATUS_INVALID_VALUE);
}

TEST(large_products_take_well_below_a_second) {
    Filled a(CUDA_R_16BF, 800, 2000, 800, 1, 1), b(CUDA_R_16BF, 800, 3000, 800, 1, 2);
    Filled d(CUDA_R_32F, 2000, 3000, 2000, 1, 3);
    MatmulDesc desc;
    desc.transpose_a = 1;
    const float alpha = 1, beta = 0;
    const auto start = std::chrono::steady_clock::now();
    CHECK(cublasLtMatmul(handle(), &desc, &alpha, a.bytes.data(), &a.layout, b.bytes.data(), &b.layout, &beta, nullptr,
                         &d.layout, d.bytes.data(), &d.layout, nullptr, nullptr, 0, nullptr) == CUBLAS_STATUS_SUCCESS);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    printf("    2000 x 3000 x 800: %.3f s\n", seconds);
    // With much room, as machines of tests are slow and busy.
    CHECK(seconds < 10);
}

} // namespace
