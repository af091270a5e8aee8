// How a NeighborIndex is built; neighbor_search.cc asks it.
#include "neighbor_index.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "neighbor_index.inl"

namespace ocnn {

NeighborIndex::NeighborIndex(const float* points, int64_t n, int32_t d, int32_t k)
    : n_(n), d_(d), has_tree_(wants_tree(n, d, k)), row_stride_((d + 3) / 4 * 4),
      column_stride_(n + kSpareLanes), order_(n) {
  std::iota(order_.begin(), order_.end(), 0);
  if (has_tree_) build_tree(points);
  arrange(points);
}

void NeighborIndex::build_tree(const float* points) {
  nodes_.resize((int64_t{1} << tree_levels(n_)) - 1);
  bounds_.resize(nodes_.size() * 2 * d_);
  build_node(points, 0, 0, static_cast<int32_t>(n_));
}

void NeighborIndex::build_node(const float* points, int64_t node, int32_t begin, int32_t end) {
  nodes_[node] = {begin, end};
  set_bounds(points, node);
  if (is_leaf(node)) return;

  const float* lower = bounds_.data() + node * 2 * d_;
  const float* upper = lower + d_;
  int32_t widest = 0;
  double spread = 0;
  for (int32_t j = 0; j < d_; ++j) {
    const double width = static_cast<double>(upper[j]) - lower[j];
    if (width > spread) spread = width, widest = j;
  }
  // The arrangement within the halves is part of the visiting order; std::nth_element is what scikit-learn uses too.
  const int32_t middle = begin + (end - begin) / 2;
  const float* column = points + widest;
  const int64_t stride = d_;
  std::nth_element(order_.begin() + begin, order_.begin() + middle, order_.begin() + end, [=](int32_t a, int32_t b) {
    const float x = column[a * stride], y = column[b * stride];
    return x == y ? a < b : x < y;
  });
  build_node(points, 2 * node + 1, begin, middle);
  build_node(points, 2 * node + 2, middle, end);
}

void NeighborIndex::set_bounds(const float* points, int64_t node) {
  float* lower = bounds_.data() + node * 2 * d_;
  float* upper = lower + d_;
  std::fill(lower, upper, std::numeric_limits<float>::infinity());
  std::fill(upper, upper + d_, -std::numeric_limits<float>::infinity());
  for (int32_t i = nodes_[node].begin; i < nodes_[node].end; ++i) {
    const float* point = points + static_cast<int64_t>(order_[i]) * d_;
    for (int32_t j = 0; j < d_; ++j) {
      lower[j] = std::min(lower[j], point[j]);
      upper[j] = std::max(upper[j], point[j]);
    }
  }
}

void NeighborIndex::arrange(const float* points) {
  rows_.resize(n_ * row_stride_);
  columns_.resize(d_ * column_stride_);
  if (!has_tree_) squared_norms_.resize(n_);
  for (int64_t i = 0; i < n_; ++i) {
    const float* point = points + static_cast<int64_t>(order_[i]) * d_;
    for (int32_t j = 0; j < d_; ++j) {
      rows_[i * row_stride_ + j] = columns_[j * column_stride_ + i] = point[j];
      if (!has_tree_) squared_norms_[i] += static_cast<double>(point[j]) * point[j];
    }
  }
}

}  // namespace ocnn
