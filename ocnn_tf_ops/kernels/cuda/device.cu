#include "device.h"

#include <cstdio>

#include "launch.cuh"

namespace {

// Takes the error out of the runtime, so that a later call does not report it once more.
int answer(cudaError_t error) {
  if (error != cudaSuccess) cudaGetLastError();
  return ocnn::status_of(error);
}

cudaEvent_t as_event(void* event) { return static_cast<cudaEvent_t>(event); }

}  // namespace

extern "C" {

int32_t ocnn_cuda_device_count() {
  int count = 0;
  return answer(cudaGetDeviceCount(&count)) == OCNN_OK ? count : 0;
}

int ocnn_cuda_describe_device(ocnn_cuda_device* device) {
  int current = 0;
  cudaDeviceProp properties;
  if (const int status = answer(cudaGetDevice(&current))) return status;
  if (const int status = answer(cudaGetDeviceProperties(&properties, current))) return status;
  if (const int status = answer(cudaDriverGetVersion(&device->driver))) return status;
  if (const int status = answer(cudaRuntimeGetVersion(&device->runtime))) return status;
  std::snprintf(device->name, sizeof(device->name), "%s", properties.name);
  device->major = properties.major;
  device->minor = properties.minor;
  device->multiprocessors = properties.multiProcessorCount;
  device->memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  device->l2_bytes = properties.l2CacheSize;
  return OCNN_OK;
}

int ocnn_cuda_malloc(int64_t bytes, void** pointer) { return answer(cudaMalloc(pointer, bytes)); }

int ocnn_cuda_free(void* pointer) { return answer(cudaFree(pointer)); }

int ocnn_cuda_copy(ocnn_cuda_stream stream, void* to, const void* from, int64_t bytes) {
  return answer(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream));
}

int ocnn_cuda_fill(ocnn_cuda_stream stream, void* pointer, int32_t byte, int64_t bytes) {
  return answer(cudaMemsetAsync(pointer, byte, bytes, stream));
}

int ocnn_cuda_synchronize(ocnn_cuda_stream stream) { return answer(cudaStreamSynchronize(stream)); }

int ocnn_cuda_event_create(void** event) { return answer(cudaEventCreate(reinterpret_cast<cudaEvent_t*>(event))); }

int ocnn_cuda_event_destroy(void* event) { return answer(cudaEventDestroy(as_event(event))); }

int ocnn_cuda_event_record(ocnn_cuda_stream stream, void* event) {
  return answer(cudaEventRecord(as_event(event), stream));
}

int ocnn_cuda_event_elapsed(void* begin, void* end, float* milliseconds) {
  if (const int status = answer(cudaEventSynchronize(as_event(end)))) return status;
  return answer(cudaEventElapsedTime(milliseconds, as_event(begin), as_event(end)));
}

}  // extern "C"
