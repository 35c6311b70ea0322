// Barriers, and the operations between the lanes of a warp. A lane says what it gives and waits; the last
// lane that comes works out what each one gets.
#pragma once

#include <stdint.h>
#include <string.h>

#include "runtime.h"

namespace emu {

struct Lane {
    Warp &warp;
    uint32_t lane;
};
inline Lane this_lane() {
    Arena &a = arena();
    const uint32_t linear = a.current->linear;
    return {a.warps[linear / LANES], linear % LANES};
}

// The built-in operations; lanes of a mask that have exited give nothing.
extern const WarpOp SYNCWARP, SHUFFLE, BALLOT, ANY, ALL, REDUCE_ADD, REDUCE_MIN_SIGNED, REDUCE_MAX_SIGNED,
    REDUCE_MIN_UNSIGNED, REDUCE_MAX_UNSIGNED, REDUCE_AND, REDUCE_OR, REDUCE_XOR, MATCH_ANY;

inline uint64_t exchange(uint32_t mask, uint64_t value, const WarpOp &op, uint32_t source = 0) {
    const Lane me = this_lane();
    me.warp.value[me.lane] = value;
    me.warp.source[me.lane] = source;
    warp_wait(me.warp, me.lane, mask, op);
    return me.warp.value[me.lane];
}

template <class T> inline T shuffle(uint32_t mask, T v, uint32_t source) {
    static_assert(sizeof(T) <= 8, "shuffles move up to 64 bits");
    uint64_t bits = 0;
    memcpy(&bits, &v, sizeof v);
    bits = exchange(mask, bits, SHUFFLE, source);
    memcpy(&v, &bits, sizeof v);
    return v;
}

// All lanes of the warp call it with their `mine`; f(const In (&)[32], Out (&)[32]) runs once, and each lane
// gets its own element as `out`.
template <class In, class Out, class F> inline void warp_collective(const In &mine, Out &out, F f) {
    // A type of operation a call site, as a lambda has its own type: lanes in different ones do not meet.
    struct Run {
        static void run(Warp &warp, uint32_t lanes) {
            In in[LANES] = {};
            Out results[LANES] = {};
            for (uint32_t i = 0; i < LANES; ++i)
                if (lanes >> i & 1) memcpy(static_cast<void *>(&in[i]), warp.in[i], sizeof(In));
            const uint32_t one = static_cast<uint32_t>(__builtin_ctz(lanes));
            F &function = *reinterpret_cast<F *>(warp.value[one]);
            function(static_cast<const In(&)[LANES]>(in), results);
            for (uint32_t i = 0; i < LANES; ++i)
                if (lanes >> i & 1) memcpy(warp.out[i], static_cast<const void *>(&results[i]), sizeof(Out));
        }
    };
    static const WarpOp op = {"warp_collective", Run::run};
    const Lane me = this_lane();
    me.warp.in[me.lane] = &mine;
    me.warp.out[me.lane] = &out;
    me.warp.value[me.lane] = reinterpret_cast<uintptr_t>(&f);
    warp_wait(me.warp, me.lane, 0xffffffffu, op);
}

} // namespace emu

inline void __syncthreads() { emu::block_barrier(0); }
inline int __syncthreads_or(int v) {
    emu::block_barrier(v);
    return emu::arena().result_or;
}
inline int __syncthreads_and(int v) {
    emu::block_barrier(v);
    return emu::arena().result_and;
}
inline int __syncthreads_count(int v) {
    emu::block_barrier(v);
    return emu::arena().result_count;
}

inline void __syncwarp(unsigned int mask = 0xffffffffu) { emu::exchange(mask, 0, emu::SYNCWARP); }
inline unsigned int __ballot_sync(unsigned int mask, int v) {
    return static_cast<unsigned int>(emu::exchange(mask, v != 0, emu::BALLOT));
}
inline int __any_sync(unsigned int mask, int v) { return static_cast<int>(emu::exchange(mask, v != 0, emu::ANY)); }
inline int __all_sync(unsigned int mask, int v) { return static_cast<int>(emu::exchange(mask, v != 0, emu::ALL)); }

// The segment of `width` lanes that a lane is in bounds what it can read; outside, it reads itself.
template <class T> inline T __shfl_sync(unsigned int mask, T v, int source, int width = 32) {
    const uint32_t lane = emu::this_lane().lane, w = static_cast<uint32_t>(width);
    return emu::shuffle(mask, v, (lane & ~(w - 1)) | (static_cast<uint32_t>(source) & (w - 1)));
}
template <class T> inline T __shfl_xor_sync(unsigned int mask, T v, int lane_mask, int width = 32) {
    const uint32_t lane = emu::this_lane().lane, w = static_cast<uint32_t>(width);
    const uint32_t source = lane ^ static_cast<uint32_t>(lane_mask);
    return emu::shuffle(mask, v, source < (lane & ~(w - 1)) + w ? source : lane);
}
template <class T> inline T __shfl_up_sync(unsigned int mask, T v, unsigned int delta, int width = 32) {
    const uint32_t lane = emu::this_lane().lane, w = static_cast<uint32_t>(width);
    return emu::shuffle(mask, v, (lane & (w - 1)) >= delta ? lane - delta : lane);
}
template <class T> inline T __shfl_down_sync(unsigned int mask, T v, unsigned int delta, int width = 32) {
    const uint32_t lane = emu::this_lane().lane, w = static_cast<uint32_t>(width);
    return emu::shuffle(mask, v, (lane & (w - 1)) + delta < w ? lane + delta : lane);
}

inline int __reduce_add_sync(unsigned int mask, int v) {
    return static_cast<int>(emu::exchange(mask, static_cast<uint32_t>(v), emu::REDUCE_ADD));
}
inline unsigned int __reduce_add_sync(unsigned int mask, unsigned int v) {
    return static_cast<unsigned int>(emu::exchange(mask, v, emu::REDUCE_ADD));
}
inline int __reduce_min_sync(unsigned int mask, int v) {
    return static_cast<int>(emu::exchange(mask, static_cast<uint32_t>(v), emu::REDUCE_MIN_SIGNED));
}
inline unsigned int __reduce_min_sync(unsigned int mask, unsigned int v) {
    return static_cast<unsigned int>(emu::exchange(mask, v, emu::REDUCE_MIN_UNSIGNED));
}
inline int __reduce_max_sync(unsigned int mask, int v) {
    return static_cast<int>(emu::exchange(mask, static_cast<uint32_t>(v), emu::REDUCE_MAX_SIGNED));
}
inline unsigned int __reduce_max_sync(unsigned int mask, unsigned int v) {
    return static_cast<unsigned int>(emu::exchange(mask, v, emu::REDUCE_MAX_UNSIGNED));
}
inline unsigned int __reduce_and_sync(unsigned int mask, unsigned int v) {
    return static_cast<unsigned int>(emu::exchange(mask, v, emu::REDUCE_AND));
}
inline unsigned int __reduce_or_sync(unsigned int mask, unsigned int v) {
    return static_cast<unsigned int>(emu::exchange(mask, v, emu::REDUCE_OR));
}
inline unsigned int __reduce_xor_sync(unsigned int mask, unsigned int v) {
    return static_cast<unsigned int>(emu::exchange(mask, v, emu::REDUCE_XOR));
}
template <class T> inline unsigned int __match_any_sync(unsigned int mask, T v) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "32 or 64 bits");
    uint64_t bits = 0;
    memcpy(&bits, &v, sizeof v);
    return static_cast<unsigned int>(emu::exchange(mask, bits, emu::MATCH_ANY));
}
