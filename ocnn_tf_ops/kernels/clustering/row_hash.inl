// Equality of rows of floats, and a hash that respects it.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "../common.h"

namespace ocnn {

// One more value into a hash; -0 counts as 0.
OCNN_HOST_DEVICE inline uint64_t hash_value(uint64_t hash, float value) {
  value += 0.0f;
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  hash = (hash ^ bits) * 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 32;
}

OCNN_HOST_DEVICE inline uint64_t hash_row(const float* row, int32_t width) {
  uint64_t hash = 0;
  for (int32_t j = 0; j < width; ++j) hash = hash_value(hash, row[j]);
  return hash;
}

OCNN_HOST_DEVICE inline bool equal_rows(const float* a, const float* b, int32_t width) {
  for (int32_t j = 0; j < width; ++j) {
    if (a[j] != b[j]) return false;
  }
  return true;
}

// The cell, of size `size`, that holds a coordinate, in float32 as NumPy has it.
OCNN_HOST_DEVICE inline float cell_of(float coordinate, float size) { return std::nearbyint(coordinate / size); }

}  // namespace ocnn
