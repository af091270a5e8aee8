#include "interpolate.h"

#include <algorithm>

#include "../cuda/launch.cuh"
#include "../cuda/splits.cuh"
#include "../cuda/status.cuh"
#include "interpolate.inl"

namespace {

using ocnn::Axis;
using ocnn::kCorners;
using ocnn::Layer;

// Divides by the sum over the eight lanes of a point, which all of the warp take part in.
__device__ float normalized(float weight) {
  float sum = ocnn::kLeastWeight;
  for (int32_t m = 0; m < kCorners; ++m) sum += __shfl_sync(0xffffffffu, weight, m, kCorners);
  return weight / sum;
}

// Eight lanes a point, each for one corner: they search together and read the same keys but at the end.
__global__ void fill_table(const float* xyz, const int32_t* row_splits, int64_t num_points, int64_t num_shapes,
                           Layer layer, int32_t* index, float* weight, int32_t* status) {
  ocnn::check_row_splits(row_splits, num_shapes, num_points, OCNN_OK, status);
  const int64_t count = num_points * kCorners, step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t first = static_cast<int64_t>(blockIdx.x) * blockDim.x; first < count; first += step) {
    const int64_t i = first + threadIdx.x, n = min(i, count - 1) / kCorners;
    const float* p = xyz + 3 * n;
    const bool finite = ocnn::all_finite(p, 3);
    if (!finite) ocnn::report(status, OCNN_NOT_FINITE);
    const Axis axes[3] = {ocnn::split_axis(finite ? p[0] : 0.0f, layer), ocnn::split_axis(finite ? p[1] : 0.0f, layer),
                          ocnn::split_axis(finite ? p[2] : 0.0f, layer)};
    const int32_t m = static_cast<int32_t>(i % kCorners);
    const ocnn::Corner corner = ocnn::corner_of(axes, m, ocnn::shape_of(row_splits, num_shapes, n));
    int32_t octant = -1;
    if (finite && corner.child >= 0) {
      ocnn::find_groups<1>(layer, {0, 0, layer.num_groups}, &corner.group_key, &octant);
    }
    const float share = normalized(octant < 0 ? 0.0f : ocnn::corner_weight(axes, m));
    if (i < count) {
      index[i] = octant < 0 ? -1 : octant + corner.child;
      weight[i] = share;
    }
  }
}

}  // namespace

extern "C" {

int ocnn_octree_interpolation_table_cuda(ocnn_cuda_stream stream, const float* xyz, const int32_t* row_splits,
                                         int64_t num_points, int64_t num_shapes, const int64_t* keys,
                                         int64_t num_nodes, int32_t depth, int32_t edge_mode, int32_t* index,
                                         float* weight, int32_t* status) {
  if (!ocnn::valid_table_sizes(num_points, num_shapes, num_nodes, depth, edge_mode)) return OCNN_INVALID_ARGUMENT;
  if (const int error = ocnn::clear_status(stream, status)) return error;
  const Layer layer{keys, num_nodes / 8, depth, edge_mode};
  const int64_t threads = std::max<int64_t>(1, num_points * kCorners);  // without points, too, splits are checked
  return ocnn::launch_over(threads, fill_table, stream, xyz, row_splits, num_points, num_shapes, layer, index, weight,
                           status);
}

}  // extern "C"
