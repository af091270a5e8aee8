#include "interpolate.h"

#include <cmath>

#include "../cuda/dispatch.cuh"
#include "../cuda/launch.cuh"
#include "../cuda/primitives.h"
#include "../cuda/status.cuh"
#include "../cuda/workspace.h"
#include "interpolate.inl"

namespace {

using ocnn::Accumulator;
using ocnn::Axis;
using ocnn::kCorners;
using ocnn::Layer;

// `Width` elements that are moved at once.
template <typename T, int Width>
struct alignas(Width * sizeof(T)) Pack {
  T values[Width];
};

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

template <typename T, int Width>
__device__ void add_scaled(Pack<T, Width> from, Accumulator<T> scale, Accumulator<T>* sums) {
  for (int c = 0; c < Width; ++c) sums[c] = std::fma(scale, ocnn::widen(from.values[c]), sums[c]);
}

template <typename T, int Width>
__device__ Pack<T, Width> narrow_all(const Accumulator<T>* sums) {
  Pack<T, Width> pack;
  for (int c = 0; c < Width; ++c) pack.values[c] = ocnn::narrow<T>(sums[c]);
  return pack;
}

// A point's row of the table; in units of 16 bytes where `aligned`.
template <bool aligned, typename Entry>
__device__ void load_row(const Entry* row, Entry* values) {
  constexpr int kUnit = aligned ? 16 / sizeof(Entry) : 1;
  for (int k = 0; k < kCorners; k += kUnit) {
    const auto unit = *reinterpret_cast<const Pack<Entry, kUnit>*>(row + k);
    for (int u = 0; u < kUnit; ++u) values[k + u] = unit.values[u];
  }
}

// A thread a point and pack of channels; rows of x and y are `packs` long.
template <typename T, int Width>
__global__ void interpolate(const Pack<T, Width>* x, const int32_t* index, const Accumulator<T>* weight,
                            int64_t num_points, int64_t num_nodes, int64_t packs, Pack<T, Width>* y) {
  ocnn::grid_stride(num_points * packs, [=](int64_t i) {
    const int64_t n = ocnn::quotient(i, packs), pack = i - n * packs;
    int32_t octants[kCorners];
    Accumulator<T> weights[kCorners], sums[Width] = {};
    load_row<(Width > 1)>(index + n * kCorners, octants);
    load_row<(Width > 1)>(weight + n * kCorners, weights);
    Pack<T, Width> rows[kCorners];  // all are on their way before the first is used
#pragma unroll
    for (int32_t m = 0; m < kCorners; ++m) {
      const bool exists = octants[m] >= 0 && octants[m] < num_nodes;
      rows[m] = exists ? x[octants[m] * packs + pack] : Pack<T, Width>{};
      weights[m] = exists ? weights[m] : Accumulator<T>{0};
    }
#pragma unroll
    for (int32_t m = 0; m < kCorners; ++m) add_scaled(rows[m], weights[m], sums);
    y[i] = narrow_all<T, Width>(sums);
  });
}

// A thread an octant and pack of channels; order and starts of group_positions tell where the octant was read.
template <typename T, int Width>
__global__ void interpolate_grad(const Pack<T, Width>* __restrict__ grad_y, const Accumulator<T>* __restrict__ weight,
                                 const int32_t* __restrict__ order, const int32_t* __restrict__ starts,
                                 int64_t num_nodes, int64_t packs, Pack<T, Width>* __restrict__ grad_x) {
  ocnn::grid_stride(num_nodes * packs, [=](int64_t i) {
    const int64_t node = ocnn::quotient(i, packs), pack = i - node * packs;
    const int32_t end = starts[node + 1];
    Accumulator<T> sums[Width] = {};
#pragma unroll 4
    for (int32_t s = starts[node]; s < end; ++s) {
      const int32_t position = order[s];
      add_scaled(grad_y[position / kCorners * packs + pack], weight[position], sums);
    }
    grad_x[i] = narrow_all<T, Width>(sums);
  });
}

// body(Pack{}, packs in a row): 16 bytes a pack where all of the addresses and the rows allow it, else one element.
template <typename Body>
int for_packs(int32_t dtype, int64_t channels, std::initializer_list<const void*> addresses, const Body& body) {
  uintptr_t bits = 0;
  for (const void* address : addresses) bits |= reinterpret_cast<uintptr_t>(address);
  return ocnn::dispatch_cuda(dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr int kWidth = 16 / sizeof(T);
    if (bits % 16 == 0 && channels % kWidth == 0) return body(Pack<T, kWidth>{}, channels / kWidth);
    return body(Pack<T, 1>{}, channels);
  });
}

struct Scratch {
  int32_t *order, *starts;
  char* group;
};

Scratch layout(ocnn::Workspace& memory, int64_t num_points, int64_t num_nodes) {
  Scratch scratch;
  scratch.order = memory.take<int32_t>(num_points * kCorners);
  scratch.starts = memory.take<int32_t>(num_nodes + 1);
  scratch.group = memory.take<char>(ocnn::group_positions_workspace_bytes(num_points * kCorners));
  return scratch;
}

template <typename T, int Width>
int enqueue(ocnn_cuda_stream stream, Pack<T, Width>, const void* x, const int32_t* index, const void* weight,
            int64_t num_points, int64_t num_nodes, int64_t packs, void* y) {
  using P = Pack<T, Width>;
  return ocnn::launch_over(num_points * packs, interpolate<T, Width>, stream, static_cast<const P*>(x), index,
                           static_cast<const Accumulator<T>*>(weight), num_points, num_nodes, packs,
                           static_cast<P*>(y));
}

template <typename T, int Width>
int enqueue_grad(ocnn_cuda_stream stream, Pack<T, Width>, const void* grad_y, const void* weight,
                 const Scratch& scratch, int64_t num_nodes, int64_t packs, void* grad_x) {
  using P = Pack<T, Width>;
  return ocnn::launch_over(num_nodes * packs, interpolate_grad<T, Width>, stream, static_cast<const P*>(grad_y),
                           static_cast<const Accumulator<T>*>(weight), scratch.order, scratch.starts, num_nodes, packs,
                           static_cast<P*>(grad_x));
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

int ocnn_octree_interpolate_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* index,
                                 const void* weight, int64_t num_points, int64_t num_nodes, int64_t channels, void* y) {
  if (!ocnn::valid_interpolation_sizes(num_points, num_nodes, channels)) return OCNN_INVALID_ARGUMENT;
  return for_packs(dtype, channels, {x, index, weight, y}, [&](auto pack, int64_t packs) {
    return enqueue(stream, pack, x, index, weight, num_points, num_nodes, packs, y);
  });
}

int64_t ocnn_octree_interpolate_grad_cuda_workspace_bytes(int64_t num_points, int64_t num_nodes) {
  ocnn::Workspace memory;
  layout(memory, num_points, num_nodes);
  return memory.bytes();
}

int ocnn_octree_interpolate_grad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* grad_y, const int32_t* index,
                                      const void* weight, int64_t num_points, int64_t num_nodes, int64_t channels,
                                      void* grad_x, void* workspace, int64_t workspace_bytes) {
  if (!ocnn::valid_interpolation_sizes(num_points, num_nodes, channels) || num_points > INT32_MAX / kCorners) {
    return OCNN_INVALID_ARGUMENT;
  }
  ocnn::Workspace memory(workspace, workspace_bytes);
  const Scratch scratch = layout(memory, num_points, num_nodes);
  if (!memory.fits()) return OCNN_INVALID_ARGUMENT;
  const int64_t positions = num_points * kCorners;
  if (const int status = ocnn::group_positions(stream, index, positions, num_nodes, scratch.order, scratch.starts,
                                               scratch.group, ocnn::group_positions_workspace_bytes(positions))) {
    return status;
  }
  return for_packs(dtype, channels, {grad_y, weight, grad_x}, [&](auto pack, int64_t packs) {
    return enqueue_grad(stream, pack, grad_y, weight, scratch, num_nodes, packs, grad_x);
  });
}

}  // extern "C"
