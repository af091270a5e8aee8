// What every wrapper needs beside a kernel: its status in TensorFlow's words, and the checks that read a tensor's data.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>

#include "../kernels/common.h"
#include "../kernels/parallel.h"
#include "status.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace ocnn {

// What a kernel's status says, as TensorFlow's errors say it.
inline absl::Status to_status(int status, const char* what) {
  switch (status) {
    case OCNN_OK:
      return absl::OkStatus();
    case OCNN_OUT_OF_MEMORY:
      return absl::ResourceExhaustedError(absl::StrCat(what, ": out of memory"));
    case OCNN_CANCELLED:
      return absl::CancelledError(what);
    case OCNN_CUDA_ERROR:
      return absl::InternalError(absl::StrCat(what, ": the CUDA runtime reported an error"));
    case OCNN_NOT_FINITE:
      return invalid(what, ": NaN or infinity among the inputs");
    case OCNN_EMPTY:
      return invalid(what, ": a shape without a single point");
    default:
      return invalid(what, ": a size, depth or index is out of range");
  }
}

// InvalidArgument unless -1 <= values < limit.
inline absl::Status check_indices(const ocnn_executor* stream, const tensorflow::Tensor& tensor, int64_t limit,
                                  const char* name) {
  const int32_t* values = tensor.flat<int32_t>().data();
  std::atomic<int64_t> offender{-1};
  parallel_for(stream, tensor.NumElements(), 1 << 16, [&](int64_t begin, int64_t end) {
    int32_t low = 0, high = -1;  // a plain reduction, which the compiler vectorizes
    for (int64_t i = begin; i < end; ++i) {
      low = std::min(low, values[i]);
      high = std::max(high, values[i]);
    }
    if (low >= -1 && high < limit) return;
    offender = std::find_if(values + begin, values + end, [&](int32_t v) { return v < -1 || v >= limit; }) - values;
  });
  if (offender < 0) return absl::OkStatus();
  return invalid(name, " holds the index ", values[offender.load()], " at position ", offender.load(),
                 "; expected -1 (none) or 0 to ", limit - 1);
}

// InvalidArgument unless the entries of `children` that are not -1 read 0, 1, 2, ...; `count` receives their number.
inline absl::Status count_children(const tensorflow::Tensor& children, const char* name, int64_t* count) {
  const int32_t* values = children.flat<int32_t>().data();
  int32_t running = 0;
  for (int64_t i = 0; i < children.NumElements(); ++i) {
    if (values[i] == -1) continue;
    if (values[i] != running) {
      return invalid(name, " holds ", values[i], " at position ", i, "; expected -1 or ", running,
                     ", the running number of those that are not -1");
    }
    ++running;
  }
  *count = running;
  return absl::OkStatus();
}

// InvalidArgument unless they are as many as `expected`, of which `before` and `after` tell.
inline absl::Status check_count(const tensorflow::Tensor& children, const char* name, int64_t expected,
                                const char* before, const char* after) {
  int64_t counted = 0;
  TF_RETURN_IF_ERROR(count_children(children, name, &counted));
  if (counted == expected) return absl::OkStatus();
  return invalid(before, expected, after, "; ", name, " has ", counted, " entries that are not -1");
}

// InvalidArgument unless row_splits cuts num_points rows: 0 <= ... <= num_points, no cut backward.
inline absl::Status check_row_splits(const tensorflow::Tensor& row_splits, int64_t num_points,
                                     const char* name = "row_splits") {
  const auto splits = row_splits.flat<int32_t>();
  const int64_t last = splits.size() - 1;
  if (last < 1 || splits(0) != 0 || splits(last) != num_points) {
    return invalid(name, " must run from 0 to the number of points, ", num_points, ", and name at least one shape");
  }
  for (int64_t b = 0; b < last; ++b) {
    if (splits(b) > splits(b + 1)) {
      return invalid(name, "[", b + 1, "] = ", splits(b + 1), " is less than ", name, "[", b, "] = ", splits(b));
    }
  }
  return absl::OkStatus();
}

// The same where data may be read; elsewhere what the size alone tells.
template <typename Device>
absl::Status check_splits(tensorflow::OpKernelContext* context, int input, int64_t num_points,
                          const char* name = "row_splits") {
  const tensorflow::Tensor& splits = context->input(input);
  TF_RETURN_IF_ERROR(Device::check([&] { return check_row_splits(splits, num_points, name); }));
  if (splits.NumElements() >= 2) return absl::OkStatus();
  return invalid(name, " has ", splits.NumElements(), " entries; expected at least two, around one shape");
}

// InvalidArgument naming the first row of `tensor` [N, C] that is not finite, if there is one.
inline absl::Status check_finite(const tensorflow::Tensor& tensor, const char* name) {
  const auto rows = tensor.matrix<float>();
  for (int64_t i = 0; i < tensor.NumElements(); ++i) {
    if (!std::isfinite(rows.data()[i])) {
      return invalid(name, " has NaN or infinity in row ", i / tensor.dim_size(1), " of ", tensor.dim_size(0));
    }
  }
  return absl::OkStatus();
}

}  // namespace ocnn
