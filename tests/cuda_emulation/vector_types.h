// float2, int4 and their like.
#pragma once

#include <cstdint>

#define OCNN_VECTOR_TYPES(name, type, align2, align4)                                                 \
  struct alignas(align2) name##2 { type x, y; };                                                      \
  struct name##3 { type x, y, z; };                                                                   \
  struct alignas(align4) name##4 { type x, y, z, w; };                                                \
  inline name##2 make_##name##2(type x, type y) { return {x, y}; }                                    \
  inline name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; }                         \
  inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }

OCNN_VECTOR_TYPES(float, float, 8, 16)
OCNN_VECTOR_TYPES(double, double, 16, 16)
OCNN_VECTOR_TYPES(int, int, 8, 16)
OCNN_VECTOR_TYPES(short, short, 4, 8)
#undef OCNN_VECTOR_TYPES

struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(16) longlong2 { long long x, y; };
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
