// The queries of a NeighborIndex. float32 with SIMD decides almost everything; where it cannot, float64 does.
#include "neighbor_index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "neighbor_index.inl"
#include "pairwise_sum.inl"

namespace ocnn {
namespace {

constexpr int32_t kBlock = 64;  // rows compared with a query at a time; a leaf fits
constexpr int32_t kLanes = 16;
constexpr int32_t kMaxDepth = 64;  // of the tree, more than memory holds

typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));
typedef float Quad __attribute__((vector_size(4 * sizeof(float))));

Quad load_quad(const float* p) {
  Quad v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}

// Adds visited rows up in float32, one after the other.
class RowSum {
 public:
  RowSum(const float* rows, int64_t stride) : rows_(rows), stride_(stride), sum_(stride, 0.0f) {}

  void range(int32_t begin, int32_t end) {
    count_ += end - begin;
    add(end - begin, [=](int32_t i) { return begin + i; });
  }
  void list(const int32_t* positions, int32_t count) {
    count_ += count;
    add(count, [=](int32_t i) { return positions[i]; });
  }
  int64_t count() const { return count_; }
  int64_t work = 0;
  float sum(int32_t j) const { return sum_[j]; }

 private:
  template <typename Position>
  void add(int32_t count, Position position) {
    for (int64_t j = 0; j < stride_; j += 4) {
      Quad sum = load_quad(sum_.data() + j);
      for (int32_t i = 0; i < count; ++i) sum += load_quad(rows_ + position(i) * stride_ + j);
      std::memcpy(sum_.data() + j, &sum, sizeof(sum));
    }
  }

  const float* rows_;
  int64_t stride_;
  int64_t count_ = 0;
  std::vector<float> sum_;
};

// Collects visited positions.
struct PositionList {
  void range(int32_t begin, int32_t end) {
    for (int32_t i = begin; i < end; ++i) positions.push_back(i);
  }
  void list(const int32_t* selected, int32_t count) { positions.insert(positions.end(), selected, selected + count); }

  std::vector<int32_t> positions;
  int64_t work = 0;
};

}  // namespace

// Squared distances in float32, good to coarse_slack(); writes kBlock values.
void NeighborIndex::coarse_distances(const float* query, Node leaf, float* squared) const {
  for (int32_t i = 0; i < leaf.end - leaf.begin; i += kLanes) {
    Lanes sum = {};
    for (int32_t j = 0; j < d_; ++j) {
      Lanes x;
      std::memcpy(&x, columns_.data() + j * column_stride_ + leaf.begin + i, sizeof(x));
      x -= query[j];
      sum += x * x;
    }
    std::memcpy(squared + i, &sum, sizeof(sum));
  }
}

double NeighborIndex::exact_distance(const float* query, int64_t position) const {
  double sum = 0;
  for (int32_t j = 0; j < d_; ++j) sum = add_square(sum, static_cast<double>(query[j]) - row(position)[j]);
  return sum;
}

// Products of float32 are exact in float64.
void NeighborIndex::decomposed_distances(const float* query, Node block, double* squared) const {
  double norm = 0;
  for (int32_t j = 0; j < d_; ++j) norm += static_cast<double>(query[j]) * query[j];
  const int32_t count = block.end - block.begin;
  std::fill(squared, squared + count, 0.0);
  for (int32_t j = 0; j < d_; ++j) {
    const float* x = columns_.data() + j * column_stride_ + block.begin;
    for (int32_t i = 0; i < count; ++i) squared[i] += static_cast<double>(x[i]) * query[j];
  }
  for (int32_t i = 0; i < count; ++i) {
    squared[i] = decomposed_distance(norm, squared[i], squared_norms_[block.begin + i]);
  }
}

// Positions of the leaf's rows within the radius. float32 decides but for the few rows near the border.
int32_t NeighborIndex::select_within(const float* query, const Ball& ball, Node leaf, int32_t* selected) const {
  float squared[kBlock];
  coarse_distances(query, leaf, squared);
  const float inner = ball.coarse_inner, outer = ball.coarse_outer;
  int32_t count = 0, doubtful = 0;
  for (int32_t i = 0; i < leaf.end - leaf.begin; ++i) {
    selected[count] = leaf.begin + i;
    count += squared[i] <= outer;
    doubtful += (squared[i] <= outer) & (squared[i] >= inner);
  }
  if (doubtful == 0) return count;
  const auto beyond = [&](int32_t position) {
    return squared[position - leaf.begin] >= inner && !(exact_distance(query, position) <= ball.squared);
  };
  return static_cast<int32_t>(std::remove_if(selected, selected + count, beyond) - selected);
}

template <int kDims, typename Visitor>
void NeighborIndex::visit_tree(const float* query, double radius, Visitor& visitor) const {
  const int32_t d = kDims > 0 ? kDims : d_;
  const Ball ball = make_ball(radius, d);
  int32_t selected[kBlock];
  int64_t stack[kMaxDepth] = {0};
  for (int32_t top = 1; top > 0;) {
    const int64_t node = stack[--top];
    const float* lower = bounds_.data() + node * 2 * d;
    const BoxDistance squared = box_distance(query, lower, lower + d, d);
    ++visitor.work;
    if (is_beyond(squared, ball)) continue;
    if (is_within(squared, ball) || is_leaf(node)) visitor.work += nodes_[node].end - nodes_[node].begin;
    if (is_within(squared, ball)) {
      visitor.range(nodes_[node].begin, nodes_[node].end);
    } else if (is_leaf(node)) {
      visitor.list(selected, select_within(query, ball, nodes_[node], selected));
    } else {
      stack[top++] = 2 * node + 2;
      stack[top++] = 2 * node + 1;
    }
  }
}

template <typename Visitor>
void NeighborIndex::visit_all(const float* query, double radius, Visitor& visitor) const {
  const float squared_radius = squared_in_float(radius);
  visitor.work += n_;
  double squared[kBlock];
  int32_t selected[kBlock];
  for (int64_t begin = 0; begin < n_; begin += kBlock) {
    const Node block = {static_cast<int32_t>(begin), static_cast<int32_t>(std::min(begin + kBlock, n_))};
    decomposed_distances(query, block, squared);
    int32_t count = 0;
    for (int32_t i = block.begin; i < block.end; ++i) {
      selected[count] = i;
      count += squared[i - block.begin] <= squared_radius;
    }
    visitor.list(selected, count);
  }
}

template <typename Visitor>
void NeighborIndex::visit_within(const float* query, double radius, Visitor& visitor) const {
  if (!has_tree_) return visit_all(query, radius, visitor);
  if (d_ == 3) return visit_tree<3>(query, radius, visitor);
  visit_tree<0>(query, radius, visitor);
}

int64_t NeighborIndex::mean_within(const float* query, double radius, float* mean, int64_t* work) const {
  if (d_ == 1) {  // one column is contiguous, and NumPy then sums in another order
    PositionList found;
    visit_within(query, radius, found);
    *work += found.work;
    const int64_t count = found.positions.size();
    PairwiseSum sum(count);
    for (int32_t position : found.positions) sum.add(columns_[position]);
    mean[0] = static_cast<float>(static_cast<double>(sum.total()) / count);
    return count;
  }
  RowSum sum(rows_.data(), row_stride_);
  visit_within(query, radius, sum);
  *work += sum.work;
  for (int32_t j = 0; j < d_; ++j) mean[j] = static_cast<float>(static_cast<double>(sum.sum(j)) / sum.count());
  return sum.count();
}

void NeighborIndex::rows_within(const float* query, double radius, std::vector<int32_t>* rows, int64_t* work) const {
  PositionList found;
  visit_within(query, radius, found);
  *work += found.work;
  rows->clear();
  for (int32_t position : found.positions) rows->push_back(order_[position]);
}

double NeighborIndex::distance_to_node(const float* query, int64_t node) const {
  const float* lower = bounds_.data() + node * 2 * d_;
  return box_distance(query, lower, lower + d_, d_).least;
}

// float32 leaves the rows that may be the nearest, mostly one; float64 decides among them.
void NeighborIndex::nearest_in_leaf(const float* query, Node leaf, Nearest* best) const {
  float squared[kBlock];
  coarse_distances(query, leaf, squared);
  const int32_t count = leaf.end - leaf.begin;
  best->work += count;
  float least = squared[0];
  for (int32_t i = 1; i < count; ++i) least = std::min(least, squared[i]);
  const float limit = std::max(least * (1 + 2 * coarse_slack(d_)), kTiny);
  if (least > kTiny && least * (1 - coarse_slack(d_)) > best->squared_distance) return;
  for (int32_t i = 0; i < count; ++i) {
    if (!(squared[i] <= limit)) continue;
    const double distance = exact_distance(query, leaf.begin + i);
    if (distance < best->squared_distance) best->squared_distance = distance, best->position = leaf.begin + i;
  }
}

void NeighborIndex::nearest_in_node(const float* query, int64_t node, double lower_bound, Nearest* best) const {
  if (lower_bound > best->squared_distance) return;
  if (is_leaf(node)) return nearest_in_leaf(query, nodes_[node], best);
  const int64_t left = 2 * node + 1, right = left + 1;
  const double to_left = distance_to_node(query, left), to_right = distance_to_node(query, right);
  if (to_left <= to_right) {
    nearest_in_node(query, left, to_left, best);
    nearest_in_node(query, right, to_right, best);
  } else {
    nearest_in_node(query, right, to_right, best);
    nearest_in_node(query, left, to_left, best);
  }
}

int32_t NeighborIndex::nearest(const float* query, int64_t* work) const {
  Nearest best = {std::numeric_limits<double>::infinity(), 0, 0};
  if (has_tree_) {
    nearest_in_node(query, 0, 0.0, &best);
    *work += best.work;
    return order_[best.position];
  }
  *work += n_;
  double squared[kBlock];
  for (int64_t begin = 0; begin < n_; begin += kBlock) {
    const Node block = {static_cast<int32_t>(begin), static_cast<int32_t>(std::min(begin + kBlock, n_))};
    decomposed_distances(query, block, squared);
    for (int32_t i = block.begin; i < block.end; ++i) {
      if (squared[i - block.begin] < best.squared_distance) best = {squared[i - block.begin], i, 0};
    }
  }
  return order_[best.position];
}

}  // namespace ocnn
