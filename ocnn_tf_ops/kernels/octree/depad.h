// From all octants of a depth to the non-empty ones: the adjoint of gathering their rows by `children` (gather/rows.h).
//
// children [num_nodes] is -1 for an empty octant, else its running number below num_nonempty, no number twice. An index
// out of range is OCNN_INVALID_ARGUMENT, to the CUDA twin an empty octant.
#pragma once

#include "../common.h"

extern "C" {

// x [num_nodes, channels] -> y [num_nonempty, channels].
int ocnn_octree_depad_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* children,
                          int64_t num_nodes, int64_t num_nonempty, int64_t channels, void* y);
int ocnn_octree_depad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* children,
                           int64_t num_nodes, int64_t num_nonempty, int64_t channels, void* y);

}  // extern "C"
