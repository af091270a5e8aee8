#include "mean_shift.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "../parallel.h"
#include "neighbor_index.h"
#include "neighbor_index.inl"
#include "row_table.h"

namespace ocnn {
namespace {

constexpr int64_t kSeedGrain = 64;
constexpr int64_t kPointGrain = 2048;

struct Kernel {
  int32_t max_iterations;
  int32_t d;
};

// Ends a call from wherever it is.
struct Stop {
  int status;
};

// The work of a call, on all its threads.
class Effort {
 public:
  explicit Effort(const ocnn_executor* stream) : stream_(stream) {}

  // Throws Stop if the call is cancelled, or its work exceeds what one may take.
  void spend(int64_t work) {
    if (is_cancelled(stream_)) throw Stop{OCNN_CANCELLED};
    if (spent_.fetch_add(work, std::memory_order_relaxed) > kMostWork) throw Stop{OCNN_TOO_LONG};
  }

 private:
  static constexpr int64_t kMostWork = 100000000000;  // rows and nodes looked at

  const ocnn_executor* stream_;
  std::atomic<int64_t> spent_{0};
};

// A region on its way from points to clusters.
struct Region {
  Region(const float* points, int64_t n, int32_t d, double bandwidth)
      : points(points), n(n), bandwidth(bandwidth), index(points, n, d, kRadiusNeighbors) {}

  const float* points;  // [n, d]
  int64_t n;
  double bandwidth;
  NeighborIndex index;
  std::vector<float> seeds;             // [seeds, d]; each becomes the center that it climbs to
  std::vector<int64_t> counts;          // [seeds] points around the last mean but one; 0 = the seed found no point
  std::vector<int64_t> climbing_order;  // [seeds] near ones together: they soon share their way
  std::vector<float> centers;          // [clusters, d]
  std::unique_ptr<NeighborIndex> center_index;
};

// The cells of size h that hold a point, in float32 as NumPy has them; the points themselves if none share a cell.
void find_seeds(const Kernel& kernel, Region* region, Effort* effort) {
  const int32_t d = kernel.d;
  const float size = static_cast<float>(region->bandwidth);
  RowTable cells(d);
  std::vector<float> cell(d);
  std::vector<int64_t> cell_id(region->n);
  for (int64_t i = 0; i < region->n; ++i) {
    if (i % kPointGrain == 0) effort->spend(kPointGrain);
    for (int32_t j = 0; j < d; ++j) cell[j] = cell_of(region->points[i * d + j], size);
    cell_id[i] = cells.insert(cell.data());
  }
  if (cells.size() == region->n) {
    region->seeds.assign(region->points, region->points + region->n * d);
  } else {
    region->seeds.resize(cells.size() * d);
    std::transform(cells.row(0), cells.row(cells.size()), region->seeds.begin(), [=](float c) { return c * size; });
  }
  region->counts.assign(cells.size(), 0);
  std::vector<bool> listed(cells.size(), false);
  for (int32_t i : region->index.order()) {
    if (!listed[cell_id[i]]) region->climbing_order.push_back(cell_id[i]);
    listed[cell_id[i]] = true;
  }
}

// Moves the seeds of one region uphill. What a mean does next depends on the mean alone, so a seed that arrives where
// an earlier one has been takes over its result, unless it would run out of iterations on the way.
class Climber {
 public:
  Climber(const Kernel& kernel, Region* region, Effort* effort)
      : kernel_(kernel), region_(region), effort_(effort), visited_(kernel.d) {}

  void climb(int64_t seed) {
    float* mean = region_->seeds.data() + seed * kernel_.d;
    std::vector<float> next(kernel_.d);
    const size_t path = steps_.size();
    for (int64_t completed = 0;;) {
      int64_t work = 0;
      const int64_t count = region_->index.mean_within(mean, region_->bandwidth, next.data(), &work);
      effort_->spend(work);
      region_->counts[seed] = count;
      if (count == 0) return;
      const bool converged = has_converged(mean, next.data(), kernel_.d, region_->bandwidth);
      std::copy(next.begin(), next.end(), mean);
      if (converged) return finish(path, completed);
      if (completed == kernel_.max_iterations) return;
      ++completed;
      const Step* known = visit(seed, completed);
      if (known != nullptr) return finish(path, completed + known->remaining);
    }
  }

 private:
  struct Step {
    int64_t seed;       // who made it
    int64_t completed;  // iterations that took
    int64_t remaining;  // iterations from here to convergence
  };
  static constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max() / 2;

  // Takes over the result if it is known from the seed's present mean on; else notes that the seed was here.
  const Step* visit(int64_t seed, int64_t completed) {
    float* mean = region_->seeds.data() + seed * kernel_.d;
    const size_t id = visited_.insert(mean);
    if (id == steps_.size()) {
      steps_.push_back({seed, completed, kUnknown});
      return nullptr;
    }
    const Step& step = steps_[id];
    if (completed + step.remaining > kernel_.max_iterations) return nullptr;
    std::copy_n(region_->seeds.data() + step.seed * kernel_.d, kernel_.d, mean);
    region_->counts[seed] = region_->counts[step.seed];
    return &step;
  }

  void finish(size_t path, int64_t total) {
    for (; path < steps_.size(); ++path) steps_[path].remaining = total - steps_[path].completed;
  }

  const Kernel& kernel_;
  Region* region_;
  Effort* effort_;
  RowTable visited_;
  std::vector<Step> steps_;  // one for each row of visited_
};

// The distinct centers, most populated first, equal counts by descending coordinates. Where seeds reach one center with
// differing counts, the last seed's holds.
std::vector<float> sorted_centers(const Kernel& kernel, const Region& region) {
  const int32_t d = kernel.d;
  RowTable centers(d);
  std::vector<int64_t> counts;
  for (size_t seed = 0; seed < region.counts.size(); ++seed) {
    if (region.counts[seed] == 0) continue;
    const size_t id = centers.insert(region.seeds.data() + seed * d);
    if (id == counts.size()) counts.push_back(0);
    counts[id] = region.counts[seed];
  }
  std::vector<int64_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    if (counts[a] != counts[b]) return counts[a] > counts[b];
    return std::lexicographical_compare(centers.row(b), centers.row(b) + d, centers.row(a), centers.row(a) + d);
  });
  std::vector<float> sorted;
  for (int64_t id : order) sorted.insert(sorted.end(), centers.row(id), centers.row(id) + d);
  return sorted;
}

// Keeps a center if no center before it that was kept lies within the bandwidth.
void choose_centers(const Kernel& kernel, Region* region, Effort* effort) {
  const int32_t d = kernel.d;
  const std::vector<float> candidates = sorted_centers(kernel, *region);
  const int64_t num_candidates = candidates.size() / d;
  if (num_candidates == 0) return;
  const NeighborIndex index(candidates.data(), num_candidates, d, kRadiusNeighbors);
  std::vector<bool> kept(num_candidates, true);
  std::vector<int32_t> close;
  for (int64_t i = 0; i < num_candidates; ++i) {
    if (!kept[i]) continue;
    const float* center = candidates.data() + i * d;
    int64_t work = 0;
    index.rows_within(center, region->bandwidth, &close, &work);
    effort->spend(work);
    for (int32_t row : close) kept[row] = false;
    kept[i] = true;
  }
  for (int64_t i = 0; i < num_candidates; ++i) {
    if (kept[i]) region->centers.insert(region->centers.end(), &candidates[i * d], &candidates[i * d] + d);
  }
  region->center_index = std::make_unique<NeighborIndex>(region->centers.data(), region->centers.size() / d, d, 1);
}

// Runs body(region, begin, end) over items of all regions, `splits` [regions + 1] of them, cut into even pieces. An
// exception must not leave a thread of the caller's pool; it becomes a Stop in this one.
template <typename Body>
void for_each_piece(const ocnn_executor* stream, const std::vector<int64_t>& splits, int64_t grain, const Body& body) {
  std::atomic<int> status{OCNN_OK};
  parallel_for(stream, splits.back(), grain, [&](int64_t begin, int64_t end) {
    try {
      int64_t region = std::upper_bound(splits.begin(), splits.end(), begin) - splits.begin() - 1;
      for (; begin < end; ++region) {
        const int64_t stop = std::min(end, splits[region + 1]);
        if (begin < stop) body(region, begin - splits[region], stop - splits[region]);
        begin = stop;
      }
    } catch (const std::bad_alloc&) {
      status = OCNN_OUT_OF_MEMORY;
    } catch (const Stop& stop) {
      status = stop.status;
    }
  });
  if (status != OCNN_OK) throw Stop{status};
}

// Runs body(region) for every region that has points, shared out by points.
template <typename Body>
void for_each_region(const ocnn_executor* stream, const std::vector<int64_t>& row_splits, const Body& body) {
  for_each_piece(stream, row_splits, kPointGrain, [&](int64_t r, int64_t begin, int64_t) {
    if (begin == 0) body(r);
  });
}

void mean_shift(const ocnn_executor* stream, const Kernel& kernel, const float* points,
                const std::vector<int64_t>& row_splits, const double* bandwidths, int32_t* labels, float* centers,
                int64_t* num_centers) {
  const int32_t d = kernel.d;
  const int64_t num_regions = row_splits.size() - 1;
  std::vector<std::unique_ptr<Region>> regions(num_regions);
  Effort effort(stream);

  for_each_region(stream, row_splits, [&](int64_t r) {
    const int64_t n = row_splits[r + 1] - row_splits[r];
    regions[r] = std::make_unique<Region>(points + row_splits[r] * d, n, d, bandwidths[r]);
    find_seeds(kernel, regions[r].get(), &effort);
  });

  std::vector<int64_t> seed_splits(num_regions + 1, 0);
  for (int64_t r = 0; r < num_regions; ++r) {
    seed_splits[r + 1] = seed_splits[r] + (regions[r] ? regions[r]->counts.size() : 0);
  }
  for_each_piece(stream, seed_splits, kSeedGrain, [&](int64_t r, int64_t begin, int64_t end) {
    Climber climber(kernel, regions[r].get(), &effort);
    for (int64_t i = begin; i < end; ++i) climber.climb(regions[r]->climbing_order[i]);
  });

  std::fill(num_centers, num_centers + num_regions, 0);
  for_each_region(stream, row_splits, [&](int64_t r) {
    choose_centers(kernel, regions[r].get(), &effort);
    num_centers[r] = regions[r]->centers.size() / d;
    std::copy(regions[r]->centers.begin(), regions[r]->centers.end(), centers + row_splits[r] * d);
  });

  for_each_piece(stream, row_splits, kPointGrain, [&](int64_t r, int64_t begin, int64_t end) {
    const NeighborIndex* index = regions[r]->center_index.get();
    for (int64_t i = begin; i < end; ++i) {
      int64_t work = 0;
      labels[row_splits[r] + i] = index ? index->nearest(regions[r]->points + i * d, &work) : -1;
      effort.spend(work);
    }
  });
}

bool valid_splits(const int64_t* row_splits, int64_t num_points, int64_t num_regions) {
  if (num_regions < 0 || row_splits == nullptr || row_splits[0] != 0) return false;
  if (row_splits[num_regions] != num_points) return false;
  for (int64_t r = 0; r < num_regions; ++r) {
    const int64_t n = row_splits[r + 1] - row_splits[r];
    if (n < 0 || n > std::numeric_limits<int32_t>::max() - 1024) return false;
  }
  return true;
}

}  // namespace
}  // namespace ocnn

int ocnn_mean_shift_cpu(const ocnn_executor* stream, const float* points, const int64_t* row_splits,
                        int64_t num_points, int64_t num_regions, int32_t d, const double* bandwidths,
                        int32_t max_iterations, int32_t* labels, float* centers, int64_t* num_centers) {
  if (d < 1 || max_iterations < 0 || !ocnn::valid_splits(row_splits, num_points, num_regions) ||
      !std::all_of(bandwidths, bandwidths + num_regions, ocnn::valid_radius)) {
    return OCNN_INVALID_ARGUMENT;
  }
  if (!std::all_of(points, points + num_points * d, [](float x) { return std::isfinite(x); })) return OCNN_NOT_FINITE;
  try {
    const std::vector<int64_t> splits(row_splits, row_splits + num_regions + 1);
    ocnn::mean_shift(stream, {max_iterations, d}, points, splits, bandwidths, labels, centers, num_centers);
    return OCNN_OK;
  } catch (const ocnn::Stop& stop) {
    return stop.status;
  } catch (const std::bad_alloc&) {
    return OCNN_OUT_OF_MEMORY;
  }
}
