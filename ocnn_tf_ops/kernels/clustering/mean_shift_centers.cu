// Mean-shift from where seeds have climbed to centers and labels.
#include "mean_shift.cuh"
#include "row_hash.inl"

namespace ocnn {
namespace {

// body(row, region) for every seed that found a point.
template <typename Body>
__device__ void for_each_climber(const Problem& problem, const Scratch& scratch, const Body& body) {
  const int64_t num_seeds = scratch.seed_ranks[problem.num_points];
  grid_stride(num_seeds, [&](int64_t s) {
    const int32_t row = scratch.seeds[s];
    if (scratch.populations[row] > 0) body(row, region_of(problem, scratch, row));
  });
}

// Puts every mean into its region's table. Of equal ones the last seed's remains, and so does its population.
__global__ void insert_means(Problem problem, Scratch scratch) {
  for_each_climber(problem, scratch, [&](int32_t row, int64_t region) {
    const float* mean = scratch.means + int64_t{row} * problem.d;
    const auto equal = [&](int32_t other) {
      return equal_rows(mean, scratch.means + int64_t{other} * problem.d, problem.d);
    };
    scratch.slots[row] = insert<false>(scratch, region, hash_row(mean, problem.d), row, equal);
  });
}

// center_ranks[row] = 1 where the mean of the seed `row` stands for all that are equal to it; 0 before.
__global__ void mark_distinct(Problem problem, Scratch scratch) {
  for_each_climber(problem, scratch, [&](int32_t row, int64_t region) {
    scratch.center_ranks[row] = remained(scratch, region, row);
  });
}

__global__ void list_distinct(Problem problem, Scratch scratch) {
  grid_stride(problem.num_points, [=](int64_t row) {
    const int32_t rank = scratch.center_ranks[row];
    if (rank != scratch.center_ranks[row + 1]) scratch.distinct[rank] = static_cast<int32_t>(row);
  });
}

// Whether the mean of the seed `a` comes before that of `b`: it is more populated, or else its coordinates are larger.
__device__ bool comes_before(const Problem& problem, const Scratch& scratch, int32_t a, int32_t b) {
  if (scratch.populations[a] != scratch.populations[b]) return scratch.populations[a] > scratch.populations[b];
  const float *at_a = scratch.means + int64_t{a} * problem.d, *at_b = scratch.means + int64_t{b} * problem.d;
  for (int32_t j = 0; j < problem.d; ++j) {
    const uint32_t x = ordered_bits(at_a[j]), y = ordered_bits(at_b[j]);
    if (x != y) return x > y;
  }
  return a < b;
}

// Sorts by counting, for each distinct mean of a region, those that come before it.
__global__ void sort_distinct(Problem problem, Scratch scratch) {
  const int64_t total = scratch.center_ranks[problem.num_points];
  grid_stride(total, [&](int64_t i) {
    const int32_t row = scratch.distinct[i];
    const int64_t region = region_of(problem, scratch, row);
    const int32_t first = scratch.first[region];
    const int32_t begin = scratch.center_ranks[first], end = scratch.center_ranks[scratch.first[region + 1]];
    int64_t place = first;
    for (int32_t k = begin; k < end; ++k) place += comes_before(problem, scratch, scratch.distinct[k], row);
    for (int32_t j = 0; j < problem.d; ++j) {
      scratch.sorted[place * problem.d + j] = scratch.means[int64_t{row} * problem.d + j];
    }
    if (i == begin) scratch.num_distinct[region] = end - begin;
  });
}

// A warp a region, for each choice depends on those before it: a center is kept if no center before it that was kept
// lies within the bandwidth.
__global__ void choose_centers(Problem problem, Scratch scratch, float* centers, int64_t* num_centers) {
  const int lane = threadIdx.x % 32, d = problem.d;
  const int64_t step = int64_t{gridDim.x} * kWarpsOfBlock;
  for (int64_t r = int64_t{blockIdx.x} * kWarpsOfBlock + threadIdx.x / 32; r < problem.num_regions; r += step) {
    const int32_t first = scratch.first[r], n = scratch.num_distinct[r];
    const DeviceIndex index = index_of(scratch.forest, r, first, n, d, kRadiusNeighbors);
    const float* sorted = scratch.sorted + int64_t{first} * d;
    float* chosen = centers + int64_t{first} * d;
    int32_t* kept = scratch.kept + first;
    for (int32_t i = lane; i < n; i += 32) kept[i] = 1;
    __syncwarp();
    for (int32_t i = 0; i < n; ++i) {
      const bool candidate = kept[i] != 0;
      __syncwarp();
      if (!candidate) continue;
      visit_within<0>(index, sorted + int64_t{i} * d, problem.bandwidths[r], [&](int32_t base, unsigned mask) {
        if (mask >> lane & 1) kept[index.order[base + lane]] = 0;
      });
      __syncwarp();
      if (lane == 0) kept[i] = 1;
      __syncwarp();
    }
    int32_t count = 0;
    for (int32_t i = 0; i < n; ++i) {
      if (kept[i] == 0) continue;
      for (int32_t j = lane; j < d; j += 32) chosen[int64_t{count} * d + j] = sorted[int64_t{i} * d + j];
      ++count;
    }
    if (lane == 0) {
      scratch.num_kept[r] = count;
      num_centers[r] = scratch.counts[r] < 0 ? -1 : count;
    }
  }
}

__global__ void label_points(Problem problem, Scratch scratch, int32_t* labels) {
  grid_stride(problem.num_points, [=](int64_t row) {
    const int64_t region = region_of(problem, scratch, row);
    const int32_t count = scratch.num_kept[region];
    if (count > 0) {
      const DeviceIndex index = index_of(scratch.forest, region, scratch.first[region], count, problem.d, 1);
      labels[row] = NearestRow(index, problem.points + row * problem.d).row();
    } else {
      labels[row] = -1;
    }
  });
}

}  // namespace

void choose_and_label(Steps& steps, const Problem& problem, const Scratch& scratch, int32_t* labels, float* centers,
                      int64_t* num_centers) {
  const int64_t n = problem.num_points;
  steps.fill(scratch.table, 0xff, 2 * n);
  steps.over(n, insert_means, problem, scratch);
  steps.fill(scratch.center_ranks, 0, n + 1);
  steps.over(n, mark_distinct, problem, scratch);
  steps.count_up(scratch.center_ranks, n + 1, scratch);
  steps.over(n, list_distinct, problem, scratch);
  steps.fill(scratch.num_distinct, 0, problem.num_regions);
  steps.over(n, sort_distinct, problem, scratch);
  steps.build(problem, scratch, scratch.sorted, scratch.num_distinct, kRadiusNeighbors);
  steps.by_warps(problem.num_regions, choose_centers, problem, scratch, centers, num_centers);
  steps.build(problem, scratch, centers, scratch.num_kept, 1);
  steps.over(n, label_points, problem, scratch, labels);
}

}  // namespace ocnn
