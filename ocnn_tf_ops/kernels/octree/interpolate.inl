// What interpolate.cc and interpolate.cu share: the octants around a point and their weights, to the last bit.
#pragma once

#include "interpolate.h"
#include "key.h"

namespace ocnn {

constexpr int32_t kCorners = 8;
constexpr float kLeastWeight = 1e-10f;  // the sum that weights are divided by starts from here: no division by 0

inline bool valid_table_sizes(int64_t num_points, int64_t num_shapes, int64_t num_nodes, int32_t depth,
                              int32_t edge_mode) {
  return num_points >= 0 && num_shapes >= 1 && num_nodes >= 0 && num_nodes <= INT32_MAX && num_nodes % 8 == 0 &&
         depth >= 1 && depth <= kMaxDepth && (edge_mode == OCNN_EDGE_MISSING || edge_mode == OCNN_EDGE_WRAP);
}

struct Layer {  // the finest octants
  const int64_t* keys;
  int64_t num_groups;  // of eight siblings
  int32_t depth, edge_mode;

  OCNN_HOST_DEVICE int64_t first_key(int64_t group) const { return keys[8 * group]; }
};

struct GroupRange {  // the groups of one shape
  int64_t shape, first, count;
};

struct Axis {        // the two voxels around a point along one axis
  int32_t voxel[2];  // -1 outside
  float weight[2];
};

OCNN_HOST_DEVICE inline Axis split_axis(float coordinate, const Layer& layer) {
  const int32_t side = 1 << layer.depth;
  // The mode WRAP leaves them where they are, but within what the conversion to int can hold.
  const float reach = layer.edge_mode == OCNN_EDGE_MISSING ? 0.0f : 1.0f;
  const float inside = clamp(voxel_units(coordinate, layer.depth), -reach, static_cast<float>(side) + reach);
  const float units = inside - 0.5f, base = std::floor(units), t = units - base;
  const int32_t b = static_cast<int32_t>(base);
  if (layer.edge_mode == OCNN_EDGE_WRAP) {
    const int32_t low = b < 0 ? 0 : b;
    return {{low & (side - 1), (low + 1) & (side - 1)}, {1.0f - t, t}};
  }
  return {{b, b + 1 < side ? b + 1 : -1}, {1.0f - t, t}};
}

struct Corner {
  int64_t group_key;  // of the first of its siblings, -1 outside
  int32_t child;      // its number among them, -1 outside
};

// The octant at one of the eight corners, numbered as children are, around a point of a shape.
OCNN_HOST_DEVICE inline Corner corner_of(const Axis axes[3], int32_t corner, int64_t shape) {
  // Not voxel[bit]: an index that differs from thread to thread would send the array to a GPU's memory.
  const int32_t x = corner >> 2 & 1 ? axes[0].voxel[1] : axes[0].voxel[0];
  const int32_t y = corner >> 1 & 1 ? axes[1].voxel[1] : axes[1].voxel[0];
  const int32_t z = corner & 1 ? axes[2].voxel[1] : axes[2].voxel[0];
  const bool outside = (x | y | z) < 0;
  const int64_t key = static_cast<int64_t>(morton_code(x & ~1, y & ~1, z & ~1) | shape_bits(shape));
  return {outside ? -1 : key, outside ? -1 : 4 * (x & 1) + 2 * (y & 1) + (z & 1)};
}

OCNN_HOST_DEVICE inline float corner_weight(const Axis axes[3], int32_t corner) {
  const float x = corner >> 2 & 1 ? axes[0].weight[1] : axes[0].weight[0];
  const float y = corner >> 1 & 1 ? axes[1].weight[1] : axes[1].weight[0];
  const float z = corner & 1 ? axes[2].weight[1] : axes[2].weight[0];
  return x * y * z;
}

// First octant of the group that begins with each of the wanted keys, -1 if there is none. All searches advance
// together, without a branch: one alone waits for the memory at every step.
template <int Count>
OCNN_HOST_DEVICE inline void find_groups(const Layer& layer, const GroupRange& range, const int64_t* wanted,
                                         int32_t* octant) {
  int64_t low[Count];
  for (int i = 0; i < Count; ++i) low[i] = range.first;
  for (int64_t left = range.count; left > 1; left -= left / 2) {
    for (int i = 0; i < Count; ++i) {
      const int64_t middle = low[i] + left / 2;
      low[i] = layer.first_key(middle) <= wanted[i] ? middle : low[i];
    }
  }
  for (int i = 0; i < Count; ++i) {
    const bool found = range.count > 0 && layer.first_key(low[i]) == wanted[i];
    octant[i] = found ? static_cast<int32_t>(8 * low[i]) : -1;
  }
}

}  // namespace ocnn
