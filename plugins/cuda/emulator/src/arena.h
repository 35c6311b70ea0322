// Where things lie in an arena.
#pragma once

#include "emu/runtime.h"

namespace emu {

constexpr size_t PAGE = 4096;
constexpr size_t STACK_BYTES = size_t(128) << 10; // with its guard page
constexpr size_t SHARED_BYTES = size_t(256) << 10;
constexpr size_t SHARED_AT = size_t(4) << 20;     // in the arena, behind the Arena itself
constexpr size_t STACKS_AT = size_t(8) << 20;
constexpr size_t UNDERRUN_CANARY = 64;
static_assert(sizeof(Arena) <= SHARED_AT - PAGE, "the state lies before the shared memory");
static_assert(STACKS_AT + MAX_THREADS * STACK_BYTES <= ARENA_BYTES, "all stacks fit");

inline unsigned char *base_of(Arena &a) { return reinterpret_cast<unsigned char *>(&a); }

// Makes pages inaccessible.
void protect(void *pages, size_t bytes);

} // namespace emu
