// Element types of the CUDA kernels, and the type their arithmetic runs in: sums of the half types are float.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "../common.h"

namespace ocnn {

template <typename T>
struct AccumulatorOf {
  using type = float;
};
template <>
struct AccumulatorOf<double> {
  using type = double;
};
template <typename T>
using Accumulator = typename AccumulatorOf<T>::type;

// Element -> accumulator, exact.
OCNN_HOST_DEVICE inline float widen(float value) { return value; }
OCNN_HOST_DEVICE inline double widen(double value) { return value; }
OCNN_HOST_DEVICE inline float widen(__half value) { return __half2float(value); }
OCNN_HOST_DEVICE inline float widen(__nv_bfloat16 value) { return __bfloat162float(value); }

// Accumulator -> element, to the nearest (ties to even).
template <typename T>
OCNN_HOST_DEVICE inline T narrow(Accumulator<T> value) {
  return value;
}
template <>
OCNN_HOST_DEVICE inline __half narrow<__half>(float value) {
  return __float2half_rn(value);
}
template <>
OCNN_HOST_DEVICE inline __nv_bfloat16 narrow<__nv_bfloat16>(float value) {
  return __float2bfloat16_rn(value);
}

}  // namespace ocnn
