// Runs a generic lambda for the element type an ocnn_dtype names, on the CPU (cuda/dispatch.cuh does it for kernels).
#pragma once

#include "common.h"

namespace ocnn {

// body(T{}) does the work for element type T and says whether its input was valid.
template <typename Body>
int dispatch(int32_t dtype, const Body& body) {
  if (dtype == OCNN_FLOAT32) return body(float{}) ? OCNN_OK : OCNN_INVALID_ARGUMENT;
  if (dtype == OCNN_FLOAT64) return body(double{}) ? OCNN_OK : OCNN_INVALID_ARGUMENT;
  return OCNN_INVALID_ARGUMENT;
}

}  // namespace ocnn
