#include "neighbors.h"

#include <atomic>

#include "../parallel.h"
#include "key.h"

namespace {

constexpr int32_t kCells = 27;

// For neighbor k of sibling o: which neighbor of the parent holds it (0..26), and as which of its children.
struct SiblingTable {
  int32_t parent[8][kCells];
  int32_t child[8][kCells];

  SiblingTable() {
    for (int32_t o = 0; o < 8; ++o) {
      for (int32_t k = 0; k < kCells; ++k) {
        // Offset from the first sibling in child cells, -1..2, plus 2 so that / and & do.
        const int32_t x = (o >> 2 & 1) + k / 9 + 1, y = (o >> 1 & 1) + k / 3 % 3 + 1, z = (o & 1) + k % 3 + 1;
        parent[o][k] = 9 * (x / 2) + 3 * (y / 2) + z / 2;
        child[o][k] = 4 * (x & 1) + 2 * (y & 1) + (z & 1);
      }
    }
  }
};

uint32_t gather_bits(uint64_t code) {  // every third bit, from bit 0
  uint32_t value = 0;
  for (int32_t i = 0; i < ocnn::kMaxDepth; ++i) value |= static_cast<uint32_t>(code >> 3 * i & 1) << i;
  return value;
}

// Table row of one cell of a full layer whose shape starts at octant `first`.
void full_row(int64_t first, uint64_t code, int32_t side, int32_t* row) {
  const int32_t x = gather_bits(code >> 2), y = gather_bits(code >> 1), z = gather_bits(code);
  for (int32_t k = 0; k < kCells; ++k) {
    const int32_t nx = x + k / 9 - 1, ny = y + k / 3 % 3 - 1, nz = z + k % 3 - 1;
    const bool inside = nx >= 0 && nx < side && ny >= 0 && ny < side && nz >= 0 && nz < side;
    row[k] = inside ? static_cast<int32_t>(first + static_cast<int64_t>(ocnn::morton_code(nx, ny, nz))) : -1;
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
  if (num_shapes < 0 || depth < 0 || depth > ocnn::kMaxDepth) return OCNN_INVALID_ARGUMENT;
  const int64_t cells = int64_t{1} << 3 * depth;
  ocnn::parallel_for(stream, num_shapes * cells, 512, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      full_row(i / cells * cells, static_cast<uint64_t>(i % cells), 1 << depth, neighbors + i * kCells);
    }
  });
  return OCNN_OK;
}

int ocnn_octree_child_neighbors_cpu(const ocnn_executor* stream, const int32_t* parent_neighbors,
                                    const int32_t* parent_children, int64_t num_parents, int64_t num_groups,
                                    int32_t* neighbors) {
  static const SiblingTable siblings;
  std::atomic<bool> valid{true};
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
      int32_t* out = neighbors + int64_t{8} * group * kCells;
      for (int32_t o = 0; o < 8; ++o) {
        for (int32_t k = 0; k < kCells; ++k) {
          const int32_t base = first_child[siblings.parent[o][k]];
          *out++ = base < 0 ? -1 : base + siblings.child[o][k];
        }
      }
    }
  });
  return valid ? OCNN_OK : OCNN_INVALID_ARGUMENT;
}

}  // extern "C"
