// Which rows of a point set lie within a radius of a query, and which row is nearest to it.
//
// Follows scikit-learn's NearestNeighbors in everything that can be seen from outside: rows are visited in the order of
// its kd-tree (leaves of 30 to 60 points, median split of the widest dimension), and distances are compared in float64.
// The order matters because mean-shift adds float32 rows up one after the other, and the rounding depends on it.
// Where scikit-learn falls back on comparing with every row (few rows or many dimensions), so does this index.
#pragma once

#include <cstdint>
#include <vector>

namespace ocnn {

struct Ball;

class NeighborIndex {
 public:
  // points [n, d], finite. `k` is the number of neighbors scikit-learn would be set up for (5 unless told otherwise);
  // with at most 2 k + 1 points or more than 15 dimensions there is no tree.
  NeighborIndex(const float* points, int64_t n, int32_t d, int32_t k);

  int64_t size() const { return n_; }
  const std::vector<int32_t>& order() const { return order_; }  // visiting order -> row

  // The mean of the rows at a distance <= radius of `query` [d], into `mean` [d] (which may be `query`). Returns their
  // number; with 0 rows `mean` is unspecified. Rounds as numpy.mean does over the same rows in float32. Here and below,
  // `work` grows by the rows and the tree's nodes that were looked at.
  int64_t mean_within(const float* query, double radius, float* mean, int64_t* work) const;

  // The rows at a distance <= radius of `query`, in visiting order.
  void rows_within(const float* query, double radius, std::vector<int32_t>* rows, int64_t* work) const;

  // The row nearest to `query` [d]; of several at the same distance the one visited first.
  int32_t nearest(const float* query, int64_t* work) const;

 private:
  static constexpr int64_t kSpareLanes = 64;  // columns may be read so far beyond their end

  struct Node {
    int32_t begin, end;  // in visiting order
  };
  struct Nearest {
    double squared_distance;
    int32_t position;
    int64_t work = 0;
  };

  void build_tree(const float* points);
  void build_node(const float* points, int64_t node, int32_t begin, int32_t end);
  void set_bounds(const float* points, int64_t node);
  void arrange(const float* points);
  bool is_leaf(int64_t node) const { return 2 * node + 1 >= static_cast<int64_t>(nodes_.size()); }

  template <int kDims, typename Visitor>
  void visit_tree(const float* query, double radius, Visitor& visitor) const;
  template <typename Visitor>
  void visit_all(const float* query, double radius, Visitor& visitor) const;
  template <typename Visitor>
  void visit_within(const float* query, double radius, Visitor& visitor) const;
  int32_t select_within(const float* query, const Ball& ball, Node leaf, int32_t* selected) const;

  void coarse_distances(const float* query, Node leaf, float* squared) const;
  void decomposed_distances(const float* query, Node block, double* squared) const;
  double exact_distance(const float* query, int64_t position) const;
  double distance_to_node(const float* query, int64_t node) const;
  void nearest_in_node(const float* query, int64_t node, double lower_bound, Nearest* best) const;
  void nearest_in_leaf(const float* query, Node leaf, Nearest* best) const;

  const float* row(int64_t position) const { return rows_.data() + position * row_stride_; }

  int64_t n_;
  int32_t d_;
  bool has_tree_;
  int64_t row_stride_;     // d rounded up to 4
  int64_t column_stride_;  // n + kSpareLanes
  std::vector<int32_t> order_;
  std::vector<float> rows_;            // [n, row_stride], in visiting order
  std::vector<float> columns_;         // [d, column_stride], in visiting order
  std::vector<double> squared_norms_;  // [n], without a tree only
  std::vector<Node> nodes_;            // a complete binary tree: the children of i are 2 i + 1 and 2 i + 2
  std::vector<float> bounds_;          // [nodes, 2, d]: lower and upper corner
};

}  // namespace ocnn
