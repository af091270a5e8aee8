#include <cstdint>

#include "../cuda/launch.cuh"
#include "../cuda/splits.cuh"
#include "distance.inl"
#include "search.h"

namespace {

constexpr int kTile = 64;                // queries of a block, and points that they are compared with at a time
constexpr int kStep = 16;                // channels of both that are in shared memory at a time
constexpr int kStride = kTile + 4;       // of a channel there: spreads rows over the banks, keeps 16-byte alignment
constexpr int kSide = 4;                 // a thread measures kSide x kSide distances
constexpr int kColumns = kTile / kSide;  // threads along the points
constexpr int kWarps = ocnn::kBlock / 32;

static_assert(ocnn::kBlock == kColumns * kColumns);

// Both add one channel's share, in the order of the channels: the sums are those of the CPU kernel.
struct L1 {
  static __device__ float add(float difference, float sum) { return sum + std::fabs(difference); }
};
struct L2 {
  static __device__ float add(float difference, float sum) {
    return ocnn::multiply_add(difference, difference, sum);
  }
};

struct Rows {  // a part of a matrix
  const float* data;
  int64_t first, last, channels;
};

struct Nearest {  // the sorted lists of all queries
  int32_t* index;
  float* distance;
  int64_t size;
};

struct Tiles {
  alignas(16) float points[kStep][kStride];
  alignas(16) float queries[kStep][kStride];
  alignas(16) float distances[kTile][kTile];  // [query, point]
};

// tile[c, i] = channel `channel` + c of the row `start` + i; 0 beyond the matrix.
__device__ void load(const Rows& rows, int64_t start, int64_t channel, float (*tile)[kStride]) {
  for (int k = threadIdx.x; k < kStep * kTile; k += ocnn::kBlock) {
    const int c = k % kStep, i = k / kStep;
    const bool exists = channel + c < rows.channels && start + i < rows.last;
    tile[c][i] = exists ? rows.data[(start + i) * rows.channels + channel + c] : 0.0f;
  }
}

__device__ void load_four(const float* from, float* to) {
  const float4 four = *reinterpret_cast<const float4*>(from);
  to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
}

// Distances of the queries from queries.first on to the points from `start` on, into tiles.distances.
template <typename Norm>
__device__ void measure(const Rows& points, int64_t start, const Rows& queries, Tiles& tiles) {
  const int column = kSide * (threadIdx.x % kColumns), row = kSide * (threadIdx.x / kColumns);
  float sum[kSide][kSide] = {};
  for (int64_t channel = 0; channel < points.channels; channel += kStep) {
    __syncthreads();  // the tiles of the step before have been read
    load(points, start, channel, tiles.points);
    load(queries, queries.first, channel, tiles.queries);
    __syncthreads();
    const int64_t left = points.channels - channel;
    const int steps = left < kStep ? static_cast<int>(left) : kStep;
#pragma unroll 4
    for (int c = 0; c < steps; ++c) {
      float point[kSide], query[kSide];
      load_four(&tiles.points[c][column], point);
      load_four(&tiles.queries[c][row], query);
#pragma unroll
      for (int q = 0; q < kSide; ++q) {
#pragma unroll
        for (int p = 0; p < kSide; ++p) sum[q][p] = Norm::add(point[p] - query[q], sum[q][p]);
      }
    }
  }
#pragma unroll
  for (int q = 0; q < kSide; ++q) {
    *reinterpret_cast<float4*>(&tiles.distances[row + q][column]) =
        make_float4(sum[q][0], sum[q][1], sum[q][2], sum[q][3]);
  }
  __syncthreads();
}

// A warp puts a row into a sorted list of `size`, whose last entry falls out; equal distances stay before it.
__device__ void insert(float distance, int32_t row, int64_t size, float* distances, int32_t* index) {
  const int lane = threadIdx.x % 32;
  for (int64_t base = (size - 1) / 32 * 32;; base -= 32) {
    const int64_t i = base + lane;
    const float here = i < size ? distances[i] : INFINITY;
    const int32_t row_here = i < size ? index[i] : -1;
    const bool behind = here > distance;
    const unsigned before = __ballot_sync(0xffffffffu, !behind);
    __syncwarp();  // all have read before anyone writes
    if (behind && i + 1 < size) {
      distances[i + 1] = here;
      index[i + 1] = row_here;
    }
    __syncwarp();
    if (before == 0 && base > 0) continue;
    if (lane == 0) {
      distances[base + __popc(before)] = distance;
      index[base + __popc(before)] = row;
    }
    __syncwarp();
    return;
  }
}

// Puts those of the `count` points from row `start` on that are near enough into the list of `query`.
__device__ void merge(const float* measured, int64_t start, int64_t count, int64_t query, const Nearest& nearest) {
  float* distances = nearest.distance + query * nearest.size;
  int32_t* index = nearest.index + query * nearest.size;
  const int lane = threadIdx.x % 32;
  for (int64_t base = 0; base < count; base += 32) {
    const float mine = base + lane < count ? measured[base + lane] : INFINITY;
    unsigned candidates = __ballot_sync(0xffffffffu, mine < distances[nearest.size - 1]);
    for (; candidates != 0; candidates &= candidates - 1) {
      const int lane_of = __ffs(candidates) - 1;
      const float distance = __shfl_sync(0xffffffffu, mine, lane_of);
      const bool nearer = distance < distances[nearest.size - 1];
      __syncwarp();  // all have read the list before it changes
      if (nearer) insert(distance, static_cast<int32_t>(start + base + lane_of), nearest.size, distances, index);
    }
  }
}

// Compares queries.first..queries.last - 1, at most kTile and all of one shape, with the points of that shape.
template <typename Norm>
__device__ void search(const Rows& points, const Rows& queries, const Nearest& nearest, Tiles& tiles) {
  for (int64_t start = points.first; start < points.last; start += kTile) {
    measure<Norm>(points, start, queries, tiles);
    const int64_t left = points.last - start;
    for (int64_t q = threadIdx.x / 32; q < queries.last - queries.first; q += kWarps) {
      merge(tiles.distances[q], start, left < kTile ? left : kTile, queries.first + q, nearest);
    }
  }
}

template <typename Norm>
__global__ void nearest_neighbors(const float* x, const int32_t* row_splits, int64_t num_points, const float* queries,
                                  const int32_t* query_splits, int64_t num_queries, int64_t num_shapes,
                                  int64_t channels, Nearest nearest) {
  __shared__ Tiles tiles;
  for (int64_t begin = int64_t{blockIdx.x} * kTile; begin < num_queries; begin += int64_t{gridDim.x} * kTile) {
    const int64_t end = begin + kTile < num_queries ? begin + kTile : num_queries;
    for (int64_t i = begin * nearest.size + threadIdx.x; i < end * nearest.size; i += ocnn::kBlock) {
      nearest.index[i] = -1;
      nearest.distance[i] = INFINITY;
    }
    __syncthreads();
    ocnn::for_each_shape(query_splits, num_shapes, begin, end, [&](int64_t shape, int64_t first, int64_t last) {
      const ocnn::RowRange rows = ocnn::rows_of(row_splits, shape, num_points);
      search<Norm>({x, rows.first, rows.last, channels}, {queries, first, last, channels}, nearest, tiles);
    });
  }
}

}  // namespace

extern "C" int ocnn_nearest_neighbors_cuda(ocnn_cuda_stream stream, const float* x, const int32_t* row_splits,
                                           int64_t num_points, const float* queries, const int32_t* query_splits,
                                           int64_t num_queries, int64_t num_shapes, int64_t channels, int32_t norm,
                                           int64_t num_neighbors, int32_t* index, float* distance) {
  if (num_neighbors < 1 || channels < 1 || (norm != OCNN_L1 && norm != OCNN_L2) || num_shapes < 1 || num_points < 0 ||
      num_points > INT32_MAX || num_queries < 0) {
    return OCNN_INVALID_ARGUMENT;
  }
  const auto kernel = norm == OCNN_L1 ? nearest_neighbors<L1> : nearest_neighbors<L2>;
  return ocnn::launch(kernel, ocnn::num_blocks(num_queries, kTile), ocnn::kBlock, 0, stream, x, row_splits, num_points,
                      queries, query_splits, num_queries, num_shapes, channels,
                      Nearest{index, distance, num_neighbors});
}
