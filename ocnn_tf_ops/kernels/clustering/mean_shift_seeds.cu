// Mean-shift from points to where their seeds climb.
#include <cmath>

#include "mean_shift.cuh"
#include "pairwise_sum.inl"
#include "row_hash.inl"

namespace ocnn {
namespace {

// Puts the cell of every row into its region's table; the first row of a cell remains.
__global__ void insert_cells(Problem problem, Scratch scratch) {
  grid_stride(problem.num_points, [=](int64_t row) {
    const int64_t region = region_of(problem, scratch, row);
    if (scratch.counts[region] <= 0) return;
    const float size = static_cast<float>(problem.bandwidths[region]);
    const float* point = problem.points + row * problem.d;
    uint64_t hash = 0;
    for (int32_t j = 0; j < problem.d; ++j) hash = hash_value(hash, cell_of(point[j], size));
    const auto same_cell = [=](int32_t other) {
      const float* there = problem.points + int64_t{other} * problem.d;
      for (int32_t j = 0; j < problem.d; ++j) {
        if (cell_of(point[j], size) != cell_of(there[j], size)) return false;
      }
      return true;
    };
    scratch.slots[row] = insert<true>(scratch, region, hash, static_cast<int32_t>(row), same_cell);
  });
}

// The row that a region's tree visits at a position, both counted through all regions; -1 in one that is not clustered.
__device__ int32_t row_at(const Scratch& scratch, int64_t region, int64_t position) {
  return scratch.counts[region] > 0 ? scratch.first[region] + scratch.forest.order[position] : -1;
}

// seed_ranks[i] = 1 where the position i is a seed's, 0 elsewhere.
__global__ void mark_seeds(Problem problem, Scratch scratch) {
  grid_stride(problem.num_points + 1, [=](int64_t i) {
    bool is_seed = false;
    if (i < problem.num_points) {
      const int64_t region = region_of(problem, scratch, i);
      const int32_t row = row_at(scratch, region, i);
      is_seed = row >= 0 && remained(scratch, region, row);
    }
    scratch.seed_ranks[i] = is_seed;
  });
}

// Seeds are the middles of their cells; the points themselves if none share a cell.
__global__ void place_seeds(Problem problem, Scratch scratch) {
  grid_stride(problem.num_points, [=](int64_t i) {
    if (scratch.seed_ranks[i] == scratch.seed_ranks[i + 1]) return;
    const int64_t region = region_of(problem, scratch, i);
    const int32_t first = scratch.first[region], count = scratch.counts[region], row = row_at(scratch, region, i);
    const bool alone = scratch.seed_ranks[first + count] - scratch.seed_ranks[first] == count;
    const float size = static_cast<float>(problem.bandwidths[region]);
    scratch.seeds[scratch.seed_ranks[i]] = row;
    for (int32_t j = 0; j < problem.d; ++j) {
      const float x = problem.points[int64_t{row} * problem.d + j];
      scratch.means[int64_t{row} * problem.d + j] = alone ? x : cell_of(x, size) * size;
    }
  });
}

// The mean of the rows within the bandwidth, of one column: its order of summation depends on their number.
__device__ int32_t mean_of_column(const DeviceIndex& index, const float* query, double bandwidth, float* mean) {
  int32_t count = 0;
  visit_within<0>(index, query, bandwidth, [&](int32_t, unsigned mask) { count += __popc(mask); });
  PairwiseSum sum(count);
  visit_within<0>(index, query, bandwidth, [&](int32_t base, unsigned mask) {
    for (; mask != 0; mask &= mask - 1) sum.add(index.columns[base + __ffs(mask) - 1]);
  });
  if (threadIdx.x % 32 == 0) mean[0] = static_cast<float>(static_cast<double>(sum.total()) / count);
  __syncwarp();
  return count;
}

// A warp writes the mean of the rows within the bandwidth of `query` and returns their number. Rows are added up in
// visiting order, a lane a dimension; rows that are not within count as 0, which changes no sum.
template <int kDims>
__device__ int32_t mean_within(const DeviceIndex& index, const float* query, double bandwidth, float* mean) {
  if (kDims <= 1 && index.d == 1) return mean_of_column(index, query, bandwidth, mean);
  int32_t count = 0;
  for (int32_t first = 0; first < index.d; first += 32) {
    const int32_t j = first + threadIdx.x % 32;
    float sum = 0;
    count = 0;
    visit_within<kDims>(index, query, bandwidth, [&](int32_t base, unsigned mask) {
      count += __popc(mask);
      if (j >= index.d) return;
      const float* column = index.columns + int64_t{j} * index.n + base;
#pragma unroll
      for (int i = 0; i < 32; ++i) sum += mask >> i & 1 ? column[i] : 0.0f;
    });
    if (j < index.d) mean[j] = static_cast<float>(static_cast<double>(sum) / count);
  }
  __syncwarp();
  return count;
}

// A warp moves a seed uphill and returns the number of points around the last mean but one.
template <int kDims>
__device__ int32_t climb_from(const DeviceIndex& index, const Problem& problem, double bandwidth, float* mean,
                              float* next) {
  for (int32_t completed = 0;; ++completed) {
    const int32_t count = mean_within<kDims>(index, mean, bandwidth, next);
    if (count == 0) return 0;
    const bool converged = has_converged(mean, next, problem.d, bandwidth);
    __syncwarp();
    for (int32_t j = threadIdx.x % 32; j < problem.d; j += 32) mean[j] = next[j];
    __syncwarp();
    if (converged || completed == problem.max_iterations) return count;
  }
}

template <int kDims>
__global__ void climb(Problem problem, Scratch scratch) {
  const int64_t num_seeds = scratch.seed_ranks[problem.num_points], step = int64_t{gridDim.x} * kWarpsOfBlock;
  for (int64_t s = int64_t{blockIdx.x} * kWarpsOfBlock + threadIdx.x / 32; s < num_seeds; s += step) {
    const int64_t row = scratch.seeds[s], region = region_of(problem, scratch, row);
    const DeviceIndex index = index_of(scratch.forest, region, scratch.first[region], scratch.counts[region],
                                       problem.d, kRadiusNeighbors);
    const int64_t at = row * problem.d;
    const double bandwidth = problem.bandwidths[region];
    const int32_t count = climb_from<kDims>(index, problem, bandwidth, scratch.means + at, scratch.next + at);
    if (threadIdx.x % 32 == 0) scratch.populations[row] = count;
  }
}

}  // namespace

void find_and_climb(Steps& steps, const Problem& problem, const Scratch& scratch) {
  const int64_t n = problem.num_points;
  steps.build(problem, scratch, problem.points, scratch.counts, kRadiusNeighbors);
  steps.fill(scratch.table, 0xff, 2 * n);
  steps.over(n, insert_cells, problem, scratch);
  steps.over(n + 1, mark_seeds, problem, scratch);
  steps.count_up(scratch.seed_ranks, n + 1, scratch);
  steps.over(n, place_seeds, problem, scratch);
  steps.by_warps(n, problem.d == 3 ? climb<3> : climb<0>, problem, scratch);
}

}  // namespace ocnn
