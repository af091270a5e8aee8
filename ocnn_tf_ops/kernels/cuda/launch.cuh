// What every .cu includes: launching without <<<>>>, so that a plain C++ compiler takes the same source (see
// tests/cuda_emulation), loops over a grid, dynamic shared memory, and CUDA's errors as an ocnn_status.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "../common.h"

namespace ocnn {

constexpr int kBlock = 256;                       // threads a block, where nothing speaks for another number
constexpr int64_t kMaxBlocks = int64_t{1} << 20;  // of a grid whose threads stride over what remains
constexpr size_t kSharedBytesByDefault = 48 << 10;

inline int status_of(cudaError_t error) {
  if (error == cudaSuccess) return OCNN_OK;
  return error == cudaErrorMemoryAllocation ? OCNN_OUT_OF_MEMORY : OCNN_CUDA_ERROR;
}

// Blocks of `block` threads that cover `count` items, or as many as a grid should have.
inline unsigned num_blocks(int64_t count, int block = kBlock) {
  return static_cast<unsigned>(std::min((count + block - 1) / block, kMaxBlocks));
}

// Enqueues kernel<<<grid, block, shared_bytes, stream>>>(arguments...). A grid of 0 blocks is nothing to do.
template <typename... Parameters, typename... Arguments>
int launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, ocnn_cuda_stream stream,
           Arguments&&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return OCNN_OK;
  if (shared_bytes > kSharedBytesByDefault) {
    const cudaError_t error =
        cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(shared_bytes));
    if (error != cudaSuccess) return status_of(cudaGetLastError());
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  const cudaError_t error = cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
  const cudaError_t pending = cudaGetLastError();  // and clears it
  return status_of(error != cudaSuccess ? error : pending);
}

// launch() with one thread an item (see grid_stride), or fewer where there are very many.
template <typename... Parameters, typename... Arguments>
int launch_over(int64_t count, void (*kernel)(Parameters...), ocnn_cuda_stream stream, Arguments&&... arguments) {
  return launch(kernel, num_blocks(count), kBlock, 0, stream, std::forward<Arguments>(arguments)...);
}

// body(i) for every i below `count` that falls to this thread of a one-dimensional grid.
template <typename Body>
__device__ void grid_stride(int64_t count, const Body& body) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) body(i);
}

// i / divisor of numbers >= 0, in 32 bits where they fit: 64-bit division is slow on a GPU.
OCNN_HOST_DEVICE inline int64_t quotient(int64_t i, int64_t divisor) {
  if (((i | divisor) >> 32) == 0) return static_cast<uint32_t>(i) / static_cast<uint32_t>(divisor);
  return i / divisor;
}

// The block's dynamic shared memory, 128-byte aligned (of a block without other shared memory).
template <typename T>
__device__ T* dynamic_shared() {
#ifdef OCNN_CUDA_EMULATED
  return static_cast<T*>(ocnn_emulation::dynamic_shared());
#else
  extern __shared__ __align__(128) unsigned char ocnn_dynamic_shared_memory[];
  return reinterpret_cast<T*>(ocnn_dynamic_shared_memory);
#endif
}

}  // namespace ocnn
