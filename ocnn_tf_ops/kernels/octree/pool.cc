#include "pool.h"

#include <algorithm>
#include <atomic>

#include "../dtype.h"
#include "../parallel.h"
#include "pool.inl"

namespace {

constexpr int64_t kGrain = 256;  // groups of siblings a task

template <typename T>
void max_pool(const ocnn_executor* stream, const T* x, int64_t num_groups, int64_t channels, T* y, int32_t* mask) {
  ocnn::parallel_for(stream, num_groups, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      T* best = y + g * channels;
      int32_t* where = mask + g * channels;
      std::copy(x + 8 * g * channels, x + (8 * g + 1) * channels, best);
      std::fill(where, where + channels, static_cast<int32_t>(8 * g));
      for (int64_t octant = 8 * g + 1; octant < 8 * g + 8; ++octant) {
        const T* row = x + octant * channels;
        for (int64_t c = 0; c < channels; ++c) {
          const bool wins = ocnn::wins(row[c], best[c]);
          best[c] = wins ? row[c] : best[c];
          where[c] = wins ? static_cast<int32_t>(octant) : where[c];
        }
      }
    }
  });
}

// Calls visit(group_element, octant_element) for every entry of the mask; false if one lies outside its group.
template <typename Visit>
bool for_each_mask(const ocnn_executor* stream, const int32_t* mask, int64_t num_groups, int64_t channels,
                   const Visit& visit) {
  std::atomic<bool> valid{true};
  ocnn::parallel_for(stream, num_groups, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t i = g * channels + c, octant = mask[i];
        if (!ocnn::in_group(octant, g)) {
          valid = false;
          return;
        }
        visit(i, octant * channels + c);
      }
    }
  });
  return valid;
}

template <typename T>
bool max_unpool(const ocnn_executor* stream, const T* x, const int32_t* mask, int64_t num_groups, int64_t channels,
                T* y) {
  ocnn::parallel_for(stream, num_groups, kGrain, [&](int64_t begin, int64_t end) {
    std::fill(y + 8 * begin * channels, y + 8 * end * channels, T{0});
  });
  return for_each_mask(stream, mask, num_groups, channels, [&](int64_t from, int64_t to) { y[to] = x[from]; });
}

template <typename T>
bool max_pick(const ocnn_executor* stream, const T* x, const int32_t* mask, int64_t num_groups, int64_t channels,
              T* y) {
  return for_each_mask(stream, mask, num_groups, channels, [&](int64_t to, int64_t from) { y[to] = x[from]; });
}

}  // namespace

extern "C" {

int ocnn_octree_max_pool_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, int64_t num_groups,
                             int64_t channels, void* y, int32_t* mask) {
  if (!ocnn::valid_pool_sizes(num_groups, channels)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    max_pool(stream, static_cast<const T*>(x), num_groups, channels, static_cast<T*>(y), mask);
    return true;
  });
}

int ocnn_octree_max_unpool_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* mask,
                               int64_t num_groups, int64_t channels, void* y) {
  if (!ocnn::valid_pool_sizes(num_groups, channels)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    return max_unpool(stream, static_cast<const T*>(x), mask, num_groups, channels, static_cast<T*>(y));
  });
}

int ocnn_octree_max_pick_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* mask,
                             int64_t num_groups, int64_t channels, void* y) {
  if (!ocnn::valid_pool_sizes(num_groups, channels)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    return max_pick(stream, static_cast<const T*>(x), mask, num_groups, channels, static_cast<T*>(y));
  });
}

}  // extern "C"
