// A linear layer on several inputs side by side, which are never concatenated, and its gradients.
//
//   y = [x_0, x_1, ...] * weights, that is the sum over parts p of x_p * weights[begin_p : begin_p + widths_p]
//
// The CUDA twins take every ocnn_dtype, sum in float32 (float64 for that type), at most 32 parts and 2^31 - 1 rows.
// Their `parts` (device pointers) and `widths` are host arrays, read before the call returns.
#pragma once

#include "../common.h"

extern "C" {

// parts[p] [rows, widths[p]], weights [sum of widths, cout], y [rows, cout]; all row-major, of `dtype`.
int ocnn_linear_cpu(const ocnn_executor* stream, int32_t dtype, const void* const* parts, const int64_t* widths,
                    int64_t num_parts, const void* weights, int64_t rows, int64_t cout, void* y);
int ocnn_linear_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* const* parts, const int64_t* widths,
                     int64_t num_parts, const void* weights, int64_t rows, int64_t cout, void* y);

// grad_x [rows, width] = grad_y [rows, cout] * transposed(weights [width, cout]), for the rows of the weights that belong
// to one part. The workspace holds the transposed weights: as many bytes as they have.
int ocnn_linear_grad_input_cpu(const ocnn_executor* stream, int32_t dtype, const void* grad_y, const void* weights,
                               int64_t rows, int64_t width, int64_t cout, void* grad_x, void* workspace,
                               int64_t workspace_bytes);
int64_t ocnn_linear_grad_input_cuda_workspace_bytes(int32_t dtype, int64_t width, int64_t cout);
int ocnn_linear_grad_input_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* grad_y, const void* weights,
                                int64_t rows, int64_t width, int64_t cout, void* grad_x, void* workspace,
                                int64_t workspace_bytes);

// `width` is the sum of the widths.
int64_t ocnn_linear_grad_weights_workspace_bytes(int32_t dtype, int64_t rows, int64_t width, int64_t cout);
int64_t ocnn_linear_grad_weights_cuda_workspace_bytes(int32_t dtype, int64_t rows, int64_t width, int64_t cout);

// grad_weights [sum of widths, cout] = transposed([x_0, x_1, ...]) * grad_y. The order of summation depends on the sizes
// alone, never on the number of threads.
int ocnn_linear_grad_weights_cpu(const ocnn_executor* stream, int32_t dtype, const void* const* parts,
                                 const int64_t* widths, int64_t num_parts, const void* grad_y, int64_t rows,
                                 int64_t cout, void* grad_weights, void* workspace, int64_t workspace_bytes);
int ocnn_linear_grad_weights_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* const* parts,
                                  const int64_t* widths, int64_t num_parts, const void* grad_y, int64_t rows,
                                  int64_t cout, void* grad_weights, void* workspace, int64_t workspace_bytes);

}  // extern "C"
