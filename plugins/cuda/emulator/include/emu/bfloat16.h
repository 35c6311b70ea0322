// bfloat16 as in cuda_bf16.h: conversions round to nearest even, NaN becomes 0x7fff. Its operators are there
// so that what is ambiguous for the device's compiler is ambiguous here, too.
#pragma once

#include <stdint.h>
#include <string.h>

struct __nv_bfloat16_raw {
    unsigned short x;
};

struct __attribute__((aligned(2), may_alias)) __nv_bfloat16 {
    unsigned short __x;

    __nv_bfloat16() = default;
    __nv_bfloat16(const __nv_bfloat16_raw &raw) : __x(raw.x) {}
    __nv_bfloat16(float f) : __x(round(f)) {}
    __nv_bfloat16(double f) : __x(round(static_cast<float>(f))) {}
    operator float() const {
        const uint32_t bits = static_cast<uint32_t>(__x) << 16;
        float f;
        memcpy(&f, &bits, sizeof f);
        return f;
    }
    operator __nv_bfloat16_raw() const { return __nv_bfloat16_raw{__x}; }

  private:
    static unsigned short round(float f) {
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
        return static_cast<unsigned short>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
    }
};

struct __attribute__((aligned(4), may_alias)) __nv_bfloat162 {
    __nv_bfloat16 x, y;
    __nv_bfloat162() = default;
    __nv_bfloat162(const __nv_bfloat16 &x, const __nv_bfloat16 &y) : x(x), y(y) {}
};

inline float __bfloat162float(__nv_bfloat16 v) { return static_cast<float>(v); }
inline __nv_bfloat16 __float2bfloat16(float v) { return __nv_bfloat16(v); }
inline __nv_bfloat16 __float2bfloat16_rn(float v) { return __nv_bfloat16(v); }
inline __nv_bfloat16 __double2bfloat16(double v) { return __nv_bfloat16(v); }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 v) { return v.__x; }
inline short __bfloat16_as_short(__nv_bfloat16 v) { return static_cast<short>(v.__x); }
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short v) { return __nv_bfloat16(__nv_bfloat16_raw{v}); }
inline __nv_bfloat16 __short_as_bfloat16(short v) { return __ushort_as_bfloat16(static_cast<unsigned short>(v)); }

inline __nv_bfloat162 make_bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }
inline __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }
inline __nv_bfloat162 __bfloat162bfloat162(__nv_bfloat16 v) { return {v, v}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {__nv_bfloat16(x), __nv_bfloat16(y)}; }
inline __nv_bfloat162 __float22bfloat162_rn(float2 v) { return __floats2bfloat162_rn(v.x, v.y); }
inline __nv_bfloat162 __float2bfloat162_rn(float v) { return __floats2bfloat162_rn(v, v); }
inline float2 __bfloat1622float2(__nv_bfloat162 v) { return make_float2(v.x, v.y); }
inline float __low2float(__nv_bfloat162 v) { return v.x; }
inline float __high2float(__nv_bfloat162 v) { return v.y; }
inline __nv_bfloat16 __low2bfloat16(__nv_bfloat162 v) { return v.x; }
inline __nv_bfloat16 __high2bfloat16(__nv_bfloat162 v) { return v.y; }

#define EMU_BFLOAT16_OPERATOR(op)                                                   \
    inline __nv_bfloat16 operator op(const __nv_bfloat16 &a, const __nv_bfloat16 &b) { \
        return __nv_bfloat16(static_cast<float>(a) op static_cast<float>(b));       \
    }
EMU_BFLOAT16_OPERATOR(+)
EMU_BFLOAT16_OPERATOR(-)
EMU_BFLOAT16_OPERATOR(*)
EMU_BFLOAT16_OPERATOR(/)
#undef EMU_BFLOAT16_OPERATOR
#define EMU_BFLOAT16_COMPARISON(op)                                          \
    inline bool operator op(const __nv_bfloat16 &a, const __nv_bfloat16 &b) { \
        return static_cast<float>(a) op static_cast<float>(b);               \
    }
EMU_BFLOAT16_COMPARISON(==)
EMU_BFLOAT16_COMPARISON(!=)
EMU_BFLOAT16_COMPARISON(<)
EMU_BFLOAT16_COMPARISON(>)
EMU_BFLOAT16_COMPARISON(<=)
EMU_BFLOAT16_COMPARISON(>=)
#undef EMU_BFLOAT16_COMPARISON
