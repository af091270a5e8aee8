// Distances as both the CPU and the CUDA kernels measure them: to the same bits wherever the CPU, too, has a fused
// multiply-add, for "farthest", "nearer" and "within" are decided by the last one.
#pragma once

#include <cmath>

#include "../common.h"

namespace ocnn {

// a * b + c, rounded once where the machine can do that in one instruction.
OCNN_HOST_DEVICE inline float multiply_add(float a, float b, float c) {
#if defined(__CUDA_ARCH__) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return std::fma(a, b, c);
#else
  return a * b + c;
#endif
}

OCNN_HOST_DEVICE inline float squared_distance(float ax, float ay, float az, float bx, float by, float bz) {
  const float x = ax - bx, y = ay - by, z = az - bz;
  return multiply_add(z, z, multiply_add(y, y, x * x));
}

OCNN_HOST_DEVICE inline float squared_distance(const float* a, const float* b) {
  return squared_distance(a[0], a[1], a[2], b[0], b[1], b[2]);
}

}  // namespace ocnn
