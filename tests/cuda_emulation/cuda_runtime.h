// The part of the CUDA runtime and of CUDA C++ that our kernels use, for a plain C++ compiler (see emulation.h).
//
// Left out on purpose: <<<>>> (ocnn::launch), extern __shared__ (ocnn::dynamic_shared), inline PTX, __activemask,
// atomics on floats, cooperative groups.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <type_traits>

#include "emulation.h"
#include "vector_types.h"

#define OCNN_CUDA_EMULATED 1
#ifndef __CUDA_ARCH__
#define __CUDA_ARCH__ 900  // -D__CUDA_ARCH__=700 emulates what old cards can do
#endif
#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static thread_local  // the memory that emulation.cc poisons before every block
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __align__(n) alignas(n)
#define __launch_bounds__(...)

#include "device_functions.h"
#include "runtime_api.h"
