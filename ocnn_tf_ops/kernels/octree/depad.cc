#include "depad.h"

#include <atomic>
#include <cstring>

#include "../parallel.h"

namespace {

// A row's size in bytes, -1 for an unknown type: moving rows needs no more than that.
int64_t row_bytes(int32_t dtype, int64_t channels) {
  if (dtype == OCNN_FLOAT32) return channels * static_cast<int64_t>(sizeof(float));
  if (dtype == OCNN_FLOAT64) return channels * static_cast<int64_t>(sizeof(double));
  return -1;
}

}  // namespace

extern "C" {

int ocnn_octree_depad_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const int32_t* children,
                          int64_t num_nodes, int64_t num_nonempty, int64_t channels, void* y) {
  const int64_t bytes = row_bytes(dtype, channels);
  if (bytes < 0 || num_nodes < 0 || num_nonempty < 0) return OCNN_INVALID_ARGUMENT;
  const char* from = static_cast<const char*>(x);
  char* to = static_cast<char*>(y);
  std::atomic<bool> valid{true};
  ocnn::parallel_for(stream, num_nodes, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (children[i] < -1 || children[i] >= num_nonempty) {
        valid = false;
        return;
      }
      if (children[i] >= 0) std::memcpy(to + children[i] * bytes, from + i * bytes, bytes);
    }
  });
  return valid ? OCNN_OK : OCNN_INVALID_ARGUMENT;
}

}  // extern "C"
