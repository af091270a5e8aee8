// Where trilinear interpolation at points reads the features of octants, which live at octant centers, and with which
// weights: a table for gather/weighted.h.
#pragma once

#include "../common.h"

extern "C" {

enum ocnn_edge_mode {
  OCNN_EDGE_MISSING = 0,  // corners outside the box take no part
  OCNN_EDGE_WRAP = 1,     // as the released O-CNN on a GPU: beyond the upper face it reads the opposite one, and at the
                          // lower face a base of -1 becomes 0 while its weights stay; only to compare numbers with it
};

// For every point the eight octants around it and their weights, in the order of child octants (4 * x + 2 * y + z).
// xyz [num_points, 3], shape b owning the rows row_splits[b]..row_splits[b + 1] - 1; keys [num_nodes], sorted, of the
// finest depth, in groups of eight siblings. Writes index [num_points, 8], -1 where there is no such octant, and weight
// [num_points, 8], 0 there and summing to 1 over the others (all 0 if none of the eight exists). Empty octants take
// part. In mode MISSING points outside [-1, 1] are moved to the nearest face first, as when building.
int ocnn_octree_interpolation_table_cpu(const ocnn_executor* stream, const float* xyz, const int32_t* row_splits,
                                        int64_t num_points, int64_t num_shapes, const int64_t* keys, int64_t num_nodes,
                                        int32_t depth, int32_t edge_mode, int32_t* index, float* weight);
// A point that is not finite has no octants around it; see common.h for `status`.
int ocnn_octree_interpolation_table_cuda(ocnn_cuda_stream stream, const float* xyz, const int32_t* row_splits,
                                         int64_t num_points, int64_t num_shapes, const int64_t* keys,
                                         int64_t num_nodes, int32_t depth, int32_t edge_mode, int32_t* index,
                                         float* weight, int32_t* status);

}  // extern "C"
