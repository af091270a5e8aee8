#include "interpolate.h"

#include <algorithm>
#include <atomic>

#include "../dtype.h"
#include "../parallel.h"
#include "key.h"

namespace {

constexpr int32_t kCorners = 8;
constexpr int64_t kGrain = 512;  // points a task

struct Layer {  // the finest octants
  const int64_t* keys;
  int64_t num_groups;  // of eight siblings
  int32_t depth, edge_mode;

  int64_t first_key(int64_t group) const { return keys[8 * group]; }
};

struct GroupRange {  // the groups of one shape
  int64_t shape, first, count;
};

struct Axis {        // the two voxels around a point along one axis
  int32_t voxel[2];  // -1 outside
  float weight[2];
};

Axis split_axis(float coordinate, const Layer& layer) {
  const int32_t side = 1 << layer.depth;
  float units = ocnn::voxel_units(coordinate, layer.depth);
  // The mode WRAP leaves them where they are, but within what the conversion to int can hold.
  const float reach = layer.edge_mode == OCNN_EDGE_MISSING ? 0.0f : 1.0f;
  units = std::min(std::max(units, -reach), static_cast<float>(side) + reach) - 0.5f;
  const float base = std::floor(units), t = units - base;
  const int32_t b = static_cast<int32_t>(base);
  if (layer.edge_mode == OCNN_EDGE_WRAP) {
    const int32_t low = std::max(b, 0);
    return {{low & (side - 1), (low + 1) & (side - 1)}, {1.0f - t, t}};
  }
  return {{b, b + 1 < side ? b + 1 : -1}, {1.0f - t, t}};
}

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

// First octant of the group that begins with each of the wanted keys, -1 if there is none. All searches advance
// together, without a branch: one alone waits for the memory at every step.
template <int Count>
void find_groups(const Layer& layer, const GroupRange& range, const int64_t* wanted, int32_t* octant) {
  int64_t low[Count];
  std::fill(low, low + Count, range.first);
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
    const int32_t v[3] = {axes[0].voxel[m >> 2], axes[1].voxel[m >> 1 & 1], axes[2].voxel[m & 1]};
    slot[m] = slots[0][m >> 2] + slots[1][m >> 1 & 1] + slots[2][m & 1];
    const bool outside = v[0] < 0 || v[1] < 0 || v[2] < 0;
    index[m] = outside ? -1 : 4 * (v[0] & 1) + 2 * (v[1] & 1) + (v[2] & 1);
    const uint64_t key = ocnn::morton_code(v[0] & ~1, v[1] & ~1, v[2] & ~1) | ocnn::shape_bits(range.shape);
    wanted[slot[m]] = outside ? -1 : static_cast<int64_t>(key);
  }
  if (count == 1) find_groups<1>(layer, range, wanted, octant);
  if (count == 2) find_groups<2>(layer, range, wanted, octant);
  if (count == 4) find_groups<4>(layer, range, wanted, octant);
  if (count == 8) find_groups<8>(layer, range, wanted, octant);
  for (int32_t m = 0; m < kCorners; ++m) {
    const int32_t first = octant[slot[m]];
    index[m] = index[m] < 0 || first < 0 ? -1 : first + index[m];
  }
}

void corner_weights(const Axis axes[3], const int32_t* index, float* weight) {
  float sum = 1e-10f;
  for (int32_t m = 0; m < kCorners; ++m) {
    const float w = axes[0].weight[m >> 2] * axes[1].weight[m >> 1 & 1] * axes[2].weight[m & 1];
    weight[m] = index[m] < 0 ? 0.0f : w;
    sum += weight[m];
  }
  for (int32_t m = 0; m < kCorners; ++m) weight[m] /= sum;
}

template <typename T>
void add_scaled(const T* from, T scale, int64_t count, T* to) {
  for (int64_t c = 0; c < count; ++c) to[c] += scale * from[c];
}

template <typename T>
bool interpolate(const ocnn_executor* stream, const T* x, const int32_t* index, const T* weight, int64_t num_points,
                 int64_t num_nodes, int64_t channels, T* y) {
  std::atomic<bool> valid{true};
  ocnn::parallel_for(stream, num_points, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      T* out = y + n * channels;
      std::fill(out, out + channels, T{0});
      for (int64_t j = n * kCorners; j < (n + 1) * kCorners; ++j) {
        if (index[j] < -1 || index[j] >= num_nodes) {
          valid = false;
          return;
        }
        if (index[j] >= 0) add_scaled(x + index[j] * channels, weight[j], channels, out);
      }
    }
  });
  return valid;
}

// Every task owns a range of octants and looks through all points for them: no atomics, one order of summation.
template <typename T>
bool interpolate_grad(const ocnn_executor* stream, const T* grad_y, const int32_t* index, const T* weight,
                      int64_t num_points, int64_t num_nodes, int64_t channels, T* grad_x) {
  const int64_t tasks = stream == nullptr ? 1 : std::max<int64_t>(1, stream->num_threads);
  std::atomic<bool> valid{true};
  ocnn::parallel_for(stream, num_nodes, (num_nodes + tasks - 1) / tasks, [&](int64_t begin, int64_t end) {
    std::fill(grad_x + begin * channels, grad_x + end * channels, T{0});
    for (int64_t j = 0; j < num_points * kCorners; ++j) {
      const int64_t node = index[j];
      if (node >= begin && node < end) {
        add_scaled(grad_y + j / kCorners * channels, weight[j], channels, grad_x + node * channels);
      } else if (node < -1 || node >= num_nodes) {
        valid = false;
        return;
      }
    }
  });
  return valid;
}

}  // namespace

extern "C" {

int ocnn_octree_interpolation_table_cpu(const ocnn_executor* stream, const float* xyz, const int32_t* row_splits,
                                        int64_t num_points, int64_t num_shapes, const int64_t* keys, int64_t num_nodes,
                                        int32_t depth, int32_t edge_mode, int32_t* index, float* weight) {
  if (depth < 1 || depth > ocnn::kMaxDepth || num_nodes % 8 || num_nodes < 0 || num_nodes > INT32_MAX ||
      num_shapes < 1 || row_splits[0] != 0 || row_splits[num_shapes] != num_points ||
      !std::is_sorted(row_splits, row_splits + num_shapes + 1) ||
      (edge_mode != OCNN_EDGE_MISSING && edge_mode != OCNN_EDGE_WRAP)) {
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
      if (!std::isfinite(p[0]) || !std::isfinite(p[1]) || !std::isfinite(p[2])) {
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

int ocnn_octree_interpolate_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* index,
                                const void* weight, int64_t num_points, int64_t num_nodes, int64_t channels, void* y) {
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    return interpolate(stream, static_cast<const T*>(x), index, static_cast<const T*>(weight), num_points, num_nodes,
                       channels, static_cast<T*>(y));
  });
}

int ocnn_octree_interpolate_grad_cpu(const ocnn_executor* stream, int32_t dtype, const void* grad_y,
                                     const int32_t* index, const void* weight, int64_t num_points, int64_t num_nodes,
                                     int64_t channels, void* grad_x) {
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    return interpolate_grad(stream, static_cast<const T*>(grad_y), index, static_cast<const T*>(weight), num_points,
                            num_nodes, channels, static_cast<T*>(grad_x));
  });
}

}  // extern "C"
