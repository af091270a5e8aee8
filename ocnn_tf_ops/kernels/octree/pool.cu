#include "../cuda/dispatch.cuh"
#include "../cuda/launch.cuh"
#include "pool.h"
#include "pool.inl"

namespace {

template <typename T>
__global__ void max_pool(const T* x, int64_t num_groups, int64_t channels, T* y, int32_t* mask) {
  ocnn::grid_stride(num_groups * channels, [=](int64_t i) {
    const int64_t group = ocnn::quotient(i, channels);
    const T* column = x + 8 * group * channels + (i - group * channels);
    T best = column[0];
    int32_t where = 0;
    for (int32_t k = 1; k < 8; ++k) {
      const T candidate = column[k * channels];
      if (ocnn::wins(ocnn::widen(candidate), ocnn::widen(best))) {
        best = candidate;
        where = k;
      }
    }
    y[i] = best;
    mask[i] = static_cast<int32_t>(8 * group) + where;
  });
}

// Values move as they are, so an unsigned integer of the same size stands for the element type.
template <typename Bits>
__global__ void max_unpool(const Bits* x, const int32_t* mask, int64_t num_groups, int64_t channels, Bits* y) {
  ocnn::grid_stride(num_groups * channels, [=](int64_t i) {
    const int64_t group = ocnn::quotient(i, channels);
    Bits* column = y + 8 * group * channels + (i - group * channels);
    const int64_t chosen = mask[i] - 8 * group;
    for (int32_t k = 0; k < 8; ++k) column[k * channels] = k == chosen ? x[i] : Bits{0};
  });
}

template <typename Bits>
__global__ void max_pick(const Bits* x, const int32_t* mask, int64_t num_groups, int64_t channels, Bits* y) {
  ocnn::grid_stride(num_groups * channels, [=](int64_t i) {
    const int64_t group = ocnn::quotient(i, channels), octant = mask[i];
    y[i] = ocnn::in_group(octant, group) ? x[octant * channels + (i - group * channels)] : Bits{0};
  });
}

}  // namespace

extern "C" {

int ocnn_octree_max_pool_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, int64_t num_groups,
                              int64_t channels, void* y, int32_t* mask) {
  if (!ocnn::valid_pool_sizes(num_groups, channels)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch_cuda(dtype, [&](auto zero) {
    using T = decltype(zero);
    return ocnn::launch_over(num_groups * channels, max_pool<T>, stream, static_cast<const T*>(x), num_groups, channels,
                             static_cast<T*>(y), mask);
  });
}

int ocnn_octree_max_unpool_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* mask,
                                int64_t num_groups, int64_t channels, void* y) {
  if (!ocnn::valid_pool_sizes(num_groups, channels)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch_bits(dtype, [&](auto zero) {
    using Bits = decltype(zero);
    return ocnn::launch_over(num_groups * channels, max_unpool<Bits>, stream, static_cast<const Bits*>(x), mask,
                             num_groups, channels, static_cast<Bits*>(y));
  });
}

int ocnn_octree_max_pick_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* mask,
                              int64_t num_groups, int64_t channels, void* y) {
  if (!ocnn::valid_pool_sizes(num_groups, channels)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch_bits(dtype, [&](auto zero) {
    using Bits = decltype(zero);
    return ocnn::launch_over(num_groups * channels, max_pick<Bits>, stream, static_cast<const Bits*>(x), mask,
                             num_groups, channels, static_cast<Bits*>(y));
  });
}

}  // extern "C"
