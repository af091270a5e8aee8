// Cuts a caller's workspace into arrays. The same layout function serves to ask for the bytes and to hand them out:
//
//   struct Scratch { uint64_t* keys; int32_t* order; };
//   Scratch layout(ocnn::Workspace& memory, int64_t n) { return {memory.take<uint64_t>(n), memory.take<int32_t>(n)}; }
//
//   ocnn::Workspace nothing;                      ocnn::Workspace memory(workspace, workspace_bytes);
//   layout(nothing, n);                           const Scratch scratch = layout(memory, n);
//   return nothing.bytes();                       if (!memory.fits()) return OCNN_INVALID_ARGUMENT;
#pragma once

#include <cstdint>

namespace ocnn {

class Workspace {
 public:
  Workspace() = default;  // counts bytes only; every pointer it hands out is null
  Workspace(void* memory, int64_t bytes) : memory_(static_cast<char*>(memory)), capacity_(bytes) {}

  // `count` elements, aligned to 256 bytes if the workspace is.
  template <typename T>
  T* take(int64_t count) {
    char* at = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += (count * static_cast<int64_t>(sizeof(T)) + kAlignment - 1) / kAlignment * kAlignment;
    return reinterpret_cast<T*>(at);
  }

  int64_t bytes() const { return used_; }
  bool fits() const { return used_ <= capacity_; }

 private:
  static constexpr int64_t kAlignment = 256;

  char* memory_ = nullptr;
  int64_t capacity_ = 0;
  int64_t used_ = 0;
};

}  // namespace ocnn
