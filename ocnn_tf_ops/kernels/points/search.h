// Neighbors of query points among the points of the same shape: within a ball, or the nearest ones in any space.
#pragma once

#include "../common.h"

extern "C" {

enum ocnn_norm { OCNN_L1 = 1, OCNN_L2 = 2 };

// For each query the first `max_neighbors` points, in the order of their rows, that are closer than `radius`. The slots
// that remain repeat the first one found, or hold -1 if there is none. xyz [num_points, 3], queries [num_queries, 3],
// shapes as their splits say; writes index [num_queries, max_neighbors], rows of xyz, and count [num_queries].
int ocnn_ball_query_cpu(const ocnn_executor* stream, const float* xyz, const int32_t* row_splits, int64_t num_points,
                        const float* queries, const int32_t* query_splits, int64_t num_queries, int64_t num_shapes,
                        float radius, int64_t max_neighbors, int32_t* index, int32_t* count);
int ocnn_ball_query_cuda(ocnn_cuda_stream stream, const float* xyz, const int32_t* row_splits, int64_t num_points,
                         const float* queries, const int32_t* query_splits, int64_t num_queries, int64_t num_shapes,
                         float radius, int64_t max_neighbors, int32_t* index, int32_t* count);

// For each query the `num_neighbors` nearest rows of x in the norm L1 or L2, nearest first, ties by row. x [num_points,
// channels], queries [num_queries, channels]. Writes index [num_queries, num_neighbors] and distance of the same size:
// L1 distances, or SQUARED L2 distances; -1 and infinity where a shape has too few points. Rows with NaN are near
// nothing. Works in tiles: the memory beyond the output is some hundred rows a thread, on the GPU shared memory alone.
int ocnn_nearest_neighbors_cpu(const ocnn_executor* stream, const float* x, const int32_t* row_splits,
                               int64_t num_points, const float* queries, const int32_t* query_splits,
                               int64_t num_queries, int64_t num_shapes, int64_t channels, int32_t norm,
                               int64_t num_neighbors, int32_t* index, float* distance);
int ocnn_nearest_neighbors_cuda(ocnn_cuda_stream stream, const float* x, const int32_t* row_splits,
                                int64_t num_points, const float* queries, const int32_t* query_splits,
                                int64_t num_queries, int64_t num_shapes, int64_t channels, int32_t norm,
                                int64_t num_neighbors, int32_t* index, float* distance);

}  // extern "C"
