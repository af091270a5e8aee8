// Ops Ocnn>Moments, Ocnn>Normalize and Ocnn>NormalizeGrad over kernels/dense/batch_norm.h.
#include "../kernels/dense/batch_norm.h"

#include "dims.h"
#include "support.h"
#include "tensorflow/core/framework/op.h"

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

absl::Status allocate_workspace(OpKernelContext* context, int32_t dtype, const Sizes& n, Tensor* workspace) {
  if (n["C"] < 1) return invalid("x must have at least one column");
  return context->allocate_temp(DT_INT8, {ocnn_batch_norm_workspace_bytes(dtype, n["M"], n["C"])}, workspace);
}

template <typename T>
class Moments : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, {{"x", {"M", "C"}}}));
    Tensor *mean = nullptr, *variance = nullptr, workspace;
    OP_REQUIRES_OK(context, allocate_workspace(context, dtype_of<T>(), n, &workspace));
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["C"]}, &mean));
    OP_REQUIRES_OK(context, context->allocate_output(1, {n["C"]}, &variance));
    const Executor executor(context);
    const int status =
        ocnn_batch_norm_moments_cpu(executor.stream(), dtype_of<T>(), data(context->input(0)), n["M"], n["C"],
                                    data(mean), data(variance), data(&workspace), workspace.NumElements());
    OP_REQUIRES_OK(context, to_status(status, "moments"));
  }
};

// The attributes that Normalize and its gradient share.
class NormalizeKernel : public OpKernel {
 public:
  explicit NormalizeKernel(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("num_shortcuts", &num_shortcuts_));
    OP_REQUIRES_OK(context, context->GetAttr("epsilon", &epsilon_));
    OP_REQUIRES_OK(context, context->GetAttr("slope", &slope_));
    OP_REQUIRES_OK(context, context->GetAttr("batch_statistics", &batch_statistics_));
  }

 protected:
  int num_shortcuts_ = 0;
  float epsilon_ = 0, slope_ = 1;
  bool batch_statistics_ = false;
};

template <typename T>
class Normalize : public NormalizeKernel {
 public:
  using NormalizeKernel::NormalizeKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, normalize_inputs(num_shortcuts_)));
    const auto in = [context](int i) { return data(context->input(i)); };
    Tensor *y = nullptr, workspace;
    OP_REQUIRES_OK(context, allocate_workspace(context, dtype_of<T>(), n, &workspace));
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, {n["M"], n["C"]}, &y));
    const Executor executor(context);
    const int status = ocnn_batch_norm_cpu(executor.stream(), dtype_of<T>(), in(0),
                                           num_shortcuts_ ? in(kShortcut) : nullptr, in(1), in(2), in(3), in(4), n["M"],
                                           n["C"], epsilon_, slope_, data(y), data(&workspace), workspace.NumElements());
    OP_REQUIRES_OK(context, to_status(status, "normalize"));
  }
};

template <typename T>
class NormalizeGrad : public NormalizeKernel {
 public:
  using NormalizeKernel::NormalizeKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, grad_inputs(num_shortcuts_)));
    const auto in = [context](int i) { return data(context->input(i)); };
    Tensor *grad_x = nullptr, *grad_gamma = nullptr, *grad_beta = nullptr, *grad_shortcut = nullptr, workspace;
    OP_REQUIRES_OK(context, allocate_workspace(context, dtype_of<T>(), n, &workspace));
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, {n["M"], n["C"]}, &grad_x));
    OP_REQUIRES_OK(context, context->allocate_output(1, {n["C"]}, &grad_gamma));
    OP_REQUIRES_OK(context, context->allocate_output(2, {n["C"]}, &grad_beta));
    if (num_shortcuts_) OP_REQUIRES_OK(context, context->allocate_output(3, {n["M"], n["C"]}, &grad_shortcut));
    const Executor executor(context);
    const int status = ocnn_batch_norm_grad_cpu(
        executor.stream(), dtype_of<T>(), in(0), in(1), num_shortcuts_ ? in(kOutput) : nullptr, in(2), in(3), in(4),
        in(5), n["M"], n["C"], epsilon_, slope_, batch_statistics_, data(grad_x), data(grad_gamma), data(grad_beta),
        num_shortcuts_ ? data(grad_shortcut) : nullptr, data(&workspace), workspace.NumElements());
    OP_REQUIRES_OK(context, to_status(status, "normalize_grad"));
  }
};

REGISTER_OP("Ocnn>Moments")
    .Input("x: T")
    .Output("mean: T")
    .Output("variance: T")
    .Attr("T: {float, double}")
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
    .Input("gamma: T")
    .Input("beta: T")
    .Input("mean: T")
    .Input("variance: T")
    .Input("shortcut: num_shortcuts * T")
    .Output("y: T")
    .Attr("num_shortcuts: int >= 0")
    .Attr("epsilon: float")
    .Attr("slope: float")
    .Attr("batch_statistics: bool")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      int num_shortcuts;
      TF_RETURN_IF_ERROR(c->GetAttr("num_shortcuts", &num_shortcuts));
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(normalize_inputs(num_shortcuts)));
      c->set_output(0, dims.shape({"M", "C"}));
      return absl::OkStatus();
    })
    .Doc("z = gamma * (x - mean) / sqrt(variance + epsilon) + beta + shortcut; y = z where z > 0, slope * z elsewhere.");

REGISTER_OP("Ocnn>NormalizeGrad")
    .Input("grad_y: T")
    .Input("x: T")
    .Input("gamma: T")
    .Input("beta: T")
    .Input("mean: T")
    .Input("variance: T")
    .Input("y: num_shortcuts * T")
    .Output("grad_x: T")
    .Output("grad_gamma: T")
    .Output("grad_beta: T")
    .Output("grad_shortcut: num_shortcuts * T")
    .Attr("num_shortcuts: int >= 0")
    .Attr("epsilon: float")
    .Attr("slope: float")
    .Attr("batch_statistics: bool")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      int num_shortcuts;
      TF_RETURN_IF_ERROR(c->GetAttr("num_shortcuts", &num_shortcuts));
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(grad_inputs(num_shortcuts)));
      c->set_output(0, dims.shape({"M", "C"}));
      c->set_output(1, dims.shape({"C"}));
      c->set_output(2, dims.shape({"C"}));
      if (num_shortcuts) c->set_output(3, dims.shape({"M", "C"}));
      return absl::OkStatus();
    })
    .Doc("Gradients of Normalize; those through the batch's mean and variance are part of grad_x.");

#define REGISTER(T)                                                                                       \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>Moments").Device(DEVICE_CPU).TypeConstraint<T>("T"), Moments<T>);     \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>Normalize").Device(DEVICE_CPU).TypeConstraint<T>("T"), Normalize<T>); \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>NormalizeGrad").Device(DEVICE_CPU).TypeConstraint<T>("T"), NormalizeGrad<T>)
REGISTER(float);
REGISTER(double);
#undef REGISTER

}  // namespace
}  // namespace ocnn
