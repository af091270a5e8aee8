// A set of rows of floats with ids, for grid cells, for the means that seeds have passed through, and for centers.
#pragma once

#include <cstdint>
#include <vector>

#include "row_hash.inl"

namespace ocnn {

// Equal rows share one id; ids count from 0 in the order of first insertion. -0 equals 0; NaN is not expected.
class RowTable {
 public:
  explicit RowTable(int32_t width) : width_(width), slots_(64, -1) {}

  int64_t size() const { return size_; }
  const float* row(int64_t id) const { return rows_.data() + id * width_; }

  // The id of `row`, -1 if it is not in the table.
  int64_t find(const float* row) const { return slots_[slot_of(row)]; }

  // The id of `row`, which joins the table if it is new.
  int64_t insert(const float* row) {
    if (2 * (size_ + 1) > static_cast<int64_t>(slots_.size())) grow();
    int64_t& slot = slots_[slot_of(row)];
    if (slot < 0) {
      rows_.insert(rows_.end(), row, row + width_);
      slot = size_++;
    }
    return slot;
  }

 private:
  // Where `row` is, or the free slot where it belongs.
  size_t slot_of(const float* row) const {
    const size_t mask = slots_.size() - 1;
    size_t slot = hash_row(row, width_) & mask;
    while (slots_[slot] >= 0 && !equal_rows(row, this->row(slots_[slot]), width_)) slot = (slot + 1) & mask;
    return slot;
  }

  void grow() {
    slots_.assign(2 * slots_.size(), -1);
    for (int64_t id = 0; id < size_; ++id) slots_[slot_of(row(id))] = id;
  }

  int32_t width_;
  int64_t size_ = 0;
  std::vector<float> rows_;
  std::vector<int64_t> slots_;  // a power of two, at most half full; -1 = free
};

}  // namespace ocnn
