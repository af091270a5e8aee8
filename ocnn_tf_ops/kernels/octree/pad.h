// Between all octants of a depth and the non-empty ones. Each is the other's adjoint.
//
// children [num_nodes] is -1 for an empty octant, else its running number below num_nonempty. An index out of range is
// OCNN_INVALID_ARGUMENT, to the CUDA twins an empty octant; for depad the numbers must also differ.
#pragma once

#include "../common.h"

extern "C" {

// x [num_nonempty, channels] -> y [num_nodes, channels], 0 at empty octants.
int ocnn_octree_pad_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* children,
                        int64_t num_nodes, int64_t num_nonempty, int64_t channels, void* y);
int ocnn_octree_pad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* children,
                         int64_t num_nodes, int64_t num_nonempty, int64_t channels, void* y);

// x [num_nodes, channels] -> y [num_nonempty, channels].
int ocnn_octree_depad_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* children,
                          int64_t num_nodes, int64_t num_nonempty, int64_t channels, void* y);
int ocnn_octree_depad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* children,
                           int64_t num_nodes, int64_t num_nonempty, int64_t channels, void* y);

}  // extern "C"
