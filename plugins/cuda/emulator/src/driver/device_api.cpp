// Devices, contexts and errors.
#include <stdio.h>
#include <string.h>

#include <map>

#include "../facts.h"
#include "state.h"

using namespace emu;

namespace {

// As an H200 has it, except for what a test should see little of.
int attribute_of(int attribute, const Context &c) {
    static const std::map<int, int> all = {
        {1, 1024},                  // threads a block
        {2, 1024},                  // block x
        {3, 1024},                  // block y
        {4, 64},                    // block z
        {5, 0x7fffffff},            // grid x
        {6, 65535},                 // grid y
        {7, 65535},                 // grid z
        {8, 48 << 10},              // shared memory a block
        {9, 64 << 10},              // constant memory
        {10, 32},                   // warp
        {12, 65536},                // registers a block
        {13, 1980000},              // clock, kHz
        {19, 1},                    // can map host memory
        {31, 1},                    // concurrent kernels
        {34, 0},                    // PCI device
        {36, 3201000},              // memory clock, kHz
        {37, 6144},                 // memory bus, bits
        {38, 50 << 20},             // L2 cache
        {39, 2048},                 // threads a multiprocessor
        {40, 3},                    // copy engines
        {41, 1},                    // unified addresses
        {50, 0},                    // PCI domain
        {75, 9},                    // compute capability
        {76, 0},
        {78, 1},                    // stream priorities
        {81, 228 << 10},            // shared memory a multiprocessor
        {82, 65536},                // registers a multiprocessor
        {95, 0},                    // cooperative launches: blocks do not run at the same time
        {97, 227 << 10},            // shared memory a block at most
        {106, 32},                  // blocks a multiprocessor
        {111, 1 << 10},             // shared memory that a block has beside its own
        {115, 1},                   // memory pools
    };
    // Few, so that loops over a grid go round more than once with the sizes of tests.
    if (attribute == 16) return static_cast<int>(environment("KOBENCH_EMU_MULTIPROCESSORS", 4));
    if (attribute == 33) return pci_bus(c.index);
    const auto found = all.find(attribute);
    return found == all.end() ? 0 : found->second;
}

} // namespace

EMU_API CUresult cuInit(unsigned flags) {
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    initialize();
    return devices().empty() ? CUDA_ERROR_NO_DEVICE : CUDA_SUCCESS;
}

EMU_API CUresult cuDriverGetVersion(int *version) {
    if (version == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *version = static_cast<int>(environment("KOBENCH_EMU_DRIVER", 13000));
    return CUDA_SUCCESS;
}

EMU_API CUresult cuGetErrorName(CUresult error, const char **text) {
    *text = nullptr;
    switch (error) {
#define EMU_RESULT(number, name, words) \
    case name:                          \
        *text = #name;                  \
        break;
        EMU_RESULTS(EMU_RESULT)
#undef EMU_RESULT
    }
    return *text == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EMU_API CUresult cuGetErrorString(CUresult error, const char **text) {
    *text = nullptr;
    switch (error) {
#define EMU_RESULT(number, name, words) \
    case name:                          \
        *text = words;                  \
        break;
        EMU_RESULTS(EMU_RESULT)
#undef EMU_RESULT
    }
    return *text == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EMU_API CUresult cuDeviceGetCount(int *count) {
    if (!initialized()) return CUDA_ERROR_NOT_INITIALIZED;
    *count = static_cast<int>(devices().size());
    return CUDA_SUCCESS;
}

EMU_API CUresult cuDeviceGet(CUdevice *d, int ordinal) {
    if (!initialized()) return CUDA_ERROR_NOT_INITIALIZED;
    if (device(ordinal) == nullptr) return CUDA_ERROR_INVALID_DEVICE;
    *d = ordinal;
    return CUDA_SUCCESS;
}

EMU_API CUresult cuDeviceGetName(char *name, int length, CUdevice d) {
    if (device(d) == nullptr) return CUDA_ERROR_INVALID_DEVICE;
    if (name == nullptr || length <= 0) return CUDA_ERROR_INVALID_VALUE;
    snprintf(name, static_cast<size_t>(length), "%s", device_name().c_str());
    return CUDA_SUCCESS;
}

EMU_API CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice d) {
    if (!initialized()) return CUDA_ERROR_NOT_INITIALIZED;
    if (device(d) == nullptr) return CUDA_ERROR_INVALID_DEVICE;
    if (value == nullptr || attribute <= 0 || attribute > 200) return CUDA_ERROR_INVALID_VALUE;
    *value = attribute_of(attribute, *device(d));
    return CUDA_SUCCESS;
}

EMU_API CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice d) {
    if (device(d) == nullptr) return CUDA_ERROR_INVALID_DEVICE;
    *bytes = device(d)->memory.capacity();
    return CUDA_SUCCESS;
}

EMU_API CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice d) {
    if (device(d) == nullptr) return CUDA_ERROR_INVALID_DEVICE;
    device_uuid(device(d)->index, uuid->bytes);
    return CUDA_SUCCESS;
}
EMU_API CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice d) { return cuDeviceGetUuid_v2(uuid, d); }

EMU_API CUresult cuDeviceGetPCIBusId(char *text, int length, CUdevice d) {
    if (device(d) == nullptr) return CUDA_ERROR_INVALID_DEVICE;
    if (text == nullptr || length < 13) return CUDA_ERROR_INVALID_VALUE;
    snprintf(text, static_cast<size_t>(length), "0000:%02x:00.0", static_cast<unsigned>(pci_bus(device(d)->index)));
    return CUDA_SUCCESS;
}

EMU_API CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice d) {
    if (!initialized()) return CUDA_ERROR_NOT_INITIALIZED;
    if (device(d) == nullptr) return CUDA_ERROR_INVALID_DEVICE;
    *context = device(d);
    ++device(d)->users;
    return CUDA_SUCCESS;
}

// With its last user the context goes, and all of its memory.
EMU_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice d) {
    Context *c = device(d);
    if (c == nullptr) return CUDA_ERROR_INVALID_DEVICE;
    const int before = c->users.fetch_sub(1);
    if (before <= 0) {
        ++c->users;
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    if (before == 1) c->memory.free_all();
    return CUDA_SUCCESS;
}

EMU_API CUresult cuDevicePrimaryCtxReset_v2(CUdevice d) {
    if (device(d) == nullptr) return CUDA_ERROR_INVALID_DEVICE;
    device(d)->memory.free_all();
    return CUDA_SUCCESS;
}

EMU_API CUresult cuDevicePrimaryCtxGetState(CUdevice d, unsigned *flags, int *active) {
    if (device(d) == nullptr) return CUDA_ERROR_INVALID_DEVICE;
    *flags = 0;
    *active = device(d)->users.load() > 0;
    return CUDA_SUCCESS;
}

EMU_API CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice d, unsigned) {
    return device(d) == nullptr ? CUDA_ERROR_INVALID_DEVICE : CUDA_SUCCESS;
}

EMU_API CUresult cuCtxSetCurrent(CUcontext context) {
    if (!initialized()) return CUDA_ERROR_NOT_INITIALIZED;
    set_current(context);
    return CUDA_SUCCESS;
}

EMU_API CUresult cuCtxGetCurrent(CUcontext *context) {
    if (!initialized()) return CUDA_ERROR_NOT_INITIALIZED;
    *context = nullptr;
    current(context);
    return CUDA_SUCCESS;
}

EMU_API CUresult cuCtxGetDevice(CUdevice *d) {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    for (size_t i = 0; i < devices().size(); ++i)
        if (devices()[i] == c) *d = static_cast<CUdevice>(i);
    return CUDA_SUCCESS;
}

EMU_API CUresult cuCtxSynchronize() {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    return check_not_capturing();
}

EMU_API CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    *least = 0;
    *greatest = -5;
    return CUDA_SUCCESS;
}

EMU_API CUresult cuCtxGetLimit(size_t *value, int) {
    *value = 1024;
    return CUDA_SUCCESS;
}
EMU_API CUresult cuCtxSetLimit(int, size_t) { return CUDA_SUCCESS; }
EMU_API CUresult cuCtxGetCacheConfig(int *value) {
    *value = 0;
    return CUDA_SUCCESS;
}
EMU_API CUresult cuCtxSetCacheConfig(int) { return CUDA_SUCCESS; }
EMU_API CUresult cuCtxSetFlags(unsigned) { return CUDA_SUCCESS; }
EMU_API CUresult cuProfilerStart() { return CUDA_SUCCESS; }
EMU_API CUresult cuProfilerStop() { return CUDA_SUCCESS; }

// For the management library: how much of a device's memory this process uses.
EMU_API size_t kobench_emu_used_memory(int index) {
    for (const Context *c : devices())
        if (c->index == index) return c->memory.used();
    return 0;
}
