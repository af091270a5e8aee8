// What build.cc and build.cu share: from coordinates to voxels, and the features of an octant, to the last bit.
#pragma once

#include "key.h"

namespace ocnn {

inline bool valid_depths(int32_t depth, int32_t full_depth) {
  return depth >= 1 && depth <= kMaxDepth && full_depth >= 0 && full_depth <= depth;
}

// Morton code of the voxel that a finite point falls in.
OCNN_HOST_DEVICE inline uint64_t point_code(const float* p, int32_t depth) {
  uint32_t voxel[3];
  for (int a = 0; a < 3; ++a) voxel[a] = voxel_of(voxel_units(p[a], depth), depth);
  return morton_code(voxel[0], voxel[1], voxel[2]);
}

struct FeatureInputs {
  const float *xyz, *normals, *extra;
  const int32_t* order;
  int64_t num_extra;
  int32_t depth;
};

// Fused in one way, whatever the compilers of the two halves would do.
OCNN_HOST_DEVICE inline float dot(const float a[3], const float b[3]) {
  return std::fma(a[0], b[0], std::fma(a[1], b[1], a[2] * b[2]));
}

// Mean of the points less the octant's center, in voxels.
OCNN_HOST_DEVICE inline void mean_displacement(const FeatureInputs& in, int64_t begin, int64_t end, float d[3]) {
  for (int a = 0; a < 3; ++a) {
    const auto units = [&](int64_t i) { return voxel_units(in.xyz[int64_t{3} * in.order[i] + a], in.depth); };
    const float corner = static_cast<float>(voxel_of(units(begin), in.depth));
    float sum = 0.0f;
    for (int64_t i = begin; i < end; ++i) sum += units(i) - corner;
    d[a] = sum / static_cast<float>(end - begin) - 0.5f;
  }
}

OCNN_HOST_DEVICE inline void mean_normal(const FeatureInputs& in, int64_t begin, int64_t end, float n[3]) {
  n[0] = n[1] = n[2] = 0.0f;
  for (int64_t i = begin; i < end; ++i) {
    for (int a = 0; a < 3; ++a) n[a] += in.normals[int64_t{3} * in.order[i] + a];
  }
  float norm = std::sqrt(dot(n, n));
  if (norm < 1e-6f) {
    for (int a = 0; a < 3; ++a) n[a] = in.normals[int64_t{3} * in.order[begin] + a];
    norm = std::sqrt(dot(n, n)) + 1e-30f;
  }
  for (int a = 0; a < 3; ++a) n[a] /= norm;
}

// The first four features of an octant whose points are the sorted ones begin..end - 1.
OCNN_HOST_DEVICE inline void geometry_features(const FeatureInputs& in, int64_t begin, int64_t end, float* out) {
  constexpr float kScale = 1.1547f;  // O-CNN's literal for 2 / sqrt(3)
  float d[3], n[3];
  mean_displacement(in, begin, end, d);
  const bool with_normals = in.normals != nullptr;
  if (with_normals) mean_normal(in, begin, end, n);
  for (int a = 0; a < 3; ++a) out[a] = with_normals ? n[a] : d[a];
  out[3] = with_normals ? kScale * dot(d, n) : kScale;
}

OCNN_HOST_DEVICE inline float mean_extra(const FeatureInputs& in, int64_t begin, int64_t end, int64_t channel) {
  float sum = 0.0f;
  for (int64_t i = begin; i < end; ++i) sum += in.extra[in.order[i] * in.num_extra + channel];
  return sum / static_cast<float>(end - begin);
}

}  // namespace ocnn
