// The vector types of CUDA with their sizes and alignments. They may alias anything, as kernels load rows of
// other types through them; the alignment is declared so that the compiler's aligned moves trap on a
// misaligned address, as the device does.
#pragma once

#define EMU_VECTOR2(name, type, bytes)                                          \
    struct __attribute__((aligned(bytes), may_alias)) name##2 { type x, y; };   \
    inline name##2 make_##name##2(type x, type y) { return name##2{x, y}; }
#define EMU_VECTOR3(name, type)                                                 \
    struct __attribute__((may_alias)) name##3 { type x, y, z; };                \
    inline name##3 make_##name##3(type x, type y, type z) { return name##3{x, y, z}; }
#define EMU_VECTOR4(name, type, bytes)                                                  \
    struct __attribute__((aligned(bytes), may_alias)) name##4 { type x, y, z, w; };     \
    inline name##4 make_##name##4(type x, type y, type z, type w) { return name##4{x, y, z, w}; }

EMU_VECTOR2(char, signed char, 2)
EMU_VECTOR4(char, signed char, 4)
EMU_VECTOR2(uchar, unsigned char, 2)
EMU_VECTOR4(uchar, unsigned char, 4)
EMU_VECTOR2(short, short, 4)
EMU_VECTOR4(short, short, 8)
EMU_VECTOR2(ushort, unsigned short, 4)
EMU_VECTOR4(ushort, unsigned short, 8)
EMU_VECTOR2(int, int, 8)
EMU_VECTOR3(int, int)
EMU_VECTOR4(int, int, 16)
EMU_VECTOR2(uint, unsigned int, 8)
EMU_VECTOR3(uint, unsigned int)
EMU_VECTOR4(uint, unsigned int, 16)
EMU_VECTOR2(longlong, long long, 16)
EMU_VECTOR2(ulonglong, unsigned long long, 16)
EMU_VECTOR2(float, float, 8)
EMU_VECTOR3(float, float)
EMU_VECTOR4(float, float, 16)
EMU_VECTOR2(double, double, 16)

#undef EMU_VECTOR2
#undef EMU_VECTOR3
#undef EMU_VECTOR4

struct dim3 {
    unsigned int x, y, z;
    constexpr dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
};
