// Matrix products in columns: D = epilogue(alpha op(A) op(B) + beta C), all in f32.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace emu {

enum class Type { F32, BF16 };

struct Matrix {
    void *data = nullptr;
    Type type = Type::F32;
    size_t ld = 0;
    size_t batch_stride = 0;
};

enum class Activation { NONE, RELU, GELU, GELU_GRADIENT };
enum class BiasGradient { NONE, D, A, B }; // what is summed up

struct Product {
    size_t m = 0, n = 0, k = 0, batches = 1;
    bool transpose_a = false, transpose_b = false;
    float alpha = 1, beta = 0;
    Matrix a, b, c, d;
    // Of the epilogue.
    Activation activation = Activation::NONE;
    bool adds_bias = false;
    BiasGradient bias_gradient = BiasGradient::NONE;
    bool keeps_aux = false;
    Matrix bias, aux; // of both, only as far as the epilogue has them
};

// Each element's products are added in the order of k, whatever the sizes of the matrices.
void compute(const Product &product);

float load(const Matrix &matrix, size_t index);
void store(const Matrix &matrix, size_t index, float value);

} // namespace emu
