// Farthest point sampling.
#pragma once

#include "../common.h"

extern "C" {

// From each shape `num_samples` points, every one the farthest from those taken before; the first is the shape's first
// point, ties go to the lower row. A shape with fewer distinct points repeats its first. xyz [num_points, 3], shape b
// owning the rows row_splits[b]..row_splits[b + 1] - 1; workspace [num_points] floats; writes index
// [num_shapes * num_samples], rows of xyz. OCNN_EMPTY if a shape has no point.
int ocnn_farthest_points_cpu(const ocnn_executor* stream, const float* xyz, const int32_t* row_splits,
                             int64_t num_points, int64_t num_shapes, int64_t num_samples, float* workspace,
                             int32_t* index);
// On the GPU a shape without a point gets -1 for all its samples.
int ocnn_farthest_points_cuda(ocnn_cuda_stream stream, const float* xyz, const int32_t* row_splits,
                              int64_t num_points, int64_t num_shapes, int64_t num_samples, float* workspace,
                              int32_t* index);

}  // extern "C"
