// Modules, functions and launches. A module's image is not looked at: all kernels are in this library.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <string>

#include "emu/launch.h"
#include "state.h"

namespace emu {
struct Module {};
struct Function {
    const Kernel *kernel;
    std::atomic<int> dynamic_shared; // that a launch may ask for
};
} // namespace emu

using namespace emu;

namespace {

constexpr int USUAL_SHARED = 48 << 10, MOST_SHARED = 227 << 10;

Function *function_of(const Kernel *kernel) {
    static std::mutex mutex;
    static auto *all = new std::map<const Kernel *, Function *>;
    const std::lock_guard<std::mutex> lock(mutex);
    Function *&function = (*all)[kernel];
    if (function == nullptr) function = new Function{kernel, {USUAL_SHARED}};
    return function;
}

bool tracing() {
    static const bool on = getenv("KOBENCH_EMU_TRACE") != nullptr;
    return on;
}

CUresult refuse(const Function *function, const char *why) {
    fprintf(stderr, "emulated device: the launch of %s is refused: %s\n", function->kernel->name, why);
    return CUDA_ERROR_INVALID_VALUE;
}

CUresult check(const Function *f, dim3 grid, dim3 block, unsigned shared, void **arguments) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return refuse(f, "the grid is empty");
    if (grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) return refuse(f, "the grid is too large");
    if (block.x == 0 || block.y == 0 || block.z == 0) return refuse(f, "the block is empty");
    if (block.x > 1024 || block.y > 1024 || block.z > 64 || block.x * block.y * block.z > 1024)
        return refuse(f, "the block has too many threads");
    if (shared > static_cast<unsigned>(f->dynamic_shared.load()))
        return refuse(f, "more shared memory than cuFuncSetAttribute has allowed");
    if (f->kernel->parameter_count > 0 && arguments == nullptr) return refuse(f, "it has no arguments");
    for (size_t i = 0; i < f->kernel->parameter_count; ++i)
        if (arguments[i] == nullptr) return refuse(f, "an argument is missing");
    return CUDA_SUCCESS;
}

} // namespace

EMU_API CUresult cuModuleLoadData(CUmodule *module, const void *image) {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    if (module == nullptr || image == nullptr) return CUDA_ERROR_INVALID_VALUE;
    // A device may have to synchronise for it.
    EMU_CHECK(check_not_capturing());
    *module = new Module;
    return CUDA_SUCCESS;
}
EMU_API CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned, int *, void **) {
    return cuModuleLoadData(module, image);
}
EMU_API CUresult cuModuleLoadFatBinary(CUmodule *module, const void *image) { return cuModuleLoadData(module, image); }
EMU_API CUresult cuModuleLoad(CUmodule *module, const char *path) {
    FILE *file = path == nullptr ? nullptr : fopen(path, "rb");
    if (file == nullptr) return CUDA_ERROR_FILE_NOT_FOUND;
    fclose(file);
    return cuModuleLoadData(module, path);
}

EMU_API CUresult cuModuleUnload(CUmodule module) {
    if (module == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    delete module;
    return CUDA_SUCCESS;
}

EMU_API CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    if (function == nullptr || name == nullptr) return CUDA_ERROR_INVALID_VALUE;
    if (module == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    const Kernel *kernel = find_kernel(name);
    if (kernel == nullptr) return CUDA_ERROR_NOT_FOUND;
    *function = function_of(kernel);
    return CUDA_SUCCESS;
}
EMU_API CUresult cuModuleGetGlobal_v2(CUdeviceptr *, size_t *, CUmodule, const char *) { return CUDA_ERROR_NOT_FOUND; }

EMU_API CUresult cuFuncSetAttribute(CUfunction f, int attribute, int value) {
    if (f == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    if (attribute == 9) return value >= -1 && value <= 100 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    if (attribute != 8 || value < 0 || value > MOST_SHARED) return CUDA_ERROR_INVALID_VALUE;
    f->dynamic_shared = value;
    return CUDA_SUCCESS;
}

// Registers, static shared memory and the like are not known here.
EMU_API CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction f) {
    if (f == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    switch (attribute) {
    case 0: *value = 1024; break;
    case 4: *value = 32; break;
    case 5:
    case 6: *value = 90; break;
    case 8: *value = f->dynamic_shared; break;
    case 9: *value = -1; break;
    default: *value = 0;
    }
    return CUDA_SUCCESS;
}
EMU_API CUresult cuFuncSetCacheConfig(CUfunction, int) { return CUDA_SUCCESS; }
EMU_API CUresult cuFuncGetName(const char **name, CUfunction f) {
    if (f == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    *name = f->kernel->name;
    return CUDA_SUCCESS;
}

EMU_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction f, int threads,
                                                                      size_t shared, unsigned) {
    if (f == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    if (threads <= 0) return CUDA_ERROR_INVALID_VALUE;
    const size_t by_threads = 2048 / (static_cast<size_t>(threads + 31) / 32 * 32);
    const size_t by_memory = (size_t(228) << 10) / (shared + 1024);
    *blocks = threads > 1024 || shared > static_cast<size_t>(f->dynamic_shared.load())
                  ? 0
                  : static_cast<int>(std::min({by_threads, by_memory, size_t(32)}));
    return CUDA_SUCCESS;
}
EMU_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction f, int threads, size_t shared) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, f, threads, shared, 0);
}

EMU_API CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                unsigned bz, unsigned shared, CUstream handle, void **arguments, void **extra) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    if (f == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    if (extra != nullptr) return CUDA_ERROR_NOT_SUPPORTED;
    const dim3 grid(gx, gy, gz), block(bx, by, bz);
    EMU_CHECK(check(f, grid, block, shared, arguments));
    // The arguments are those of this moment, also for a graph that is launched later.
    struct alignas(16) Piece {
        unsigned char bytes[16];
    };
    std::vector<Piece> packed(f->kernel->argument_bytes / sizeof(Piece) + 1);
    unsigned char *bytes = packed.data()->bytes;
    for (size_t i = 0; i < f->kernel->parameter_count; ++i) {
        const Parameter &p = f->kernel->parameters[i];
        memcpy(bytes + p.offset, arguments[i], p.size);
    }
    return submit(*t.stream, [=, packed = std::move(packed)] {
        if (tracing())
            fprintf(stderr, "emulated device: %s, %u x %u x %u blocks of %u x %u x %u, %u bytes\n", f->kernel->name,
                    gx, gy, gz, bx, by, bz, shared);
        run({f->kernel, packed.data()->bytes, grid, block, shared});
    });
}

// Attributes are hints, except for clusters and cooperative launches, which are not emulated.
EMU_API CUresult cuLaunchKernelEx(const CUlaunchConfig *c, CUfunction f, void **arguments, void **extra) {
    if (c == nullptr) return CUDA_ERROR_INVALID_VALUE;
    for (unsigned i = 0; i < c->numAttrs; ++i)
        if (c->attrs[i].id == 2 || c->attrs[i].id == 4) return CUDA_ERROR_NOT_SUPPORTED;
    return cuLaunchKernel(f, c->gridDimX, c->gridDimY, c->gridDimZ, c->blockDimX, c->blockDimY, c->blockDimZ,
                          c->sharedMemBytes, c->hStream, arguments, extra);
}
