// What a kernel file gets in place of the CUDA headers when it is compiled for the host with KOBENCH_EMULATED:
// the language's qualifiers as macros, and the names of the CUDA runtime that the kernels use.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>
#include <utility>

#include "emu/vectors.h"

#include "emu/bfloat16.h"

#include "emu/runtime.h"

#include "emu/launch.h"

#include "emu/atomics.h"
#include "emu/device_math.h"
#include "emu/warp.h"

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
// Empty, because the C++ library writes __attribute__((__noinline__)).
#define __noinline__
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__
// A block runs on one thread of the host, and no two blocks on the same one at a time.
#define __shared__ static thread_local

#define threadIdx (::emu::arena().current->index)
#define blockIdx (::emu::arena().block_index)
#define blockDim (::emu::arena().block_dim)
#define gridDim (::emu::arena().grid_dim)
constexpr int warpSize = 32;

// Shared memory whose size the launch says.
#define KB_SHARED(type, name) type *name = reinterpret_cast<type *>(::emu::arena().shared)

// Makes a kernel known by its name.
#define KB_EXPORT(name) \
    [[maybe_unused]] static const ::emu::Registrar emu_registrar_##name(#name, name)
