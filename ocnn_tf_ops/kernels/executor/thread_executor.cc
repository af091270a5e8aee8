#include "thread_executor.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace {

constexpr int64_t kChunksPerThread = 4;  // some spare chunks even out bodies of unequal cost

void run_threads(void* context, int64_t count, int64_t grain, void (*body)(void*, int64_t, int64_t), void* arg) {
  const int64_t max_threads = static_cast<int64_t>(reinterpret_cast<intptr_t>(context));
  grain = std::max<int64_t>(grain, 1);
  const int64_t threads = std::min(max_threads, (count + grain - 1) / grain);
  if (threads <= 1) return body(arg, 0, count);

  const int64_t chunk = std::max(grain, (count + threads * kChunksPerThread - 1) / (threads * kChunksPerThread));
  std::atomic<int64_t> next{0};
  auto work = [&] {
    for (int64_t begin = next.fetch_add(chunk); begin < count; begin = next.fetch_add(chunk)) {
      body(arg, begin, std::min(begin + chunk, count));
    }
  };
  std::vector<std::thread> helpers;
  try {
    for (int64_t i = 1; i < threads; ++i) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // No thread to be had: the calling one does the rest.
  }
  work();
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace

extern "C" int ocnn_thread_executor(int32_t num_threads, ocnn_executor* executor) {
  if (executor == nullptr) return OCNN_INVALID_ARGUMENT;
  const int32_t cores = std::max(1, static_cast<int32_t>(std::thread::hardware_concurrency()));
  executor->num_threads = num_threads > 0 ? num_threads : cores;
  executor->context = reinterpret_cast<void*>(static_cast<intptr_t>(executor->num_threads));
  executor->parallel_for = run_threads;
  executor->cancelled = nullptr;
  return OCNN_OK;
}
