// Which products the library can compute.
#pragma once

#include "cublaslt.h"
#include "product.h"

namespace emu {

// Translates descriptors; addresses of matrices and scalars are left out. NOT_SUPPORTED stands for what the
// real library is documented to refuse, INVALID_VALUE for what contradicts itself.
cublasStatus_t describe(const MatmulDesc &desc, const MatrixLayout &a, const MatrixLayout &b, const MatrixLayout &c,
                        const MatrixLayout &d, Product &product);

} // namespace emu
