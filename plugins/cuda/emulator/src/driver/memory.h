// The memory of a device: pages of the host, with guards around each allocation.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <map>
#include <mutex>

#include "cuda.h"

namespace emu {

class Memory {
  public:
    explicit Memory(size_t capacity) : capacity_(capacity) {}

    CUresult allocate(size_t bytes, CUdeviceptr *address);
    CUresult free(CUdeviceptr address);
    void free_all();
    // Whether the bytes lie in one allocation.
    bool holds(CUdeviceptr address, size_t bytes) const;
    // The allocation that the address is in.
    bool find(CUdeviceptr address, CUdeviceptr *start, size_t *bytes) const;
    size_t capacity() const { return capacity_; }
    size_t used() const;

  private:
    struct Allocation {
        unsigned char *map;
        size_t map_bytes;
        size_t bytes;   // as asked for
        size_t rounded; // what it takes
    };
    static void check_and_unmap(CUdeviceptr address, const Allocation &a);

    mutable std::mutex mutex_;
    std::map<CUdeviceptr, Allocation> all_;
    size_t used_ = 0;
    const size_t capacity_;
};

} // namespace emu
