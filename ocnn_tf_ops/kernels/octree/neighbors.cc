#include "neighbors.h"

#include <algorithm>
#include <atomic>

#include "../huge_pages.h"
#include "../parallel.h"
#include "neighbors.inl"

namespace {

using ocnn::kCells;

// Table row of one cell of a full layer whose shape starts at octant `first`.
void full_row(int64_t first, uint64_t code, int32_t depth, int32_t* row) {
  for (int32_t k = 0; k < kCells; ++k) row[k] = ocnn::full_neighbor(first, code, depth, k);
}

// The octants around a group of siblings: 4 x 4 x 4, the group in the middle, 16 x + 4 y + z. The neighbors of sibling
// (x, y, z) are the 3 x 3 x 3 of them that begin there, and rows along z stay together.
constexpr int32_t kAround = 64;

struct Surroundings {
  ocnn::SiblingNeighbor of[kAround];

  Surroundings() {
    const auto sibling = [](int32_t v) { return v / 2; };  // one of those that have cell v of an axis as a neighbor
    for (int32_t i = 0; i < kAround; ++i) {
      const int32_t x = i / 16, y = i / 4 % 4, z = i % 4;
      const int32_t o = 4 * sibling(x) + 2 * sibling(y) + sibling(z);
      of[i] = ocnn::sibling_neighbor(o, 9 * (x - sibling(x)) + 3 * (y - sibling(y)) + z - sibling(z));
    }
  }
};

// Table rows of the eight siblings, from the first child of each neighbor of their parent.
void sibling_rows(const Surroundings& surroundings, const int32_t* first_child, int32_t* rows) {
  int32_t around[kAround];
  for (int32_t i = 0; i < kAround; ++i) {
    const int32_t base = first_child[surroundings.of[i].parent];
    around[i] = base < 0 ? -1 : base + surroundings.of[i].child;
  }
  for (int32_t o = 0; o < 8; ++o) {
    const int32_t* first = around + 16 * (o >> 2) + 4 * (o >> 1 & 1) + (o & 1);
    for (int32_t xy = 0; xy < 9; ++xy, rows += 3) std::copy_n(first + 16 * (xy / 3) + 4 * (xy % 3), 3, rows);
  }
}

// The first child of each neighbor of a parent, -1 where there is none; false if an index is out of range.
bool neighbor_groups(const int32_t* parent_row, const int32_t* children, int64_t num_parents, int64_t num_groups,
                     int32_t* first_child) {
  for (int32_t k = 0; k < kCells; ++k) {
    const int32_t q = parent_row[k];
    if (q < -1 || q >= num_parents) return false;
    const int32_t group = q < 0 ? -1 : children[q];
    if (group < -1 || group >= num_groups) return false;
    first_child[k] = group < 0 ? -1 : 8 * group;
  }
  return true;
}

}  // namespace

extern "C" {

int ocnn_octree_full_neighbors_cpu(const ocnn_executor* stream, int64_t num_shapes, int32_t depth, int32_t* neighbors) {
  if (!ocnn::valid_full_layer(num_shapes, depth)) return OCNN_INVALID_ARGUMENT;
  const int64_t cells = int64_t{1} << 3 * depth;
  ocnn::parallel_for(stream, num_shapes * cells, 512, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      full_row(i / cells * cells, static_cast<uint64_t>(i % cells), depth, neighbors + i * kCells);
    }
  });
  return OCNN_OK;
}

int ocnn_octree_child_neighbors_cpu(const ocnn_executor* stream, const int32_t* parent_neighbors,
                                    const int32_t* parent_children, int64_t num_parents, int64_t num_groups,
                                    int32_t* neighbors) {
  static const Surroundings surroundings;
  std::atomic<bool> valid{true};
  ocnn::use_huge_pages(neighbors, num_groups * 8 * kCells * static_cast<int64_t>(sizeof(int32_t)));
  ocnn::parallel_for(stream, num_parents, 256, [&](int64_t begin, int64_t end) {
    int32_t first_child[kCells];
    for (int64_t p = begin; p < end; ++p) {
      const int32_t group = parent_children[p];
      if (group == -1) continue;
      if (group < -1 || group >= num_groups ||
          !neighbor_groups(parent_neighbors + p * kCells, parent_children, num_parents, num_groups, first_child)) {
        valid = false;
        return;
      }
      sibling_rows(surroundings, first_child, neighbors + int64_t{8} * group * kCells);
    }
  });
  return valid ? OCNN_OK : OCNN_INVALID_ARGUMENT;
}

}  // extern "C"
