// Fibers, and the switch between them. A fiber runs a thread of the block until it has to
// wait, and then hands over to another; one that returns goes on with the next thread that has not started,
// on the same stack, so that a kernel without barriers needs one fiber and no switch.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>

#include "arena.h"
#include "emu/launch.h"
#include "emu/runtime.h"

namespace emu {

namespace {

unsigned char *stack_of(Arena &a, uint16_t slot) { return base_of(a) + STACKS_AT + slot * STACK_BYTES; }

uint16_t take_slot(Arena &a) {
    if (a.free_slots > 0) return a.free_slot[--a.free_slots];
    const uint16_t slot = static_cast<uint16_t>(a.made_slots++);
    protect(stack_of(a, slot), PAGE);
    return slot;
}

void fiber_main();

#ifndef EMU_UCONTEXT

// Saves what a call keeps (rbx, rbp, r12 to r15) on the stack, and goes on where the other stack was left.
// The jump instead of a return spares the processor's return predictor a certain miss.
extern "C" void emu_switch(void **save, void *load);
asm(R"(
.text
.p2align 4
.globl emu_switch
.hidden emu_switch
.type emu_switch, @function
emu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    popq %rcx
    jmp *%rcx
.size emu_switch, .-emu_switch
)");

void switch_to(Continuation &from, Continuation &to) { emu_switch(&from.sp, to.sp); }

void prepare(Arena &a, Thread &t) {
    // Stacks start at different cache lines: they are a power of two apart and would share a few sets.
    unsigned char *top = stack_of(a, t.slot) + STACK_BYTES - (t.slot * 448u) % 4096u / 64u * 64u;
    void **sp = reinterpret_cast<void **>(top);
    *--sp = nullptr; // where a return address would be, which aligns the stack as after a call
    *--sp = reinterpret_cast<void *>(fiber_main);
    for (int i = 0; i < 6; ++i) *--sp = nullptr;
    t.continuation.sp = sp;
}

#else

void switch_to(Continuation &from, Continuation &to) { swapcontext(&from, &to); }

void prepare(Arena &a, Thread &t) {
    getcontext(&t.continuation);
    t.continuation.uc_stack.ss_sp = stack_of(a, t.slot) + PAGE;
    t.continuation.uc_stack.ss_size = STACK_BYTES - PAGE;
    t.continuation.uc_link = nullptr;
    makecontext(&t.continuation, fiber_main, 0);
}

#endif

uint32_t lowest(uint32_t set) { return static_cast<uint32_t>(__builtin_ctz(set)); }
uint32_t highest(uint32_t set) { return 31 - static_cast<uint32_t>(__builtin_clz(set)); }

uint32_t any_of(uint32_t set, uint64_t &random) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    const uint32_t count = static_cast<uint32_t>(__builtin_popcount(set));
    for (uint32_t skip = static_cast<uint32_t>((random >> 32) * count >> 32); skip > 0; --skip) set &= set - 1;
    return lowest(set);
}

// The next thread to run, which is then no longer ready; null if none can. A warp runs until all of its
// threads wait, except in shuffled order.
Thread *pick(Arena &a) {
    if (a.ready_warps == 0) return nullptr;
    uint32_t w, lane;
    if (a.random > 1) {
        w = any_of(a.ready_warps, a.random);
        lane = any_of(a.warps[w].ready, a.random);
    } else {
        if (a.ready_warps >> a.current_warp & 1)
            w = a.current_warp;
        else
            w = a.random == 1 ? highest(a.ready_warps) : lowest(a.ready_warps);
        lane = a.random == 1 ? highest(a.warps[w].ready) : lowest(a.warps[w].ready);
    }
    Warp &warp = a.warps[w];
    a.current_warp = w;
    warp.ready &= ~(1u << lane);
    if (warp.ready == 0) a.ready_warps &= ~(1u << w);
    return &a.threads[w * LANES + lane];
}

void describe_thread(char *text, size_t size, const Arena &a, const Thread &t) {
    const dim3 b = a.block_dim;
    if (b.y == 1 && b.z == 1)
        snprintf(text, size, "%u", t.index.x);
    else
        snprintf(text, size, "(%u, %u, %u)", t.index.x, t.index.y, t.index.z);
}

void describe_block(const Arena &a) {
    fprintf(stderr, "emulated device: kernel %s, block (%u, %u, %u) of %u x %u x %u, %u x %u x %u threads: ",
            a.launch->kernel->name, a.block_index.x, a.block_index.y, a.block_index.z, a.grid_dim.x, a.grid_dim.y,
            a.grid_dim.z, a.block_dim.x, a.block_dim.y, a.block_dim.z);
}

[[noreturn]] void deadlock(const Arena &a) {
    describe_block(a);
    fprintf(stderr, "deadlock, no thread can run\n  %u of %u threads have returned, %u wait at __syncthreads\n",
            a.block_dim.x * a.block_dim.y * a.block_dim.z - a.live, a.block_dim.x * a.block_dim.y * a.block_dim.z,
            a.arrived);
    int lines = 0;
    for (uint32_t w = 0; w < MAX_THREADS / LANES; ++w) {
        const Warp &warp = a.warps[w];
        for (uint32_t lane = 0; lane < LANES && warp.waiting != 0; ++lane) {
            if (!(warp.waiting >> lane & 1) || lines++ >= 64) continue;
            const uint32_t mask = warp.mask[lane];
            char text[64];
            describe_thread(text, sizeof text, a, a.threads[w * LANES + lane]);
            fprintf(stderr,
                    "  thread %s (warp %u, lane %u) waits in %s with mask 0x%08x; lanes of it at __syncthreads: "
                    "0x%08x, waiting with other masks or operations: 0x%08x\n",
                    text, w, lane, warp.op[lane]->name, mask, mask & warp.at_barrier, [&] {
                        uint32_t other = 0;
                        for (uint32_t i = 0; i < LANES; ++i)
                            if ((mask & warp.waiting) >> i & 1)
                                if (warp.mask[i] != mask || warp.op[i] != warp.op[lane]) other |= 1u << i;
                        return other;
                    }());
        }
    }
    abort();
}

void start(Arena &a, Thread &t) {
    t.slot = take_slot(a);
    t.started = true;
    prepare(a, t);
}

// The running thread waits (something else has made a note of it) until it is picked again.
void suspend(Arena &a) {
    Thread &self = *a.current;
    Thread *next = pick(a);
    if (next == nullptr) deadlock(a);
    if (next == &self) return; // what it would have waited for has happened
    if (!next->started) start(a, *next);
    a.current = next;
    switch_to(self.continuation, next->continuation);
}

void make_ready(Arena &a, uint32_t w, uint32_t lanes) {
    a.warps[w].ready |= lanes;
    if (lanes != 0) a.ready_warps |= 1u << w;
}

// All threads that still run have come to the barrier: they may pass.
void pass_barrier(Arena &a) {
    for (uint32_t w = 0; w < MAX_THREADS / LANES; ++w) {
        if (a.warps[w].at_barrier == 0) continue;
        make_ready(a, w, a.warps[w].at_barrier);
        a.warps[w].at_barrier = 0;
    }
    a.arrived = 0;
    a.result_or = a.vote_or;
    a.result_and = a.vote_and;
    a.result_count = a.vote_count;
    a.vote_or = a.vote_count = 0;
    a.vote_and = 1;
}

// Runs the operation if all lanes of the mask that can come are there; these may then go on.
bool try_complete(Arena &a, uint32_t w, uint32_t lane) {
    Warp &warp = a.warps[w];
    const uint32_t mask = warp.mask[lane], lanes = mask & ~warp.exited;
    if ((warp.waiting & lanes) != lanes) return false;
    const WarpOp *op = warp.op[lane];
    for (uint32_t i = 0; i < LANES; ++i) {
        if (!(lanes >> i & 1) || (warp.mask[i] == mask && warp.op[i] == op)) continue;
        char text[64];
        describe_thread(text, sizeof text, a, a.threads[w * LANES + i]);
        fail("lanes of one mask are in different operations: lane %u in %s with mask 0x%08x, but lane %u (thread %s) "
             "in %s with mask 0x%08x",
             lane, op->name, mask, i, text, warp.op[i]->name, warp.mask[i]);
    }
    op->run(warp, lanes);
    warp.waiting &= ~lanes;
    make_ready(a, w, lanes);
    return true;
}

// The running thread has returned: what waited for it alone can go on.
void leave(Arena &a) {
    const uint32_t linear = a.current->linear, w = linear / LANES;
    Warp &warp = a.warps[w];
    warp.exited |= 1u << (linear % LANES);
    --a.live;
    for (uint32_t left = warp.waiting; left != 0; left &= left - 1) {
        const uint32_t lane = lowest(left);
        if ((warp.waiting >> lane & 1) && (warp.mask[lane] >> (linear % LANES) & 1)) try_complete(a, w, lane);
    }
    if (a.arrived > 0 && a.arrived == a.live) pass_barrier(a);
}

void fiber_main() {
    Arena &a = arena();
    for (;;) {
        const Launch &launch = *a.launch;
        launch.kernel->invoke(launch.kernel->function, launch.arguments);
        leave(a);
        Thread &self = *a.current;
        Thread *next = pick(a);
        if (next != nullptr && !next->started) {
            next->started = true;
            next->slot = self.slot;
            a.current = next;
            continue;
        }
        if (next == nullptr && a.live != 0) deadlock(a);
        // Nobody takes the stack before this fiber has left it.
        a.free_slot[a.free_slots++] = self.slot;
        a.current = next;
        switch_to(self.continuation, next == nullptr ? a.host : next->continuation);
    }
}

} // namespace

void run_block(Arena &a, const Launch &launch, uint3 block_index, uint64_t random) {
    const dim3 b = launch.block;
    const uint32_t count = b.x * b.y * b.z;
    a.launch = &launch;
    a.block_index = block_index;
    a.block_dim = b;
    a.grid_dim = launch.grid;
    a.random = random;
    a.live = count;
    a.arrived = 0;
    a.vote_or = a.vote_count = 0;
    a.vote_and = 1;
    const size_t shared = (launch.shared_bytes + 15) / 16 * 16;
    a.shared = a.shared_end - shared;
    fill_poison(a.shared - UNDERRUN_CANARY, shared + UNDERRUN_CANARY);

    const uint32_t warps = (count + LANES - 1) / LANES;
    a.ready_warps = warps == 32 ? ~0u : (1u << warps) - 1;
    a.current_warp = random == 1 ? warps - 1 : 0;
    for (uint32_t w = 0; w < warps; ++w) {
        Warp &warp = a.warps[w];
        const uint32_t lanes = std::min(LANES, count - w * LANES);
        warp.ready = lanes == LANES ? ~0u : (1u << lanes) - 1;
        warp.exited = ~warp.ready;
        warp.at_barrier = warp.waiting = 0;
    }
    uint3 index = {0, 0, 0};
    for (uint32_t i = 0; i < count; ++i) {
        Thread &t = a.threads[i];
        t.index = index;
        t.linear = static_cast<uint16_t>(i);
        t.started = false;
        if (++index.x == b.x) {
            index.x = 0;
            if (++index.y == b.y) {
                index.y = 0;
                ++index.z;
            }
        }
    }

    Thread *first = pick(a);
    start(a, *first);
    a.current = first;
    switch_to(a.host, first->continuation);

    const uint16_t *canary = reinterpret_cast<const uint16_t *>(a.shared - UNDERRUN_CANARY);
    if (std::any_of(canary, canary + UNDERRUN_CANARY / 2, [](uint16_t v) { return v != POISON; })) {
        describe_block(a);
        fprintf(stderr, "wrote before the start of its dynamic shared memory\n");
        abort();
    }
}

void block_barrier(int vote) {
    Arena &a = arena();
    const uint32_t linear = a.current->linear;
    a.vote_or |= vote != 0;
    a.vote_and &= vote != 0;
    a.vote_count += vote != 0;
    ++a.arrived;
    a.warps[linear / LANES].at_barrier |= 1u << (linear % LANES);
    if (a.arrived == a.live) pass_barrier(a);
    suspend(a);
}

void warp_wait(Warp &warp, uint32_t lane, uint32_t mask, const WarpOp &op) {
    Arena &a = arena();
    if (!(mask >> lane & 1)) fail("%s with mask 0x%08x, which lane %u itself is not in", op.name, mask, lane);
    warp.mask[lane] = mask;
    warp.op[lane] = &op;
    warp.waiting |= 1u << lane;
    const uint32_t w = static_cast<uint32_t>(&warp - a.warps);
    try_complete(a, w, lane);
    suspend(a);
}

void fail(const char *format, ...) {
    const Arena &a = arena();
    char text[64];
    describe_block(a);
    describe_thread(text, sizeof text, a, *a.current);
    fprintf(stderr, "thread %s: ", text);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

} // namespace emu
