// What the built-in warp operations compute, once all of their lanes have come.
#include "emu/warp.h"

namespace emu {

namespace {

template <class F> void each(uint32_t lanes, F f) {
    for (; lanes != 0; lanes &= lanes - 1) f(static_cast<uint32_t>(__builtin_ctz(lanes)));
}

void nothing(Warp &, uint32_t) {}

// Reading from a lane that does not take part is undefined: it shows as NaN.
void shuffle_values(Warp &warp, uint32_t lanes) {
    uint64_t given[LANES];
    for (uint32_t i = 0; i < LANES; ++i) given[i] = warp.value[i];
    each(lanes, [&](uint32_t i) {
        const uint32_t from = warp.source[i];
        warp.value[i] = lanes >> (from & 31) & 1 ? given[from & 31] : 0x7ff77ff77ff77ff7ull;
    });
}

uint32_t ballot_of(const Warp &warp, uint32_t lanes) {
    uint32_t set = 0;
    each(lanes, [&](uint32_t i) { set |= static_cast<uint32_t>(warp.value[i] != 0) << i; });
    return set;
}

void ballot(Warp &warp, uint32_t lanes) {
    const uint32_t set = ballot_of(warp, lanes);
    each(lanes, [&](uint32_t i) { warp.value[i] = set; });
}
void any(Warp &warp, uint32_t lanes) {
    const uint32_t set = ballot_of(warp, lanes);
    each(lanes, [&](uint32_t i) { warp.value[i] = set != 0; });
}
void all(Warp &warp, uint32_t lanes) {
    const uint32_t set = ballot_of(warp, lanes);
    each(lanes, [&](uint32_t i) { warp.value[i] = set == lanes; });
}

template <class T, T (*F)(T, T)> void reduce(Warp &warp, uint32_t lanes) {
    const uint32_t first = static_cast<uint32_t>(__builtin_ctz(lanes));
    T total = static_cast<T>(warp.value[first]);
    each(lanes & (lanes - 1), [&](uint32_t i) { total = F(total, static_cast<T>(warp.value[i])); });
    each(lanes, [&](uint32_t i) { warp.value[i] = static_cast<uint32_t>(total); });
}
template <class T> T add(T a, T b) { return a + b; }
template <class T> T least(T a, T b) { return a < b ? a : b; }
template <class T> T most(T a, T b) { return a > b ? a : b; }
uint32_t both(uint32_t a, uint32_t b) { return a & b; }
uint32_t either(uint32_t a, uint32_t b) { return a | b; }
uint32_t differ(uint32_t a, uint32_t b) { return a ^ b; }

void match_any(Warp &warp, uint32_t lanes) {
    uint64_t given[LANES];
    for (uint32_t i = 0; i < LANES; ++i) given[i] = warp.value[i];
    each(lanes, [&](uint32_t i) {
        uint32_t same = 0;
        each(lanes, [&](uint32_t j) { same |= static_cast<uint32_t>(given[i] == given[j]) << j; });
        warp.value[i] = same;
    });
}

} // namespace

const WarpOp SYNCWARP = {"__syncwarp", nothing};
const WarpOp SHUFFLE = {"__shfl_sync", shuffle_values};
const WarpOp BALLOT = {"__ballot_sync", ballot};
const WarpOp ANY = {"__any_sync", any};
const WarpOp ALL = {"__all_sync", all};
const WarpOp REDUCE_ADD = {"__reduce_add_sync", reduce<uint32_t, add<uint32_t>>};
const WarpOp REDUCE_MIN_SIGNED = {"__reduce_min_sync", reduce<int32_t, least<int32_t>>};
const WarpOp REDUCE_MAX_SIGNED = {"__reduce_max_sync", reduce<int32_t, most<int32_t>>};
const WarpOp REDUCE_MIN_UNSIGNED = {"__reduce_min_sync", reduce<uint32_t, least<uint32_t>>};
const WarpOp REDUCE_MAX_UNSIGNED = {"__reduce_max_sync", reduce<uint32_t, most<uint32_t>>};
const WarpOp REDUCE_AND = {"__reduce_and_sync", reduce<uint32_t, both>};
const WarpOp REDUCE_OR = {"__reduce_or_sync", reduce<uint32_t, either>};
const WarpOp REDUCE_XOR = {"__reduce_xor_sync", reduce<uint32_t, differ>};
const WarpOp MATCH_ANY = {"__match_any_sync", match_any};

} // namespace emu
