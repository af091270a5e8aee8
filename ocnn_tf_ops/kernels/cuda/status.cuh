// The status word of common.h, in which a kernel tells what is wrong with its data.
#pragma once

#include <cstdint>

#include "launch.cuh"

namespace ocnn {

// Before the kernels that report; null is fine, here and below.
inline int clear_status(ocnn_cuda_stream stream, int32_t* status) {
  static_assert(OCNN_OK == 0);
  if (status == nullptr) return OCNN_OK;
  const cudaError_t error = cudaMemsetAsync(status, 0, sizeof(int32_t), stream);
  if (error != cudaSuccess) cudaGetLastError();
  return status_of(error);
}

// The largest of what is reported stays.
__device__ inline void report(int32_t* status, int32_t what) {
  if (status != nullptr) atomicMax(status, what);
}

// The threads of a grid look through row_splits [num_shapes + 1]; a shape without rows is `if_empty`.
__device__ inline void check_row_splits(const int32_t* row_splits, int64_t num_shapes, int64_t num_rows,
                                        int32_t if_empty, int32_t* status) {
  if (status == nullptr) return;
  grid_stride(num_shapes, [=](int64_t b) {
    const int32_t begin = row_splits[b], end = row_splits[b + 1];
    if (begin > end || (b == 0 && begin != 0) || (b == num_shapes - 1 && end != num_rows)) {
      report(status, OCNN_INVALID_ARGUMENT);
    }
    if (begin == end && if_empty != OCNN_OK) report(status, if_empty);
  });
}

}  // namespace ocnn
