// Keys of octants and the way from a coordinate to a voxel.
//
// A key is a Morton code, x most significant inside each triple of bits (bit i of x is bit 3i + 2), with the shape's
// number in the bits from 48 on. So the keys of a batch, sorted, run shape after shape, and the eight children of an
// octant have consecutive keys: child = parent * 8 + (4 * x + 2 * y + z).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace ocnn {

constexpr int32_t kMaxDepth = 16;
constexpr int32_t kShapeShift = 48;
constexpr int64_t kMaxShapes = int64_t{1} << 15;  // keys stay positive
constexpr uint64_t kMortonMask = (uint64_t{1} << kShapeShift) - 1;

// Bit i of a 16-bit number -> bit 3i.
inline uint64_t spread_bits(uint64_t v) {
  v = (v | v << 16) & 0x0000FF0000FFull;
  v = (v | v << 8) & 0x00F00F00F00Full;
  v = (v | v << 4) & 0x0C30C30C30C3ull;
  return (v | v << 2) & 0x249249249249ull;
}

inline uint64_t morton_code(uint32_t x, uint32_t y, uint32_t z) {
  return spread_bits(x) << 2 | spread_bits(y) << 1 | spread_bits(z);
}

inline uint64_t shape_bits(int64_t shape) { return static_cast<uint64_t>(shape) << kShapeShift; }

// The key, `shift` bits (3 a depth) coarser, shape number kept.
inline uint64_t ancestor_key(uint64_t key, int32_t shift) {
  return (key & ~kMortonMask) | ((key & kMortonMask) >> shift);
}

// Coordinate in [-1, 1] -> [0, 2^depth], in voxels; exact but for the addition.
inline float voxel_units(float coordinate, int32_t depth) {
  return (coordinate + 1.0f) * static_cast<float>(int64_t{1} << (depth - 1));
}

// Number of the voxel that a coordinate in voxel units falls in; what lies outside belongs to the outermost voxel.
inline int32_t voxel_of(float units, int32_t depth) {
  const float last = static_cast<float>((int64_t{1} << depth) - 1);
  return static_cast<int32_t>(std::min(std::max(std::floor(units), 0.0f), last));
}

}  // namespace ocnn
