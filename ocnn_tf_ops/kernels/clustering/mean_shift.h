// Flat-kernel mean-shift with bin seeding, as scikit-learn's MeanShift(bandwidth, bin_seeding=True) does it: the same
// seeds, rounding, stopping rule, removal of duplicates and labels.
#pragma once

#include "../common.h"

extern "C" {

// Clusters each of many regions on its own.
//
//   points       [row_splits[num_regions], d]; region r owns the rows row_splits[r] : row_splits[r + 1], maybe none
//   bandwidth    radius h of the kernel, positive and finite
//   labels       [rows] the region's cluster of each row, counted from 0 within the region; -1 throughout a region
//                where no seed has a point within the bandwidth (possible from 5 dimensions on)
//   centers      [rows, d]; region r fills the rows from row_splits[r] on, most populated cluster first
//   num_centers  [num_regions]
//
// OCNN_NOT_FINITE: a coordinate is NaN or infinite. The result does not depend on the number of threads.
int ocnn_mean_shift_cpu(const ocnn_executor* stream, const float* points, const int64_t* row_splits,
                        int64_t num_regions, int32_t d, double bandwidth, int32_t max_iterations, int32_t* labels,
                        float* centers, int64_t* num_centers);

}  // extern "C"
