// The entry points of mean-shift on the device, and what its input is like.
#include "mean_shift.h"

#include <cmath>

#include "mean_shift.cuh"

namespace ocnn {
namespace {

Scratch layout(Workspace& memory, int64_t num_points, int64_t num_regions, int32_t d) {
  Scratch scratch;
  scratch.first = memory.take<int32_t>(num_regions + 1);
  scratch.counts = memory.take<int32_t>(num_regions);
  scratch.table = memory.take<int32_t>(2 * num_points);
  scratch.slots = memory.take<int32_t>(num_points);
  scratch.seed_ranks = memory.take<int32_t>(num_points + 1);
  scratch.seeds = memory.take<int32_t>(num_points);
  scratch.means = memory.take<float>(num_points * d);
  scratch.next = memory.take<float>(num_points * d);
  scratch.populations = memory.take<int32_t>(num_points);
  scratch.center_ranks = memory.take<int32_t>(num_points + 1);
  scratch.distinct = memory.take<int32_t>(num_points);
  scratch.sorted = memory.take<float>(num_points * d);
  scratch.kept = memory.take<int32_t>(num_points);
  scratch.num_distinct = memory.take<int32_t>(num_regions);
  scratch.num_kept = memory.take<int32_t>(num_regions);
  scratch.scan_bytes = scan_workspace_bytes(num_points + 1);
  scratch.scan = memory.take<char>(scratch.scan_bytes);
  scratch.forest = forest_layout(memory, num_points, num_regions, d);
  return scratch;
}

// One block. Splits that do not rise from 0 to the number of points leave no region that can be clustered.
__global__ void read_splits(Problem problem, const int64_t* row_splits, Scratch scratch) {
  const int64_t regions = problem.num_regions;
  int rising = row_splits[0] == 0 && row_splits[regions] == problem.num_points;
  for (int64_t r = threadIdx.x; r < regions; r += blockDim.x) rising = rising && row_splits[r] <= row_splits[r + 1];
  rising = __syncthreads_and(rising);
  for (int64_t r = threadIdx.x; r <= regions; r += blockDim.x) {
    scratch.first[r] = static_cast<int32_t>(rising ? row_splits[r] : r < regions ? 0 : problem.num_points);
    if (r == regions) continue;
    const bool sound = rising && valid_radius(problem.bandwidths[r]);
    scratch.counts[r] = sound ? static_cast<int32_t>(row_splits[r + 1] - row_splits[r]) : -1;
  }
}

__global__ void find_not_finite(Problem problem, Scratch scratch) {
  grid_stride(problem.num_points * problem.d, [=](int64_t i) {
    if (!std::isfinite(problem.points[i])) scratch.counts[region_of(problem, scratch, quotient(i, problem.d))] = -1;
  });
}

}  // namespace
}  // namespace ocnn

extern "C" {

int64_t ocnn_mean_shift_cuda_workspace_bytes(int64_t num_points, int64_t num_regions, int32_t d) {
  ocnn::Workspace memory;
  ocnn::layout(memory, num_points, num_regions, d);
  return memory.bytes();
}

int ocnn_mean_shift_cuda(ocnn_cuda_stream stream, const float* points, const int64_t* row_splits, int64_t num_points,
                         int64_t num_regions, int32_t d, const double* bandwidths, int32_t max_iterations,
                         int32_t* labels, float* centers, int64_t* num_centers, void* workspace, int64_t workspace_bytes) {
  if (d < 1 || max_iterations < 0 || num_points < 0 || num_points > INT32_MAX / 2 || num_regions < 0 ||
      (num_regions == 0 && num_points > 0)) {
    return OCNN_INVALID_ARGUMENT;
  }
  if (num_regions == 0) return OCNN_OK;
  ocnn::Workspace memory(workspace, workspace_bytes);
  const ocnn::Scratch scratch = ocnn::layout(memory, num_points, num_regions, d);
  if (!memory.fits()) return OCNN_INVALID_ARGUMENT;
  ocnn::Steps steps(stream);
  const ocnn::Problem problem{points, num_points, num_regions, d, bandwidths, max_iterations};
  steps.over(1, ocnn::read_splits, problem, row_splits, scratch);
  steps.over(num_points * d, ocnn::find_not_finite, problem, scratch);
  ocnn::find_and_climb(steps, problem, scratch);
  ocnn::choose_and_label(steps, problem, scratch, labels, centers, num_centers);
  return steps.status();
}

}  // extern "C"
