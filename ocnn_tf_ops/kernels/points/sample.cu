#include <cstdint>

#include "../cuda/launch.cuh"
#include "../cuda/splits.cuh"
#include "distance.inl"
#include "sample.h"

namespace {

constexpr int kThreads = 512;  // of the block that samples a shape; with up to 128 registers each
constexpr int kWarps = kThreads / 32;

// The thread's rows of a shape are threadIdx.x + k * kThreads. The keys below order rows by their squared distance
// (never negative, so its bits rise with it) and, among equals, put the lower row first.
__device__ uint64_t key_of(float squared, int64_t row) {
  return static_cast<uint64_t>(__float_as_uint(squared)) << 32 | (0xffffffffu - static_cast<uint32_t>(row));
}

__device__ int64_t row_of(uint64_t key) { return 0xffffffffu - static_cast<uint32_t>(key); }

__device__ uint64_t larger(uint64_t a, uint64_t b) { return a < b ? b : a; }

// The largest key of the block, to all threads. `of_warp` [kWarps] was not read since the last barrier but one.
__device__ uint64_t block_max(uint64_t key, uint64_t* of_warp) {
  const int lane = threadIdx.x % 32;
  for (int step = 16; step > 0; step /= 2) key = larger(key, __shfl_xor_sync(0xffffffffu, key, step));
  if (lane == 0) of_warp[threadIdx.x / 32] = key;
  __syncthreads();
  key = of_warp[lane % kWarps];
  for (int step = kWarps / 2; step > 0; step /= 2) key = larger(key, __shfl_xor_sync(0xffffffffu, key, step));
  return key;
}

// Up to kEach * kThreads points and their squared distances to the sample, all in registers.
template <int kEach>
class PointsInRegisters {
 public:
  __device__ PointsInRegisters(const float* xyz, int64_t num_points) {
#pragma unroll
    for (int k = 0; k < kEach; ++k) {
      const int64_t row = threadIdx.x + k * kThreads;
      const bool exists = row < num_points;  // one that does not is as near as can be, and behind all others
      x_[k] = exists ? xyz[3 * row] : 0.0f;
      y_[k] = exists ? xyz[3 * row + 1] : 0.0f;
      z_[k] = exists ? xyz[3 * row + 2] : 0.0f;
      nearest_[k] = exists ? INFINITY : 0.0f;
    }
  }

  // Lowers the distances by a new point of the sample; the key of the thread's farthest row.
  __device__ uint64_t add(float x, float y, float z) {
    float farthest = -1.0f;
    int where = 0;
#pragma unroll
    for (int k = 0; k < kEach; ++k) {
      const float squared = ocnn::squared_distance(x_[k], y_[k], z_[k], x, y, z);
      nearest_[k] = squared < nearest_[k] ? squared : nearest_[k];
      where = nearest_[k] > farthest ? k : where;
      farthest = nearest_[k] > farthest ? nearest_[k] : farthest;
    }
    return key_of(farthest, threadIdx.x + where * kThreads);
  }

 private:
  float x_[kEach], y_[kEach], z_[kEach], nearest_[kEach];
};

// Any number of points; distances in the workspace.
class PointsInMemory {
 public:
  __device__ PointsInMemory(const float* xyz, int64_t num_points, float* nearest)
      : xyz_(xyz), num_points_(num_points), nearest_(nearest) {
    for (int64_t row = threadIdx.x; row < num_points; row += kThreads) nearest[row] = INFINITY;
  }

  __device__ uint64_t add(float x, float y, float z) {
    uint64_t farthest = 0;
    for (int64_t row = threadIdx.x; row < num_points_; row += kThreads) {
      const float* p = xyz_ + 3 * row;
      const float squared = ocnn::squared_distance(p[0], p[1], p[2], x, y, z), before = nearest_[row];
      const float nearest = squared < before ? squared : before;
      nearest_[row] = nearest;
      farthest = larger(farthest, key_of(nearest, row));
    }
    return farthest;
  }

 private:
  const float* xyz_;
  int64_t num_points_;
  float* nearest_;
};

template <typename Points>
__device__ void sample(Points points, const float* xyz, int64_t first, int64_t num_samples, int32_t* index) {
  __shared__ uint64_t of_warp[2][kWarps];
  int64_t row = 0;
  for (int64_t i = 0; i < num_samples; ++i) {
    if (threadIdx.x == 0) index[i] = static_cast<int32_t>(first + row);
    if (i + 1 == num_samples) return;
    const float* newest = xyz + 3 * row;
    row = row_of(block_max(points.add(newest[0], newest[1], newest[2]), of_warp[i % 2]));
  }
}

// A block a shape.
__global__ void __launch_bounds__(kThreads)
    farthest_points(const float* xyz, const int32_t* row_splits, int64_t num_points, int64_t num_samples,
                    float* workspace, int32_t* index) {
  const ocnn::RowRange rows = ocnn::rows_of(row_splits, blockIdx.x, num_points);
  const int64_t count = rows.last - rows.first;
  const float* points = xyz + 3 * rows.first;
  index += blockIdx.x * num_samples;
  if (count <= 0) {
    for (int64_t i = threadIdx.x; i < num_samples; i += kThreads) index[i] = -1;
  } else if (count <= 4 * kThreads) {
    sample(PointsInRegisters<4>(points, count), points, rows.first, num_samples, index);
  } else if (count <= 10 * kThreads) {
    sample(PointsInRegisters<10>(points, count), points, rows.first, num_samples, index);
  } else if (count <= 20 * kThreads) {
    sample(PointsInRegisters<20>(points, count), points, rows.first, num_samples, index);
  } else {
    sample(PointsInMemory(points, count, workspace + rows.first), points, rows.first, num_samples, index);
  }
}

}  // namespace

extern "C" int ocnn_farthest_points_cuda(ocnn_cuda_stream stream, const float* xyz, const int32_t* row_splits,
                                         int64_t num_points, int64_t num_shapes, int64_t num_samples, float* workspace,
                                         int32_t* index) {
  if (num_samples < 1 || num_shapes < 1 || num_shapes > INT32_MAX || num_points < 0 || num_points > INT32_MAX) {
    return OCNN_INVALID_ARGUMENT;
  }
  return ocnn::launch(farthest_points, static_cast<unsigned>(num_shapes), kThreads, 0, stream, xyz, row_splits,
                      num_points, num_samples, workspace, index);
}
