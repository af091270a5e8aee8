// Ops Ocnn>Moments, Ocnn>Normalize and Ocnn>NormalizeGrad over kernels/dense/batch_norm.h.
#include "../kernels/dense/batch_norm.h"

#include "dims.h"
#include "kernel_call.h"
#include "register.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

constexpr int kShortcut = 5;  // input of Normalize where the shortcut is, if there is one
constexpr int kOutput = 6;    // input of NormalizeGrad where y is, if there is a shortcut

TensorSpecs normalize_inputs(int num_shortcuts) {
  TensorSpecs specs = {{"x", {"M", "C"}}, {"gamma", {"C"}}, {"beta", {"C"}}, {"mean", {"C"}}, {"variance", {"C"}}};
  if (num_shortcuts) specs.push_back({"shortcut", {"M", "C"}});
  return specs;
}

TensorSpecs grad_inputs(int num_shortcuts) {
  TensorSpecs specs = normalize_inputs(0);
  specs.insert(specs.begin(), {"grad_y", {"M", "C"}});
  if (num_shortcuts) specs.push_back({"y", {"M", "C"}});
  return specs;
}

absl::Status check_channels(const Sizes& n) {
  return n["C"] < 1 ? invalid("x must have at least one column") : absl::OkStatus();
}

template <typename Device, typename T>
class Moments : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, {{"x", {"M", "C"}}}));
    OP_REQUIRES_OK(context, check_channels(n));
    KernelCall<Device, T> call(context);
    const void* x = call.features(0);
    void* mean = call.template out<Wide<T>>(0, {n["C"]});
    void* variance = call.template out<Wide<T>>(1, {n["C"]});
    const Scratch memory = scratch<ocnn_batch_norm_workspace_bytes, ocnn_batch_norm_cuda_workspace_bytes>(
        call, call.dtype(), n["M"], n["C"]);
    OP_REQUIRES_OK(context, run<ocnn_batch_norm_moments_cpu, ocnn_batch_norm_moments_cuda>(
                                call, "moments", call.dtype(), x, n["M"], n["C"], mean, variance, memory));
  }
};

// The attributes that Normalize and its gradient share.
class NormalizeKernel : public OpKernel {
 public:
  explicit NormalizeKernel(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, bounded_attr(context, "num_shortcuts", &num_shortcuts_));
    OP_REQUIRES_OK(context, context->GetAttr("epsilon", &epsilon_));
    OP_REQUIRES_OK(context, context->GetAttr("slope", &slope_));
    OP_REQUIRES_OK(context, context->GetAttr("batch_statistics", &batch_statistics_));
  }

 protected:
  int num_shortcuts_ = 0;
  float epsilon_ = 0, slope_ = 1;
  bool batch_statistics_ = false;
};

template <typename Device, typename T>
class Normalize : public NormalizeKernel {
 public:
  using NormalizeKernel::NormalizeKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, normalize_inputs(num_shortcuts_)));
    OP_REQUIRES_OK(context, check_channels(n));
    KernelCall<Device, T> call(context);
    const auto channels = [&](int i) { return static_cast<const void*>(call.template in<Wide<T>>(i)); };
    const void *x = call.features(0), *shortcut = num_shortcuts_ ? call.features(kShortcut) : nullptr;
    void* y = call.new_features(0, {n["M"], n["C"]}, /*forwarded=*/0);
    const Scratch memory = scratch<ocnn_batch_norm_workspace_bytes, ocnn_batch_norm_cuda_workspace_bytes>(
        call, call.dtype(), n["M"], n["C"]);
    OP_REQUIRES_OK(context, run<ocnn_batch_norm_cpu, ocnn_batch_norm_cuda>(
                                call, "normalize", call.dtype(), x, shortcut, channels(1), channels(2), channels(3),
                                channels(4), n["M"], n["C"], epsilon_, slope_, y, memory));
  }
};

template <typename Device, typename T>
class NormalizeGrad : public NormalizeKernel {
 public:
  using NormalizeKernel::NormalizeKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, grad_inputs(num_shortcuts_)));
    OP_REQUIRES_OK(context, check_channels(n));
    KernelCall<Device, T> call(context);
    const auto channels = [&](int i) { return static_cast<const void*>(call.template in<Wide<T>>(i)); };
    const void *grad_y = call.features(0), *x = call.features(1);
    const void* y = num_shortcuts_ ? call.features(kOutput) : nullptr;
    void* grad_x = call.new_features(0, {n["M"], n["C"]}, /*forwarded=*/0);
    void* grad_gamma = call.template out<Wide<T>>(1, {n["C"]});
    void* grad_beta = call.template out<Wide<T>>(2, {n["C"]});
    void* grad_shortcut = num_shortcuts_ ? call.new_features(3, {n["M"], n["C"]}) : nullptr;
    const Scratch memory = scratch<ocnn_batch_norm_workspace_bytes, ocnn_batch_norm_cuda_workspace_bytes>(
        call, call.dtype(), n["M"], n["C"]);
    OP_REQUIRES_OK(context, run<ocnn_batch_norm_grad_cpu, ocnn_batch_norm_grad_cuda>(
                                call, "normalize_grad", call.dtype(), grad_y, x, y, channels(2), channels(3),
                                channels(4), channels(5), n["M"], n["C"], epsilon_, slope_, batch_statistics_, grad_x,
                                grad_gamma, grad_beta, grad_shortcut, memory));
  }
};

REGISTER_OP("Ocnn>Moments")
    .Input("x: T")
    .Output("mean: U")
    .Output("variance: U")
    .Attr("T: " OCNN_TYPES)
    .Attr("U: " OCNN_WIDE_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs({{"x", {"M", "C"}}}));
      c->set_output(0, dims.shape({"C"}));
      c->set_output(1, dims.shape({"C"}));
      return absl::OkStatus();
    })
    .Doc("Mean and biased variance of every column.");

REGISTER_OP("Ocnn>Normalize")
    .Input("x: T")
    .Input("gamma: U")
    .Input("beta: U")
    .Input("mean: U")
    .Input("variance: U")
    .Input("shortcut: num_shortcuts * T")
    .Output("y: T")
    .Attr("num_shortcuts: int >= 0")
    .Attr("epsilon: float")
    .Attr("slope: float")
    .Attr("batch_statistics: bool")
    .Attr("T: " OCNN_TYPES)
    .Attr("U: " OCNN_WIDE_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      int num_shortcuts;
      TF_RETURN_IF_ERROR(bounded_attr(c, "num_shortcuts", &num_shortcuts));
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(normalize_inputs(num_shortcuts)));
      c->set_output(0, dims.shape({"M", "C"}));
      return absl::OkStatus();
    })
    .Doc("z = gamma * (x - mean) / sqrt(variance + epsilon) + beta + shortcut; y = z where z > 0, else slope * z.");

REGISTER_OP("Ocnn>NormalizeGrad")
    .Input("grad_y: T")
    .Input("x: T")
    .Input("gamma: U")
    .Input("beta: U")
    .Input("mean: U")
    .Input("variance: U")
    .Input("y: num_shortcuts * T")
    .Output("grad_x: T")
    .Output("grad_gamma: U")
    .Output("grad_beta: U")
    .Output("grad_shortcut: num_shortcuts * T")
    .Attr("num_shortcuts: int >= 0")
    .Attr("epsilon: float")
    .Attr("slope: float")
    .Attr("batch_statistics: bool")
    .Attr("T: " OCNN_TYPES)
    .Attr("U: " OCNN_WIDE_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      int num_shortcuts;
      TF_RETURN_IF_ERROR(bounded_attr(c, "num_shortcuts", &num_shortcuts));
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(grad_inputs(num_shortcuts)));
      c->set_output(0, dims.shape({"M", "C"}));
      c->set_output(1, dims.shape({"C"}));
      c->set_output(2, dims.shape({"C"}));
      if (num_shortcuts) c->set_output(3, dims.shape({"M", "C"}));
      return absl::OkStatus();
    })
    .Doc("Gradients of Normalize; those through the batch's mean and variance are part of grad_x.");

OCNN_REGISTER_WIDE_TYPES("Ocnn>Moments", Moments);
OCNN_REGISTER_WIDE_TYPES("Ocnn>Normalize", Normalize);
OCNN_REGISTER_WIDE_TYPES("Ocnn>NormalizeGrad", NormalizeGrad);

}  // namespace
}  // namespace ocnn
