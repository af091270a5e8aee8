// What pool.cc and pool.cu share.
#pragma once

#include <cstdint>

#include "../common.h"

namespace ocnn {

inline bool valid_pool_sizes(int64_t num_groups, int64_t channels) {
  return num_groups >= 0 && num_groups <= INT32_MAX / 8 && channels >= 0;
}

// Whether `candidate` takes the place of the maximum so far: it is larger, or the first NaN.
template <typename T>
OCNN_HOST_DEVICE inline bool wins(T candidate, T best) {
  return candidate > best || (candidate != candidate && best == best);
}

// Whether `octant` is one of the eight of its group.
OCNN_HOST_DEVICE inline bool in_group(int64_t octant, int64_t group) { return octant >> 3 == group; }

}  // namespace ocnn
