// The state of a running block. All of it, and the stacks of the block's fibers, lies in one aligned region
// of the address space (an arena), so that a kernel finds it by masking its stack pointer: no thread-local
// variable has to be looked up for threadIdx.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "vectors.h"

#if !defined(__x86_64__) || defined(KOBENCH_EMU_UCONTEXT)
#define EMU_UCONTEXT
#include <ucontext.h>
#endif

namespace emu {

constexpr unsigned MAX_THREADS = 1024;
constexpr unsigned LANES = 32;
constexpr size_t ARENA_BYTES = size_t(256) << 20;
// As fills fresh memory: every 2, 4 or 8 aligned bytes of it are a NaN, and as an index it is out of bounds.
constexpr uint16_t POISON = 0x7ff7;

#ifndef EMU_UCONTEXT
struct Continuation {
    void *sp;
};
#else
typedef ucontext_t Continuation;
#endif

struct Thread {
    uint3 index;
    uint16_t linear;
    bool started;
    uint16_t slot; // of its stack, once started
    Continuation continuation;
};

struct Warp;

// An operation that all lanes of a mask take part in: `run` is called once, when the last of them has come.
struct WarpOp {
    const char *name;
    void (*run)(Warp &warp, uint32_t lanes);
};

// The sets of lanes are disjoint; a lane in none of them is the one that runs.
struct Warp {
    uint32_t ready;      // can run (or start)
    uint32_t exited;     // has returned, or never was
    uint32_t at_barrier; // waits at __syncthreads
    uint32_t waiting;    // waits in a warp operation, of which the rest tells
    uint32_t mask[LANES];
    const WarpOp *op[LANES];
    uint64_t value[LANES];  // what the lane gave, then what it gets
    uint32_t source[LANES]; // for shuffles: the lane to read from
    const void *in[LANES];  // for collectives
    void *out[LANES];
};

struct Launch;

struct Arena {
    Thread *current;
    uint3 block_index;
    dim3 block_dim, grid_dim;
    unsigned char *shared; // dynamic shared memory; its end touches a guard page
    const Launch *launch;

    uint32_t ready_warps;
    uint32_t current_warp;
    uint32_t live;    // threads that have not returned
    uint32_t arrived; // of them, those at the barrier
    int vote_or, vote_and, vote_count;                      // of the threads that have arrived
    int result_or, result_and, result_count;                // of the barrier that was passed last
    uint64_t random;  // 0: forward, 1: reverse, else the state of the generator that picks
    Continuation host;     // what started the block
    unsigned char *shared_end;
    uint32_t free_slots;
    uint32_t made_slots;
    uint16_t free_slot[MAX_THREADS];
    Warp warps[MAX_THREADS / LANES];
    Thread threads[MAX_THREADS];
};

// The arena of the caller, which must be a fiber.
inline Arena &arena() {
    uintptr_t sp;
#ifndef EMU_UCONTEXT
    // Not volatile: any stack pointer of the fiber gives the same arena.
    asm("movq %%rsp, %0" : "=r"(sp));
#else
    sp = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
#endif
    return *reinterpret_cast<Arena *>(sp & ~(ARENA_BYTES - 1));
}

// An arena from the pool, and back.
Arena *take_arena();
void give_back(Arena *arena);

// Runs one block to its end.
void run_block(Arena &arena, const Launch &launch, uint3 block_index, uint64_t random);

// The calling thread waits for the other threads of its block; the votes are those of __syncthreads_or etc.
void block_barrier(int vote);

// The calling lane waits for the other lanes of the mask. Its slots in the warp have been filled.
void warp_wait(Warp &warp, uint32_t lane, uint32_t mask, const WarpOp &op);

// Ends the process with a message that says which thread of which block failed.
[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

void fill_poison(void *memory, size_t bytes);

} // namespace emu
