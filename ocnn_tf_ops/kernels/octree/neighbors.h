// Tables of the 27 neighbors of every octant: entry 9 * (dx + 1) + 3 * (dy + 1) + (dz + 1) of row i is the octant of
// the same shape and depth at offset (dx, dy, dz) from octant i, or -1 where there is none. A neighbor may be an empty
// octant.
#pragma once

#include "../common.h"

extern "C" {

// A full layer: neighbors [num_shapes * 8^depth, 27].
int ocnn_octree_full_neighbors_cpu(const ocnn_executor* stream, int64_t num_shapes, int32_t depth, int32_t* neighbors);
int ocnn_octree_full_neighbors_cuda(ocnn_cuda_stream stream, int64_t num_shapes, int32_t depth, int32_t* neighbors);

// The layer below one whose table is known: parent_neighbors [num_parents, 27], parent_children [num_parents] (-1 or
// the running number of the non-empty ones, num_groups of them) -> neighbors [8 * num_groups, 27]. Indices out of range
// are OCNN_INVALID_ARGUMENT, to the CUDA twin no octant; rows of a group that no parent names stay as they were.
int ocnn_octree_child_neighbors_cpu(const ocnn_executor* stream, const int32_t* parent_neighbors,
                                    const int32_t* parent_children, int64_t num_parents, int64_t num_groups,
                                    int32_t* neighbors);
int ocnn_octree_child_neighbors_cuda(ocnn_cuda_stream stream, const int32_t* parent_neighbors,
                                     const int32_t* parent_children, int64_t num_parents, int64_t num_groups,
                                     int32_t* neighbors);

}  // extern "C"
