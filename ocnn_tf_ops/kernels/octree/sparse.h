// Sparse voxels: those that hold points, on a grid and on ever coarser ones, with what convolutions look up.
//
// Level 0 has the given voxels, level l + 1 one for every 2 x 2 x 2 block that is not empty. The voxels of a level are
// sorted by shape, then by Morton code. `depth` says how far they reach: voxels are in [0, 2^depth)^3, and the levels
// end at `depth`, where a shape is one voxel. Unlike an octree, a level has no empty voxels.
#pragma once

#include "../common.h"

extern "C" {

int64_t ocnn_sparse_keys_workspace_bytes(int64_t num_points);

// Sorts the points by voxel: voxels [num_points, 3], row_splits [num_shapes + 1]; any shape, and all of them, may be
// without points. Writes sorted_keys [num_points], order [num_points] (stable), and num_voxels [depth + 1] of all
// levels. OCNN_INVALID_ARGUMENT: a voxel is out of range.
int ocnn_sparse_keys_cpu(const ocnn_executor* stream, const int32_t* voxels, const int32_t* row_splits,
                         int64_t num_points, int64_t num_shapes, int32_t depth, int64_t* sorted_keys, int32_t* order,
                         int64_t* num_voxels, void* workspace, int64_t workspace_bytes);

// num_voxels [depth + 1], as above.
int64_t ocnn_sparse_levels_workspace_bytes(const int64_t* num_voxels, int32_t depth, int32_t num_levels);

// Writes, with V_l = num_voxels[l],
//   point_voxel [num_points]      the voxel of level 0 that each point lies in
//   voxels[l] [V_l, 3]            coordinates, l < num_levels
//   row_splits[l] [num_shapes + 1], l < num_levels
//   neighbors[l] [V_l, 27]        the voxel at offset (dx, dy, dz) in column 9 (dx + 1) + 3 (dy + 1) + dz + 1, or -1
//   children[l] [V_(l+1), 8]      the voxel of level l in each octant 4 x + 2 y + z of one of level l + 1, or -1
//   parents[l] [V_l, 8]           the table `children[l]` read backward: the parent in the column of a voxel's own
//                                 octant, -1 in the others; l < num_levels - 1
// num_levels <= depth + 1.
int ocnn_sparse_levels_cpu(const ocnn_executor* stream, const int64_t* sorted_keys, const int32_t* order,
                           int64_t num_points, int64_t num_shapes, int32_t depth, int32_t num_levels,
                           const int64_t* num_voxels, int32_t* point_voxel, int32_t* const* voxels,
                           int32_t* const* row_splits, int32_t* const* neighbors, int32_t* const* children,
                           int32_t* const* parents, void* workspace, int64_t workspace_bytes);

}  // extern "C"
