#include "rows.h"

#include <algorithm>
#include <atomic>

#include "../dtype.h"
#include "../parallel.h"

namespace {

constexpr int64_t kGrain = 256;  // rows a task

bool in_range(const int32_t* index, int64_t count, int64_t limit) {
  return std::all_of(index, index + count, [limit](int32_t i) { return i >= -1 && i < limit; });
}

// One range of the points a task, so that every sum has one owner and one order: no atomics.
template <typename Body>
void for_owned_points(const ocnn_executor* stream, int64_t num_points, const Body& body) {
  const int64_t tasks = stream == nullptr ? 1 : std::max<int64_t>(1, stream->num_threads);
  ocnn::parallel_for(stream, num_points, (num_points + tasks - 1) / tasks, body);
}

template <typename T>
bool gather(const ocnn_executor* stream, const T* x, const int32_t* index, int64_t num_rows, int64_t num_points,
            int64_t channels, T* y) {
  std::atomic<bool> valid{true};
  ocnn::parallel_for(stream, num_rows, kGrain, [&](int64_t begin, int64_t end) {
    if (!in_range(index + begin, end - begin, num_points)) {
      valid = false;
      return;
    }
    for (int64_t r = begin; r < end; ++r) {
      T* row = y + r * channels;
      if (index[r] < 0) {
        std::fill(row, row + channels, T{0});
      } else {
        std::copy(x + index[r] * channels, x + (index[r] + int64_t{1}) * channels, row);
      }
    }
  });
  return valid;
}

template <typename T>
bool gather_grad(const ocnn_executor* stream, const T* grad_y, const int32_t* index, int64_t num_rows,
                 int64_t num_points, int64_t channels, T* grad_x) {
  if (!in_range(index, num_rows, num_points)) return false;
  for_owned_points(stream, num_points, [&](int64_t begin, int64_t end) {
    std::fill(grad_x + begin * channels, grad_x + end * channels, T{0});
    for (int64_t r = 0; r < num_rows; ++r) {
      if (index[r] < begin || index[r] >= end) continue;
      T* to = grad_x + index[r] * channels;
      for (int64_t c = 0; c < channels; ++c) to[c] += grad_y[r * channels + c];
    }
  });
  return true;
}

// Maximum over the neighbors of one query.
template <typename T>
void maximum(const T* x, const int32_t* index, int64_t num_neighbors, int64_t channels, T* y, int32_t* source) {
  std::fill(y, y + channels, T{0});
  std::fill(source, source + channels, -1);
  for (int64_t j = 0; j < num_neighbors; ++j) {
    if (index[j] < 0) continue;
    const T* row = x + index[j] * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const bool larger = source[c] < 0 || row[c] > y[c];
      y[c] = larger ? row[c] : y[c];
      source[c] = larger ? index[j] : source[c];
    }
  }
}

template <typename T>
bool neighbor_max(const ocnn_executor* stream, const T* x, const int32_t* index, int64_t num_queries,
                  int64_t num_neighbors, int64_t num_points, int64_t channels, T* y, int32_t* source) {
  std::atomic<bool> valid{true};
  ocnn::parallel_for(stream, num_queries, kGrain, [&](int64_t begin, int64_t end) {
    if (!in_range(index + begin * num_neighbors, (end - begin) * num_neighbors, num_points)) {
      valid = false;
      return;
    }
    for (int64_t q = begin; q < end; ++q) {
      maximum(x, index + q * num_neighbors, num_neighbors, channels, y + q * channels, source + q * channels);
    }
  });
  return valid;
}

template <typename T>
bool neighbor_max_grad(const ocnn_executor* stream, const T* grad_y, const int32_t* source, int64_t num_queries,
                       int64_t num_points, int64_t channels, T* grad_x) {
  if (!in_range(source, num_queries * channels, num_points)) return false;
  for_owned_points(stream, num_points, [&](int64_t begin, int64_t end) {
    std::fill(grad_x + begin * channels, grad_x + end * channels, T{0});
    for (int64_t q = 0; q < num_queries; ++q) {
      const int32_t* from = source + q * channels;
      for (int64_t c = 0; c < channels; ++c) {
        if (from[c] >= begin && from[c] < end) grad_x[from[c] * channels + c] += grad_y[q * channels + c];
      }
    }
  });
  return true;
}

}  // namespace

extern "C" {

int ocnn_gather_rows_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* index,
                         int64_t num_rows, int64_t num_points, int64_t channels, void* y) {
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    return gather(stream, static_cast<const T*>(x), index, num_rows, num_points, channels, static_cast<T*>(y));
  });
}

int ocnn_gather_rows_grad_cpu(const ocnn_executor* stream, int32_t dtype, const void* grad_y, const int32_t* index,
                              int64_t num_rows, int64_t num_points, int64_t channels, void* grad_x) {
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    return gather_grad(stream, static_cast<const T*>(grad_y), index, num_rows, num_points, channels,
                       static_cast<T*>(grad_x));
  });
}

int ocnn_neighbor_max_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* index,
                          int64_t num_queries, int64_t num_neighbors, int64_t num_points, int64_t channels, void* y,
                          int32_t* source) {
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    return neighbor_max(stream, static_cast<const T*>(x), index, num_queries, num_neighbors, num_points, channels,
                        static_cast<T*>(y), source);
  });
}

int ocnn_neighbor_max_grad_cpu(const ocnn_executor* stream, int32_t dtype, const void* grad_y, const int32_t* source,
                               int64_t num_queries, int64_t num_points, int64_t channels, void* grad_x) {
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    return neighbor_max_grad(stream, static_cast<const T*>(grad_y), source, num_queries, num_points, channels,
                             static_cast<T*>(grad_x));
  });
}

}  // extern "C"
