// Large memory in large pages, for tables that are written once from end to end.
#pragma once

#include <sys/mman.h>

#include <cstdint>

namespace ocnn {

// Asks Linux to back fresh memory by pages of 2 MiB: filling it page by page of 4 KiB costs more than what is written.
// Where the system does not offer them, or the memory is small, nothing happens.
inline void use_huge_pages(void* memory, int64_t bytes) {
  constexpr uintptr_t kPage = uintptr_t{1} << 21;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(memory) + kPage - 1) / kPage * kPage;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(memory) + static_cast<uintptr_t>(bytes)) / kPage * kPage;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

}  // namespace ocnn
