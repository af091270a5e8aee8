#include "../cuda/dispatch.cuh"
#include "../cuda/gather_product.h"
#include "../cuda/launch.cuh"
#include "linear.h"

namespace {

constexpr int kTile = 32;

// The parts side by side; false if there are too many, or one too wide.
bool make_parts(const void* const* parts, const int64_t* widths, int64_t num_parts, int64_t rows,
                ocnn::GatheredRows* left) {
  if (num_parts < 1 || num_parts > ocnn::kMaxParts) return false;
  left->rows = rows;
  left->num_parts = static_cast<int32_t>(num_parts);
  for (int64_t p = 0; p < num_parts; ++p) {
    left->data[p] = parts[p];
    left->widths[p] = widths[p];
  }
  return true;
}

// to [columns, rows] = transposed(from [rows, columns]), a tile a block.
template <typename Bits>
__global__ void transpose(const Bits* from, int64_t rows, int64_t columns, Bits* to) {
  __shared__ Bits tile[kTile][kTile + 1];
  const int64_t across = (columns + kTile - 1) / kTile;
  const int64_t row = blockIdx.x / across * kTile, column = blockIdx.x % across * kTile;
  for (int i = threadIdx.y; i < kTile; i += blockDim.y) {
    const int64_t r = row + i, c = column + threadIdx.x;
    if (r < rows && c < columns) tile[i][threadIdx.x] = from[r * columns + c];
  }
  __syncthreads();
  for (int i = threadIdx.y; i < kTile; i += blockDim.y) {
    const int64_t r = row + threadIdx.x, c = column + i;
    if (r < rows && c < columns) to[c * rows + r] = tile[threadIdx.x][i];
  }
}

int32_t storage_of(int32_t dtype) { return dtype == OCNN_TF32 ? OCNN_FLOAT32 : dtype; }

}  // namespace

extern "C" {

int ocnn_linear_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* const* parts, const int64_t* widths,
                     int64_t num_parts, const void* weights, int64_t rows, int64_t cout, void* y) {
  ocnn::GatheredRows left = {};
  if (!make_parts(parts, widths, num_parts, rows, &left)) return OCNN_INVALID_ARGUMENT;
  return ocnn::gather_product(stream, dtype, left, weights, cout, y);
}

int64_t ocnn_linear_grad_input_cuda_workspace_bytes(int32_t dtype, int64_t width, int64_t cout) {
  return width * cout * ocnn::element_bytes(storage_of(dtype));
}

int ocnn_linear_grad_input_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* grad_y, const void* weights,
                                int64_t rows, int64_t width, int64_t cout, void* grad_x, void* workspace,
                                int64_t workspace_bytes) {
  if (rows < 0 || rows > INT32_MAX || width < 1 || width > INT32_MAX || cout < 1 || cout > INT32_MAX) {
    return OCNN_INVALID_ARGUMENT;
  }
  if (workspace_bytes < ocnn_linear_grad_input_cuda_workspace_bytes(dtype, width, cout)) return OCNN_INVALID_ARGUMENT;
  const int64_t tiles = ((width + kTile - 1) / kTile) * ((cout + kTile - 1) / kTile);
  if (tiles > INT32_MAX) return OCNN_INVALID_ARGUMENT;
  const int status = ocnn::dispatch_bits(storage_of(dtype), [&](auto zero) {
    using Bits = decltype(zero);
    return ocnn::launch(transpose<Bits>, static_cast<unsigned>(tiles), dim3(kTile, 8), 0, stream,
                        static_cast<const Bits*>(weights), width, cout, static_cast<Bits*>(workspace));
  });
  return status != OCNN_OK ? status
                           : ocnn_linear_cuda(stream, dtype, &grad_y, &cout, 1, workspace, rows, width, grad_x);
}

int64_t ocnn_linear_grad_weights_cuda_workspace_bytes(int32_t dtype, int64_t rows, int64_t width, int64_t cout) {
  return ocnn::gather_product_grad_workspace_bytes(dtype, rows, width, cout);
}

int ocnn_linear_grad_weights_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* const* parts,
                                  const int64_t* widths, int64_t num_parts, const void* grad_y, int64_t rows,
                                  int64_t cout, void* grad_weights, void* workspace, int64_t workspace_bytes) {
  ocnn::GatheredRows left = {};
  if (!make_parts(parts, widths, num_parts, rows, &left)) return OCNN_INVALID_ARGUMENT;
  return ocnn::gather_product_grad(stream, dtype, left, grad_y, cout, grad_weights, workspace, workspace_bytes);
}

}  // extern "C"
