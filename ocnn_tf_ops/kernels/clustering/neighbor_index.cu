// How the indices of all regions are built; neighbor_index.cuh asks them.
#include "../cuda/launch.cuh"
#include "neighbor_index.cuh"
#include "selection.cuh"

namespace ocnn {
namespace {

constexpr int kWarps = kBlock / 32;

// The memory of one region's index while it is built.
struct Region {
  const float* points;  // [n, d]
  int32_t n, d, levels;
  int32_t* order;
  float* bounds;
  uint64_t* keys;
  int32_t* spare;
};

// Keys that are ordered as the coordinates are, equal ones by their rows.
__device__ uint64_t key_of(float coordinate, int32_t row) {
  return static_cast<uint64_t>(ordered_bits(coordinate)) << 32 | static_cast<uint32_t>(row);
}

// A warp writes the bounds of a node, lower and upper corner, and returns its widest dimension.
__device__ int32_t bound(const Region& region, Positions positions, float* lower) {
  int32_t widest = 0;
  double spread = 0;
  for (int32_t j = 0; j < region.d; ++j) {
    float least = INFINITY, most = -INFINITY;
    for (int32_t i = positions.begin + threadIdx.x % 32; i < positions.end; i += 32) {
      const float x = region.points[int64_t{region.order[i]} * region.d + j];
      least = x < least ? x : least;
      most = x > most ? x : most;
    }
    for (int step = 16; step > 0; step /= 2) {
      const float other_least = __shfl_xor_sync(0xffffffffu, least, step);
      const float other_most = __shfl_xor_sync(0xffffffffu, most, step);
      least = other_least < least ? other_least : least;
      most = other_most > most ? other_most : most;
    }
    if (threadIdx.x % 32 == 0) {
      lower[j] = least;
      lower[region.d + j] = most;
    }
    const double width = static_cast<double>(most) - least;
    if (width > spread) {
      spread = width;
      widest = j;
    }
  }
  return widest;
}

// A warp parts a node at the median of its widest dimension. The arrangement within the halves is part of the visiting
// order.
__device__ void split(const Region& region, Positions positions, int32_t widest) {
  const int lane = threadIdx.x % 32;
  for (int32_t i = positions.begin + lane; i < positions.end; i += 32) {
    const int32_t row = region.order[i];
    region.keys[i] = key_of(region.points[int64_t{row} * region.d + widest], row);
  }
  __syncwarp();
  const int32_t middle = positions.begin + (positions.end - positions.begin) / 2;
  WarpSelection(region.keys, region.spare).select(positions.begin, middle, positions.end);
  for (int32_t i = positions.begin + lane; i < positions.end; i += 32) {
    region.order[i] = static_cast<int32_t>(region.keys[i] & 0xffffffffu);
  }
}

// A block builds the tree, a warp a node.
__device__ void build_tree(const Region& region) {
  for (int32_t level = 0; level < region.levels; ++level) {
    const int32_t nodes = 1 << level;
    for (int32_t number = threadIdx.x / 32; number < nodes; number += kWarps) {
      const Positions positions = positions_of(region.n, level, number);
      float* lower = region.bounds + int64_t{nodes - 1 + number} * 2 * region.d;
      const int32_t widest = bound(region, positions, lower);
      if (level + 1 < region.levels) split(region, positions, widest);
    }
    __syncthreads();
  }
}

__global__ void build_index(const float* rows, const int32_t* first, const int32_t* counts, int64_t num_regions,
                            int32_t d, int32_t k, Forest forest) {
  for (int64_t r = blockIdx.x; r < num_regions; r += gridDim.x) {
    const int64_t begin = first[r];
    const int32_t n = counts[r] > 0 ? counts[r] : 0;
    const DeviceIndex index = index_of(forest, r, begin, n, d, k);
    float* columns = forest.columns + begin * d;
    int32_t* order = forest.order + begin;
    const Region region = {rows + begin * d,    n, d, index.levels, order, const_cast<float*>(index.bounds),
                           forest.keys + begin, forest.spare + begin};
    for (int32_t i = threadIdx.x; i < n; i += blockDim.x) order[i] = i;
    __syncthreads();
    build_tree(region);
    for (int32_t i = threadIdx.x; i < n; i += blockDim.x) {
      const float* point = region.points + int64_t{order[i]} * d;
      for (int32_t j = 0; j < d; ++j) columns[int64_t{j} * n + i] = point[j];
      if (index.levels == 0) forest.norms[begin + i] = squared_norm(point, d);
    }
  }
}

}  // namespace

int build_indices(ocnn_cuda_stream stream, const float* rows, const int32_t* first, const int32_t* counts,
                  int64_t num_regions, int32_t d, int32_t k, const Forest& forest) {
  return launch(build_index, num_blocks(num_regions, 1), kBlock, 0, stream, rows, first, counts, num_regions, d, k,
                forest);
}

}  // namespace ocnn
