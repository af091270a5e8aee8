#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include "../parallel.h"
#include "search.h"
#include "splits.h"

namespace {

#if defined(__AVX512F__)  // vectors wider than a register would be kept in memory
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
constexpr int kVectors = 2;        // of points at a time: enough sums to hide the latency of an addition
constexpr int kTogether = 4;       // queries that share one load of the points
constexpr int64_t kTile = 64;     // points, transposed, that a block of queries is compared with; 128-d fits L1
constexpr int64_t kQueries = 128;  // queries of a block

typedef float Lanes __attribute__((vector_size(sizeof(float) * kLanes)));
typedef int32_t Bits __attribute__((vector_size(sizeof(int32_t) * kLanes)));

struct L1 {  // the sign is masked: a comparison would take the compiler four instructions instead of one
  static Lanes term(const Lanes& d) { return (Lanes)((Bits)d & 0x7fffffff); }
};
struct L2 {
  static Lanes term(const Lanes& d) { return d * d; }
};

struct Rows {  // one shape's part of a matrix
  const float* data;
  int64_t first, last, channels;
};

struct Nearest {  // the sorted lists of all queries
  int32_t* index;
  float* distance;
  int64_t size;
};

// A task's memory: a transposed tile [channels, kTile] and the distances of kTogether queries to it.
class Workspace {
 public:
  explicit Workspace(int64_t channels) : memory_(new(std::nothrow) float[(channels + kTogether) * kTile]()) {}
  bool valid() const { return memory_ != nullptr; }
  float* distances() { return memory_.get(); }
  float* tile() { return memory_.get() + kTogether * kTile; }

 private:
  std::unique_ptr<float[]> memory_;
};

void transpose(const Rows& points, int64_t start, int64_t count, float* tile) {
  for (int64_t i = 0; i < count; ++i) {
    const float* row = points.data + (start + i) * points.channels;
    for (int64_t c = 0; c < points.channels; ++c) tile[c * kTile + i] = row[c];
  }
}

// Distances of `Count` consecutive queries to all points of a tile.
template <typename Norm, int Count>
void measure(const float* queries, const float* tile, int64_t channels, float* distances) {
  for (int64_t i = 0; i < kTile; i += kVectors * kLanes) {
    Lanes sum[Count][kVectors] = {};
    for (int64_t c = 0; c < channels; ++c) {
      Lanes x[kVectors];
      for (int v = 0; v < kVectors; ++v) std::memcpy(&x[v], tile + c * kTile + i + v * kLanes, sizeof(x[v]));
      for (int q = 0; q < Count; ++q)
        for (int v = 0; v < kVectors; ++v) sum[q][v] += Norm::term(x[v] - queries[q * channels + c]);
    }
    for (int q = 0; q < Count; ++q)
      for (int v = 0; v < kVectors; ++v) std::memcpy(distances + q * kTile + i + v * kLanes, &sum[q][v], sizeof(Lanes));
  }
}

// Keeps the list sorted; among equals the earlier row comes first, since rows arrive in order.
void insert(float distance, int32_t row, int64_t size, float* distances, int32_t* index) {
  int64_t i = size - 1;
  for (; i > 0 && distance < distances[i - 1]; --i) {
    distances[i] = distances[i - 1];
    index[i] = index[i - 1];
  }
  distances[i] = distance;
  index[i] = row;
}

void merge(const float* measured, int64_t start, int64_t count, int64_t query, const Nearest& nearest) {
  float* distances = nearest.distance + query * nearest.size;
  int32_t* index = nearest.index + query * nearest.size;
  for (int64_t i = 0; i < count; ++i) {
    if (measured[i] < distances[nearest.size - 1]) {
      insert(measured[i], static_cast<int32_t>(start + i), nearest.size, distances, index);
    }
  }
}

template <typename Norm>
void search_block(const Rows& points, const Rows& queries, const Nearest& nearest, Workspace& workspace) {
  for (int64_t start = points.first; start < points.last; start += kTile) {
    const int64_t count = std::min(kTile, points.last - start);
    transpose(points, start, count, workspace.tile());
    for (int64_t q = queries.first; q < queries.last;) {
      const float* query = queries.data + q * queries.channels;
      const int64_t together = queries.last - q >= kTogether ? kTogether : 1;
      auto* measure_some = together == kTogether ? measure<Norm, kTogether> : measure<Norm, 1>;
      measure_some(query, workspace.tile(), points.channels, workspace.distances());
      for (int64_t i = 0; i < together; ++i) merge(workspace.distances() + i * kTile, start, count, q + i, nearest);
      q += together;
    }
  }
}

}  // namespace

extern "C" int ocnn_nearest_neighbors_cpu(const ocnn_executor* stream, const float* x, const int32_t* row_splits,
                                          int64_t num_points, const float* queries, const int32_t* query_splits,
                                          int64_t num_queries, int64_t num_shapes, int64_t channels, int32_t norm,
                                          int64_t num_neighbors, int32_t* index, float* distance) {
  if (num_neighbors < 1 || channels < 1 || (norm != OCNN_L1 && norm != OCNN_L2) ||
      !ocnn::valid_splits(row_splits, num_shapes, num_points) ||
      !ocnn::valid_splits(query_splits, num_shapes, num_queries)) {
    return OCNN_INVALID_ARGUMENT;
  }
  const auto search = norm == OCNN_L1 ? search_block<L1> : search_block<L2>;
  const Nearest nearest{index, distance, num_neighbors};
  std::atomic<bool> enough_memory{true};
  ocnn::parallel_for(stream, num_queries, kQueries, [&](int64_t begin, int64_t end) {
    std::fill(index + begin * num_neighbors, index + end * num_neighbors, -1);
    std::fill(distance + begin * num_neighbors, distance + end * num_neighbors,
              std::numeric_limits<float>::infinity());
    Workspace workspace(channels);
    if (!workspace.valid()) {
      enough_memory = false;
      return;
    }
    ocnn::for_each_shape(query_splits, num_shapes, begin, end, [&](int64_t shape, int64_t first, int64_t last) {
      const Rows points{x, row_splits[shape], row_splits[shape + 1], channels};
      for (int64_t q = first; q < last; q += kQueries) {
        search(points, {queries, q, std::min(q + kQueries, last), channels}, nearest, workspace);
      }
    });
  });
  return enough_memory ? OCNN_OK : OCNN_OUT_OF_MEMORY;
}
