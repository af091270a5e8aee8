// An ocnn_executor on std::thread, for callers that bring no thread pool of their own (ctypes users, tests).
#pragma once

#include "../common.h"

extern "C" {

// Fills `executor` (caller-owned). num_threads <= 0 means one a core. It keeps no threads between calls, so it may be
// copied, shared between threads and used after a fork.
int ocnn_thread_executor(int32_t num_threads, ocnn_executor* executor);

}  // extern "C"
