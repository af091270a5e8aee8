// Flat-kernel mean-shift with bin seeding, as scikit-learn's MeanShift(bandwidth, bin_seeding=True) does it: the same
// seeds, rounding, stopping rule, removal of duplicates and labels.
#pragma once

#include "../common.h"

extern "C" {

// Clusters each of many regions on its own.
//
//   points       [num_points, d]; region r owns the rows row_splits[r] : row_splits[r + 1], maybe none
//   bandwidths   [num_regions] radius h of the kernel in each, a normal float32 (1.2e-38 to 3.4e38)
//   labels       [num_points] the region's cluster of each row, counted from 0 within the region; -1 throughout a
//                region where no seed has a point within the bandwidth (possible from 5 dimensions on)
//   centers      [num_points, d]; region r fills the rows from row_splits[r] on, most populated cluster first
//   num_centers  [num_regions]
//
// OCNN_NOT_FINITE: a coordinate is NaN or infinite. OCNN_TOO_LONG: queries looked at more than 10^11 rows and nodes of
// search trees, which takes a core minutes. OCNN_CANCELLED: the executor's word was set. The result
// does not depend on the number of threads.
int ocnn_mean_shift_cpu(const ocnn_executor* stream, const float* points, const int64_t* row_splits,
                        int64_t num_points, int64_t num_regions, int32_t d, const double* bandwidths,
                        int32_t max_iterations, int32_t* labels, float* centers, int64_t* num_centers);

// The same labels, centers and numbers to the last bit: rows are added up in the same order. (Compilers may fuse the
// squares in the distance to a box of the tree, which shows where a box touches the ball to 1 part in 10^16.) A region
// with NaN or infinity, or a bandwidth that is none, gets -1 for its number of centers and for its labels, and so do all
// regions if the splits do not rise from 0 to num_points. Nothing cancels it, and its work has no limit but max_iterations.
int64_t ocnn_mean_shift_cuda_workspace_bytes(int64_t num_points, int64_t num_regions, int32_t d);
int ocnn_mean_shift_cuda(ocnn_cuda_stream stream, const float* points, const int64_t* row_splits, int64_t num_points,
                         int64_t num_regions, int32_t d, const double* bandwidths, int32_t max_iterations,
                         int32_t* labels, float* centers, int64_t* num_centers, void* workspace, int64_t workspace_bytes);

}  // extern "C"
