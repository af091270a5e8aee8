// Rows of a batch on the device. Nobody has checked the splits there: whatever they say, rows stay within bounds.
#pragma once

#include <cstdint>

namespace ocnn {

struct RowRange {
  int64_t first, last;
};

// The rows of a shape, out of `num_rows`.
__device__ inline RowRange rows_of(const int32_t* row_splits, int64_t shape, int64_t num_rows) {
  const int64_t first = row_splits[shape], last = row_splits[shape + 1];
  return {first < 0 ? 0 : first, last > num_rows ? num_rows : last};
}

// The shape that owns a row, always one of the num_shapes (at least 1), however malformed the row_splits.
__device__ inline int64_t shape_of(const int32_t* row_splits, int64_t num_shapes, int64_t row) {
  int64_t low = 0;
  for (int64_t left = num_shapes; left > 1; left -= left / 2) {
    const int64_t middle = low + left / 2;
    low = row_splits[middle] <= row ? middle : low;
  }
  return low;
}

// Calls body(shape, first, last) for the part of the rows begin..end - 1 that each shape owns.
template <typename Body>
__device__ void for_each_shape(const int32_t* row_splits, int64_t num_shapes, int64_t begin, int64_t end,
                               const Body& body) {
  for (int64_t shape = shape_of(row_splits, num_shapes, begin); shape < num_shapes && begin < end; ++shape) {
    const int64_t limit = row_splits[shape + 1], last = limit < end ? limit : end;
    if (begin < last) body(shape, begin, last);
    begin = begin < last ? last : begin;
  }
}

}  // namespace ocnn
