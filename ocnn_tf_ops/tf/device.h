// Where an op runs. Every op class of this folder is a template over one of these two devices, so that `Compute` is one
// text for both; tf/kernel_call.h asks the device for what differs.
//
// GpuDevice needs no CUDA header: a stream is an opaque pointer to TensorFlow and to the kernels alike.
#pragma once

#include "../kernels/common.h"
#include "../kernels/parallel.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/platform/threadpool.h"
#ifdef OCNN_WITH_CUDA
#include "xla/stream_executor/stream.h"
#endif

namespace ocnn {

// TensorFlow's own threads as a kernel's stream.
class CpuDevice {
 public:
  static constexpr bool kIsGpu = false;

  explicit CpuDevice(tensorflow::OpKernelContext* context) {
    const auto* threads = context->device()->tensorflow_cpu_worker_threads();
    executor_ = {threads->workers, threads->num_threads, run, nullptr};
  }
  const ocnn_executor* stream() const { return &executor_; }

  // The result of a check that reads a tensor's data.
  template <typename Check>
  static absl::Status check(const Check& check) {
    return check();
  }

 private:
  static void run(void* context, int64_t count, int64_t grain, void (*body)(void*, int64_t, int64_t), void* arg) {
    using Pool = tensorflow::thread::ThreadPool;
    constexpr int64_t kChunksPerThread = 4;
    auto* pool = static_cast<Pool*>(context);
    const int64_t chunks = kChunksPerThread * pool->NumThreads();
    const int64_t chunk = std::max(std::max<int64_t>(grain, 1), (count + chunks - 1) / chunks);
    pool->ParallelFor(count, Pool::SchedulingParams::Fixed(chunk),
                      [body, arg](int64_t begin, int64_t end) { body(arg, begin, end); });
  }

  ocnn_executor executor_;
};

#ifdef OCNN_WITH_CUDA
// The stream TensorFlow runs its own kernels of this GPU on. Nobody waits for it to look at data: the checks that would
// have to are left out, and the kernels take an index out of range for a missing one.
class GpuDevice {
 public:
  static constexpr bool kIsGpu = true;

#ifdef OCNN_GPU_OPS_ON_EMULATION
  explicit GpuDevice(tensorflow::OpKernelContext*) {}
#else
  explicit GpuDevice(tensorflow::OpKernelContext* context)
      : stream_(static_cast<ocnn_cuda_stream>(
            context->op_device_context()->stream()->platform_specific_handle().stream)) {}
#endif
  ocnn_cuda_stream stream() const { return stream_; }

  template <typename Check>
  static absl::Status check(const Check&) {
    return absl::OkStatus();
  }

 private:
  ocnn_cuda_stream stream_ = nullptr;
};
#endif

}  // namespace ocnn
