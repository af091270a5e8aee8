// Connected components of points that are near each other and have the same label (PointGroup's grouping).
#pragma once

#include "../common.h"

extern "C" {

// A point's neighbors are the first `max_neighbors` points of its scene, in the order of their rows and itself included,
// that are closer than `radius`, whatever their labels; it leads to those of its own label. Because of the limit the
// relation may be one-sided. Components grow breadth first from seeds in the order of rows, each over what no earlier
// one has taken; those of fewer than `min_points` points are dropped.
//
// xyz [num_points, 3], labels [num_points]; scene b owns the rows row_splits[b]..row_splits[b + 1] - 1. Writes members
// [num_points], of which component c fills splits[c]..splits[c + 1] - 1 in the order found, splits [num_points + 1] and
// num_components [1]. No list of pairs is kept: the memory is proportional to the points.
// OCNN_NOT_FINITE: a coordinate is NaN or infinite.
int ocnn_radius_components_cpu(const ocnn_executor* stream, const float* xyz, const int32_t* labels,
                               const int32_t* row_splits, int64_t num_points, int64_t num_scenes, float radius,
                               int64_t max_neighbors, int64_t min_points, int32_t* members, int32_t* splits,
                               int64_t* num_components);

}  // extern "C"
