// A set of rows of floats with ids, for grid cells, for the means that seeds have passed through, and for centers.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

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
    size_t slot = hash(row) & mask;
    while (slots_[slot] >= 0 && !equal(row, this->row(slots_[slot]))) slot = (slot + 1) & mask;
    return slot;
  }

  bool equal(const float* a, const float* b) const {
    for (int32_t j = 0; j < width_; ++j) {
      if (a[j] != b[j]) return false;
    }
    return true;
  }

  uint64_t hash(const float* row) const {
    uint64_t h = 0;
    for (int32_t j = 0; j < width_; ++j) {
      const float value = row[j] + 0.0f;  // -0 becomes 0
      uint32_t bits;
      std::memcpy(&bits, &value, sizeof(bits));
      h = (h ^ bits) * 0x9e3779b97f4a7c15u;
      h ^= h >> 32;
    }
    return h;
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
