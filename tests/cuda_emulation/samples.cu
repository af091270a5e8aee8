// Kernels that show the emulation at work: right ones, and ones with the faults it must find.
#include <cuda_pipeline_primitives.h>
#include <mma.h>

#include "../../ocnn_tf_ops/kernels/cuda/launch.cuh"
#include "../../ocnn_tf_ops/kernels/cuda/numeric.cuh"

namespace {

// y = x, block by block in reverse, through shared memory; without `barrier` some lanes read what is not there yet.
__global__ void turn_around(const int32_t* x, bool barrier, int32_t* y) {
  __shared__ int32_t tile[64];
  const int first = blockIdx.x * 64, i = threadIdx.x;
  tile[i] = x[first + i];
  if (barrier) __syncthreads();
  y[first + i] = tile[63 - i];
}

__global__ void barrier_for_some(int32_t*) {
  if (threadIdx.x < 40) __syncthreads();
}

__global__ void lane_left_out(int32_t*) { __ballot_sync(0x0000ffffu, 1); }

__global__ void lanes_that_never_come(int32_t* y) {
  if (threadIdx.x < 3) y[0] = __shfl_sync(0xffffffffu, 1, 0);
}

__global__ void never_initialised(int32_t* y) {
  __shared__ int32_t sum;
  atomicAdd(&sum, 1);
  __syncthreads();
  y[threadIdx.x] = sum;
  __syncthreads();
  sum = 0;  // what the next block must not find
}

__global__ void beside_the_end(int32_t* y) { y[64 + threadIdx.x] = 1; }

// y[i] = sum of a warp's lanes, [64 + i] = ballot of odd lanes, [128 + i] = lanes with equal i / 8.
__global__ void warp_operations(int32_t* y) {
  const int i = threadIdx.x;
  int32_t sum = i;
#if __CUDA_ARCH__ >= 800
  sum = __reduce_add_sync(0xffffffffu, sum);
#else
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
#endif
  y[i] = sum;
  y[64 + i] = static_cast<int32_t>(__ballot_sync(0xffffffffu, i % 2));
  y[128 + i] = static_cast<int32_t>(__match_any_sync(0xffffffffu, i / 8));
}

// c = a * b, all 16 x 16, through dynamic shared memory that asynchronous copies fill.
__global__ void multiply(const __half* a, const __half* b, float* c, bool wait) {
  using namespace nvcuda;
  __half* tile = ocnn::dynamic_shared<__half>();
  for (int i = threadIdx.x; i < 32; i += blockDim.x) __pipeline_memcpy_async(tile + 8 * i, a + 8 * i, 16);
  __pipeline_commit();
  if (wait) __pipeline_wait_prior(0);
  __syncthreads();
  wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> left;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::row_major> right;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
  wmma::fill_fragment(sum, 0.0f);
  wmma::load_matrix_sync(left, tile, 16);
  wmma::load_matrix_sync(right, b, 16);
  wmma::mma_sync(sum, left, right, sum);
  wmma::store_matrix_sync(c, sum, 16, wmma::mem_row_major);
}

__global__ void round_all(const float* x, int64_t count, __half* half, __nv_bfloat16* bfloat, float* back) {
  ocnn::grid_stride(count, [=](int64_t i) {
    half[i] = ocnn::narrow<__half>(x[i]);
    bfloat[i] = ocnn::narrow<__nv_bfloat16>(x[i]);
    back[i] = ocnn::widen(half[i]);
  });
}

}  // namespace

extern "C" {

int ocnn_sample_turn_around_cuda(ocnn_cuda_stream stream, const int32_t* x, int64_t blocks, int32_t barrier,
                                 int32_t* y) {
  return ocnn::launch(turn_around, static_cast<unsigned>(blocks), 64, 0, stream, x, barrier != 0, y);
}

int ocnn_sample_fault_cuda(ocnn_cuda_stream stream, int32_t number, int32_t* y) {
  void (*const faults[])(int32_t*) = {barrier_for_some, lane_left_out, lanes_that_never_come, never_initialised,
                                      beside_the_end};
  return ocnn::launch(faults[number], 2, 64, 0, stream, y);
}

int ocnn_sample_warp_operations_cuda(ocnn_cuda_stream stream, int32_t* y) {
  return ocnn::launch(warp_operations, 1, 64, 0, stream, y);
}

int ocnn_sample_multiply_cuda(ocnn_cuda_stream stream, const __half* a, const __half* b, float* c, int32_t wait) {
  return ocnn::launch(multiply, 1, 32, 16 * 16 * sizeof(__half), stream, a, b, c, wait != 0);
}

int ocnn_sample_round_cuda(ocnn_cuda_stream stream, const float* x, int64_t count, __half* half, __nv_bfloat16* bfloat,
                           float* back) {
  return ocnn::launch_over(count, round_all, stream, x, count, half, bfloat, back);
}

int ocnn_sample_launch_cuda(ocnn_cuda_stream stream, int64_t threads, int64_t shared_bytes, int32_t* y) {
  const dim3 block(static_cast<unsigned>(threads));
  return ocnn::launch(barrier_for_some, 1, block, static_cast<size_t>(shared_bytes), stream, y);
}

}  // extern "C"
