#include <cstdint>

#include "../cuda/launch.cuh"
#include "../cuda/splits.cuh"
#include "distance.inl"
#include "search.h"

namespace {

constexpr int kTogether = 4;  // queries of a warp, which share every load of a point
constexpr int64_t kQueriesOfBlock = ocnn::kBlock / 32 * kTogether;

struct Output {
  int64_t max_neighbors;
  int32_t* index;
  int32_t* count;
};

// A warp's queries begin..begin + kTogether - 1 and what each has found.
class Queries {
 public:
  __device__ Queries(const float* xyz, int64_t begin, int64_t end, const Output& output)
      : begin_(begin), end_(end), lane_(threadIdx.x % 32), output_(output) {
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      for (int j = 0; j < 3; ++j) query_[k][j] = begin + k < end ? xyz[3 * (begin + k) + j] : 0.0f;
      found_[k] = 0;
      nearest_row_[k] = -1;
    }
  }

  // Compares the queries first..last - 1 with `rows`, 32 of them at a time, until all have enough.
  __device__ void search(const float* xyz, ocnn::RowRange rows, int64_t first, int64_t last, float limit) {
    bool open = true;
    for (int64_t start = rows.first; open && start < rows.last; start += 32) {
      const int64_t row = start + lane_;
      const bool exists = row < rows.last;
      const float x = exists ? xyz[3 * row] : 0.0f;
      const float y = exists ? xyz[3 * row + 1] : 0.0f;
      const float z = exists ? xyz[3 * row + 2] : 0.0f;
      open = false;
#pragma unroll
      for (int k = 0; k < kTogether; ++k) {
        const bool searching = begin_ + k >= first && begin_ + k < last && found_[k] < output_.max_neighbors;
        const float squared = ocnn::squared_distance(x, y, z, query_[k][0], query_[k][1], query_[k][2]);
        const unsigned within = __ballot_sync(0xffffffffu, searching && exists && squared < limit);
        if (within != 0) take(k, within, start);
        open = open || (searching && found_[k] < output_.max_neighbors);
      }
    }
  }

  // Counts, and the slots that remain.
  __device__ void finish() {
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      if (begin_ + k >= end_) break;
      int32_t* slots = output_.index + (begin_ + k) * output_.max_neighbors;
      for (int64_t slot = found_[k] + lane_; slot < output_.max_neighbors; slot += 32) slots[slot] = nearest_row_[k];
      if (lane_ == 0) output_.count[begin_ + k] = static_cast<int32_t>(found_[k]);
    }
  }

 private:
  // Appends the rows start + i for the set bits i.
  __device__ void take(int k, unsigned within, int64_t start) {
    if (found_[k] == 0) nearest_row_[k] = static_cast<int32_t>(start + __ffs(within) - 1);
    const int64_t slot = found_[k] + __popc(within & ((1u << lane_) - 1));
    if ((within >> lane_ & 1) && slot < output_.max_neighbors) {
      output_.index[(begin_ + k) * output_.max_neighbors + slot] = static_cast<int32_t>(start + lane_);
    }
    found_[k] += __popc(within);
    found_[k] = found_[k] < output_.max_neighbors ? found_[k] : output_.max_neighbors;
  }

  int64_t begin_, end_;
  int lane_;
  Output output_;
  float query_[kTogether][3];
  int64_t found_[kTogether];
  int32_t nearest_row_[kTogether];  // the first one found
};

__global__ void ball_query(const float* xyz, const int32_t* row_splits, int64_t num_points, const float* queries,
                           const int32_t* query_splits, int64_t num_queries, int64_t num_shapes, float limit,
                           Output output) {
  const int64_t step = gridDim.x * kQueriesOfBlock;
  for (int64_t begin = blockIdx.x * kQueriesOfBlock + threadIdx.x / 32 * kTogether; begin < num_queries;
       begin += step) {
    const int64_t end = begin + kTogether < num_queries ? begin + kTogether : num_queries;
    Queries mine(queries, begin, end, output);
    ocnn::for_each_shape(query_splits, num_shapes, begin, end, [&](int64_t shape, int64_t first, int64_t last) {
      mine.search(xyz, ocnn::rows_of(row_splits, shape, num_points), first, last, limit);
    });
    mine.finish();
  }
}

}  // namespace

extern "C" int ocnn_ball_query_cuda(ocnn_cuda_stream stream, const float* xyz, const int32_t* row_splits,
                                    int64_t num_points, const float* queries, const int32_t* query_splits,
                                    int64_t num_queries, int64_t num_shapes, float radius, int64_t max_neighbors,
                                    int32_t* index, int32_t* count) {
  if (max_neighbors < 1 || !(radius > 0) || num_shapes < 1 || num_points < 0 || num_points > INT32_MAX ||
      num_queries < 0) {
    return OCNN_INVALID_ARGUMENT;
  }
  const Output output{max_neighbors, index, count};
  return ocnn::launch(ball_query, ocnn::num_blocks(num_queries, kQueriesOfBlock), ocnn::kBlock, 0, stream, xyz,
                      row_splits, num_points, queries, query_splits, num_queries, num_shapes, radius * radius, output);
}
