#include "weighted.h"

#include <algorithm>
#include <atomic>

#include "../dtype.h"
#include "../parallel.h"

namespace {

constexpr int64_t kGrain = 512;  // queries a task

template <typename T>
void add_scaled(const T* from, T scale, int64_t count, T* to) {
  for (int64_t c = 0; c < count; ++c) to[c] += scale * from[c];
}

template <typename T>
bool gather(const ocnn_executor* stream, const T* x, const int32_t* index, const T* weight, int64_t num_queries,
            int64_t num_neighbors, int64_t num_points, int64_t channels, T* y) {
  std::atomic<bool> valid{true};
  ocnn::parallel_for(stream, num_queries, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t q = begin; q < end; ++q) {
      T* out = y + q * channels;
      std::fill(out, out + channels, T{0});
      for (int64_t j = q * num_neighbors; j < (q + 1) * num_neighbors; ++j) {
        if (index[j] < -1 || index[j] >= num_points) {
          valid = false;
          return;
        }
        if (index[j] >= 0) add_scaled(x + index[j] * channels, weight[j], channels, out);
      }
    }
  });
  return valid;
}

// Every task owns a range of rows and looks through all queries for them: no atomics, one order of summation.
template <typename T>
bool gather_grad(const ocnn_executor* stream, const T* grad_y, const int32_t* index, const T* weight,
                 int64_t num_queries, int64_t num_neighbors, int64_t num_points, int64_t channels, T* grad_x) {
  const int64_t tasks = stream == nullptr ? 1 : std::max<int64_t>(1, stream->num_threads);
  std::atomic<bool> valid{true};
  ocnn::parallel_for(stream, num_points, (num_points + tasks - 1) / tasks, [&](int64_t begin, int64_t end) {
    std::fill(grad_x + begin * channels, grad_x + end * channels, T{0});
    for (int64_t q = 0; q < num_queries; ++q) {
      for (int64_t j = q * num_neighbors; j < (q + 1) * num_neighbors; ++j) {
        const int64_t row = index[j];
        if (row >= begin && row < end) {
          add_scaled(grad_y + q * channels, weight[j], channels, grad_x + row * channels);
        } else if (row < -1 || row >= num_points) {
          valid = false;
          return;
        }
      }
    }
  });
  return valid;
}

}  // namespace

extern "C" {

int ocnn_weighted_gather_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* index,
                             const void* weight, int64_t num_queries, int64_t num_neighbors, int64_t num_points,
                             int64_t channels, void* y) {
  if (!ocnn::valid_weighted_sizes(num_queries, num_neighbors, num_points, channels)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    return gather(stream, static_cast<const T*>(x), index, static_cast<const T*>(weight), num_queries, num_neighbors,
                  num_points, channels, static_cast<T*>(y));
  });
}

int ocnn_weighted_gather_grad_cpu(const ocnn_executor* stream, int32_t dtype, const void* grad_y, const int32_t* index,
                                  const void* weight, int64_t num_queries, int64_t num_neighbors, int64_t num_points,
                                  int64_t channels, void* grad_x) {
  if (!ocnn::valid_weighted_sizes(num_queries, num_neighbors, num_points, channels)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    return gather_grad(stream, static_cast<const T*>(grad_y), index, static_cast<const T*>(weight), num_queries,
                       num_neighbors, num_points, channels, static_cast<T*>(grad_x));
  });
}

}  // extern "C"
