// NeighborIndex on the device, one for each of many regions: built by a block a region, asked by warps and threads. It
// finds the same rows in the same order as the index of the CPU.
#pragma once

#include <cstdint>

#include "../cuda/workspace.h"
#include "neighbor_index.inl"

namespace ocnn {

constexpr int32_t kLeavesOfGroup = 32;  // that a warp tests at once
constexpr int32_t kMaxTreeLevels = 31;

// Bits that are ordered as the numbers are, -0 and 0 being equal.
__device__ inline uint32_t ordered_bits(float value) {
  const uint32_t bits = __float_as_uint(value + 0.0f), sign = 0x80000000u;
  return bits & sign ? ~bits : bits | sign;
}

// The index of one region. `columns` and `norms` are in visiting order.
struct DeviceIndex {
  const int32_t* order;  // [n] visiting order -> row of the region
  const float* columns;  // [d, n]
  const double* norms;   // [n] squares, without a tree only
  const float* bounds;   // [nodes, 2, d]: lower and upper corner; the children of node i are 2 i + 1 and 2 i + 2
  int32_t n, d;
  int32_t levels;  // of the tree; 0: there is none

  __device__ int32_t num_leaves() const { return 1 << (levels - 1); }
  __device__ const float* lower(int32_t node) const { return bounds + int64_t{node} * 2 * d; }
  __device__ float at(int32_t position, int32_t j) const { return columns[int64_t{j} * n + position]; }
};

struct Positions {
  int32_t begin, end;
};

// What number `number` of a level's nodes holds.
__device__ inline Positions positions_of(int32_t n, int32_t level, int32_t number) {
  Positions node = {0, n};
  for (int32_t bit = level - 1; bit >= 0; --bit) {
    const int32_t middle = node.begin + (node.end - node.begin) / 2;
    (number >> bit & 1 ? node.begin : node.end) = middle;
  }
  return node;
}

// Memory of the indices of all regions.
struct Forest {
  int32_t* order;
  float* columns;
  double* norms;
  float* bounds;
  uint64_t* keys;  // for the time of building
  int32_t* spare;
};

inline Forest forest_layout(Workspace& memory, int64_t num_rows, int64_t num_regions, int32_t d) {
  Forest forest;
  forest.order = memory.take<int32_t>(num_rows);
  forest.columns = memory.take<float>(num_rows * d);
  forest.norms = memory.take<double>(num_rows);
  forest.bounds = memory.take<float>((num_rows / (kLeafSize / 2) + num_regions) * 2 * d);
  forest.keys = memory.take<uint64_t>(num_rows);
  forest.spare = memory.take<int32_t>(num_rows);
  return forest;
}

// The n rows of `region` begin at row `first` of all. A tree over n points has at most n / 15 nodes, or one.
__device__ inline DeviceIndex index_of(const Forest& forest, int64_t region, int64_t first, int32_t n, int32_t d,
                                       int32_t k) {
  DeviceIndex index;
  index.order = forest.order + first;
  index.columns = forest.columns + first * d;
  index.norms = forest.norms + first;
  index.bounds = forest.bounds + (first / (kLeafSize / 2) + region) * 2 * d;
  index.n = n;
  index.d = d;
  index.levels = wants_tree(n, d, k) ? tree_levels(n) : 0;
  return index;
}

// Builds the indices of all regions: region r has the rows first[r]..first[r] + counts[r] - 1 of `rows`. `k` is the
// number of neighbors that scikit-learn would be set up for. Counts below 1: no index.
int build_indices(ocnn_cuda_stream stream, const float* rows, const int32_t* first, const int32_t* counts,
                  int64_t num_regions, int32_t d, int32_t k, const Forest& forest);

// |query - row|^2 in float64, rounded as on the CPU.
__device__ inline double exact_distance(const DeviceIndex& index, const float* query, int32_t position) {
  double sum = 0;
  for (int32_t j = 0; j < index.d; ++j) sum = add_square(sum, static_cast<double>(query[j]) - index.at(position, j));
  return sum;
}

template <int kDims>
__device__ float coarse_distance(const DeviceIndex& index, const float* query, int32_t position) {
  const int32_t d = kDims > 0 ? kDims : index.d;
  float sum = 0;
  for (int32_t j = 0; j < d; ++j) {
    const float difference = index.at(position, j) - query[j];
    sum += difference * difference;
  }
  return sum;
}

__device__ inline double distance_to_row(const DeviceIndex& index, const float* query, double query_norm,
                                         int32_t position) {
  double product = 0;
  for (int32_t j = 0; j < index.d; ++j) product += static_cast<double>(index.at(position, j)) * query[j];
  return decomposed_distance(query_norm, product, index.norms[position]);
}

__device__ inline double squared_norm(const float* query, int32_t d) {
  double norm = 0;
  for (int32_t j = 0; j < d; ++j) norm += static_cast<double>(query[j]) * query[j];
  return norm;
}

// The visits below are made by a warp, all lanes with the same arguments. They call visitor(base, mask) for ascending
// bases: the position base + i lies within the ball if bit i of the mask, which is not 0, is set.

template <typename Visitor>
__device__ void visit_all(const DeviceIndex& index, const float* query, double radius, Visitor& visitor) {
  const double norm = squared_norm(query, index.d);
  const float squared_radius = squared_in_float(radius);
  for (int32_t base = 0; base < index.n; base += 32) {
    const int32_t position = base + threadIdx.x % 32;
    const bool within = position < index.n && distance_to_row(index, query, norm, position) <= squared_radius;
    const unsigned mask = __ballot_sync(0xffffffffu, within);
    if (mask != 0) visitor(base, mask);
  }
}

template <int kDims, typename Visitor>
__device__ void visit_leaf(const DeviceIndex& index, const float* query, const Ball& ball, int32_t leaf, bool whole,
                           Visitor& visitor) {
  const Positions positions = positions_of(index.n, index.levels - 1, leaf);
  for (int32_t base = positions.begin; base < positions.end; base += 32) {
    const int32_t position = base + threadIdx.x % 32;
    bool within = position < positions.end;
    if (within && !whole) {
      const float squared = coarse_distance<kDims>(index, query, position);
      within = squared <= ball.coarse_outer;
      if (within && squared >= ball.coarse_inner) within = exact_distance(index, query, position) <= ball.squared;
    }
    const unsigned mask = __ballot_sync(0xffffffffu, within);
    if (mask != 0) visitor(base, mask);
  }
}

// A box lies in the boxes above it, and rounding keeps that order: what the CPU finds on its way down the tree is what
// the leaves tell, 32 of them at a time.
template <int kDims, typename Visitor>
__device__ void visit_tree(const DeviceIndex& index, const float* query, double radius, Visitor& visitor) {
  const int32_t d = kDims > 0 ? kDims : index.d, leaves = index.num_leaves();
  const Ball ball = make_ball(radius, d);
  for (int32_t group = 0; group < leaves; group += kLeavesOfGroup) {
    if (leaves > kLeavesOfGroup) {
      const float* lower = index.lower((leaves + group) / kLeavesOfGroup - 1);
      if (is_beyond(box_distance(query, lower, lower + d, d), ball)) continue;
    }
    const int32_t leaf = group + threadIdx.x % 32;
    bool near = leaf < leaves, whole = false;
    if (near) {
      const float* lower = index.lower(leaves - 1 + leaf);
      const BoxDistance squared = box_distance(query, lower, lower + d, d);
      near = !is_beyond(squared, ball);
      whole = near && is_within(squared, ball);
    }
    const unsigned whole_leaves = __ballot_sync(0xffffffffu, whole);
    for (unsigned left = __ballot_sync(0xffffffffu, near); left != 0; left &= left - 1) {
      const int32_t i = __ffs(left) - 1;
      visit_leaf<kDims>(index, query, ball, group + i, whole_leaves >> i & 1, visitor);
    }
  }
}

template <int kDims, typename Visitor>
__device__ void visit_within(const DeviceIndex& index, const float* query, double radius, Visitor&& visitor) {
  if (index.levels > 0) {
    visit_tree<kDims>(index, query, radius, visitor);
  } else {
    visit_all(index, query, radius, visitor);
  }
}

// A thread looks for the row nearest to its query; of several at the same distance the one visited first.
class NearestRow {
 public:
  __device__ NearestRow(const DeviceIndex& index, const float* query) : index_(index), query_(query) {
    if (index.levels > 0) {
      search_tree();
    } else {
      const double norm = squared_norm(query, index.d);
      for (int32_t i = 0; i < index.n; ++i) offer(i, distance_to_row(index, query, norm, i));
    }
  }

  __device__ int32_t row() const { return index_.order[position_]; }

 private:
  struct Pending {
    int32_t level, number;
    double bound;
  };

  __device__ void offer(int32_t position, double squared) {
    if (!(squared < squared_)) return;
    squared_ = squared;
    position_ = position;
  }

  __device__ void search_tree() {
    Pending stack[kMaxTreeLevels + 1] = {{0, 0, 0.0}};
    for (int32_t top = 1; top > 0;) {
      const Pending node = stack[--top];
      if (node.bound > squared_) continue;
      if (node.level == index_.levels - 1) {
        search_leaf(node.number);
        continue;
      }
      const Pending left = child(node, 0), right = child(node, 1);
      const bool left_first = left.bound <= right.bound;
      stack[top++] = left_first ? right : left;
      stack[top++] = left_first ? left : right;
    }
  }

  __device__ Pending child(const Pending& node, int32_t side) const {
    const int32_t level = node.level + 1, number = 2 * node.number + side;
    const float* lower = index_.lower((1 << level) - 1 + number);
    return {level, number, box_distance(query_, lower, lower + index_.d, index_.d).least};
  }

  // float32 rules out most rows, float64 decides among the others.
  __device__ void search_leaf(int32_t leaf) {
    const Positions positions = positions_of(index_.n, index_.levels - 1, leaf);
    const float slack = coarse_slack(index_.d);
    for (int32_t i = positions.begin; i < positions.end; ++i) {
      const float coarse = coarse_distance<0>(index_, query_, i);
      if (coarse > kTiny && coarse * (1 - slack) > squared_) continue;
      offer(i, exact_distance(index_, query_, i));
    }
  }

  const DeviceIndex& index_;
  const float* query_;
  double squared_ = INFINITY;
  int32_t position_ = 0;
};

}  // namespace ocnn
