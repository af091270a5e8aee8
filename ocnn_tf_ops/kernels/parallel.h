// A C++ face of ocnn_executor: run a lambda over a range.
#pragma once

#include "common.h"

namespace ocnn {

template <typename Body>
void parallel_for(const ocnn_executor* stream, int64_t count, int64_t grain, const Body& body) {
  if (count <= 0) return;
  if (stream == nullptr || stream->parallel_for == nullptr || stream->num_threads < 2 || count <= grain) {
    body(int64_t{0}, count);
    return;
  }
  auto trampoline = [](void* arg, int64_t begin, int64_t end) { (*static_cast<const Body*>(arg))(begin, end); };
  stream->parallel_for(stream->context, count, grain, trampoline, const_cast<Body*>(&body));
}

inline bool is_cancelled(const ocnn_executor* stream) {
  return stream != nullptr && stream->cancelled != nullptr && __atomic_load_n(stream->cancelled, __ATOMIC_RELAXED) != 0;
}

}  // namespace ocnn
