// What NeighborIndex and its CUDA twin share: the shape of the tree, and what decides whether a row is near.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstdint>

#include "../common.h"

namespace ocnn {

constexpr int32_t kLeafSize = 30;  // a leaf holds 30 to 60 points
constexpr int32_t kMaxTreeDims = 15;
constexpr int32_t kRadiusNeighbors = 5;  // what scikit-learn's search within a radius is set up for
constexpr double kTie = 1e-12;           // float64 squares closer than this are compared by their roots
constexpr float kTiny = 1e-30f;          // float32 squares below this are too inexact to decide anything

// Whether a radius is one in float32 too. A grid of size 0 has NaN for its cells, and NaN equals no other.
OCNN_HOST_DEVICE inline bool valid_radius(double radius) {
  const float rounded = static_cast<float>(radius);
  return rounded >= FLT_MIN && rounded <= FLT_MAX;
}

// Whether scikit-learn would search n points of d dimensions by a tree, when set up for k neighbors.
OCNN_HOST_DEVICE inline bool wants_tree(int64_t n, int32_t d, int32_t k) { return d <= kMaxTreeDims && k < n / 2; }

// Levels of the complete binary tree over n points.
OCNN_HOST_DEVICE inline int32_t tree_levels(int64_t n) {
  int32_t levels = 1;
  while ((int64_t{kLeafSize} << levels) <= n - 1) ++levels;
  return levels;
}

// A float32 sum of d squares is within this factor of the exact one.
OCNN_HOST_DEVICE inline float coarse_slack(int32_t d) { return static_cast<float>(d + 4) * 1.2e-7f; }

// The points at a distance <= radius of a query. Squares beyond `outer` lie outside and those below `inner` inside, the
// float32 ones of rows as well as the float64 ones of boxes; for those between them a better judge is needed.
struct Ball {
  double radius, squared, inner, outer;
  float coarse_inner, coarse_outer;
};

OCNN_HOST_DEVICE inline Ball make_ball(double radius, int32_t d) {
  Ball ball;
  ball.radius = radius;
  ball.squared = radius * radius;
  ball.inner = ball.squared * (1 - kTie);
  ball.outer = ball.squared * (1 + kTie);
  const float squared = static_cast<float>(ball.squared), slack = coarse_slack(d);
  const bool tiny = !(squared * (1 + slack) > kTiny);
  ball.coarse_inner = tiny ? -1.0f : squared * (1 - slack);
  ball.coarse_outer = tiny ? kTiny : squared * (1 + slack);
  return ball;
}

// The squared distances from a query to the nearest and to the farthest place of a box.
struct BoxDistance {
  double least, most;
};

OCNN_HOST_DEVICE inline BoxDistance box_distance(const float* query, const float* lower, const float* upper,
                                                 int32_t d) {
  BoxDistance squared = {0, 0};
  for (int32_t j = 0; j < d; ++j) {
    const double below = static_cast<double>(lower[j]) - query[j];
    const double above = static_cast<double>(query[j]) - upper[j];
    const double outside = below > above ? below : above, gap = outside > 0 ? outside : 0;
    const double to_lower = std::fabs(below), to_upper = std::fabs(above);
    const double reach = to_lower > to_upper ? to_lower : to_upper;
    squared.least += gap * gap;
    squared.most += reach * reach;
  }
  return squared;
}

OCNN_HOST_DEVICE inline bool is_beyond(const BoxDistance& squared, const Ball& ball) {
  return squared.least > ball.outer || (squared.least > ball.inner && std::sqrt(squared.least) > ball.radius);
}

OCNN_HOST_DEVICE inline bool is_within(const BoxDistance& squared, const Ball& ball) {
  return squared.most < ball.inner || (squared.most <= ball.outer && std::sqrt(squared.most) <= ball.radius);
}

// sum + difference^2 in float64 with the square and the sum rounded: a fused multiply-add would decide ties, such as
// points exactly one bandwidth apart, in another way.
OCNN_HOST_DEVICE inline double add_square(double sum, double difference) {
#ifdef __CUDA_ARCH__
  return __dadd_rn(sum, __dmul_rn(difference, difference));
#else
  volatile double square = difference * difference;
  return sum + square;
#endif
}

// |q - x|^2 out of |q|^2, q.x and |x|^2 in float64, which is how scikit-learn compares with every row.
OCNN_HOST_DEVICE inline double decomposed_distance(double query_norm, double product, double row_norm) {
  const double squared = query_norm - 2 * product + row_norm;
  return 0 < squared ? squared : 0;
}

// Where scikit-learn compares with every row, it squares the radius in float32. Points on a float32 grid as wide as the
// radius meet that border.
OCNN_HOST_DEVICE inline float squared_in_float(double radius) {
  const float rounded = static_cast<float>(radius);
  return rounded * rounded;
}

// Whether mean-shift stops: a step of at most 0.001 h. float32 products added up in float64, as BLAS does it for
// NumPy's norm.
OCNN_HOST_DEVICE inline bool has_converged(const float* mean, const float* next, int32_t d, double bandwidth) {
  double sum = 0;
  for (int32_t j = 0; j < d; ++j) {
    const float step = next[j] - mean[j];
    const float square = step * step;
    sum += square;
  }
  return std::sqrt(static_cast<float>(sum)) <= static_cast<float>(1e-3 * bandwidth);
}

}  // namespace ocnn
