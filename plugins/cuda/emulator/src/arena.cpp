// Arenas: made when they are first needed, and kept.
#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace emu {

void protect(void *pages, size_t bytes) {
    if (mprotect(pages, bytes, PROT_NONE) != 0) {
        perror("emulated device: mprotect");
        abort();
    }
}

namespace {

Arena *make_arena() {
    // Twice the size, to find an aligned region in it; the rest is given back.
    const size_t all = 2 * ARENA_BYTES;
    void *raw = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) {
        perror("emulated device: mmap");
        abort();
    }
    const uintptr_t start = reinterpret_cast<uintptr_t>(raw);
    const uintptr_t aligned = (start + ARENA_BYTES - 1) & ~(ARENA_BYTES - 1);
    if (aligned > start) munmap(raw, aligned - start);
    const uintptr_t end = aligned + ARENA_BYTES;
    if (start + all > end) munmap(reinterpret_cast<void *>(end), start + all - end);
    Arena *a = reinterpret_cast<Arena *>(aligned);
    // Huge pages would make every stack cost 2 MiB.
    madvise(a, ARENA_BYTES, MADV_NOHUGEPAGE);
    a->shared_end = base_of(*a) + SHARED_AT + SHARED_BYTES;
    protect(base_of(*a) + SHARED_AT - PAGE, PAGE);
    protect(a->shared_end, PAGE);
    return a;
}

std::mutex pool_mutex;
std::vector<Arena *> &pool() {
    static std::vector<Arena *> *arenas = new std::vector<Arena *>;
    return *arenas;
}

} // namespace

Arena *take_arena() {
    {
        const std::lock_guard<std::mutex> lock(pool_mutex);
        if (!pool().empty()) {
            Arena *a = pool().back();
            pool().pop_back();
            return a;
        }
    }
    return make_arena();
}

void give_back(Arena *arena) {
    const std::lock_guard<std::mutex> lock(pool_mutex);
    pool().push_back(arena);
}

void fill_poison(void *memory, size_t bytes) {
    std::fill_n(static_cast<uint16_t *>(memory), bytes / sizeof POISON, POISON);
}

} // namespace emu
