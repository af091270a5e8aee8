// NumPy's sum along a contiguous axis, fed with one number after the other.
#pragma once

#include <cstdint>

#include "../common.h"

namespace ocnn {

// Adds up `count` float32 numbers as numpy.sum does: eight partial sums in blocks of up to 128, halves added pairwise.
class PairwiseSum {
 public:
  OCNN_HOST_DEVICE explicit PairwiseSum(int64_t count) { open(count); }

  // To be called `count` times.
  OCNN_HOST_DEVICE void add(float value) {
    if (taken_ < kParts && whole_ > 0) {
      part_[taken_] = value;
    } else if (taken_ < whole_) {
      part_[taken_ % kParts] += value;
    } else {
      sum_ += value;
    }
    ++taken_;
    if (taken_ == whole_) {
      sum_ = ((part_[0] + part_[1]) + (part_[2] + part_[3])) + ((part_[4] + part_[5]) + (part_[6] + part_[7]));
    }
    if (taken_ == size_) close();
  }

  OCNN_HOST_DEVICE float total() const { return sum_; }

 private:
  static constexpr int64_t kBlock = 128, kParts = 8;
  static constexpr int kMaxDepth = 64;

  // Begins the first block of the next `count` numbers.
  OCNN_HOST_DEVICE void open(int64_t count) {
    while (count > kBlock) {
      const int64_t half = count / 2 - count / 2 % kParts;
      right_[depth_++] = count - half;
      count = half;
    }
    size_ = count;
    whole_ = count - count % kParts;
    taken_ = 0;
    sum_ = 0;
  }

  // Adds the block to the halves that end with it, and begins the next one.
  OCNN_HOST_DEVICE void close() {
    while (depth_ > 0 && right_[depth_ - 1] == 0) sum_ = left_[--depth_] + sum_;
    if (depth_ == 0) return;
    const int64_t right = right_[depth_ - 1];
    left_[depth_ - 1] = sum_;
    right_[depth_ - 1] = 0;
    open(right);
  }

  int depth_ = 0;
  float left_[kMaxDepth];     // sums of the left halves that wait for the right ones
  int64_t right_[kMaxDepth];  // sizes of the right halves still to come, 0 while one is on its way
  int64_t size_, whole_;      // numbers of the block, and those of them that fill all partial sums
  int64_t taken_;
  float part_[kParts], sum_;
};

}  // namespace ocnn
