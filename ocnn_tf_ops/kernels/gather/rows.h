// Rows that an index names: gathered, or their maximum in each channel; with the adjoints.
#pragma once

#include "../common.h"

extern "C" {

// y[r] = x[index[r]], 0 for index -1: x [num_points, channels] of `dtype`, index [num_rows].
int ocnn_gather_rows_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* index,
                         int64_t num_rows, int64_t num_points, int64_t channels, void* y);
int ocnn_gather_rows_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* index,
                          int64_t num_rows, int64_t num_points, int64_t channels, void* y);

// The adjoint: grad_x[n] = sum over index[r] = n of grad_y[r], always in the order of r.
int ocnn_gather_rows_grad_cpu(const ocnn_executor* stream, int32_t dtype, const void* grad_y, const int32_t* index,
                              int64_t num_rows, int64_t num_points, int64_t channels, void* grad_x);
int64_t ocnn_gather_rows_grad_cuda_workspace_bytes(int64_t num_rows, int64_t num_points);
int ocnn_gather_rows_grad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* grad_y, const int32_t* index,
                               int64_t num_rows, int64_t num_points, int64_t channels, void* grad_x, void* workspace,
                               int64_t workspace_bytes);

// y[q, c] = max over j of x[index[q, j], c], skipping index -1, 0 if there is no other: index [num_queries,
// num_neighbors]. `source` [num_queries, channels] gets the row the maximum came from (the first of equals), or -1.
int ocnn_neighbor_max_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* index,
                          int64_t num_queries, int64_t num_neighbors, int64_t num_points, int64_t channels, void* y,
                          int32_t* source);
int ocnn_neighbor_max_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* index,
                           int64_t num_queries, int64_t num_neighbors, int64_t num_points, int64_t channels, void* y,
                           int32_t* source);

// The adjoint: grad_x[n, c] = sum over source[q, c] = n of grad_y[q, c], always in the order of q.
int ocnn_neighbor_max_grad_cpu(const ocnn_executor* stream, int32_t dtype, const void* grad_y, const int32_t* source,
                               int64_t num_queries, int64_t num_points, int64_t channels, void* grad_x);
// Of a GPU, neither num_queries * channels nor num_points * channels may exceed INT32_MAX.
int64_t ocnn_neighbor_max_grad_cuda_workspace_bytes(int64_t num_queries, int64_t num_points, int64_t channels);
int ocnn_neighbor_max_grad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* grad_y, const int32_t* source,
                                int64_t num_queries, int64_t num_points, int64_t channels, void* grad_x,
                                void* workspace, int64_t workspace_bytes);

}  // extern "C"
