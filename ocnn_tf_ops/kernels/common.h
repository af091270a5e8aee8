// Conventions shared by every kernel. No TensorFlow header is included anywhere below kernels/.
//
// Entry points are extern "C" functions `int ocnn_<name>_cpu(const ocnn_executor* stream, ...)` with a CUDA twin
// `int ocnn_<name>_cuda(cudaStream_t stream, ...)` of the same arguments and meaning. They take raw pointers and sizes,
// write into memory the caller owns, allocate no output, never throw and never abort: they return an ocnn_status.
#pragma once

#include <cstdint>

extern "C" {

enum ocnn_status {
  OCNN_OK = 0,
  OCNN_INVALID_ARGUMENT = 1,  // a size, depth or index that no caller may pass
  OCNN_OUT_OF_MEMORY = 2,
  OCNN_NOT_FINITE = 3,  // NaN or infinity among the coordinates
  OCNN_EMPTY = 4,       // a shape without a single point
};

enum ocnn_dtype { OCNN_FLOAT32 = 0, OCNN_FLOAT64 = 1 };

// Where a CPU kernel runs its loops. The caller injects its own thread pool (TensorFlow's inside an op); a null executor
// runs serially, which is what most tests want. `parallel_for` must call `body` on disjoint ranges covering [0, count)
// and return when all are done; `grain` is the least number of items worth a task of their own.
typedef struct ocnn_executor {
  void* context;
  int32_t num_threads;
  void (*parallel_for)(void* context, int64_t count, int64_t grain, void (*body)(void* arg, int64_t begin, int64_t end),
                       void* arg);
} ocnn_executor;

}  // extern "C"
