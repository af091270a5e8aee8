// Rows of a batch: shape b owns the rows row_splits[b]..row_splits[b + 1] - 1.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ocnn {

inline bool valid_splits(const int32_t* row_splits, int64_t num_shapes, int64_t num_rows) {
  return num_shapes >= 1 && row_splits[0] == 0 && row_splits[num_shapes] == num_rows &&
         std::is_sorted(row_splits, row_splits + num_shapes + 1);
}

// Calls body(shape, first, last) for the part of the rows begin..end - 1 that each shape owns.
template <typename Body>
void for_each_shape(const int32_t* row_splits, int64_t num_shapes, int64_t begin, int64_t end, const Body& body) {
  int64_t shape = std::upper_bound(row_splits, row_splits + num_shapes + 1, begin) - row_splits - 1;
  for (; begin < end; ++shape) {
    const int64_t last = std::min<int64_t>(end, row_splits[shape + 1]);
    if (begin < last) body(shape, begin, last);
    begin = std::max(begin, last);
  }
}

}  // namespace ocnn
