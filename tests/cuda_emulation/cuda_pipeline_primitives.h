// Asynchronous copies to shared memory. They happen as late as they may, so that a missing wait shows.
#pragma once

#include "cuda_runtime.h"

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
