// Intrinsics of single threads: bits, loads with cache hints, and mathematics. Fast approximations
// (__expf...) are computed exactly, so their error on a device does not show.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "runtime.h"

namespace emu {
template <class To, class From> inline To bits(From v) {
    static_assert(sizeof(To) == sizeof(From), "of one size");
    To r;
    memcpy(&r, &v, sizeof r);
    return r;
}
inline float reciprocal(float v) { return 1.0f / v; }
inline float power10(float v) { return powf(10.0f, v); }
} // namespace emu

inline unsigned int __float_as_uint(float v) { return emu::bits<unsigned int>(v); }
inline int __float_as_int(float v) { return emu::bits<int>(v); }
inline float __uint_as_float(unsigned int v) { return emu::bits<float>(v); }
inline float __int_as_float(int v) { return emu::bits<float>(v); }
inline long long __double_as_longlong(double v) { return emu::bits<long long>(v); }
inline double __longlong_as_double(long long v) { return emu::bits<double>(v); }

inline int __popc(unsigned int v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(static_cast<unsigned int>(v)); }
inline int __clzll(long long v) { return v == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(v)); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __ffsll(long long v) { return __builtin_ffsll(v); }
inline unsigned int __umulhi(unsigned int a, unsigned int b) {
    return static_cast<unsigned int>((static_cast<uint64_t>(a) * b) >> 32);
}
inline int __mulhi(int a, int b) { return static_cast<int>((static_cast<int64_t>(a) * b) >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}
inline unsigned int __brev(unsigned int v) {
    v = ((v >> 1) & 0x55555555u) | ((v & 0x55555555u) << 1);
    v = ((v >> 2) & 0x33333333u) | ((v & 0x33333333u) << 2);
    v = ((v >> 4) & 0x0f0f0f0fu) | ((v & 0x0f0f0f0fu) << 4);
    return __builtin_bswap32(v);
}
inline unsigned int __byte_perm(unsigned int a, unsigned int b, unsigned int selector) {
    const uint64_t both = (static_cast<uint64_t>(b) << 32) | a;
    unsigned int r = 0;
    for (int i = 0; i < 4; ++i) {
        const unsigned int s = (selector >> (4 * i)) & 0xf;
        unsigned int byte = static_cast<unsigned int>(both >> (8 * (s & 7))) & 0xff;
        if (s & 8) byte = byte & 0x80 ? 0xff : 0;
        r |= byte << (8 * i);
    }
    return r;
}
inline unsigned int __funnelshift_l(unsigned int lo, unsigned int hi, unsigned int n) {
    return static_cast<unsigned int>(((static_cast<uint64_t>(hi) << 32 | lo) << (n & 31)) >> 32);
}
inline unsigned int __funnelshift_r(unsigned int lo, unsigned int hi, unsigned int n) {
    return static_cast<unsigned int>((static_cast<uint64_t>(hi) << 32 | lo) >> (n & 31));
}

template <class T> inline T __ldg(const T *p) { return *p; }
template <class T> inline T __ldca(const T *p) { return *p; }
template <class T> inline T __ldcg(const T *p) { return *p; }
template <class T> inline T __ldcs(const T *p) { return *p; }
template <class T> inline T __ldcv(const T *p) { return *const_cast<const volatile T *>(p); }
template <class T> inline void __stwb(T *p, T v) { *p = v; }
template <class T> inline void __stcg(T *p, T v) { *p = v; }
template <class T> inline void __stcs(T *p, T v) { *p = v; }
template <class T> inline void __stwt(T *p, T v) { *p = v; }

inline float rsqrtf(float v) { return 1.0f / sqrtf(v); }
inline double rsqrt(double v) { return 1.0 / sqrt(v); }
inline float __frcp_rn(float v) { return 1.0f / v; }
inline float __fsqrt_rn(float v) { return sqrtf(v); }
inline float __frsqrt_rn(float v) { return static_cast<float>(1.0 / sqrt(static_cast<double>(v))); }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __saturatef(float v) { return v >= 0.0f ? (v < 1.0f ? v : 1.0f) : 0.0f; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double v) { return sqrt(v); }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }

inline int __float2int_rn(float v) { return static_cast<int>(rintf(v)); }
inline int __float2int_rd(float v) { return static_cast<int>(floorf(v)); }
inline int __float2int_ru(float v) { return static_cast<int>(ceilf(v)); }
inline int __float2int_rz(float v) { return static_cast<int>(v); }
inline unsigned int __float2uint_rn(float v) { return static_cast<unsigned int>(rintf(v)); }
inline unsigned int __float2uint_rz(float v) { return static_cast<unsigned int>(v); }
inline float __int2float_rn(int v) { return static_cast<float>(v); }
inline float __uint2float_rn(unsigned int v) { return static_cast<float>(v); }
inline float __double2float_rn(double v) { return static_cast<float>(v); }

// Macros, because the C library declares functions of these names.
#define __expf(v) expf(v)
#define __exp10f(v) ::emu::power10(v)
#define __logf(v) logf(v)
#define __log2f(v) log2f(v)
#define __log10f(v) log10f(v)
#define __powf(a, b) powf(a, b)
#define __sinf(v) sinf(v)
#define __cosf(v) cosf(v)
#define __tanf(v) tanf(v)
#define __sincosf(v, s, c) sincosf(v, s, c)

#define EMU_EXTREMES(a_type, b_type, type)                                        \
    inline type min(a_type a, b_type b) {                                         \
        return static_cast<type>(a) < static_cast<type>(b) ? static_cast<type>(a) : static_cast<type>(b); \
    }                                                                             \
    inline type max(a_type a, b_type b) {                                         \
        return static_cast<type>(a) > static_cast<type>(b) ? static_cast<type>(a) : static_cast<type>(b); \
    }
EMU_EXTREMES(int, int, int)
EMU_EXTREMES(unsigned int, unsigned int, unsigned int)
EMU_EXTREMES(int, unsigned int, unsigned int)
EMU_EXTREMES(unsigned int, int, unsigned int)
EMU_EXTREMES(long, long, long)
EMU_EXTREMES(unsigned long, unsigned long, unsigned long)
EMU_EXTREMES(long, unsigned long, unsigned long)
EMU_EXTREMES(unsigned long, long, unsigned long)
EMU_EXTREMES(long long, long long, long long)
EMU_EXTREMES(unsigned long long, unsigned long long, unsigned long long)
EMU_EXTREMES(long long, unsigned long long, unsigned long long)
EMU_EXTREMES(unsigned long long, long long, unsigned long long)
#undef EMU_EXTREMES
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
inline double min(float a, double b) { return fmin(a, b); }
inline double max(float a, double b) { return fmax(a, b); }
inline double min(double a, float b) { return fmin(a, b); }
inline double max(double a, float b) { return fmax(a, b); }

inline void __nanosleep(unsigned int) {}
[[noreturn]] inline void __trap() { emu::fail("__trap"); }
