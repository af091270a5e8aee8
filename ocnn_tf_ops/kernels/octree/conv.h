// Octree convolution as a gather over a neighbor table, and the gradient of its weights.
//
//   y[m, :] = sum over k with neighbors[m, k] >= 0 of x[neighbors[m, k], :] * weights[k]
//
// The gradient with respect to x is the same convolution with the mirrored kernel: if octant j is neighbor k of octant h,
// then h is neighbor K-1-k of j, so grad_x = conv(grad_y, weights') with weights'[k] = weights[K-1-k] transposed.
//
// The CUDA twins take every ocnn_dtype, sum in float32 (float64 for that type), and at most 2^31 - 1 rows. A missing
// neighbor is a row of zeros there: unlike on the CPU it meets the weights, whose NaN or infinity would show.
#pragma once

#include "../common.h"

extern "C" {

// x [num_in, cin], weights [kernel, cin, cout], neighbors [num_out, kernel] (-1 = missing), y [num_out, cout];
// all row-major, x / weights / y of `dtype`. The caller vouches for neighbors < num_in.
int ocnn_octree_conv_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const void* weights,
                         const int32_t* neighbors, int64_t num_in, int64_t num_out, int32_t kernel, int32_t cin,
                         int32_t cout, void* y);
int ocnn_octree_conv_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const void* weights,
                          const int32_t* neighbors, int64_t num_in, int64_t num_out, int32_t kernel, int32_t cin,
                          int32_t cout, void* y);

// Bytes of scratch that ocnn_octree_conv_grad_weights_cpu (0 for small inputs) and its CUDA twin want.
int64_t ocnn_octree_conv_grad_weights_workspace_bytes(int32_t dtype, int64_t num_out, int32_t kernel, int32_t cin,
                                                      int32_t cout);
int64_t ocnn_octree_conv_grad_weights_cuda_workspace_bytes(int32_t dtype, int64_t num_out, int32_t kernel, int32_t cin,
                                                           int32_t cout);

// grad_weights[k] = sum over m with neighbors[m, k] >= 0 of x[neighbors[m, k], :]^T * grad_y[m, :].
// The order of summation depends on the sizes alone, never on the number of threads.
int ocnn_octree_conv_grad_weights_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const void* grad_y,
                                      const int32_t* neighbors, int64_t num_in, int64_t num_out, int32_t kernel,
                                      int32_t cin, int32_t cout, void* grad_weights, void* workspace,
                                      int64_t workspace_bytes);
int ocnn_octree_conv_grad_weights_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const void* grad_y,
                                       const int32_t* neighbors, int64_t num_in, int64_t num_out, int32_t kernel,
                                       int32_t cin, int32_t cout, void* grad_weights, void* workspace,
                                       int64_t workspace_bytes);

}  // extern "C"
