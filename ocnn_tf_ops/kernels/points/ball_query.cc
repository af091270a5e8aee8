#include <algorithm>

#include "../parallel.h"
#include "distance.inl"
#include "search.h"
#include "splits.h"

namespace {

constexpr int64_t kGrain = 64;  // queries a task

// Rows first..last - 1 closer than sqrt(limit) to the query, in order; returns how many, at most `max_neighbors`.
int32_t find_within(const float* xyz, int64_t first, int64_t last, const float* query, float limit,
                    int64_t max_neighbors, int32_t* index) {
  int32_t found = 0;
  for (int64_t i = first; i < last && found < max_neighbors; ++i) {
    if (ocnn::squared_distance(xyz + 3 * i, query) < limit) index[found++] = static_cast<int32_t>(i);
  }
  return found;
}

}  // namespace

extern "C" int ocnn_ball_query_cpu(const ocnn_executor* stream, const float* xyz, const int32_t* row_splits,
                                   int64_t num_points, const float* queries, const int32_t* query_splits,
                                   int64_t num_queries, int64_t num_shapes, float radius, int64_t max_neighbors,
                                   int32_t* index, int32_t* count) {
  if (max_neighbors < 1 || !(radius > 0) || !ocnn::valid_splits(row_splits, num_shapes, num_points) ||
      !ocnn::valid_splits(query_splits, num_shapes, num_queries)) {
    return OCNN_INVALID_ARGUMENT;
  }
  ocnn::parallel_for(stream, num_queries, kGrain, [&](int64_t begin, int64_t end) {
    ocnn::for_each_shape(query_splits, num_shapes, begin, end, [&](int64_t shape, int64_t first, int64_t last) {
      for (int64_t q = first; q < last; ++q) {
        int32_t* row = index + q * max_neighbors;
        count[q] = find_within(xyz, row_splits[shape], row_splits[shape + 1], queries + 3 * q, radius * radius,
                               max_neighbors, row);
        std::fill(row + count[q], row + max_neighbors, count[q] > 0 ? row[0] : -1);
      }
    });
  });
  return OCNN_OK;
}
