// Runs a generic lambda for an element type, or for a unit to move rows in, and returns the status it answers.
#pragma once

#include <cstdint>

#include "../common.h"
#include "numeric.cuh"

namespace ocnn {

// body(T{}) enqueues the work for element type T: float, double, __half or __nv_bfloat16.
template <typename Body>
int dispatch_cuda(int32_t dtype, const Body& body) {
  if (dtype == OCNN_FLOAT32) return body(float{});
  if (dtype == OCNN_FLOAT64) return body(double{});
  if (dtype == OCNN_FLOAT16) return body(__half{});
  if (dtype == OCNN_BFLOAT16) return body(__nv_bfloat16{});
  return OCNN_INVALID_ARGUMENT;
}

// Bytes of an element, 0 for an unknown type: kernels that only move values need no more than that.
inline int64_t element_bytes(int32_t dtype) {
  switch (dtype) {
    case OCNN_FLOAT32:
      return 4;
    case OCNN_FLOAT64:
      return 8;
    case OCNN_FLOAT16:
    case OCNN_BFLOAT16:
      return 2;
    default:
      return 0;
  }
}

// body(Unit{}) for the unsigned integer as large as an element of `dtype`.
template <typename Body>
int dispatch_bits(int32_t dtype, const Body& body) {
  switch (element_bytes(dtype)) {
    case 2:
      return body(uint16_t{});
    case 4:
      return body(uint32_t{});
    case 8:
      return body(uint64_t{});
    default:
      return OCNN_INVALID_ARGUMENT;
  }
}

// body(Unit{}) for the largest unit (up to 16 bytes) that rows of `row_bytes`, a multiple of 2, at the addresses `a`
// and `b` can be moved in.
template <typename Body>
int dispatch_unit(int64_t row_bytes, const void* a, const void* b, const Body& body) {
  const uintptr_t addresses = reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b);
  const uintptr_t bits = addresses | static_cast<uintptr_t>(row_bytes);
  if (bits % 16 == 0) return body(uint4{});
  if (bits % 8 == 0) return body(uint64_t{});
  if (bits % 4 == 0) return body(uint32_t{});
  return body(uint16_t{});
}

}  // namespace ocnn
