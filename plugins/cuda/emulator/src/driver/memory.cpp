#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emu/runtime.h"

namespace emu {

namespace {

constexpr size_t PAGE = 4096;
constexpr size_t GRAIN = 256; // as on a device: the alignment of what cuMemAlloc returns
constexpr size_t PATTERN_BYTES = size_t(16) << 20;

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

// A file of poison. Large allocations are private views of it, so that the host's memory goes only into the
// pages that are written.
int pattern_file() {
    static const int file = [] {
        const int fd = memfd_create("kobench-emulator", MFD_CLOEXEC);
        void *p = MAP_FAILED;
        if (fd >= 0 && ftruncate(fd, PATTERN_BYTES) == 0)
            p = mmap(nullptr, PATTERN_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED) {
            perror("emulated device: memfd");
            abort();
        }
        fill_poison(p, PATTERN_BYTES);
        munmap(p, PATTERN_BYTES);
        return fd;
    }();
    return file;
}

bool map_data(unsigned char *at, size_t bytes) {
    const int access = PROT_READ | PROT_WRITE;
    if (bytes <= PATTERN_BYTES) {
        if (mprotect(at, bytes, access) != 0) return false;
        fill_poison(at, bytes);
        return true;
    }
    for (size_t done = 0; done < bytes; done += PATTERN_BYTES) {
        const size_t part = bytes - done < PATTERN_BYTES ? bytes - done : PATTERN_BYTES;
        const int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
        if (mmap(at + done, part, access, flags, pattern_file(), 0) == MAP_FAILED) return false;
    }
    return true;
}

bool poisoned(const unsigned char *from, const unsigned char *to) {
    for (; from < to; ++from) {
        const unsigned expected = (reinterpret_cast<uintptr_t>(from) & 1) != 0 ? POISON >> 8 : POISON & 0xff;
        if (*from != expected) return false;
    }
    return true;
}

} // namespace

CUresult Memory::allocate(size_t bytes, CUdeviceptr *address) {
    if (address == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (bytes > capacity_ || round_up(bytes, GRAIN) > capacity_ - used_) return CUDA_ERROR_OUT_OF_MEMORY;
    Allocation a;
    a.bytes = bytes;
    a.rounded = round_up(bytes, GRAIN);
    const size_t data = round_up(a.rounded, PAGE);
    a.map_bytes = data + 2 * PAGE;
    void *map = mmap(nullptr, a.map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    a.map = static_cast<unsigned char *>(map);
    if (!map_data(a.map + PAGE, data)) {
        munmap(map, a.map_bytes);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    // The end touches the guard; before the start there may be some bytes of the first page.
    *address = reinterpret_cast<CUdeviceptr>(a.map + PAGE + data - a.rounded);
    used_ += a.rounded;
    all_.emplace(*address, a);
    return CUDA_SUCCESS;
}

void Memory::check_and_unmap(CUdeviceptr address, const Allocation &a) {
    const unsigned char *start = reinterpret_cast<const unsigned char *>(address);
    if (!poisoned(start + a.bytes, start + a.rounded) || !poisoned(a.map + PAGE, start)) {
        fprintf(stderr, "emulated device: something wrote just outside of an allocation of %zu bytes\n", a.bytes);
        abort();
    }
    munmap(a.map, a.map_bytes);
}

CUresult Memory::free(CUdeviceptr address) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = all_.find(address);
    if (found == all_.end()) return CUDA_ERROR_INVALID_VALUE;
    used_ -= found->second.rounded;
    check_and_unmap(address, found->second);
    all_.erase(found);
    return CUDA_SUCCESS;
}

void Memory::free_all() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto &[address, allocation] : all_) check_and_unmap(address, allocation);
    all_.clear();
    used_ = 0;
}

bool Memory::find(CUdeviceptr address, CUdeviceptr *start, size_t *bytes) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto after = all_.upper_bound(address);
    if (after == all_.begin()) return false;
    --after;
    if (address - after->first >= after->second.rounded) return false;
    if (start != nullptr) *start = after->first;
    if (bytes != nullptr) *bytes = after->second.bytes;
    return true;
}

bool Memory::holds(CUdeviceptr address, size_t bytes) const {
    CUdeviceptr start = 0;
    size_t all = 0;
    if (!find(address, &start, &all)) return false;
    const size_t before = static_cast<size_t>(address - start);
    return before <= all && bytes <= all - before;
}

size_t Memory::used() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return used_;
}

} // namespace emu
