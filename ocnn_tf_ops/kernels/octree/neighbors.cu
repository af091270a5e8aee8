#include "neighbors.h"

#include "../cuda/launch.cuh"
#include "neighbors.inl"

namespace {

using ocnn::kCells;

constexpr int32_t kEntries = 8 * kCells;           // of a group of siblings
constexpr int32_t kRounds = (kEntries + 31) / 32;  // in which a warp writes them
constexpr int32_t kParents = 4;                    // a warp sees to
constexpr int32_t kBlockParents = ocnn::kBlock / 32 * kParents;

__global__ void fill_full_layer(int64_t num_entries, int32_t depth, int32_t* neighbors) {
  ocnn::grid_stride(num_entries, [=](int64_t i) {
    const int64_t octant = ocnn::quotient(i, kCells), first = octant >> 3 * depth << 3 * depth;
    const int32_t cell = static_cast<int32_t>(i - octant * kCells);
    neighbors[i] = ocnn::full_neighbor(first, static_cast<uint64_t>(octant - first), depth, cell);
  });
}

// children[octant], -1 unless it is one of the groups.
__device__ int32_t group_of(const int32_t* children, int64_t num_parents, int64_t num_groups, int64_t octant) {
  const int32_t group = octant >= 0 && octant < num_parents ? children[octant] : -1;
  return group >= 0 && group < num_groups ? group : -1;
}

// Lane l of a warp looks up the parent's neighbor l; entry e of the eight rows below is then that of one lane.
__global__ void fill_child_layer(const int32_t* parent_neighbors, const int32_t* children, int64_t num_parents,
                                 int64_t num_groups, int32_t* neighbors) {
  const int32_t lane = threadIdx.x % 32;
  ocnn::SiblingNeighbor sibling[kRounds];  // of the entries that this lane writes
  for (int32_t r = 0; r < kRounds; ++r) {
    const int32_t e = min(32 * r + lane, kEntries - 1);
    sibling[r] = ocnn::sibling_neighbor(e / kCells, e % kCells);
  }
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kBlockParents + threadIdx.x / 32 * kParents;
  for (int64_t parent = first; parent < min(first + kParents, num_parents); ++parent) {
    const int32_t group = group_of(children, num_parents, num_groups, parent);
    if (group < 0) continue;  // the whole warp
    const int32_t beside = lane < kCells ? parent_neighbors[parent * kCells + lane] : -1;
    const int32_t beside_group = group_of(children, num_parents, num_groups, beside);
    int32_t* rows = neighbors + int64_t{kEntries} * group;
    for (int32_t r = 0; r < kRounds; ++r) {
      const int32_t found = __shfl_sync(0xffffffffu, beside_group, sibling[r].parent);
      const int32_t e = 32 * r + lane;
      if (e < kEntries) rows[e] = found < 0 ? -1 : 8 * found + sibling[r].child;
    }
  }
}

}  // namespace

extern "C" {

int ocnn_octree_full_neighbors_cuda(ocnn_cuda_stream stream, int64_t num_shapes, int32_t depth, int32_t* neighbors) {
  if (!ocnn::valid_full_layer(num_shapes, depth)) return OCNN_INVALID_ARGUMENT;
  const int64_t num_entries = (num_shapes << 3 * depth) * kCells;
  return ocnn::launch_over(num_entries, fill_full_layer, stream, num_entries, depth, neighbors);
}

int ocnn_octree_child_neighbors_cuda(ocnn_cuda_stream stream, const int32_t* parent_neighbors,
                                     const int32_t* parent_children, int64_t num_parents, int64_t num_groups,
                                     int32_t* neighbors) {
  if (num_parents < 0 || num_parents > INT32_MAX || num_groups < 0 || num_groups > INT32_MAX / 8) {
    return OCNN_INVALID_ARGUMENT;
  }
  const unsigned blocks = static_cast<unsigned>((num_parents + kBlockParents - 1) / kBlockParents);
  return ocnn::launch(fill_child_layer, blocks, ocnn::kBlock, 0, stream, parent_neighbors, parent_children, num_parents,
                      num_groups, neighbors);
}

}  // extern "C"
