// A CUDA device for callers that bring no runtime of their own (ctypes users, tests): memory, copies, events.
//
// Only ocnn_cuda_device_count is in every build of the library; the others are where the CUDA half is.
#pragma once

#include "../common.h"

extern "C" {

// Devices that can be used; 0 without a driver, without a card, or where the library was built without its CUDA half.
int32_t ocnn_cuda_device_count();

typedef struct ocnn_cuda_device {
  char name[256];
  int32_t major, minor;  // compute capability
  int32_t multiprocessors;
  int32_t driver, runtime;  // 13000 is 13.0
  int64_t memory_bytes, l2_bytes;
} ocnn_cuda_device;

// The current device.
int ocnn_cuda_describe_device(ocnn_cuda_device* device);

int ocnn_cuda_malloc(int64_t bytes, void** pointer);
int ocnn_cuda_free(void* pointer);

// Between any two of host and device, in the order of the stream; done on return where host memory takes part.
int ocnn_cuda_copy(ocnn_cuda_stream stream, void* to, const void* from, int64_t bytes);

int ocnn_cuda_fill(ocnn_cuda_stream stream, void* pointer, int32_t byte, int64_t bytes);
int ocnn_cuda_synchronize(ocnn_cuda_stream stream);

int ocnn_cuda_event_create(void** event);
int ocnn_cuda_event_destroy(void* event);
int ocnn_cuda_event_record(ocnn_cuda_stream stream, void* event);
// Waits for `end`.
int ocnn_cuda_event_elapsed(void* begin, void* end, float* milliseconds);

}  // extern "C"
