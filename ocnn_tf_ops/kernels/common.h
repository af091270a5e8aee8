// Conventions shared by every kernel. No TensorFlow header is included anywhere below kernels/.
//
// Entry points are extern "C" functions `int ocnn_<name>_cpu(const ocnn_executor* stream, ...)` with a CUDA twin
// `int ocnn_<name>_cuda(ocnn_cuda_stream stream, ...)` of the same arguments and meaning. They take raw pointers and
// sizes, write into memory the caller owns, allocate no output, never throw or abort: they return an ocnn_status.
//
// Of a CUDA twin, pointers are device pointers unless its header says "host". It only enqueues: what it returns tells
// of sizes and launches. An index out of range is missing to it (-1), never an access out of bounds, never an error.
// Of other errors in the data (a NaN, a shape without points) its last argument tells, `int32_t* status`: a word in
// device memory that is OCNN_OK, or the largest ocnn_status that applies, once the work is done. The caller need not
// set it before, copies it to the host when it synchronizes anyway, or passes null if it does not want to know.
#pragma once

#include <cstdint>

// Marks functions of .inl files, which a .cc and its .cu share.
#ifdef __CUDACC__
#define OCNN_HOST_DEVICE __host__ __device__
#else
#define OCNN_HOST_DEVICE
#endif

extern "C" {

enum ocnn_status {
  OCNN_OK = 0,
  OCNN_INVALID_ARGUMENT = 1,  // a size, depth or index that no caller may pass
  OCNN_OUT_OF_MEMORY = 2,
  OCNN_NOT_FINITE = 3,  // NaN or infinity among the coordinates
  OCNN_EMPTY = 4,       // a shape without a single point
  OCNN_CUDA_ERROR = 5,  // a launch or another call of the CUDA runtime failed
  OCNN_CANCELLED = 6,   // the executor said so; the results are incomplete
  OCNN_TOO_LONG = 7,    // the data would take more work than the kernel's header allows
};

// The half types are for CUDA entry points alone. OCNN_TF32 is for those of matrix products (octree/conv.h):
// float32 in memory and sums, but the caller allows factors to be rounded to the 10 bits of TF32, for which cards of
// compute capability 8.0 and up have tensor cores. Older ones take it for OCNN_FLOAT32.
enum ocnn_dtype { OCNN_FLOAT32 = 0, OCNN_FLOAT64 = 1, OCNN_FLOAT16 = 2, OCNN_BFLOAT16 = 3, OCNN_TF32 = 4 };

// A cudaStream_t, for headers that know no CUDA; null is the default stream.
typedef struct CUstream_st* ocnn_cuda_stream;

// Where a CPU kernel runs its loops. The caller injects its own thread pool (TensorFlow's inside an op); a null executor
// runs serially, which is what most tests want. `parallel_for` must call `body` on disjoint ranges covering [0, count)
// and return when all are done; `grain` is the least number of items worth a task of their own. A kernel whose header
// says so looks at `cancelled` as it goes and ends where it is not 0; null means never.
typedef struct ocnn_executor {
  void* context;
  int32_t num_threads;
  void (*parallel_for)(void* context, int64_t count, int64_t grain, void (*body)(void* arg, int64_t begin, int64_t end),
                       void* arg);
  const int32_t* cancelled;
} ocnn_executor;

}  // extern "C"
