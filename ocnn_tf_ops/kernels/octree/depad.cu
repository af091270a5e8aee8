#include "depad.h"

#include "../cuda/dispatch.cuh"
#include "../cuda/launch.cuh"

namespace {

// Rows are `width` units long.
template <typename Unit>
__global__ void depad(const Unit* x, const int32_t* children, int64_t num_nodes, int64_t num_nonempty, int64_t width,
                      Unit* y) {
  ocnn::grid_stride(num_nodes * width, [=](int64_t i) {
    const int64_t octant = ocnn::quotient(i, width), child = children[octant];
    if (child >= 0 && child < num_nonempty) y[child * width + (i - octant * width)] = x[i];
  });
}

}  // namespace

extern "C" {

int ocnn_octree_depad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const int32_t* children,
                           int64_t num_nodes, int64_t num_nonempty, int64_t channels, void* y) {
  const int64_t element = ocnn::element_bytes(dtype), bytes = element * channels;
  if (element == 0 || channels < 0 || num_nodes < 0 || num_nonempty < 0) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch_unit(bytes, x, y, [&](auto unit) {
    using Unit = decltype(unit);
    const int64_t width = bytes / int64_t{sizeof(Unit)};
    return ocnn::launch_over(num_nodes * width, depad<Unit>, stream, static_cast<const Unit*>(x), children, num_nodes,
                             num_nonempty, width, static_cast<Unit*>(y));
  });
}

}  // extern "C"
