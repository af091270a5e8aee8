// Registers an op class, a template over device and feature type, for every device and type there is.
//
//   OCNN_REGISTER("Ocnn>Name", Class)                     Class<Device>, an op without feature types
//   OCNN_REGISTER_TYPES("Ocnn>Name", Class)               Class<Device, T> for the attribute "T: " OCNN_TYPES
//   OCNN_REGISTER_WIDE_TYPES("Ocnn>Name", Class)          the same, where "U: " OCNN_WIDE_TYPES is Wide<T>
//
// What follows the class is added to the registration: .HostMemory("count").
#pragma once

#include "device.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

#define OCNN_TYPES "{half, bfloat16, float, double}"
#define OCNN_WIDE_TYPES "{float, double}"

#if defined(OCNN_GPU_OPS_ON_EMULATION)  // tests: the GPU's ops take the place of the CPU's
#define OCNN_CPU_KERNEL(builder, ...)
#define OCNN_GPU_KERNEL(builder, ...) REGISTER_KERNEL_BUILDER(builder.Device(DEVICE_CPU), __VA_ARGS__);
#elif defined(OCNN_WITH_CUDA)
#define OCNN_CPU_KERNEL(builder, ...) REGISTER_KERNEL_BUILDER(builder.Device(DEVICE_CPU), __VA_ARGS__);
#define OCNN_GPU_KERNEL(builder, ...) REGISTER_KERNEL_BUILDER(builder.Device(DEVICE_GPU), __VA_ARGS__);
#else
#define OCNN_CPU_KERNEL(builder, ...) REGISTER_KERNEL_BUILDER(builder.Device(DEVICE_CPU), __VA_ARGS__);
#define OCNN_GPU_KERNEL(builder, ...)
#endif

#define OCNN_REGISTER(op, Class, ...)                       \
  OCNN_CPU_KERNEL(Name(op) __VA_ARGS__, Class<CpuDevice>)   \
  OCNN_GPU_KERNEL(Name(op) __VA_ARGS__, Class<GpuDevice>)   \
  static_assert(true, "")

#define OCNN_REGISTER_TYPE(op, Class, T, constraints)                             \
  OCNN_CPU_KERNEL(Name(op).TypeConstraint<T>("T") constraints, Class<CpuDevice, T>) \
  OCNN_GPU_KERNEL(Name(op).TypeConstraint<T>("T") constraints, Class<GpuDevice, T>)

#define OCNN_REGISTER_TYPES(op, Class, ...)                    \
  OCNN_REGISTER_TYPE(op, Class, Eigen::half, __VA_ARGS__)      \
  OCNN_REGISTER_TYPE(op, Class, Eigen::bfloat16, __VA_ARGS__)  \
  OCNN_REGISTER_TYPE(op, Class, float, __VA_ARGS__)            \
  OCNN_REGISTER_TYPE(op, Class, double, __VA_ARGS__)           \
  static_assert(true, "")

#define OCNN_REGISTER_WIDE_TYPES(op, Class, ...)                                             \
  OCNN_REGISTER_TYPE(op, Class, Eigen::half, .TypeConstraint<float>("U") __VA_ARGS__)        \
  OCNN_REGISTER_TYPE(op, Class, Eigen::bfloat16, .TypeConstraint<float>("U") __VA_ARGS__)    \
  OCNN_REGISTER_TYPE(op, Class, float, .TypeConstraint<float>("U") __VA_ARGS__)              \
  OCNN_REGISTER_TYPE(op, Class, double, .TypeConstraint<double>("U") __VA_ARGS__)            \
  static_assert(true, "")
