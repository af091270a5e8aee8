// What SGPN's grouping asks of the pairs of a shape's points: which proposals are one, and histograms of similarities.
#pragma once

#include "../common.h"

extern "C" {

// Sets join a list of proposals one after the other. A set is like a proposal if their intersection is more than
// `same_iou` of their union or more than `same_share` of the set. It replaces every like proposal that has fewer
// elements; a set without a like proposal becomes a new one, at the end. The loops are serial.
//
//   sets        [num_sets, num_words] bit b of word w tells of element 64 w + b
//   kept        [num_sets] the set that each proposal is in the end; the first num_kept are written
int ocnn_merge_proposals_cpu(const ocnn_executor* stream, const uint64_t* sets, int64_t num_sets, int64_t num_words,
                             double same_iou, double same_share, int64_t* kept, int64_t* num_kept);

// counts [num_rows, num_limits]: of how many of `values` [num_rows, num_values] of its row each limit [num_rows,
// num_limits] exceeds; NaN is below none.
int ocnn_count_below_cpu(const ocnn_executor* stream, const float* values, const float* limits, int64_t num_rows,
                         int64_t num_values, int64_t num_limits, int64_t* counts);

}  // extern "C"
