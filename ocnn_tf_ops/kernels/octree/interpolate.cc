#include "interpolate.h"

#include <algorithm>
#include <atomic>

#include "../parallel.h"
#include "interpolate.inl"

namespace {

using ocnn::Axis;
using ocnn::GroupRange;
using ocnn::kCorners;
using ocnn::Layer;
using ocnn::split_axis;

constexpr int64_t kGrain = 512;  // points a task

// First of the groups whose keys are not below `key`.
int64_t lower_group(const Layer& layer, int64_t key) {
  int64_t low = 0, count = layer.num_groups;
  while (count > 0) {
    const int64_t half = count / 2;
    const bool below = layer.first_key(low + half) < key;
    low = below ? low + half + 1 : low;
    count = below ? count - half - 1 : half;
  }
  return low;
}

GroupRange groups_of_shape(const Layer& layer, int64_t shape) {
  const int64_t first = lower_group(layer, static_cast<int64_t>(ocnn::shape_bits(shape)));
  return {shape, first, lower_group(layer, static_cast<int64_t>(ocnn::shape_bits(shape + 1))) - first};
}

// Octants around a point; corners of one group are looked up once.
void find_corners(const Layer& layer, const GroupRange& range, const Axis axes[3], int32_t* index) {
  // Along an axis the two voxels belong to one group or two; slots number the combinations.
  int32_t slots[3][2], count = 1;
  for (int32_t a = 2; a >= 0; --a) {
    const bool together = axes[a].voxel[0] >> 1 == axes[a].voxel[1] >> 1;
    slots[a][0] = 0;
    slots[a][1] = together ? 0 : count;
    count = together ? count : 2 * count;
  }
  int64_t wanted[kCorners];
  int32_t octant[kCorners], slot[kCorners];
  for (int32_t m = kCorners - 1; m >= 0; --m) {
    const ocnn::Corner corner = ocnn::corner_of(axes, m, range.shape);
    slot[m] = slots[0][m >> 2] + slots[1][m >> 1 & 1] + slots[2][m & 1];
    index[m] = corner.child;
    wanted[slot[m]] = corner.group_key;
  }
  if (count == 1) ocnn::find_groups<1>(layer, range, wanted, octant);
  if (count == 2) ocnn::find_groups<2>(layer, range, wanted, octant);
  if (count == 4) ocnn::find_groups<4>(layer, range, wanted, octant);
  if (count == 8) ocnn::find_groups<8>(layer, range, wanted, octant);
  for (int32_t m = 0; m < kCorners; ++m) {
    const int32_t first = octant[slot[m]];
    index[m] = index[m] < 0 || first < 0 ? -1 : first + index[m];
  }
}

void corner_weights(const Axis axes[3], const int32_t* index, float* weight) {
  float sum = ocnn::kLeastWeight;
  for (int32_t m = 0; m < kCorners; ++m) {
    weight[m] = index[m] < 0 ? 0.0f : ocnn::corner_weight(axes, m);
    sum += weight[m];
  }
  for (int32_t m = 0; m < kCorners; ++m) weight[m] /= sum;
}

}  // namespace

extern "C" {

int ocnn_octree_interpolation_table_cpu(const ocnn_executor* stream, const float* xyz, const int32_t* row_splits,
                                        int64_t num_points, int64_t num_shapes, const int64_t* keys, int64_t num_nodes,
                                        int32_t depth, int32_t edge_mode, int32_t* index, float* weight) {
  if (!ocnn::valid_table_sizes(num_points, num_shapes, num_nodes, depth, edge_mode) || row_splits[0] != 0 ||
      row_splits[num_shapes] != num_points || !std::is_sorted(row_splits, row_splits + num_shapes + 1)) {
    return OCNN_INVALID_ARGUMENT;
  }
  const Layer layer{keys, num_nodes / 8, depth, edge_mode};
  std::atomic<bool> finite{true};
  ocnn::parallel_for(stream, num_points, kGrain, [&](int64_t begin, int64_t end) {
    GroupRange range{-1, 0, 0};
    for (int64_t n = begin; n < end; ++n) {
      if (range.shape < 0 || n >= row_splits[range.shape + 1]) {
        range = groups_of_shape(layer, std::upper_bound(row_splits, row_splits + num_shapes, n) - row_splits - 1);
      }
      const float* p = xyz + 3 * n;
      if (!ocnn::all_finite(p, 3)) {
        finite = false;
        return;
      }
      const Axis axes[3] = {split_axis(p[0], layer), split_axis(p[1], layer), split_axis(p[2], layer)};
      find_corners(layer, range, axes, index + n * kCorners);
      corner_weights(axes, index + n * kCorners, weight + n * kCorners);
    }
  });
  return finite ? OCNN_OK : OCNN_NOT_FINITE;
}

}  // extern "C"
