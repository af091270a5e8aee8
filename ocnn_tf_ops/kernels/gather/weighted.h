// Weighted sums of rows, as interpolation has them, and the adjoint.
#pragma once

#include "../common.h"

extern "C" {

// y[q] = sum over j of weight[q, j] * x[index[q, j]], skipping index -1: x [num_points, channels] of `dtype`, index and
// weight [num_queries, num_neighbors]; weights of `dtype` (beside the half types: float32).
int ocnn_weighted_gather_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* index,
                             const void* weight, int64_t num_queries, int64_t num_neighbors, int64_t num_points,
                             int64_t channels, void* y);
int ocnn_weighted_gather_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* index,
                              const void* weight, int64_t num_queries, int64_t num_neighbors, int64_t num_points,
                              int64_t channels, void* y);

// The adjoint: grad_x[n] = sum over index[q, j] = n of weight[q, j] * grad_y[q], always in the order of the queries.
int ocnn_weighted_gather_grad_cpu(const ocnn_executor* stream, int32_t dtype, const void* grad_y, const int32_t* index,
                                  const void* weight, int64_t num_queries, int64_t num_neighbors, int64_t num_points,
                                  int64_t channels, void* grad_x);
// Of a GPU, num_queries * num_neighbors must not exceed INT32_MAX.
int64_t ocnn_weighted_gather_grad_cuda_workspace_bytes(int64_t num_queries, int64_t num_neighbors, int64_t num_points);
int ocnn_weighted_gather_grad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* grad_y, const int32_t* index,
                                   const void* weight, int64_t num_queries, int64_t num_neighbors, int64_t num_points,
                                   int64_t channels, void* grad_x, void* workspace, int64_t workspace_bytes);

}  // extern "C"

namespace ocnn {

inline bool valid_weighted_sizes(int64_t num_queries, int64_t num_neighbors, int64_t num_points, int64_t channels) {
  return num_queries >= 0 && num_neighbors >= 0 && num_points >= 0 && num_points <= INT32_MAX && channels >= 0;
}

}  // namespace ocnn
