#include <cstdint>

#include "../cuda/dispatch.cuh"
#include "../cuda/launch.cuh"
#include "groups.cuh"
#include "rows.h"

namespace {

// Rows are `width` units long.
template <typename Unit>
__global__ void gather(const Unit* x, const int32_t* index, int64_t num_rows, int64_t num_points, int64_t width,
                       Unit* y) {
  ocnn::grid_stride(num_rows * width, [=](int64_t i) {
    const int64_t row = ocnn::quotient(i, width), from = index[row];
    const bool exists = from >= 0 && from < num_points;
    y[i] = exists ? x[from * width + (i - row * width)] : Unit{};
  });
}

// sums[n, c] = sum over the positions p of row n, ascending, of x[p, c].
template <typename T>
__global__ void sum_groups(const T* x, const int32_t* order, const int32_t* starts, int64_t num_rows, int64_t channels,
                           T* sums) {
  ocnn::grid_stride(num_rows * channels, [=](int64_t i) {
    const int64_t row = ocnn::quotient(i, channels), channel = i - row * channels;
    ocnn::Accumulator<T> sum = 0;
    for (int32_t k = starts[row]; k < starts[row + 1]; ++k) sum += ocnn::widen(x[order[k] * channels + channel]);
    sums[i] = ocnn::narrow<T>(sum);
  });
}

template <typename T>
__global__ void neighbor_max(const T* x, const int32_t* index, int64_t num_queries, int64_t num_neighbors,
                             int64_t num_points, int64_t channels, T* y, int32_t* source) {
  ocnn::grid_stride(num_queries * channels, [=](int64_t i) {
    const int64_t query = ocnn::quotient(i, channels), channel = i - query * channels;
    const int32_t* neighbors = index + query * num_neighbors;
    T best = ocnn::narrow<T>(0);
    int32_t from = -1;
    for (int64_t j = 0; j < num_neighbors; ++j) {
      const int32_t row = neighbors[j];
      if (row < 0 || row >= num_points) continue;
      const T candidate = x[row * channels + channel];
      if (from < 0 || ocnn::widen(candidate) > ocnn::widen(best)) {
        best = candidate;
        from = row;
      }
    }
    y[i] = best;
    source[i] = from;
  });
}

// The element of x [num_points, channels] that each source [num_queries, channels] names, -1 for none.
__global__ void find_elements(const int32_t* source, int64_t count, int64_t num_points, int64_t channels,
                              int32_t* element) {
  ocnn::grid_stride(count, [=](int64_t i) {
    const int64_t row = source[i], channel = i - ocnn::quotient(i, channels) * channels;
    element[i] = row >= 0 && row < num_points ? static_cast<int32_t>(row * channels + channel) : -1;
  });
}

// sums [num_rows, channels]: the rows of x [count, channels] added up by their index [count].
int group_and_sum(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* index, int64_t count,
                  int64_t num_rows, int64_t channels, const ocnn::Groups& groups, void* sums) {
  if (const int status = ocnn::fill_groups(stream, index, count, num_rows, groups)) return status;
  return ocnn::dispatch_cuda(dtype, [&](auto zero) {
    using T = decltype(zero);
    return ocnn::launch_over(num_rows * channels, sum_groups<T>, stream, static_cast<const T*>(x), groups.order,
                             groups.starts, num_rows, channels, static_cast<T*>(sums));
  });
}

bool valid_count(int64_t count) { return count >= 0 && count <= INT32_MAX; }

}  // namespace

extern "C" {

int ocnn_gather_rows_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* index,
                          int64_t num_rows, int64_t num_points, int64_t channels, void* y) {
  const int64_t element = ocnn::element_bytes(dtype), bytes = element * channels;
  if (element == 0 || num_rows < 0 || num_points < 0 || channels < 0) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch_unit(bytes, x, y, [&](auto unit) {
    using Unit = decltype(unit);
    const int64_t width = bytes / int64_t{sizeof(Unit)};
    return ocnn::launch_over(num_rows * width, gather<Unit>, stream, static_cast<const Unit*>(x), index, num_rows,
                             num_points, width, static_cast<Unit*>(y));
  });
}

int64_t ocnn_gather_rows_grad_cuda_workspace_bytes(int64_t num_rows, int64_t num_points) {
  ocnn::Workspace memory;
  ocnn::take_groups(memory, num_rows, num_points);
  return memory.bytes();
}

int ocnn_gather_rows_grad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* grad_y, const int32_t* index,
                               int64_t num_rows, int64_t num_points, int64_t channels, void* grad_x, void* workspace,
                               int64_t workspace_bytes) {
  if (!valid_count(num_rows) || !valid_count(num_points) || channels < 0) return OCNN_INVALID_ARGUMENT;
  ocnn::Workspace memory(workspace, workspace_bytes);
  const ocnn::Groups groups = ocnn::take_groups(memory, num_rows, num_points);
  if (!memory.fits()) return OCNN_INVALID_ARGUMENT;
  return group_and_sum(stream, dtype, grad_y, index, num_rows, num_points, channels, groups, grad_x);
}

int ocnn_neighbor_max_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* index,
                           int64_t num_queries, int64_t num_neighbors, int64_t num_points, int64_t channels, void* y,
                           int32_t* source) {
  if (num_queries < 0 || num_neighbors < 0 || num_points < 0 || channels < 0) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch_cuda(dtype, [&](auto zero) {
    using T = decltype(zero);
    return ocnn::launch_over(num_queries * channels, neighbor_max<T>, stream, static_cast<const T*>(x), index,
                             num_queries, num_neighbors, num_points, channels, static_cast<T*>(y), source);
  });
}

int64_t ocnn_neighbor_max_grad_cuda_workspace_bytes(int64_t num_queries, int64_t num_points, int64_t channels) {
  ocnn::Workspace memory;
  memory.take<int32_t>(num_queries * channels);
  ocnn::take_groups(memory, num_queries * channels, num_points * channels);
  return memory.bytes();
}

int ocnn_neighbor_max_grad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* grad_y, const int32_t* source,
                                int64_t num_queries, int64_t num_points, int64_t channels, void* grad_x,
                                void* workspace, int64_t workspace_bytes) {
  if (!valid_count(num_queries) || !valid_count(num_points) || !valid_count(channels)) return OCNN_INVALID_ARGUMENT;
  const int64_t count = num_queries * channels, elements = num_points * channels;
  if (!valid_count(count) || !valid_count(elements)) return OCNN_INVALID_ARGUMENT;
  ocnn::Workspace memory(workspace, workspace_bytes);
  int32_t* element = memory.take<int32_t>(count);
  const ocnn::Groups groups = ocnn::take_groups(memory, count, elements);
  if (!memory.fits()) return OCNN_INVALID_ARGUMENT;
  if (const int status =
          ocnn::launch_over(count, find_elements, stream, source, count, num_points, channels, element)) {
    return status;
  }
  return group_and_sum(stream, dtype, grad_y, element, count, elements, 1, groups, grad_x);
}

}  // extern "C"
