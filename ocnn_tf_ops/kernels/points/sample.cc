#include "sample.h"

#include <algorithm>
#include <limits>

#include "../parallel.h"
#include "distance.inl"
#include "splits.h"

namespace {

// Lowers `nearest`, the squared distances to the points taken so far, by the newest; returns the row farthest from all.
int64_t farthest_after(const float* xyz, int64_t num_points, const float* newest, float* nearest) {
  int64_t best = 0;
  for (int64_t i = 0; i < num_points; ++i) {
    nearest[i] = std::min(nearest[i], ocnn::squared_distance(xyz + 3 * i, newest));
  }
  for (int64_t i = 1; i < num_points; ++i) best = nearest[i] > nearest[best] ? i : best;
  return best;
}

void sample_shape(const float* xyz, int32_t first, int64_t num_points, int64_t num_samples, float* nearest,
                  int32_t* index) {
  std::fill(nearest, nearest + num_points, std::numeric_limits<float>::infinity());
  int64_t row = 0;
  for (int64_t i = 0; i < num_samples; ++i) {
    index[i] = first + static_cast<int32_t>(row);
    if (i + 1 < num_samples) row = farthest_after(xyz, num_points, xyz + 3 * row, nearest);
  }
}

}  // namespace

extern "C" int ocnn_farthest_points_cpu(const ocnn_executor* stream, const float* xyz, const int32_t* row_splits,
                                        int64_t num_points, int64_t num_shapes, int64_t num_samples, float* workspace,
                                        int32_t* index) {
  if (num_samples < 1 || !ocnn::valid_splits(row_splits, num_shapes, num_points)) return OCNN_INVALID_ARGUMENT;
  for (int64_t b = 0; b < num_shapes; ++b) {
    if (row_splits[b] == row_splits[b + 1]) return OCNN_EMPTY;
  }
  ocnn::parallel_for(stream, num_shapes, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const int32_t first = row_splits[b];
      sample_shape(xyz + 3 * first, first, row_splits[b + 1] - first, num_samples, workspace + first,
                   index + b * num_samples);
    }
  });
  return OCNN_OK;
}
