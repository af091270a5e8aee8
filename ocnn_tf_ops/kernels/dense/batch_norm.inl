// What batch_norm.cc and batch_norm.cu share.
#pragma once

#include "../common.h"

namespace ocnn {

// Of a set of numbers: how many, their mean, and the sum of the squares about it.
struct Moments {
  double count, mean, squares;
};

// Those of two sets together, as Chan, Golub and LeVeque join them.
OCNN_HOST_DEVICE inline Moments join(const Moments& a, const Moments& b) {
  const double count = a.count + b.count;
  if (count == 0) return {0, 0, 0};
  const double shift = b.mean - a.mean;
  return {count, a.mean + shift * b.count / count, a.squares + b.squares + shift * shift * a.count * b.count / count};
}

template <typename T>
OCNN_HOST_DEVICE inline T normalized(T x, T mean, T scale, T beta) {
  return scale * (x - mean) + beta;
}

// The derivative of the activation at z, and what it multiplies z by.
template <typename T>
OCNN_HOST_DEVICE inline T activation_slope(T z, T slope) {
  return z > T{0} ? T{1} : slope;
}

}  // namespace ocnn
