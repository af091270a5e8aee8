// What neighbors.cc and neighbors.cu share.
#pragma once

#include "key.h"

namespace ocnn {

constexpr int32_t kCells = 27;

inline bool valid_full_layer(int64_t num_shapes, int32_t depth) {
  return depth >= 0 && depth <= kMaxDepth && num_shapes >= 0 && full_layer_fits(num_shapes, depth);
}

// Neighbor `cell` of the octant with Morton code `code` in a full layer whose shape starts at octant `first`.
OCNN_HOST_DEVICE inline int32_t full_neighbor(int64_t first, uint64_t code, int32_t depth, int32_t cell) {
  const int32_t x = static_cast<int32_t>(gather_bits(code >> 2)) + cell / 9 - 1;
  const int32_t y = static_cast<int32_t>(gather_bits(code >> 1)) + cell / 3 % 3 - 1;
  const int32_t z = static_cast<int32_t>(gather_bits(code)) + cell % 3 - 1;
  const int32_t outside = (x | y | z) >> depth;  // -1 has all bits set
  return outside ? -1 : static_cast<int32_t>(first + static_cast<int64_t>(morton_code(x, y, z)));
}

struct SiblingNeighbor {
  int32_t parent;  // the neighbor of the parent that holds it, 0..26
  int32_t child;   // as which of its children, 0..7
};

// Where neighbor `cell` of sibling `octant` is found.
OCNN_HOST_DEVICE inline SiblingNeighbor sibling_neighbor(int32_t octant, int32_t cell) {
  // Offset from the first sibling in child cells, -1..2, plus 2 so that / and & do.
  const int32_t x = (octant >> 2 & 1) + cell / 9 + 1;
  const int32_t y = (octant >> 1 & 1) + cell / 3 % 3 + 1;
  const int32_t z = (octant & 1) + cell % 3 + 1;
  return {9 * (x / 2) + 3 * (y / 2) + z / 2, 4 * (x & 1) + 2 * (y & 1) + (z & 1)};
}

}  // namespace ocnn
