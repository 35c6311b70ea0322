// Memory of the device and of the host, copies and fills.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <map>

#include "emu/runtime.h"
#include "state.h"

using namespace emu;

namespace {

CUresult outside(const char *what, CUdeviceptr address, size_t bytes) {
    fprintf(stderr, "emulated device: %s of %zu bytes at 0x%llx is not within one allocation\n", what, bytes, address);
    return CUDA_ERROR_INVALID_VALUE;
}

void *host(CUdeviceptr address) { return reinterpret_cast<void *>(address); }

// Copies and fills that the host waits for are not allowed while something is being captured.
CUresult now(const Operation &operation) {
    EMU_CHECK(check_not_capturing());
    return submit_to(nullptr, operation);
}

CUresult check_device(const char *what, CUdeviceptr address, size_t bytes) {
    return holder(address, bytes) != nullptr ? CUDA_SUCCESS : outside(what, address, bytes);
}

std::mutex host_mutex;
std::map<void *, size_t> &host_allocations() {
    static auto *all = new std::map<void *, size_t>;
    return *all;
}

} // namespace

EMU_API CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    EMU_CHECK(check_not_capturing());
    return c->memory.allocate(bytes, address);
}

EMU_API CUresult cuMemFree_v2(CUdeviceptr address) {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    EMU_CHECK(check_not_capturing());
    if (address == 0) return CUDA_SUCCESS;
    Context *of = holder(address, 0);
    return of == nullptr ? CUDA_ERROR_INVALID_VALUE : of->memory.free(address);
}

// Allocations in a graph are not emulated: in a capture they are refused.
EMU_API CUresult cuMemAllocAsync(CUdeviceptr *address, size_t bytes, CUstream handle) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    if (t.stream->capture) {
        invalidate(*t.stream);
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    return t.context->memory.allocate(bytes, address);
}
EMU_API CUresult cuMemAllocFromPoolAsync(CUdeviceptr *address, size_t bytes, CUmemoryPool, CUstream handle) {
    return cuMemAllocAsync(address, bytes, handle);
}

EMU_API CUresult cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    if (t.stream->capture) {
        invalidate(*t.stream);
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    Context *of = holder(address, 0);
    return of == nullptr ? CUDA_ERROR_INVALID_VALUE : of->memory.free(address);
}

EMU_API CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    *total = c->memory.capacity();
    *free_bytes = c->memory.capacity() - c->memory.used();
    return CUDA_SUCCESS;
}

EMU_API CUresult cuMemGetAddressRange_v2(CUdeviceptr *start, size_t *bytes, CUdeviceptr address) {
    for (Context *c : devices())
        if (c->memory.find(address, start, bytes)) return CUDA_SUCCESS;
    return CUDA_ERROR_NOT_FOUND;
}

EMU_API CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    EMU_CHECK(check_not_capturing());
    if (address == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    *address = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    if (*address == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
    fill_poison(*address, bytes);
    const std::lock_guard<std::mutex> lock(host_mutex);
    host_allocations()[*address] = bytes;
    return CUDA_SUCCESS;
}
EMU_API CUresult cuMemAllocHost_v2(void **address, size_t bytes) { return cuMemHostAlloc(address, bytes, 0); }

EMU_API CUresult cuMemFreeHost(void *address) {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    EMU_CHECK(check_not_capturing());
    const std::lock_guard<std::mutex> lock(host_mutex);
    if (host_allocations().erase(address) == 0) return CUDA_ERROR_INVALID_VALUE;
    free(address);
    return CUDA_SUCCESS;
}

EMU_API CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *device_address, void *address, unsigned) {
    *device_address = reinterpret_cast<CUdeviceptr>(address);
    return CUDA_SUCCESS;
}
EMU_API CUresult cuMemHostRegister_v2(void *, size_t, unsigned) { return CUDA_SUCCESS; }
EMU_API CUresult cuMemHostUnregister(void *) { return CUDA_SUCCESS; }

EMU_API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
    EMU_CHECK(target(stream).result);
    EMU_CHECK(check_device("a copy to the device", to, bytes));
    return submit_to(stream, [=] { memcpy(host(to), from, bytes); });
}
EMU_API CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
    EMU_CHECK(target(stream).result);
    EMU_CHECK(check_device("a copy from the device", from, bytes));
    return submit_to(stream, [=] { memcpy(to, host(from), bytes); });
}
EMU_API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    EMU_CHECK(target(stream).result);
    EMU_CHECK(check_device("a copy to the device", to, bytes));
    EMU_CHECK(check_device("a copy from the device", from, bytes));
    return submit_to(stream, [=] { memmove(host(to), host(from), bytes); });
}
EMU_API CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return submit_to(stream, [=] { memmove(host(to), host(from), bytes); });
}
EMU_API CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes,
                                   CUstream stream) {
    return cuMemcpyDtoDAsync_v2(to, from, bytes, stream);
}

EMU_API CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
    EMU_CHECK(target(nullptr).result);
    EMU_CHECK(check_device("a copy to the device", to, bytes));
    return now([=] { memcpy(host(to), from, bytes); });
}
EMU_API CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
    EMU_CHECK(target(nullptr).result);
    EMU_CHECK(check_device("a copy from the device", from, bytes));
    return now([=] { memcpy(to, host(from), bytes); });
}
EMU_API CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    EMU_CHECK(target(nullptr).result);
    EMU_CHECK(check_device("a copy to the device", to, bytes));
    EMU_CHECK(check_device("a copy from the device", from, bytes));
    return now([=] { memmove(host(to), host(from), bytes); });
}
EMU_API CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    return now([=] { memmove(host(to), host(from), bytes); });
}

EMU_API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
    EMU_CHECK(target(stream).result);
    EMU_CHECK(check_device("a fill", to, count));
    return submit_to(stream, [=] { memset(host(to), value, count); });
}
EMU_API CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
    EMU_CHECK(target(stream).result);
    if (to % 4 != 0) return CUDA_ERROR_INVALID_VALUE;
    EMU_CHECK(check_device("a fill", to, 4 * count));
    return submit_to(stream, [=] {
        for (size_t i = 0; i < count; ++i) static_cast<unsigned *>(host(to))[i] = value;
    });
}
EMU_API CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
    EMU_CHECK(check_not_capturing());
    return cuMemsetD8Async(to, value, count, nullptr);
}
EMU_API CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
    EMU_CHECK(check_not_capturing());
    return cuMemsetD32Async(to, value, count, nullptr);
}

// There is one pool a device, which takes nothing in advance.
EMU_API CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice d) {
    if (device(d) == nullptr) return CUDA_ERROR_INVALID_DEVICE;
    *pool = &device(d)->pool;
    return CUDA_SUCCESS;
}
EMU_API CUresult cuDeviceGetMemPool(CUmemoryPool *pool, CUdevice d) { return cuDeviceGetDefaultMemPool(pool, d); }
EMU_API CUresult cuDeviceSetMemPool(CUdevice, CUmemoryPool) { return CUDA_SUCCESS; }
EMU_API CUresult cuMemPoolTrimTo(CUmemoryPool, size_t) { return CUDA_SUCCESS; }

EMU_API CUresult cuMemPoolGetAttribute(CUmemoryPool pool, int attribute, void *value) {
    if (pool == nullptr || value == nullptr) return CUDA_ERROR_INVALID_VALUE;
    if (attribute >= 1 && attribute <= 3) {
        *static_cast<int *>(value) = 1;
        return CUDA_SUCCESS;
    }
    if (attribute < 4 || attribute > 8) return CUDA_ERROR_INVALID_VALUE;
    *static_cast<uint64_t *>(value) = attribute == 4 ? pool->release_threshold : pool->context->memory.used();
    return CUDA_SUCCESS;
}
EMU_API CUresult cuMemPoolSetAttribute(CUmemoryPool pool, int attribute, void *value) {
    if (pool == nullptr || value == nullptr || attribute < 1 || attribute > 8) return CUDA_ERROR_INVALID_VALUE;
    if (attribute == 4) pool->release_threshold = *static_cast<uint64_t *>(value);
    return CUDA_SUCCESS;
}
