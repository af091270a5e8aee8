// One run of an op between TensorFlow's tensors and a kernel's pointers:
//
//   KernelCall<Device, T> call(context);
//   const void* x = call.features(0);
//   void* y = call.new_features(0, {n["M"], n["C"]});
//   OP_REQUIRES_OK(context, run<ocnn_name_cpu, ocnn_name_cuda>(call, "name", call.dtype(), x, n["M"], n["C"], y));
//
// Features are the inputs and outputs of the op's type T. The CPU kernels know no half types: for them features are
// converted to float32 before the call and back after it, here and nowhere else. What fails on the way (memory) is
// remembered, and `run` answers it.
#pragma once

#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "../kernels/cuda/device.h"
#include "device.h"
#include "dims.h"
#include "support.h"
#include "tensorflow/core/platform/tensor_float_32_utils.h"

namespace ocnn {

template <typename T>
constexpr int32_t dtype_of() {
  if (std::is_same<T, Eigen::half>::value) return OCNN_FLOAT16;
  if (std::is_same<T, Eigen::bfloat16>::value) return OCNN_BFLOAT16;
  return std::is_same<T, double>::value ? OCNN_FLOAT64 : OCNN_FLOAT32;
}

// Statistics, weights of an interpolation and the like: float32 beside half features.
template <typename T>
using Wide = std::conditional_t<std::is_same<T, double>::value, double, float>;

// Scratch memory: two arguments of a kernel.
struct Scratch {
  void* memory;
  int64_t bytes;
};
// What one of the twins has no argument for.
struct Nothing {};

// T is the op's feature type; float for ops that have none.
template <typename Device, typename T = float>
class KernelCall {
 public:
  using Context = tensorflow::OpKernelContext;
  using Tensor = tensorflow::Tensor;
  using Shape = absl::Span<const int64_t>;
  using Computed = std::conditional_t<Device::kIsGpu, T, Wide<T>>;

  explicit KernelCall(Context* context) : context_(context), device_(context) {}

  // Of the features, as the kernel gets them.
  static constexpr int32_t dtype() { return dtype_of<Computed>(); }
  // The same for matrix products, whose factors a GPU may round where TensorFlow's settings allow it.
  static int32_t product_dtype() {
    if constexpr (Device::kIsGpu && std::is_same<T, float>::value) {
      return tensorflow::tensor_float_32_execution_enabled() ? OCNN_TF32 : OCNN_FLOAT32;
    } else {
      return dtype();
    }
  }
  auto stream() const { return device_.stream(); }

  // An input of type T.
  const void* features(int input) {
    const T* values = in<T>(input);
    if constexpr (kConverts) {
      const int64_t count = context_->input(input).NumElements();
      Computed* computed = temporary<Computed>(count);
      if (computed != nullptr) convert(values, computed, count);
      return computed;
    } else {
      return values;
    }
  }

  // An output. It takes over the memory of input number `forwarded`, if nobody else needs that.
  void* new_features(int output, Shape sizes, int forwarded = -1) {
    T* values = out<T>(output, sizes, forwarded);
    if constexpr (kConverts) {
      const int64_t count = status_.ok() ? context_->mutable_output(output)->NumElements() : 0;
      Computed* computed = temporary<Computed>(count);
      results_.push_back({computed, values, count});
      return computed;
    } else {
      return values;
    }
  }

  // InvalidArgument unless -1 <= entries of the input < limit; never on a GPU.
  absl::Status check_indices(int input, int64_t limit, const char* name) const {
    if constexpr (Device::kIsGpu) {
      return absl::OkStatus();
    } else {
      return ocnn::check_indices(stream(), context_->input(input), limit, name);
    }
  }

  template <typename V>
  const V* in(int input) const {
    return not_null(context_->input(input).template flat<V>().data());
  }

  template <typename V>
  V* out(int output, Shape sizes, int forwarded = -1) {
    Tensor* tensor = nullptr;
    tensorflow::TensorShape shape;
    if (status_.ok()) status_ = output_shape(*context_, output, sizes, &shape);
    if (!status_.ok()) return nullptr;
    status_ = forwarded < 0 ? context_->allocate_output(output, shape, &tensor)
                            : context_->forward_input_or_allocate_output({forwarded}, output, shape, &tensor);
    return status_.ok() ? not_null(tensor->template flat<V>().data()) : nullptr;
  }

  // Memory of the device, until the call is over.
  void* temporary(int64_t bytes) {
    if (status_.ok() && bytes < 0) status_ = absl::ResourceExhaustedError("scratch memory of more than 2^63 - 1 bytes");
    if (!status_.ok()) return nullptr;
    temporaries_.emplace_back();
    status_ = context_->allocate_temp(tensorflow::DT_INT8, {bytes}, &temporaries_.back());
    return status_.ok() ? not_null(temporaries_.back().template flat<int8_t>().data()) : nullptr;
  }
  template <typename V>
  V* temporary(int64_t count) {
    return static_cast<V*>(temporary(count * static_cast<int64_t>(sizeof(V))));
  }

  const absl::Status& status() const { return status_; }

  // Kernels have written the features: those that the op keeps in another type are converted.
  void finish() {
    if constexpr (kConverts) {
      for (const Result& result : results_) convert(result.computed, result.kept, result.count);
    }
  }

 private:
  static constexpr bool kConverts = !std::is_same<T, Computed>::value;
  static constexpr int64_t kGrain = 1 << 14;

  // TensorFlow has null for an empty tensor; to a kernel that would mean that an argument is not there.
  template <typename V>
  static V* not_null(V* values) {
    alignas(16) static char empty[16] = {};
    return values != nullptr ? values : reinterpret_cast<V*>(empty);
  }

  struct Result {
    const Computed* computed;
    T* kept;
    int64_t count;
  };

  template <typename From, typename To>
  void convert(const From* from, To* to, int64_t count) const {
    parallel_for(stream(), count, kGrain, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) to[i] = static_cast<To>(from[i]);
    });
  }

  Context* context_;
  Device device_;
  absl::Status status_;
  std::vector<Tensor> temporaries_;
  std::vector<Result> results_;
};

// Scratch of the twin that runs: both say how many bytes they want of `sizes`, ...
template <auto kCpuBytes, auto kCudaBytes, typename Device, typename T, typename... Size>
Scratch scratch(KernelCall<Device, T>& call, Size... sizes) {
  int64_t bytes = 0;
  if (!call.status().ok()) return {nullptr, 0};  // sizes that were refused may overflow
  if constexpr (Device::kIsGpu) {
    bytes = kCudaBytes(sizes...);
  } else {
    bytes = kCpuBytes(sizes...);
  }
  return {call.temporary(bytes), bytes};
}

// ... or the CUDA twin alone wants any.
template <auto kCudaBytes, typename Device, typename T, typename... Size>
auto gpu_scratch(KernelCall<Device, T>& call, Size... sizes) {
  if constexpr (Device::kIsGpu) {
    const int64_t bytes = call.status().ok() ? kCudaBytes(sizes...) : 0;
    return Scratch{call.temporary(bytes), bytes};
  } else {
    return Nothing{};
  }
}

// An argument that the CUDA twin alone has.
template <typename Device, typename T, typename Value>
auto gpu_argument(const KernelCall<Device, T>&, Value value) {
  if constexpr (Device::kIsGpu) {
    return value;
  } else {
    return Nothing{};
  }
}

template <typename Argument>
std::tuple<Argument> as_arguments(Argument argument) {
  return {argument};
}
inline std::tuple<void*, int64_t> as_arguments(Scratch scratch) { return {scratch.memory, scratch.bytes}; }
inline std::tuple<> as_arguments(Nothing) { return {}; }

// Status of the twin of this device, called on its stream with the arguments. The other one is not even linked to.
template <auto kCpu, auto kCuda, typename Device, typename T, typename... Argument>
int call_twin(KernelCall<Device, T>& call, Argument... arguments) {
  const auto kernel = [&](auto... a) {
    if constexpr (Device::kIsGpu) {
      return kCuda(call.stream(), a...);
    } else {
      return kCpu(call.stream(), a...);
    }
  };
  return std::apply(kernel, std::tuple_cat(as_arguments(arguments)...));
}

// The same as a TensorFlow status that says `what` it was; the results are in place.
template <auto kCpu, auto kCuda, typename Device, typename T, typename... Argument>
absl::Status run(KernelCall<Device, T>& call, const char* what, Argument... arguments) {
  if (!call.status().ok()) return call.status();
  const int status = call_twin<kCpu, kCuda>(call, arguments...);
  if (status == OCNN_OK) call.finish();
  return to_status(status, what);
}

// From memory of the device. Waits for a GPU, so only where a size is not known otherwise.
template <typename Device, typename T>
absl::Status copy_to_host(KernelCall<Device, T>& call, const void* from, void* to, int64_t bytes) {
  if constexpr (Device::kIsGpu) {
    const int status = ocnn_cuda_copy(call.stream(), to, from, bytes);
    return to_status(status != OCNN_OK ? status : ocnn_cuda_synchronize(call.stream()), "copy to the host");
  } else {
    std::memcpy(to, from, bytes);
    return absl::OkStatus();
  }
}

}  // namespace ocnn
