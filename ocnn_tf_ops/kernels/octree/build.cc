#include "build.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <utility>

#include "../parallel.h"
#include "build.inl"
#include "radix_sort.h"

namespace {

using ocnn::Sorted;

// Morton codes of a shape's points; false if a coordinate is not finite.
bool encode(const float* xyz, int64_t begin, int64_t end, int32_t depth, const Sorted& out) {
  for (int64_t i = begin; i < end; ++i) {
    const float* p = xyz + 3 * i;
    if (!ocnn::all_finite(p, 3)) return false;
    out.keys[i - begin] = ocnn::point_code(p, depth);
    out.rows[i - begin] = static_cast<int32_t>(i);
  }
  return true;
}

// Encodes and sorts one shape; the result lies in `out`.
bool sort_shape(const float* xyz, int64_t begin, int64_t end, int64_t shape, int32_t depth, Sorted out,
                Sorted scratch) {
  const int64_t count = end - begin;
  if (!encode(xyz, begin, end, depth, ocnn::unsorted(out, scratch, 3 * depth))) return false;
  ocnn::sort_by_key(out, scratch, count, 3 * depth);
  for (int64_t i = 0; i < count; ++i) out.keys[i] |= ocnn::shape_bits(shape);
  return true;
}

int check_row_splits(const int32_t* row_splits, int64_t num_points, int64_t num_shapes) {
  if (num_shapes < 1 || num_points < 1) return OCNN_EMPTY;
  if (num_shapes > ocnn::kMaxShapes || num_points > std::numeric_limits<int32_t>::max()) return OCNN_INVALID_ARGUMENT;
  if (row_splits[0] != 0 || row_splits[num_shapes] != num_points) return OCNN_INVALID_ARGUMENT;
  for (int64_t b = 0; b < num_shapes; ++b) {
    if (row_splits[b + 1] < row_splits[b]) return OCNN_INVALID_ARGUMENT;
    if (row_splits[b + 1] == row_splits[b]) return OCNN_EMPTY;
  }
  return OCNN_OK;
}

// All octants of one of the layers 0..full_depth; -1 for children where it is full_depth itself.
void fill_full_layer(int64_t num_shapes, int32_t depth, bool deepest, int64_t* keys, int32_t* children) {
  const int64_t cells = int64_t{1} << 3 * depth;
  for (int64_t i = 0; i < num_shapes * cells; ++i) {
    keys[i] = static_cast<int64_t>(ocnn::shape_bits(i / cells) | static_cast<uint64_t>(i % cells));
    children[i] = deepest ? -1 : static_cast<int32_t>(i);
  }
}

// The eight children of a non-empty octant of the layer above.
void fill_siblings(uint64_t parent_key, int64_t* keys, int32_t* children) {
  const uint64_t first = (parent_key & ~ocnn::kMortonMask) | (parent_key & ocnn::kMortonMask) << 3;
  for (int32_t o = 0; o < 8; ++o) {
    keys[o] = static_cast<int64_t>(first + o);
    children[o] = -1;
  }
}

// What lies in the octants of a layer, sorted: the points of the finest one, the groups of siblings of the layer below.
struct Contents {
  const uint64_t* keys;
  int64_t count, stride;
  int32_t shift;
  uint64_t octant(int64_t i) const { return ocnn::ancestor_key(keys[i * stride], shift); }
};

// One layer at full_depth or below it. Returns its number of groups, 0 for a full layer.
int64_t fill_layer(const Contents& contents, bool full, int32_t layer_depth, int64_t* keys, int32_t* children,
                   int32_t* point_node) {
  int64_t num_groups = 0, node = 0;
  int32_t num_nonempty = 0;
  uint64_t previous = ~uint64_t{0};
  for (int64_t i = 0; i < contents.count; ++i) {
    const uint64_t key = contents.octant(i), changed = key ^ previous;
    if (!full && changed >> 3) {
      fill_siblings(ocnn::ancestor_key(key, 3), keys + 8 * num_groups, children + 8 * num_groups);
      ++num_groups;
    }
    if (changed) {
      const int64_t first =
          full ? static_cast<int64_t>(key >> ocnn::kShapeShift) << 3 * layer_depth : 8 * (num_groups - 1);
      node = first + static_cast<int64_t>(full ? key & ocnn::kMortonMask : key & 7);
      children[node] = num_nonempty++;
    }
    if (point_node != nullptr) point_node[i] = static_cast<int32_t>(node);
    previous = key;
  }
  return num_groups;
}

// Features of one octant from its points, the sorted ones begin..end - 1; false if they are not finite.
bool node_features(const ocnn::FeatureInputs& in, int64_t begin, int64_t end, float* out) {
  ocnn::geometry_features(in, begin, end, out);
  for (int64_t c = 0; c < in.num_extra; ++c) out[4 + c] = ocnn::mean_extra(in, begin, end, c);
  return ocnn::all_finite(out, 4 + in.num_extra);
}

}  // namespace

extern "C" {

int64_t ocnn_octree_point_keys_workspace_bytes(int64_t num_points) {
  return num_points * static_cast<int64_t>(sizeof(uint64_t) + sizeof(int32_t));
}

int ocnn_octree_point_keys_cpu(const ocnn_executor* stream, const float* xyz, const int32_t* row_splits,
                               int64_t num_points, int64_t num_shapes, int32_t depth, int64_t* sorted_keys,
                               int32_t* order, void* workspace, int64_t workspace_bytes) {
  if (!ocnn::valid_depths(depth, 0)) return OCNN_INVALID_ARGUMENT;
  const int status = check_row_splits(row_splits, num_points, num_shapes);
  if (status != OCNN_OK) return status;
  if (workspace_bytes < ocnn_octree_point_keys_workspace_bytes(num_points)) return OCNN_INVALID_ARGUMENT;
  const Sorted out{reinterpret_cast<uint64_t*>(sorted_keys), order};
  uint64_t* key_scratch = static_cast<uint64_t*>(workspace);
  const Sorted scratch{key_scratch, reinterpret_cast<int32_t*>(key_scratch + num_points)};
  std::atomic<bool> finite{true};
  ocnn::parallel_for(stream, num_shapes, 1, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) {
      const int64_t begin = row_splits[b];
      if (!sort_shape(xyz, begin, row_splits[b + 1], b, depth, {out.keys + begin, out.rows + begin},
                      {scratch.keys + begin, scratch.rows + begin})) {
        finite = false;
      }
    }
  });
  return finite ? OCNN_OK : OCNN_NOT_FINITE;
}

int ocnn_octree_count_cpu(const ocnn_executor*, const int64_t* sorted_keys, int64_t num_points, int64_t num_shapes,
                          int32_t depth, int32_t full_depth, int64_t* num_nodes, int64_t* num_nonempty) {
  if (!ocnn::valid_depths(depth, full_depth) || num_points < 1 || num_shapes < 1) return OCNN_INVALID_ARGUMENT;
  // first_split[d] = pairs of successive points that part at depth d, being together above it.
  int64_t first_split[ocnn::kMaxDepth + 1] = {0};
  for (int64_t i = 1; i < num_points; ++i) {
    const uint64_t changed = static_cast<uint64_t>(sorted_keys[i] ^ sorted_keys[i - 1]);
    if (changed == 0) continue;
    const int32_t top = 63 - __builtin_clzll(changed);
    ++first_split[std::max(0, depth - top / 3)];  // another shape parts at depth 0
  }
  int64_t occupied = 1;
  for (int32_t d = 0; d <= depth; ++d) {
    occupied += first_split[d];
    num_nodes[d] = d <= full_depth ? num_shapes << 3 * d : 8 * num_nonempty[d - 1];
    num_nonempty[d] = d < full_depth ? num_nodes[d] : occupied;
    if (num_nodes[d] > std::numeric_limits<int32_t>::max()) return OCNN_INVALID_ARGUMENT;
  }
  return OCNN_OK;
}

int ocnn_octree_nodes_cpu(const ocnn_executor*, const int64_t* sorted_keys, int64_t num_points,
                          int64_t num_shapes, int32_t depth, int32_t full_depth, int64_t* const* keys,
                          int32_t* const* children, int32_t* point_node) {
  if (!ocnn::valid_depths(depth, full_depth) || num_points < 1 || num_shapes < 1) return OCNN_INVALID_ARGUMENT;
  for (int32_t d = 0; d <= full_depth; ++d) fill_full_layer(num_shapes, d, d == full_depth, keys[d], children[d]);
  Contents contents{reinterpret_cast<const uint64_t*>(sorted_keys), num_points, 1, 0};
  for (int32_t d = depth; d >= full_depth; --d) {  // each layer has a fraction of the octants of the one below
    const int64_t groups =
        fill_layer(contents, d == full_depth, d, keys[d], children[d], d == depth ? point_node : nullptr);
    contents = {reinterpret_cast<const uint64_t*>(keys[d]), groups, 8, 3};
  }
  return OCNN_OK;
}

int ocnn_octree_features_cpu(const ocnn_executor* stream, const float* xyz, const float* normals, const float* extra,
                             const int32_t* order, const int32_t* point_node, int64_t num_points, int64_t num_nodes,
                             int64_t num_extra, int32_t depth, float* features) {
  if (!ocnn::valid_depths(depth, 0) || num_points < 1 || num_extra < 0) return OCNN_INVALID_ARGUMENT;
  const ocnn::FeatureInputs in{xyz, normals, extra, order, num_extra, depth};
  const int64_t channels = 4 + num_extra;
  std::memset(features, 0, sizeof(float) * num_nodes * channels);
  std::atomic<bool> finite{true};
  ocnn::parallel_for(stream, num_points, 2048, [&](int64_t begin, int64_t end) {
    // A range takes the octants whose first point it holds, to their last point.
    while (begin > 0 && begin < end && point_node[begin] == point_node[begin - 1]) ++begin;
    while (begin < end) {
      const int32_t node = point_node[begin];
      int64_t stop = begin + 1;
      while (stop < num_points && point_node[stop] == node) ++stop;
      if (!node_features(in, begin, stop, features + node * channels)) finite = false;
      begin = stop;
    }
  });
  return finite ? OCNN_OK : OCNN_NOT_FINITE;
}

}  // extern "C"
