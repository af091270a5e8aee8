// What the steps of mean-shift on the device share. Each is one kernel over all regions at once. Rows are numbered
// through all regions; a seed goes by the number of the first row in its cell, which keeps the order in which the CPU
// numbers seeds.
#pragma once

#include <cstdint>

#include "../cuda/launch.cuh"
#include "../cuda/primitives.h"
#include "../cuda/splits.cuh"
#include "../cuda/workspace.h"
#include "neighbor_index.cuh"
#include "row_table.cuh"

namespace ocnn {

constexpr int kWarpBlock = 128;  // threads of a block whose warps work alone
constexpr int kWarpsOfBlock = kWarpBlock / 32;

struct Problem {
  const float* points;  // [num_points, d]
  int64_t num_points, num_regions;
  int32_t d;
  const double* bandwidths;  // [num_regions]
  int32_t max_iterations;
};

struct Scratch {
  int32_t* first;         // [regions + 1] rows
  int32_t* counts;        // [regions] rows; -1: the region cannot be clustered
  int32_t* table;         // [2 rows] a hash table for each region, twice as long as the region
  int32_t* slots;         // [rows] where a row is in there
  int32_t* seed_ranks;    // [rows + 1] seeds before each position
  int32_t* seeds;         // [seeds] their rows, near ones together
  float* means;           // [rows, d] where the seed of this row has climbed to
  float* next;            // [rows, d] and its next step
  int32_t* populations;   // [rows] points around its last mean but one; 0: it found no point
  int32_t* center_ranks;  // [rows + 1] distinct means before each row
  int32_t* distinct;      // [distinct means] the rows of the seeds they belong to
  float* sorted;          // [rows, d] a region's distinct means, the most populated first
  int32_t* kept;          // [rows] which of them remain
  int32_t* num_distinct;  // [regions]
  int32_t* num_kept;      // [regions]
  void* scan;
  int64_t scan_bytes;
  Forest forest;
};

// Enqueues one step after the other, none after one that failed.
class Steps {
 public:
  explicit Steps(ocnn_cuda_stream stream) : stream_(stream) {}

  int status() const { return status_; }

  // A thread an item.
  template <typename... Parameters, typename... Arguments>
  void over(int64_t count, void (*kernel)(Parameters...), const Arguments&... arguments) {
    if (status_ == OCNN_OK) status_ = launch_over(count, kernel, stream_, arguments...);
  }

  // A warp an item.
  template <typename... Parameters, typename... Arguments>
  void by_warps(int64_t count, void (*kernel)(Parameters...), const Arguments&... arguments) {
    if (status_ == OCNN_OK) {
      status_ = launch(kernel, num_blocks(count, kWarpsOfBlock), kWarpBlock, 0, stream_, arguments...);
    }
  }

  void fill(int32_t* values, int byte, int64_t count) {
    if (status_ == OCNN_OK) status_ = status_of(cudaMemsetAsync(values, byte, count * sizeof(int32_t), stream_));
  }

  void count_up(int32_t* values, int64_t count, const Scratch& scratch) {
    if (status_ == OCNN_OK) status_ = exclusive_sum(stream_, values, count, values, scratch.scan, scratch.scan_bytes);
  }

  void build(const Problem& problem, const Scratch& scratch, const float* rows, const int32_t* counts, int32_t k) {
    if (status_ == OCNN_OK) {
      status_ = build_indices(stream_, rows, scratch.first, counts, problem.num_regions, problem.d, k, scratch.forest);
    }
  }

 private:
  ocnn_cuda_stream stream_;
  int status_ = OCNN_OK;
};

// Fills `seeds`, `means` and `populations`: finds the seeds and lets them climb.
void find_and_climb(Steps& steps, const Problem& problem, const Scratch& scratch);

// From there to the results: num_kept and the centers, in [num_points, d], num_centers [regions], labels [num_points].
void choose_and_label(Steps& steps, const Problem& problem, const Scratch& scratch, int32_t* labels, float* centers,
                      int64_t* num_centers);

__device__ inline int64_t region_of(const Problem& problem, const Scratch& scratch, int64_t row) {
  return shape_of(scratch.first, problem.num_regions, row);
}

// Puts a row into its region's table; of equal ones the first or the last remains. Returns its slot.
template <bool first, typename Equal>
__device__ int32_t insert(const Scratch& scratch, int64_t region, uint64_t hash, int32_t row, const Equal& equal) {
  int32_t* table = scratch.table + 2 * int64_t{scratch.first[region]};
  return insert_row<first>(table, 2 * scratch.counts[region], hash, row, equal);
}

// Whether `row`, which was put into its region's table, is the one that remained.
__device__ inline bool remained(const Scratch& scratch, int64_t region, int64_t row) {
  return scratch.table[2 * int64_t{scratch.first[region]} + scratch.slots[row]] == row;
}

}  // namespace ocnn
