// Median selection by a warp that leaves its keys in the order in which std::nth_element of libstdc++, one comparison
// after the other, would leave them: quickselect with a median of three, and a heap if that takes too long.
#pragma once

#include <cstdint>

namespace ocnn {

// Selects among distinct keys in memory. All lanes call its public methods alike; `spare` is as long as `keys`.
class WarpSelection {
 public:
  __device__ WarpSelection(uint64_t* keys, int32_t* spare) : keys_(keys), spare_(spare), lane_(threadIdx.x % 32) {}

  // Puts the key that belongs at `nth` there, first <= nth < last, smaller ones before and larger ones behind it.
  __device__ void select(int32_t first, int32_t nth, int32_t last) {
    int32_t patience = 2 * (31 - __clz(last - first));
    while (last - first > kFew && patience-- > 0) {
      const int32_t cut = partition(first, last);
      if (cut <= nth) {
        first = cut;
      } else {
        last = cut;
      }
    }
    if (lane_ == 0) {
      if (last - first > kFew) {
        select_by_heap(first, nth, last);
      } else {
        sort_few(first, last);
      }
    }
    __syncwarp();
  }

 private:
  static constexpr int32_t kFew = 3;

  __device__ void swap(int32_t a, int32_t b) {
    const uint64_t key = keys_[a];
    keys_[a] = keys_[b];
    keys_[b] = key;
  }

  // Of the second, the middle and the last key the median changes places with the first.
  __device__ void pivot_to_front(int32_t first, int32_t last) {
    const int32_t a = first + 1, b = first + (last - first) / 2, c = last - 1;
    const uint64_t at_a = keys_[a], at_b = keys_[b], at_c = keys_[c];
    const bool a_is_median = (at_b < at_a) != (at_c < at_a);
    const bool b_is_median = (at_a < at_b) != (at_c < at_b);
    swap(first, a_is_median ? a : b_is_median ? b : c);
  }

  // Keys below the pivot come before the returned place, the others from there on. One that meets in the middle from
  // both ends exchanges the k-th misplaced key from the left with the k-th from the right; so does this, all at once.
  __device__ int32_t partition(int32_t first, int32_t last) {
    if (lane_ == 0) pivot_to_front(first, last);
    __syncwarp();
    const uint64_t pivot = keys_[first];
    int32_t smaller = 0;
    for (int32_t i = first + 1 + lane_; i < last; i += 32) smaller += keys_[i] < pivot;
    for (int step = 16; step > 0; step /= 2) smaller += __shfl_xor_sync(0xffffffffu, smaller, step);
    const int32_t cut = first + 1 + smaller;
    int32_t* from_left = spare_ + first;
    int32_t* from_right = from_left + (last - first) / 2;
    const int32_t count = list(cut - first - 1, from_left, [&](int32_t i) {
      return keys_[first + 1 + i] > pivot ? first + 1 + i : -1;
    });
    list(last - cut, from_right, [&](int32_t i) { return keys_[last - 1 - i] < pivot ? last - 1 - i : -1; });
    __syncwarp();
    for (int32_t k = lane_; k < count; k += 32) swap(from_left[k], from_right[k]);
    __syncwarp();
    return cut;
  }

  // Writes place(0), place(1), ... without the negative ones, and returns how many that are.
  template <typename Place>
  __device__ int32_t list(int32_t count, int32_t* places, const Place& place) {
    int32_t listed = 0;
    for (int32_t base = 0; base < count; base += 32) {
      const int32_t here = base + lane_ < count ? place(base + lane_) : -1;
      const unsigned valid = __ballot_sync(0xffffffffu, here >= 0);
      if (here >= 0) places[listed + __popc(valid & ((1u << lane_) - 1))] = here;
      listed += __popc(valid);
    }
    return listed;
  }

  // What follows is the work of one thread.

  __device__ void sort_few(int32_t first, int32_t last) {
    for (int32_t i = first + 1; i < last; ++i) {
      for (int32_t j = i; j > first && keys_[j] < keys_[j - 1]; --j) swap(j, j - 1);
    }
  }

  // Keeps the smallest keys up to `nth` in a heap, the largest of them in front, and puts that one in its place.
  __device__ void select_by_heap(int32_t first, int32_t nth, int32_t last) {
    const int32_t size = nth + 1 - first;
    for (int32_t parent = size / 2 - 1; parent >= 0; --parent) sink(first, parent, size, keys_[first + parent]);
    for (int32_t i = nth + 1; i < last; ++i) {
      const uint64_t key = keys_[i];
      if (key > keys_[first]) continue;
      keys_[i] = keys_[first];
      sink(first, 0, size, key);
    }
    swap(first, nth);
  }

  // Fills the hole at `top` of a heap: it sinks to the bottom along the larger children, then `key` rises from there.
  __device__ void sink(int32_t first, int32_t top, int32_t size, uint64_t key) {
    uint64_t* heap = keys_ + first;
    int32_t hole = top;
    for (int32_t child = 2 * hole + 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && heap[child + 1] > heap[child]) ++child;
      heap[hole] = heap[child];
      hole = child;
    }
    for (; hole > top && heap[(hole - 1) / 2] < key; hole = (hole - 1) / 2) heap[hole] = heap[(hole - 1) / 2];
    heap[hole] = key;
  }

  uint64_t* keys_;
  int32_t* spare_;
  int lane_;
};

}  // namespace ocnn
