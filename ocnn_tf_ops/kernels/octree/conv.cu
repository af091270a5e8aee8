#include "../cuda/gather_product.h"
#include "conv.h"

namespace {

// x in the order of the neighbor table.
ocnn::GatheredRows neighbors_of(const void* x, int64_t num_in, int32_t cin, const int32_t* neighbors, int64_t num_out,
                                int32_t kernel) {
  return {num_out, kernel, x, cin, num_in, neighbors};
}

}  // namespace

extern "C" {

int ocnn_octree_conv_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const void* weights,
                          const int32_t* neighbors, int64_t num_in, int64_t num_out, int32_t kernel, int32_t cin,
                          int32_t cout, void* y) {
  return ocnn::gather_product(stream, dtype, neighbors_of(x, num_in, cin, neighbors, num_out, kernel), weights, cout,
                              y);
}

int64_t ocnn_octree_conv_grad_weights_cuda_workspace_bytes(int32_t dtype, int64_t num_out, int32_t kernel, int32_t cin,
                                                           int32_t cout) {
  return ocnn::gather_product_grad_workspace_bytes(dtype, num_out, int64_t{kernel} * cin, cout);
}

int ocnn_octree_conv_grad_weights_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const void* grad_y,
                                       const int32_t* neighbors, int64_t num_in, int64_t num_out, int32_t kernel,
                                       int32_t cin, int32_t cout, void* grad_weights, void* workspace,
                                       int64_t workspace_bytes) {
  return ocnn::gather_product_grad(stream, dtype, neighbors_of(x, num_in, cin, neighbors, num_out, kernel), grad_y,
                                   cout, grad_weights, workspace, workspace_bytes);
}

}  // extern "C"
