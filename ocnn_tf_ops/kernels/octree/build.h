// Points -> octree, in phases so that the caller can allocate in between:
//
//   1. point_keys   key of the finest octant of every point, sorted
//   2. count        octants at every depth
//   3. nodes        keys and children of every depth, and the octant of every point
//   4. features     averaged over the points of every finest octant
//
// Layers 0..full_depth hold all 8^d octants of every shape; deeper ones the eight children of every non-empty octant of
// the layer above, empty siblings included. The order is that of the keys, shape after shape (see key.h).
#pragma once

#include "../common.h"

extern "C" {

// Bytes of scratch that ocnn_octree_point_keys_cpu and its twin want.
int64_t ocnn_octree_point_keys_workspace_bytes(int64_t num_points);
int64_t ocnn_octree_point_keys_cuda_workspace_bytes(int64_t num_points);

// xyz [num_points, 3]; shape b owns the points row_splits[b]..row_splits[b + 1] - 1, at least one; depth 1..16, at most
// 32768 shapes. Writes sorted_keys [num_points] and order [num_points], the row of xyz behind each sorted key; points
// of one octant keep their order. Coordinates outside [-1, 1] fall in the outermost octants.
int ocnn_octree_point_keys_cpu(const ocnn_executor* stream, const float* xyz, const int32_t* row_splits,
                               int64_t num_points, int64_t num_shapes, int32_t depth, int64_t* sorted_keys,
                               int32_t* order, void* workspace, int64_t workspace_bytes);
// A point that is not finite gets some key; see common.h for `status`.
int ocnn_octree_point_keys_cuda(ocnn_cuda_stream stream, const float* xyz, const int32_t* row_splits,
                                int64_t num_points, int64_t num_shapes, int32_t depth, int64_t* sorted_keys,
                                int32_t* order, void* workspace, int64_t workspace_bytes, int32_t* status);

// Writes num_nodes [depth + 1], the octants of every depth, and num_nonempty [depth + 1], those with points in them
// (above full_depth, where emptiness is not told, all of them). OCNN_INVALID_ARGUMENT if a layer exceeds int32.
int ocnn_octree_count_cpu(const ocnn_executor* stream, const int64_t* sorted_keys, int64_t num_points,
                          int64_t num_shapes, int32_t depth, int32_t full_depth, int64_t* num_nodes,
                          int64_t* num_nonempty);
// The caller, who copies the counts to the host, sees there whether a layer below full_depth exceeds int32.
int ocnn_octree_count_cuda(ocnn_cuda_stream stream, const int64_t* sorted_keys, int64_t num_points, int64_t num_shapes,
                           int32_t depth, int32_t full_depth, int64_t* num_nodes, int64_t* num_nonempty);

// Writes keys[d] [num_nodes[d]] and children[d] [num_nodes[d]] for every depth d, and point_node [num_points], the
// finest octant of every sorted key. children[d][i] is -1 if octant i is empty, else its running number among the
// non-empty ones of its depth; its children are the octants 8 * children[d][i] + 0..7 of depth d + 1.
int ocnn_octree_nodes_cpu(const ocnn_executor* stream, const int64_t* sorted_keys, int64_t num_points,
                          int64_t num_shapes, int32_t depth, int32_t full_depth, int64_t* const* keys,
                          int32_t* const* children, int32_t* point_node);
// keys and children are host arrays of depth + 1 device pointers, read before it returns.
int64_t ocnn_octree_nodes_cuda_workspace_bytes(int64_t num_points);
int ocnn_octree_nodes_cuda(ocnn_cuda_stream stream, const int64_t* sorted_keys, int64_t num_points, int64_t num_shapes,
                           int32_t depth, int32_t full_depth, int64_t* const* keys, int32_t* const* children,
                           int32_t* point_node, void* workspace, int64_t workspace_bytes);

// Writes features [num_nodes, 4 + num_extra] of the finest octants, 0 where empty.
//   with normals [num_points, 3]: the direction of the summed normals (if that sum is shorter than 1e-6, of the first
//     point's normal) n, and 1.1547 * dot(d, n), d = the mean point less the octant's center, in voxels;
//   normals null: d and the constant 1.1547;
//   then the mean of extra [num_points, num_extra].
// Sums run in the order of the points. OCNN_NOT_FINITE if a feature is NaN or infinite.
int ocnn_octree_features_cpu(const ocnn_executor* stream, const float* xyz, const float* normals, const float* extra,
                             const int32_t* order, const int32_t* point_node, int64_t num_points, int64_t num_nodes,
                             int64_t num_extra, int32_t depth, float* features);
int ocnn_octree_features_cuda(ocnn_cuda_stream stream, const float* xyz, const float* normals, const float* extra,
                              const int32_t* order, const int32_t* point_node, int64_t num_points, int64_t num_nodes,
                              int64_t num_extra, int32_t depth, float* features, int32_t* status);

}  // extern "C"
