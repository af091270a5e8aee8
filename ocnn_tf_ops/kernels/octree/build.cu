#include "build.h"

#include "../cuda/launch.cuh"
#include "../cuda/primitives.h"
#include "../cuda/splits.cuh"
#include "../cuda/status.cuh"
#include "../cuda/workspace.h"
#include "build.inl"

namespace {

constexpr int kWarps = ocnn::kBlock / 32;
constexpr int kLayers = ocnn::kMaxDepth + 1;

int64_t blocks_of(int64_t num_points) { return (num_points + ocnn::kBlock - 1) / ocnn::kBlock; }

bool valid_points(int64_t num_points, int64_t num_shapes) {
  return num_points >= 1 && num_points <= INT32_MAX && num_shapes >= 1 && num_shapes <= ocnn::kMaxShapes;
}

// While they are sorted, keys have the shape's number right above the code: fewer bits, fewer passes.
__global__ void make_keys(const float* xyz, const int32_t* row_splits, int64_t num_points, int64_t num_shapes,
                          int32_t depth, uint64_t* keys, int32_t* rows, int32_t* status) {
  ocnn::check_row_splits(row_splits, num_shapes, num_points, OCNN_EMPTY, status);
  ocnn::grid_stride(num_points, [=](int64_t i) {
    const bool finite = ocnn::all_finite(xyz + 3 * i, 3);
    if (!finite) ocnn::report(status, OCNN_NOT_FINITE);
    const uint64_t shape = static_cast<uint64_t>(ocnn::shape_of(row_splits, num_shapes, i));
    keys[i] = shape << 3 * depth | (finite ? ocnn::point_code(xyz + 3 * i, depth) : 0);
    rows[i] = static_cast<int32_t>(i);
  });
}

__global__ void spread_keys(int64_t num_points, int32_t depth, uint64_t* keys) {
  ocnn::grid_stride(num_points, [=](int64_t i) {
    const uint64_t code = keys[i] & ((uint64_t{1} << 3 * depth) - 1);
    keys[i] = keys[i] >> 3 * depth << ocnn::kShapeShift | code;
  });
}

struct Keys {
  uint64_t* keys;
  int32_t* rows;
  char* sort;
};

Keys layout_keys(ocnn::Workspace& memory, int64_t num_points) {
  Keys unsorted;
  unsorted.keys = memory.take<uint64_t>(num_points);
  unsorted.rows = memory.take<int32_t>(num_points);
  unsorted.sort = memory.take<char>(ocnn::sort_pairs_workspace_bytes(num_points));
  return unsorted;
}

int sorted_bits(int64_t num_shapes, int32_t depth) {
  int bits = 3 * depth;
  while ((num_shapes - 1) >> (bits - 3 * depth)) ++bits;
  return bits;
}

// A sorted key beside the one before it.
struct Step {
  uint64_t key, before;

  // Whether the point is the first one of its octant at the depth that is `shift` bits (3 a depth) coarser.
  __device__ bool opens(int32_t shift) const { return (key ^ before) >> shift != 0; }
};

// Before the first point comes a key like no other, the eighth of its siblings; beyond the last one nothing opens.
__device__ Step step_at(const uint64_t* keys, int64_t num_points, int64_t i) {
  const uint64_t before = i > 0 && i < num_points ? keys[i - 1] : ~uint64_t{0};
  return {i < num_points ? keys[i] : before, before};
}

// body(d, octants of depth d that the points of this block open), by one thread, for full_depth and more.
template <typename Body>
__device__ void count_opened(const uint64_t* keys, int64_t num_points, int32_t depth, int32_t full_depth,
                             const Body& body) {
  const Step step = step_at(keys, num_points, static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x);
  for (int32_t d = full_depth; d <= depth; ++d) {
    const int count = __syncthreads_count(step.opens(3 * (depth - d)));
    if (threadIdx.x == 0) body(d, count);
  }
}

// Adds to num_nonempty, which is 0 before.
__global__ void count_octants(const uint64_t* keys, int64_t num_points, int32_t depth, int32_t full_depth,
                              unsigned long long* num_nonempty) {
  count_opened(keys, num_points, depth, full_depth, [=](int32_t d, int count) {
    atomicAdd(num_nonempty + d, static_cast<unsigned long long>(count));
  });
}

__global__ void finish_counts(int64_t num_shapes, int32_t depth, int32_t full_depth, int64_t* num_nodes,
                              int64_t* num_nonempty) {
  for (int32_t d = 0; d <= depth; ++d) {
    num_nodes[d] = d <= full_depth ? num_shapes << 3 * d : 8 * num_nonempty[d - 1];
    if (d < full_depth) num_nonempty[d] = num_nodes[d];
  }
}

struct Layers {
  int64_t* keys[kLayers];
  int32_t* children[kLayers];
};

// All octants of depth blockIdx.y; where it is full_depth, fill_nodes then numbers those that are not empty.
__global__ void fill_full_layers(int64_t num_shapes, int32_t full_depth, Layers layers) {
  const int32_t d = blockIdx.y;
  int64_t* keys = layers.keys[d];
  int32_t* children = layers.children[d];
  ocnn::grid_stride(num_shapes << 3 * d, [=](int64_t i) {
    const int64_t shape = i >> 3 * d;
    keys[i] = shape << ocnn::kShapeShift | (i - (shape << 3 * d));
    children[i] = d == full_depth ? -1 : static_cast<int32_t>(i);
  });
}

// counts [depth - full_depth + 1, blocks].
__global__ void count_of_blocks(const uint64_t* keys, int64_t num_points, int32_t depth, int32_t full_depth,
                                int64_t* counts) {
  count_opened(keys, num_points, depth, full_depth, [=](int32_t d, int count) {
    counts[static_cast<int64_t>(d - full_depth) * gridDim.x + blockIdx.x] = count;
  });
}

// A point among the non-empty octants of a depth.
struct Place {
  int64_t octant;  // the running number of the octant it is in
  bool opens;      // as the first one

  __device__ int64_t before() const { return opens ? octant - 1 : octant; }  // the octant of the point before
};

// of_warp[d][w] = octants that the points of warp w open at depth d.
__device__ void count_of_warps(const Step& step, int32_t depth, int32_t full_depth, int32_t (*of_warp)[kWarps]) {
  for (int32_t d = full_depth; d <= depth; ++d) {
    const unsigned opening = __ballot_sync(0xffffffffu, step.opens(3 * (depth - d)));
    if (threadIdx.x % 32 == 0) of_warp[d][threadIdx.x / 32] = __popc(opening);
  }
  __syncthreads();
}

// Called by the whole warp. before_block: octants that earlier blocks open; of_warp: those of this block's warps.
__device__ Place place_of(const Step& step, int32_t shift, int64_t before_block, const int32_t* of_warp) {
  const bool opens = step.opens(shift);
  const unsigned up_to_here = 0xffffffffu >> (31 - threadIdx.x % 32);
  int64_t opened = before_block + __popc(__ballot_sync(0xffffffffu, opens) & up_to_here);
  for (int w = 0; w < static_cast<int>(threadIdx.x / 32); ++w) opened += of_warp[w];
  return {opened - 1, opens};
}

// The octants first..last - 1 of a layer, siblings of the octant with this key, have no children.
__device__ void fill_empty(uint64_t sibling_key, int64_t first, int64_t last, int64_t* keys, int32_t* children) {
  for (int64_t s = first; s < last; ++s) {
    keys[s] = static_cast<int64_t>((sibling_key & ~uint64_t{7}) | static_cast<uint64_t>(s & 7));
    children[s] = -1;
  }
}

// A point in a layer below full_depth: writes its octant if it opens it, and the empty ones since the octant of the
// point before, so that every octant is written once. Returns the octant.
__device__ int64_t fill_siblings(const Step& step, int32_t shift, const Place& parent, const Place& place,
                                 bool is_last, int64_t* keys, int32_t* children) {
  const uint64_t key = ocnn::ancestor_key(step.key, shift), key_before = ocnn::ancestor_key(step.before, shift);
  const int64_t group = 8 * parent.octant, node = group + static_cast<int64_t>(key & 7);
  if (place.opens) {
    const int64_t group_before = 8 * parent.before();
    const int64_t next = group_before + static_cast<int64_t>(key_before & 7) + 1;
    fill_empty(key_before, next, parent.opens ? group_before + 8 : next, keys, children);
    fill_empty(key, parent.opens ? group : next, node, keys, children);
    keys[node] = static_cast<int64_t>(key);
    children[node] = static_cast<int32_t>(place.octant);
  }
  if (is_last) fill_empty(key, node + 1, group + 8, keys, children);
  return node;
}

// offsets: the sums of the counts before them; those of one depth count from their first.
__global__ void fill_nodes(const uint64_t* point_keys, int64_t num_points, int32_t depth, int32_t full_depth,
                           const int64_t* offsets, Layers layers, int32_t* point_node) {
  __shared__ int32_t of_warp[kLayers][kWarps];
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const Step step = step_at(point_keys, num_points, i);
  count_of_warps(step, depth, full_depth, of_warp);
  int64_t node = 0;
  Place parent = {0, false};
  for (int32_t d = full_depth; d <= depth; ++d) {
    const int32_t shift = 3 * (depth - d);
    const int64_t* of_depth = offsets + static_cast<int64_t>(d - full_depth) * gridDim.x;
    const Place place = place_of(step, shift, of_depth[blockIdx.x] - of_depth[0], of_warp[d]);
    if (i < num_points && d == full_depth) {
      const uint64_t key = ocnn::ancestor_key(step.key, shift), code = key & ocnn::kMortonMask;
      node = static_cast<int64_t>(key >> ocnn::kShapeShift << 3 * d | code);
      if (place.opens) layers.children[d][node] = static_cast<int32_t>(place.octant);
    } else if (i < num_points) {
      node = fill_siblings(step, shift, parent, place, i == num_points - 1, layers.keys[d], layers.children[d]);
    }
    parent = place;
  }
  if (i < num_points) point_node[i] = static_cast<int32_t>(node);
}

struct Counts {
  int64_t* counts;  // then their sums
  char* scan;
};

Counts layout_counts(ocnn::Workspace& memory, int64_t num_points) {
  const int64_t count = kLayers * blocks_of(num_points);
  Counts scratch;
  scratch.counts = memory.take<int64_t>(count);
  scratch.scan = memory.take<char>(ocnn::scan_workspace_bytes(count));
  return scratch;
}

// body(first, last, octant) for every octant, by the thread that falls to its first point.
template <typename Body>
__device__ void with_octant(const int32_t* point_node, int64_t num_points, int64_t first, const Body& body) {
  const int32_t node = point_node[first];
  if (first > 0 && point_node[first - 1] == node) return;
  int64_t last = first + 1;
  while (last < num_points && point_node[last] == node) ++last;
  body(first, last, int64_t{node});
}

__global__ void fill_geometry(ocnn::FeatureInputs in, const int32_t* point_node, int64_t num_points, float* features,
                              int32_t* status) {
  ocnn::grid_stride(num_points, [=](int64_t i) {
    with_octant(point_node, num_points, i, [=](int64_t first, int64_t last, int64_t octant) {
      float values[4];
      ocnn::geometry_features(in, first, last, values);
      for (int c = 0; c < 4; ++c) features[octant * (4 + in.num_extra) + c] = values[c];
      if (!ocnn::all_finite(values, 4)) ocnn::report(status, OCNN_NOT_FINITE);
    });
  });
}

__global__ void fill_extra(ocnn::FeatureInputs in, const int32_t* point_node, int64_t num_points, float* features,
                           int32_t* status) {
  ocnn::grid_stride(num_points * in.num_extra, [=](int64_t i) {
    const int64_t point = ocnn::quotient(i, in.num_extra), channel = i - point * in.num_extra;
    with_octant(point_node, num_points, point, [=](int64_t first, int64_t last, int64_t octant) {
      const float mean = ocnn::mean_extra(in, first, last, channel);
      features[octant * (4 + in.num_extra) + 4 + channel] = mean;
      if (!ocnn::all_finite(&mean, 1)) ocnn::report(status, OCNN_NOT_FINITE);
    });
  });
}

int clear(ocnn_cuda_stream stream, void* pointer, int64_t bytes) {
  if (bytes == 0) return OCNN_OK;
  const cudaError_t error = cudaMemsetAsync(pointer, 0, static_cast<size_t>(bytes), stream);
  if (error != cudaSuccess) cudaGetLastError();
  return ocnn::status_of(error);
}

}  // namespace

extern "C" {

int64_t ocnn_octree_point_keys_cuda_workspace_bytes(int64_t num_points) {
  ocnn::Workspace memory;
  layout_keys(memory, num_points);
  return memory.bytes();
}

int ocnn_octree_point_keys_cuda(ocnn_cuda_stream stream, const float* xyz, const int32_t* row_splits,
                                int64_t num_points, int64_t num_shapes, int32_t depth, int64_t* sorted_keys,
                                int32_t* order, void* workspace, int64_t workspace_bytes, int32_t* status) {
  if (!ocnn::valid_depths(depth, 0)) return OCNN_INVALID_ARGUMENT;
  if (num_points < 1 || num_shapes < 1) return OCNN_EMPTY;
  if (!valid_points(num_points, num_shapes)) return OCNN_INVALID_ARGUMENT;
  ocnn::Workspace memory(workspace, workspace_bytes);
  const Keys unsorted = layout_keys(memory, num_points);
  if (!memory.fits()) return OCNN_INVALID_ARGUMENT;
  if (const int error = ocnn::clear_status(stream, status)) return error;
  if (const int error = ocnn::launch_over(num_points, make_keys, stream, xyz, row_splits, num_points, num_shapes, depth,
                                          unsorted.keys, unsorted.rows, status)) {
    return error;
  }
  uint64_t* keys = reinterpret_cast<uint64_t*>(sorted_keys);
  if (const int error = ocnn::sort_pairs(stream, unsorted.keys, unsorted.rows, num_points, 0,
                                         sorted_bits(num_shapes, depth), keys, order, unsorted.sort,
                                         ocnn::sort_pairs_workspace_bytes(num_points))) {
    return error;
  }
  return ocnn::launch_over(num_points, spread_keys, stream, num_points, depth, keys);
}

int ocnn_octree_count_cuda(ocnn_cuda_stream stream, const int64_t* sorted_keys, int64_t num_points, int64_t num_shapes,
                           int32_t depth, int32_t full_depth, int64_t* num_nodes, int64_t* num_nonempty) {
  if (!ocnn::valid_depths(depth, full_depth) || !valid_points(num_points, num_shapes) ||
      !ocnn::full_layer_fits(num_shapes, full_depth)) {
    return OCNN_INVALID_ARGUMENT;
  }
  if (const int error = clear(stream, num_nonempty, (depth + 1) * int64_t{sizeof(int64_t)})) return error;
  const uint64_t* keys = reinterpret_cast<const uint64_t*>(sorted_keys);
  if (const int error = ocnn::launch(count_octants, static_cast<unsigned>(blocks_of(num_points)), ocnn::kBlock, 0,
                                     stream, keys, num_points, depth, full_depth,
                                     reinterpret_cast<unsigned long long*>(num_nonempty))) {
    return error;
  }
  return ocnn::launch(finish_counts, 1, 1, 0, stream, num_shapes, depth, full_depth, num_nodes, num_nonempty);
}

int64_t ocnn_octree_nodes_cuda_workspace_bytes(int64_t num_points) {
  ocnn::Workspace memory;
  layout_counts(memory, num_points);
  return memory.bytes();
}

int ocnn_octree_nodes_cuda(ocnn_cuda_stream stream, const int64_t* sorted_keys, int64_t num_points, int64_t num_shapes,
                           int32_t depth, int32_t full_depth, int64_t* const* keys, int32_t* const* children,
                           int32_t* point_node, void* workspace, int64_t workspace_bytes) {
  if (!ocnn::valid_depths(depth, full_depth) || !valid_points(num_points, num_shapes) ||
      !ocnn::full_layer_fits(num_shapes, full_depth)) {
    return OCNN_INVALID_ARGUMENT;
  }
  ocnn::Workspace memory(workspace, workspace_bytes);
  const Counts scratch = layout_counts(memory, num_points);
  if (!memory.fits()) return OCNN_INVALID_ARGUMENT;
  Layers layers = {};
  std::copy(keys, keys + depth + 1, layers.keys);
  std::copy(children, children + depth + 1, layers.children);
  const dim3 full_grid(ocnn::num_blocks(num_shapes << 3 * full_depth), full_depth + 1);
  if (const int error = ocnn::launch(fill_full_layers, full_grid, ocnn::kBlock, 0, stream, num_shapes, full_depth,
                                     layers)) {
    return error;
  }
  const uint64_t* point_keys = reinterpret_cast<const uint64_t*>(sorted_keys);
  const unsigned blocks = static_cast<unsigned>(blocks_of(num_points));
  if (const int error = ocnn::launch(count_of_blocks, blocks, ocnn::kBlock, 0, stream, point_keys, num_points, depth,
                                     full_depth, scratch.counts)) {
    return error;
  }
  const int64_t num_counts = (depth - full_depth + 1) * int64_t{blocks};
  if (const int error = ocnn::exclusive_sum(stream, scratch.counts, num_counts, scratch.counts, scratch.scan,
                                            ocnn::scan_workspace_bytes(num_counts))) {
    return error;
  }
  return ocnn::launch(fill_nodes, blocks, ocnn::kBlock, 0, stream, point_keys, num_points, depth, full_depth,
                      scratch.counts, layers, point_node);
}

int ocnn_octree_features_cuda(ocnn_cuda_stream stream, const float* xyz, const float* normals, const float* extra,
                              const int32_t* order, const int32_t* point_node, int64_t num_points, int64_t num_nodes,
                              int64_t num_extra, int32_t depth, float* features, int32_t* status) {
  if (!ocnn::valid_depths(depth, 0) || num_points < 1 || num_points > INT32_MAX || num_extra < 0) {
    return OCNN_INVALID_ARGUMENT;
  }
  if (const int error = ocnn::clear_status(stream, status)) return error;
  if (const int error = clear(stream, features, num_nodes * (4 + num_extra) * int64_t{sizeof(float)})) return error;
  const ocnn::FeatureInputs in{xyz, normals, extra, order, num_extra, depth};
  if (const int error = ocnn::launch_over(num_points, fill_geometry, stream, in, point_node, num_points, features,
                                          status)) {
    return error;
  }
  return ocnn::launch_over(num_points * num_extra, fill_extra, stream, in, point_node, num_points, features, status);
}

}  // extern "C"
