// Asynchronous copies to shared memory. They happen as late as they may, so that a missing wait shows.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "cuda_runtime.h"

namespace ocnn_emulation {

struct PendingCopy {
  void* to;
  const void* from;
  size_t bytes, zeros;
};
using Batch = std::vector<PendingCopy>;

// Of the running thread: the batches handed in, the last one still open.
inline std::deque<Batch>& pending_copies() {
  static std::map<int, std::deque<Batch>> of_thread;
  std::deque<Batch>& batches = of_thread[thread()];
  if (batches.empty()) batches.emplace_back();
  return batches;
}

}  // namespace ocnn_emulation

inline void __pipeline_memcpy_async(void* to, const void* from, size_t bytes, size_t zeros = 0) {
  ocnn_emulation::pending_copies().back().push_back({to, from, bytes, zeros});
}

inline void __pipeline_commit() { ocnn_emulation::pending_copies().emplace_back(); }

inline void __pipeline_wait_prior(size_t newest) {
  auto& batches = ocnn_emulation::pending_copies();
  while (batches.size() > newest + 1) {
    for (const auto& copy : batches.front()) {
      std::memcpy(copy.to, copy.from, copy.bytes - copy.zeros);
      std::memset(static_cast<char*>(copy.to) + copy.bytes - copy.zeros, 0, copy.zeros);
    }
    batches.pop_front();
  }
}
