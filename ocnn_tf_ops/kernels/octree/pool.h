// Maximum over the eight siblings of a group, and its relatives. All siblings take part, empty ones included.
//
// mask [num_groups, channels] holds the octant (row of the finer layer) each maximum came from, always one of the eight
// octants 8 * group + 0..7; a mask that says otherwise is OCNN_INVALID_ARGUMENT, to the CUDA twins a missing value: 0.
#pragma once

#include "../common.h"

extern "C" {

// x [8 * num_groups, channels] -> y [num_groups, channels] and mask; of equal values the first wins. A NaN wins over
// every number, so that it is not lost.
int ocnn_octree_max_pool_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, int64_t num_groups,
                             int64_t channels, void* y, int32_t* mask);
int ocnn_octree_max_pool_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, int64_t num_groups,
                              int64_t channels, void* y, int32_t* mask);

// x [num_groups, channels] -> y [8 * num_groups, channels]: each value at its mask, 0 elsewhere (adjoint of pick).
int ocnn_octree_max_unpool_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* mask,
                               int64_t num_groups, int64_t channels, void* y);
int ocnn_octree_max_unpool_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* mask,
                                int64_t num_groups, int64_t channels, void* y);

// x [8 * num_groups, channels] -> y [num_groups, channels]: the values at the mask.
int ocnn_octree_max_pick_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* mask,
                             int64_t num_groups, int64_t channels, void* y);
int ocnn_octree_max_pick_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* mask,
                              int64_t num_groups, int64_t channels, void* y);

}  // extern "C"
