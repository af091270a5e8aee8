// Sets of rows on the device: RowTable's twin, filled by all threads at once.
#pragma once

#include <cstdint>

namespace ocnn {

constexpr int32_t kFreeSlot = -1;  // what a table is filled with

// Puts `row` into a table of `capacity` slots, more than there are rows, and returns its slot. Equal rows share one,
// which in the end holds the least of their numbers if `least`, else the largest. Which slot that is depends on who
// comes first, what it holds does not.
template <bool least, typename Equal>
__device__ int32_t insert_row(int32_t* slots, int32_t capacity, uint64_t hash, int32_t row, const Equal& equal) {
  for (int32_t slot = static_cast<uint32_t>(hash) % capacity;; slot = slot + 1 < capacity ? slot + 1 : 0) {
    const int32_t other = atomicCAS(&slots[slot], kFreeSlot, row);
    if (other != kFreeSlot && !equal(other)) continue;
    if (least) {
      atomicMin(&slots[slot], row);
    } else {
      atomicMax(&slots[slot], row);
    }
    return slot;
  }
}

}  // namespace ocnn
