// Keys of octants and the way from a coordinate to a voxel.
//
// A key is a Morton code, x most significant inside each triple of bits (bit i of x is bit 3i + 2), with the shape's
// number in the bits from 48 on. So the keys of a batch, sorted, run shape after shape, and the eight children of an
// octant have consecutive keys: child = parent * 8 + (4 * x + 2 * y + z).
#pragma once

#include <cmath>
#include <cstdint>

#include "../common.h"

namespace ocnn {

constexpr int32_t kMaxDepth = 16;
constexpr int32_t kShapeShift = 48;
constexpr int64_t kMaxShapes = int64_t{1} << 15;  // keys stay positive
constexpr uint64_t kMortonMask = (uint64_t{1} << kShapeShift) - 1;

// Whether a layer with all octants of its depth can be numbered by int32.
inline bool full_layer_fits(int64_t num_shapes, int32_t depth) { return num_shapes <= int64_t{INT32_MAX} >> 3 * depth; }

// Bit i of a 16-bit number -> bit 3i.
OCNN_HOST_DEVICE inline uint64_t spread_bits(uint64_t v) {
  v = (v | v << 16) & 0x0000FF0000FFull;
  v = (v | v << 8) & 0x00F00F00F00Full;
  v = (v | v << 4) & 0x0C30C30C30C3ull;
  return (v | v << 2) & 0x249249249249ull;
}

OCNN_HOST_DEVICE inline uint64_t morton_code(uint32_t x, uint32_t y, uint32_t z) {
  return spread_bits(x) << 2 | spread_bits(y) << 1 | spread_bits(z);
}

OCNN_HOST_DEVICE inline uint64_t shape_bits(int64_t shape) { return static_cast<uint64_t>(shape) << kShapeShift; }

// Bits 0, 3, 6, ... of a Morton code -> a 16-bit number.
OCNN_HOST_DEVICE inline uint32_t gather_bits(uint64_t v) {
  v &= 0x249249249249ull;
  v = (v | v >> 2) & 0x0C30C30C30C3ull;
  v = (v | v >> 4) & 0x00F00F00F00Full;
  v = (v | v >> 8) & 0x0000FF0000FFull;
  return static_cast<uint32_t>((v | v >> 16) & 0xFFFFu);
}

// The key, `shift` bits (3 a depth) coarser, shape number kept.
OCNN_HOST_DEVICE inline uint64_t ancestor_key(uint64_t key, int32_t shift) {
  return (key & ~kMortonMask) | ((key & kMortonMask) >> shift);
}

OCNN_HOST_DEVICE inline float clamp(float value, float low, float high) {
  const float raised = value < low ? low : value;
  return high < raised ? high : raised;
}

OCNN_HOST_DEVICE inline bool all_finite(const float* values, int64_t count) {
  bool finite = true;
  for (int64_t i = 0; i < count; ++i) finite = finite && std::isfinite(values[i]);
  return finite;
}

// Coordinate in [-1, 1] -> [0, 2^depth], in voxels; exact but for the addition.
OCNN_HOST_DEVICE inline float voxel_units(float coordinate, int32_t depth) {
  return (coordinate + 1.0f) * static_cast<float>(int64_t{1} << (depth - 1));
}

// Number of the voxel that a coordinate in voxel units falls in; what lies outside belongs to the outermost voxel.
OCNN_HOST_DEVICE inline int32_t voxel_of(float units, int32_t depth) {
  return static_cast<int32_t>(clamp(std::floor(units), 0.0f, static_cast<float>((int64_t{1} << depth) - 1)));
}

}  // namespace ocnn
