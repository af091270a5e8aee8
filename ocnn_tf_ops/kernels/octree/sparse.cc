#include "sparse.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "../huge_pages.h"
#include "../parallel.h"
#include "../points/splits.h"
#include "key.h"
#include "neighbors.inl"
#include "radix_sort.h"

namespace {

using ocnn::kCells;
using ocnn::Sorted;

constexpr int32_t kOctants = 8, kSelf = 13;
constexpr int64_t kGrain = 512;

bool valid_depth(int32_t depth) { return depth >= 1 && depth <= ocnn::kMaxDepth; }

// Keys of the points of one shape, without its number; false if a voxel is out of range.
bool encode(const int32_t* voxels, int64_t begin, int64_t end, int32_t depth, const Sorted& to) {
  int32_t outside = 0;
  for (int64_t i = begin; i < end; ++i) {
    const int32_t *v = voxels + 3 * i, x = v[0], y = v[1], z = v[2];
    outside |= (x | y | z) >> depth;
    to.keys[i - begin] =
        ocnn::morton_code(static_cast<uint32_t>(x), static_cast<uint32_t>(y), static_cast<uint32_t>(z));
    to.rows[i - begin] = static_cast<int32_t>(i);
  }
  return outside == 0;
}

// The numbers of voxels of all levels: how many levels up two successive points part.
void count_voxels(const int64_t* sorted_keys, int64_t num_points, int32_t depth, int64_t* num_voxels) {
  int64_t parted[ocnn::kMaxDepth + 1] = {0};  // by the highest level at which they are in different voxels
  for (int64_t i = 1; i < num_points; ++i) {
    const uint64_t changed = static_cast<uint64_t>(sorted_keys[i] ^ sorted_keys[i - 1]);
    if (changed != 0) ++parted[std::min(depth, (63 - __builtin_clzll(changed)) / 3)];
  }
  int64_t voxels = num_points > 0;
  for (int32_t l = depth; l >= 0; --l) num_voxels[l] = voxels += parted[l];
}

// One level: `first` and `mask` say which children a voxel has in the level below, one after the other from `first` on.
struct Level {
  int64_t size = 0;
  uint64_t* keys = nullptr;
  int32_t *parent = nullptr, *first = nullptr;
  uint8_t* mask = nullptr;

  // The child in an octant, or -1.
  int32_t child(int32_t voxel, int32_t octant) const {
    const uint32_t bits = mask[voxel];
    return bits >> octant & 1 ? first[voxel] + __builtin_popcount(bits & ((1u << octant) - 1)) : -1;
  }
};

// Hands out scratch memory; with null it only adds up.
struct Workspace {
  char* memory;
  int64_t used = 0;

  template <typename T>
  T* take(int64_t count) {
    constexpr int64_t kAlign = 64;
    T* taken = memory == nullptr ? nullptr : reinterpret_cast<T*>(memory + used);
    used += (count * static_cast<int64_t>(sizeof(T)) + kAlign - 1) / kAlign * kAlign;
    return taken;
  }
};

struct Levels {
  Level of[ocnn::kMaxDepth + 1];
  int32_t* tables[2];  // neighbors of levels that nobody asked for, in turn

  Levels(const int64_t* num_voxels, int32_t depth, int32_t num_levels, Workspace* workspace) {
    for (int32_t l = 0; l <= depth; ++l) {
      of[l].size = num_voxels[l];
      of[l].keys = workspace->take<uint64_t>(num_voxels[l]);
      of[l].parent = workspace->take<int32_t>(num_voxels[l]);
      of[l].first = workspace->take<int32_t>(num_voxels[l]);
      of[l].mask = workspace->take<uint8_t>(num_voxels[l]);
    }
    for (int32_t i = 0; i < 2; ++i)
      tables[i] = workspace->take<int32_t>(num_levels + i <= depth ? kCells * num_voxels[num_levels + i] : 0);
  }
};

// The voxels of level 0, and which of them each point lies in.
void fill_finest(const int64_t* sorted_keys, const int32_t* order, int64_t num_points, uint64_t* keys,
                 int32_t* point_voxel) {
  int32_t voxel = -1;
  for (int64_t i = 0; i < num_points; ++i) {
    if (i == 0 || sorted_keys[i] != sorted_keys[i - 1]) keys[++voxel] = static_cast<uint64_t>(sorted_keys[i]);
    point_voxel[order[i]] = voxel;
  }
}

void fill_coarser(Level* fine, Level* coarse) {
  int32_t voxel = -1;
  for (int64_t i = 0; i < fine->size; ++i) {
    const uint64_t key = ocnn::ancestor_key(fine->keys[i], 3);
    if (voxel < 0 || coarse->keys[voxel] != key) {
      ++voxel;
      coarse->keys[voxel] = key;
      coarse->first[voxel] = static_cast<int32_t>(i);
      coarse->mask[voxel] = 0;
    }
    coarse->mask[voxel] |= static_cast<uint8_t>(1u << (fine->keys[i] & 7));
    fine->parent[i] = voxel;
  }
}

// Where the neighbors of a child are found: as which child of which neighbor of its parent.
struct Origins {
  ocnn::SiblingNeighbor of[kOctants][kCells];
  Origins() {
    for (int32_t o = 0; o < kOctants; ++o)
      for (int32_t k = 0; k < kCells; ++k) of[o][k] = ocnn::sibling_neighbor(o, k);
  }
};

void fill_neighbors(const ocnn_executor* stream, const Level& fine, const Level& coarse, const int32_t* coarse_table,
                    int32_t* table) {
  static const Origins origins;
  ocnn::use_huge_pages(table, fine.size * kCells * static_cast<int64_t>(sizeof(int32_t)));
  ocnn::parallel_for(stream, fine.size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int32_t* parent_row = coarse_table + int64_t{fine.parent[i]} * kCells;
      const ocnn::SiblingNeighbor* from = origins.of[fine.keys[i] & 7];
      for (int32_t k = 0; k < kCells; ++k) {
        const int32_t parent = parent_row[from[k].parent];
        table[i * kCells + k] = parent < 0 ? -1 : coarse.child(parent, from[k].child);
      }
    }
  });
}

void fill_links(const ocnn_executor* stream, const Level& fine, const Level& coarse, int32_t* children,
                int32_t* parents) {
  ocnn::parallel_for(stream, coarse.size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * kOctants; i < end * kOctants; ++i)
      children[i] = coarse.child(static_cast<int32_t>(i / kOctants), static_cast<int32_t>(i % kOctants));
  });
  std::fill(parents, parents + fine.size * kOctants, -1);
  for (int64_t i = 0; i < fine.size; ++i) parents[i * kOctants + (fine.keys[i] & 7)] = fine.parent[i];
}

void fill_places(const Level& level, int64_t num_shapes, int32_t* voxels, int32_t* row_splits) {
  std::fill(row_splits, row_splits + num_shapes + 1, 0);
  for (int64_t i = 0; i < level.size; ++i) {
    for (int32_t a = 0; a < 3; ++a)
      voxels[3 * i + a] = static_cast<int32_t>(ocnn::gather_bits((level.keys[i] & ocnn::kMortonMask) >> (2 - a)));
    ++row_splits[(level.keys[i] >> ocnn::kShapeShift) + 1];
  }
  for (int64_t b = 0; b < num_shapes; ++b) row_splits[b + 1] += row_splits[b];
}

}  // namespace

extern "C" {

int64_t ocnn_sparse_keys_workspace_bytes(int64_t num_points) {
  return num_points * static_cast<int64_t>(sizeof(uint64_t) + sizeof(int32_t));
}

int ocnn_sparse_keys_cpu(const ocnn_executor* stream, const int32_t* voxels, const int32_t* row_splits,
                         int64_t num_points, int64_t num_shapes, int32_t depth, int64_t* sorted_keys, int32_t* order,
                         int64_t* num_voxels, void* workspace, int64_t workspace_bytes) {
  if (!valid_depth(depth) || num_shapes < 0 || num_shapes > ocnn::kMaxShapes || num_points < 0 ||
      num_points > std::numeric_limits<int32_t>::max() || row_splits[0] != 0 || row_splits[num_shapes] != num_points ||
      !std::is_sorted(row_splits, row_splits + num_shapes + 1) ||
      workspace_bytes < ocnn_sparse_keys_workspace_bytes(num_points)) {
    return OCNN_INVALID_ARGUMENT;
  }
  uint64_t* key_scratch = static_cast<uint64_t*>(workspace);
  int32_t* row_scratch = reinterpret_cast<int32_t*>(key_scratch + num_points);
  std::atomic<bool> valid{true};
  ocnn::parallel_for(stream, num_shapes, 1, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) {
      const int64_t begin = row_splits[b], count = row_splits[b + 1] - begin;
      const Sorted out{reinterpret_cast<uint64_t*>(sorted_keys) + begin, order + begin};
      const Sorted scratch{key_scratch + begin, row_scratch + begin};
      if (!encode(voxels, begin, begin + count, depth, ocnn::unsorted(out, scratch, 3 * depth))) valid = false;
      ocnn::sort_by_key(out, scratch, count, 3 * depth);
      for (int64_t i = 0; i < count; ++i) out.keys[i] |= ocnn::shape_bits(b);
    }
  });
  if (!valid) return OCNN_INVALID_ARGUMENT;
  count_voxels(sorted_keys, num_points, depth, num_voxels);
  return OCNN_OK;
}

int64_t ocnn_sparse_levels_workspace_bytes(const int64_t* num_voxels, int32_t depth, int32_t num_levels) {
  Workspace workspace{nullptr};
  if (valid_depth(depth)) Levels(num_voxels, depth, num_levels, &workspace);
  return workspace.used;
}

int ocnn_sparse_levels_cpu(const ocnn_executor* stream, const int64_t* sorted_keys, const int32_t* order,
                           int64_t num_points, int64_t num_shapes, int32_t depth, int32_t num_levels,
                           const int64_t* num_voxels, int32_t* point_voxel, int32_t* const* voxels,
                           int32_t* const* row_splits, int32_t* const* neighbors, int32_t* const* children,
                           int32_t* const* parents, void* workspace, int64_t workspace_bytes) {
  if (!valid_depth(depth) || num_levels < 1 || num_levels > depth + 1 || num_shapes < 0 || num_points < 0 ||
      workspace_bytes < ocnn_sparse_levels_workspace_bytes(num_voxels, depth, num_levels)) {
    return OCNN_INVALID_ARGUMENT;
  }
  Workspace memory{static_cast<char*>(workspace)};
  Levels levels(num_voxels, depth, num_levels, &memory);
  Level* level = levels.of;
  fill_finest(sorted_keys, order, num_points, level[0].keys, point_voxel);
  for (int32_t l = 0; l < depth; ++l) fill_coarser(&level[l], &level[l + 1]);
  const int32_t* coarse_table = nullptr;
  for (int32_t l = depth; l >= 0; --l) {  // the neighbors of a level follow from those of the level above
    int32_t* table = l < num_levels ? neighbors[l] : levels.tables[(l - num_levels) % 2];
    if (l < depth) {
      fill_neighbors(stream, level[l], level[l + 1], coarse_table, table);
    } else {  // one voxel a shape
      std::fill(table, table + level[l].size * kCells, -1);
      for (int64_t i = 0; i < level[l].size; ++i) table[i * kCells + kSelf] = static_cast<int32_t>(i);
    }
    coarse_table = table;
    if (l < num_levels) fill_places(level[l], num_shapes, voxels[l], row_splits[l]);
    if (l < num_levels - 1) fill_links(stream, level[l], level[l + 1], children[l], parents[l]);
  }
  return OCNN_OK;
}

}  // extern "C"
