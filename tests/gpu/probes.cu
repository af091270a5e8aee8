// What only the checks call: the primitives as entry points, and loops that show how fast a card multiplies.
#include <mma.h>

#include "../../ocnn_tf_ops/kernels/cuda/launch.cuh"
#include "../../ocnn_tf_ops/kernels/cuda/numeric.cuh"
#include "../../ocnn_tf_ops/kernels/cuda/primitives.h"

namespace {

// Independent sums a thread or a warp works on in turn, so that it need not wait for the result before.
constexpr int kSums = 8;

__global__ void multiply_fp32(int64_t rounds, float* out) {
  float sums[kSums];
  const float factor = 1.0f - 1e-6f * threadIdx.x;
  for (int i = 0; i < kSums; ++i) sums[i] = static_cast<float>(i);
  for (int64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kSums; ++i) sums[i] = fmaf(sums[i], factor, 1.0f);
  }
  float sum = 0;
  for (int i = 0; i < kSums; ++i) sum += sums[i];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

// Tiles of m x n x k by warps; every warp stores its last one.
template <typename T, int m, int n, int k>
__device__ void multiply_tiles(int64_t rounds, float* out) {
  using namespace nvcuda;
  wmma::fragment<wmma::matrix_a, m, n, k, T, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, m, n, k, T, wmma::col_major> b;
  wmma::fragment<wmma::accumulator, m, n, k, float> sums[kSums];
  wmma::fill_fragment(a, 1.0f / 64);
  wmma::fill_fragment(b, 1.0f / 64);
  for (int i = 0; i < kSums; ++i) wmma::fill_fragment(sums[i], 0.0f);
  for (int64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kSums; ++i) wmma::mma_sync(sums[i], a, b, sums[i]);
  }
  for (int i = 1; i < kSums; ++i) {
    for (int j = 0; j < sums[i].num_elements; ++j) sums[0].x[j] += sums[i].x[j];
  }
  const int warp = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
  wmma::store_matrix_sync(out + int64_t{warp} * m * n, sums[0], n, wmma::mem_row_major);
}

__global__ void multiply_fp16(int64_t rounds, float* out) { multiply_tiles<__half, 16, 16, 16>(rounds, out); }

__global__ void multiply_tf32(int64_t rounds, float* out) {
#if __CUDA_ARCH__ >= 800
  multiply_tiles<nvcuda::wmma::precision::tf32, 16, 16, 8>(rounds, out);
#else
  multiply_tiles<__half, 16, 16, 16>(rounds, out);  // no such units before
#endif
}

}  // namespace

extern "C" {

// `out` holds [blocks, 256] floats for fp32 (kind 0), [blocks, 8, 256] for tf32 (1), fp16 (2). A thread (a warp) does
// 8 multiply-adds (tile products of 16 x 16 x 8 or 16 x 16 x 16) a round.
int ocnn_probe_multiply_cuda(ocnn_cuda_stream stream, int32_t kind, int64_t blocks, int64_t rounds, float* out) {
  const auto kernel = kind == 0 ? multiply_fp32 : kind == 1 ? multiply_tf32 : multiply_fp16;
  return ocnn::launch(kernel, static_cast<unsigned>(blocks), ocnn::kBlock, 0, stream, rounds, out);
}

int64_t ocnn_probe_sort_pairs_workspace_bytes(int64_t count) { return ocnn::sort_pairs_workspace_bytes(count); }

int ocnn_probe_sort_pairs_cuda(ocnn_cuda_stream stream, const uint64_t* keys, const int32_t* values, int64_t count,
                               int32_t begin_bit, int32_t end_bit, uint64_t* sorted_keys, int32_t* sorted_values,
                               void* workspace, int64_t workspace_bytes) {
  return ocnn::sort_pairs(stream, keys, values, count, begin_bit, end_bit, sorted_keys, sorted_values, workspace,
                          workspace_bytes);
}

int64_t ocnn_probe_scan_workspace_bytes(int64_t count) { return ocnn::scan_workspace_bytes(count); }

int ocnn_probe_scan_cuda(ocnn_cuda_stream stream, const int32_t* x, const int64_t* wide, int64_t count,
                         int32_t* exclusive, int32_t* inclusive, int64_t* exclusive_wide, void* workspace,
                         int64_t workspace_bytes) {
  const int statuses = ocnn::exclusive_sum(stream, x, count, exclusive, workspace, workspace_bytes) |
                       ocnn::inclusive_sum(stream, x, count, inclusive, workspace, workspace_bytes) |
                       ocnn::exclusive_sum(stream, wide, count, exclusive_wide, workspace, workspace_bytes);
  return statuses;
}

int64_t ocnn_probe_reduce_workspace_bytes(int64_t count) { return ocnn::reduce_workspace_bytes(count); }

int ocnn_probe_reduce_cuda(ocnn_cuda_stream stream, const int32_t* x, int64_t count, int64_t* sum, int32_t* maximum,
                           void* workspace, int64_t workspace_bytes) {
  return ocnn::reduce_sum(stream, x, count, sum, workspace, workspace_bytes) |
         ocnn::reduce_max(stream, x, count, maximum, workspace, workspace_bytes);
}

int64_t ocnn_probe_group_positions_workspace_bytes(int64_t count) {
  return ocnn::group_positions_workspace_bytes(count);
}

int ocnn_probe_group_positions_cuda(ocnn_cuda_stream stream, const int32_t* index, int64_t count, int64_t num_rows,
                                    int32_t* order, int32_t* starts, void* workspace, int64_t workspace_bytes) {
  return ocnn::group_positions(stream, index, count, num_rows, order, starts, workspace, workspace_bytes);
}

}  // extern "C"
