#include "weighted.h"

#include <cmath>

#include "../cuda/dispatch.cuh"
#include "../cuda/launch.cuh"
#include "../cuda/pack.cuh"
#include "groups.cuh"

namespace {

using ocnn::Accumulator;
using ocnn::Pack;

constexpr int kCorners = 8;  // the neighbors that trilinear interpolation has: known to the compiler
constexpr int kAny = 0;      // any number of them

template <typename T, int Width>
__device__ void add_scaled(Pack<T, Width> from, Accumulator<T> scale, Accumulator<T>* sums) {
  for (int c = 0; c < Width; ++c) sums[c] = std::fma(scale, ocnn::widen(from.items[c]), sums[c]);
}

template <typename T, int Width>
__device__ Pack<T, Width> narrow_all(const Accumulator<T>* sums) {
  Pack<T, Width> pack;
  for (int c = 0; c < Width; ++c) pack.items[c] = ocnn::narrow<T>(sums[c]);
  return pack;
}

// Eight entries of a query; in units of 16 bytes where `aligned`.
template <bool aligned, typename Entry>
__device__ void load_corners(const Entry* row, Entry* values) {
  constexpr int kUnit = aligned ? 16 / sizeof(Entry) : 1;
  for (int k = 0; k < kCorners; k += kUnit) {
    const auto unit = ocnn::load_pack<kUnit>(row + k);
    for (int u = 0; u < kUnit; ++u) values[k + u] = unit.items[u];
  }
}

// The sums of one query's eight rows, which are all on their way before the first is used.
template <typename T, int Width>
__device__ void sum_corners(const Pack<T, Width>* x, const int32_t* index, const Accumulator<T>* weight,
                            int64_t num_points, int64_t packs, Accumulator<T>* sums) {
  int32_t neighbors[kCorners];
  Accumulator<T> weights[kCorners];
  load_corners<(Width > 1)>(index, neighbors);
  load_corners<(Width > 1)>(weight, weights);
  Pack<T, Width> rows[kCorners];
#pragma unroll
  for (int m = 0; m < kCorners; ++m) {
    const bool exists = neighbors[m] >= 0 && neighbors[m] < num_points;
    rows[m] = exists ? x[neighbors[m] * packs] : Pack<T, Width>{};
    weights[m] = exists ? weights[m] : Accumulator<T>{0};
  }
#pragma unroll
  for (int m = 0; m < kCorners; ++m) add_scaled(rows[m], weights[m], sums);
}

// A thread a query and pack of channels; rows of x and y are `packs` long.
template <int kNeighbors, typename T, int Width>
__global__ void gather(const Pack<T, Width>* x, const int32_t* index, const Accumulator<T>* weight,
                       int64_t num_queries, int64_t num_neighbors, int64_t num_points, int64_t packs,
                       Pack<T, Width>* y) {
  ocnn::grid_stride(num_queries * packs, [=](int64_t i) {
    const int64_t query = ocnn::quotient(i, packs), pack = i - query * packs, first = query * num_neighbors;
    Accumulator<T> sums[Width] = {};
    if constexpr (kNeighbors == kCorners) {
      sum_corners(x + pack, index + first, weight + first, num_points, packs, sums);
    } else {
      for (int64_t j = first; j < first + num_neighbors; ++j) {
        const int64_t row = index[j];
        if (row >= 0 && row < num_points) add_scaled(x[row * packs + pack], weight[j], sums);
      }
    }
    y[i] = narrow_all<T, Width>(sums);
  });
}

// A thread a row of x and pack of channels; the groups tell where the row was read.
template <int kNeighbors, typename T, int Width>
__global__ void gather_grad(const Pack<T, Width>* __restrict__ grad_y, const Accumulator<T>* __restrict__ weight,
                            const int32_t* __restrict__ order, const int32_t* __restrict__ starts,
                            int64_t num_neighbors, int64_t num_points, int64_t packs,
                            Pack<T, Width>* __restrict__ grad_x) {
  ocnn::grid_stride(num_points * packs, [=](int64_t i) {
    const int64_t row = ocnn::quotient(i, packs), pack = i - row * packs;
    const int32_t end = starts[row + 1];
    Accumulator<T> sums[Width] = {};
#pragma unroll 4
    for (int32_t s = starts[row]; s < end; ++s) {
      const int32_t position = order[s];
      const int64_t query = kNeighbors == kAny ? ocnn::quotient(position, num_neighbors) : position / kCorners;
      add_scaled(grad_y[query * packs + pack], weight[position], sums);
    }
    grad_x[i] = narrow_all<T, Width>(sums);
  });
}

// body(neighbors, Pack{}, packs in a row): 16 bytes a pack where all of the addresses and the rows allow it, else one
// element; `neighbors` is a constant, kCorners or kAny.
template <typename Body>
int for_packs(int32_t dtype, int64_t num_neighbors, int64_t channels, std::initializer_list<const void*> addresses,
              const Body& body) {
  uintptr_t bits = 0;
  for (const void* address : addresses) bits |= reinterpret_cast<uintptr_t>(address);
  return ocnn::dispatch_cuda(dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr int kWidth = 16 / sizeof(T);
    const auto with = [&](auto neighbors) {
      if (bits % 16 == 0 && channels % kWidth == 0) return body(neighbors, Pack<T, kWidth>{}, channels / kWidth);
      return body(neighbors, Pack<T, 1>{}, channels);
    };
    if (num_neighbors == kCorners) return with(std::integral_constant<int, kCorners>{});
    return with(std::integral_constant<int, kAny>{});
  });
}

template <int kNeighbors, typename T, int Width>
int enqueue(ocnn_cuda_stream stream, Pack<T, Width>, const void* x, const int32_t* index, const void* weight,
            int64_t num_queries, int64_t num_neighbors, int64_t num_points, int64_t packs, void* y) {
  using P = Pack<T, Width>;
  return ocnn::launch_over(num_queries * packs, gather<kNeighbors, T, Width>, stream, static_cast<const P*>(x), index,
                           static_cast<const Accumulator<T>*>(weight), num_queries, num_neighbors, num_points, packs,
                           static_cast<P*>(y));
}

template <int kNeighbors, typename T, int Width>
int enqueue_grad(ocnn_cuda_stream stream, Pack<T, Width>, const void* grad_y, const void* weight,
                 const ocnn::Groups& groups, int64_t num_neighbors, int64_t num_points, int64_t packs, void* grad_x) {
  using P = Pack<T, Width>;
  return ocnn::launch_over(num_points * packs, gather_grad<kNeighbors, T, Width>, stream,
                           static_cast<const P*>(grad_y), static_cast<const Accumulator<T>*>(weight), groups.order,
                           groups.starts, num_neighbors, num_points, packs, static_cast<P*>(grad_x));
}

}  // namespace

extern "C" {

int ocnn_weighted_gather_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* index,
                              const void* weight, int64_t num_queries, int64_t num_neighbors, int64_t num_points,
                              int64_t channels, void* y) {
  if (!ocnn::valid_weighted_sizes(num_queries, num_neighbors, num_points, channels)) return OCNN_INVALID_ARGUMENT;
  return for_packs(dtype, num_neighbors, channels, {x, index, weight, y}, [&](auto k, auto pack, int64_t packs) {
    return enqueue<k>(stream, pack, x, index, weight, num_queries, num_neighbors, num_points, packs, y);
  });
}

int64_t ocnn_weighted_gather_grad_cuda_workspace_bytes(int64_t num_queries, int64_t num_neighbors,
                                                       int64_t num_points) {
  ocnn::Workspace memory;
  ocnn::take_groups(memory, num_queries * num_neighbors, num_points);
  return memory.bytes();
}

int ocnn_weighted_gather_grad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* grad_y, const int32_t* index,
                                   const void* weight, int64_t num_queries, int64_t num_neighbors, int64_t num_points,
                                   int64_t channels, void* grad_x, void* workspace, int64_t workspace_bytes) {
  if (!ocnn::valid_weighted_sizes(num_queries, num_neighbors, num_points, channels) ||
      (num_neighbors > 0 && num_queries > INT32_MAX / num_neighbors)) {
    return OCNN_INVALID_ARGUMENT;
  }
  ocnn::Workspace memory(workspace, workspace_bytes);
  const int64_t count = num_queries * num_neighbors;
  const ocnn::Groups groups = ocnn::take_groups(memory, count, num_points);
  if (!memory.fits()) return OCNN_INVALID_ARGUMENT;
  if (const int status = ocnn::fill_groups(stream, index, count, num_points, groups)) return status;
  return for_packs(dtype, num_neighbors, channels, {grad_y, weight, grad_x}, [&](auto k, auto pack, int64_t packs) {
    return enqueue_grad<k>(stream, pack, grad_y, weight, groups, num_neighbors, num_points, packs, grad_x);
  });
}

}  // extern "C"
