// Ops Ocnn>Linear, Ocnn>LinearGradInput and Ocnn>LinearGradWeights over kernels/dense/linear.h.
#include "../kernels/dense/linear.h"

#include <numeric>

#include "dims.h"
#include "support.h"
#include "tensorflow/core/framework/op.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

// The parts, then another tensor.
TensorSpecs inputs(int num_parts, const TensorSpec& last) {
  TensorSpecs specs;
  for (int p = 0; p < num_parts; ++p) specs.push_back({absl::StrCat("x[", p, "]"), {"M", "*"}});
  specs.push_back(last);
  return specs;
}

const TensorSpec kWeights = {"weights", {"W", "Cout"}};
const TensorSpec kGrad = {"grad_y", {"M", "Cout"}};

// The parts as the kernels take them.
struct PartList {
  std::vector<const void*> pointers;
  std::vector<int64_t> widths;

  PartList(OpKernelContext* context, int num_parts) {
    for (int p = 0; p < num_parts; ++p) {
      pointers.push_back(data(context->input(p)));
      widths.push_back(context->input(p).dim_size(1));
    }
  }
  int64_t total() const { return std::accumulate(widths.begin(), widths.end(), int64_t{0}); }
  int64_t size() const { return static_cast<int64_t>(widths.size()); }
};

template <typename T>
class Linear : public OpKernel {
 public:
  explicit Linear(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("num_parts", &num_parts_));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, inputs(num_parts_, kWeights)));
    const PartList parts(context, num_parts_);
    OP_REQUIRES(context, parts.total() == n["W"],
                invalid("weights has ", n["W"], " rows; the parts have ", parts.total(), " columns together"));
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["M"], n["Cout"]}, &y));
    const Executor executor(context);
    const int status =
        ocnn_linear_cpu(executor.stream(), dtype_of<T>(), parts.pointers.data(), parts.widths.data(), parts.size(),
                        data(context->input(num_parts_)), n["M"], n["Cout"], data(y));
    OP_REQUIRES_OK(context, to_status(status, "linear"));
  }

 private:
  int num_parts_ = 0;
};

template <typename T>
class LinearGradInput : public OpKernel {
 public:
  explicit LinearGradInput(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("begin", &begin_));
    OP_REQUIRES_OK(context, context->GetAttr("width", &width_));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, {kGrad, kWeights}));
    OP_REQUIRES(context, begin_ >= 0 && width_ > 0 && begin_ + width_ <= n["W"],
                invalid("begin = ", begin_, ", width = ", width_, " leave the ", n["W"], " rows of weights"));
    Tensor* grad = nullptr;
    Tensor workspace;
    const int64_t bytes = width_ * n["Cout"] * sizeof(T);
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["M"], width_}, &grad));
    OP_REQUIRES_OK(context, context->allocate_temp(DT_INT8, {bytes}, &workspace));
    const Executor executor(context);
    const T* weights = context->input(1).flat<T>().data() + begin_ * n["Cout"];
    const int status =
        ocnn_linear_grad_input_cpu(executor.stream(), dtype_of<T>(), data(context->input(0)), weights, n["M"], width_,
                                   n["Cout"], data(grad), data(&workspace), bytes);
    OP_REQUIRES_OK(context, to_status(status, "linear_grad_input"));
  }

 private:
  int64_t begin_ = 0, width_ = 0;
};

template <typename T>
class LinearGradWeights : public OpKernel {
 public:
  explicit LinearGradWeights(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("num_parts", &num_parts_));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, inputs(num_parts_, kGrad)));
    const PartList parts(context, num_parts_);
    Tensor* grad = nullptr;
    Tensor workspace;
    const int64_t bytes =
        ocnn_linear_grad_weights_workspace_bytes(dtype_of<T>(), n["M"], parts.total(), n["Cout"]);
    OP_REQUIRES_OK(context, context->allocate_output(0, {parts.total(), n["Cout"]}, &grad));
    OP_REQUIRES_OK(context, context->allocate_temp(DT_INT8, {bytes}, &workspace));
    const Executor executor(context);
    const int status = ocnn_linear_grad_weights_cpu(
        executor.stream(), dtype_of<T>(), parts.pointers.data(), parts.widths.data(), parts.size(),
        data(context->input(num_parts_)), n["M"], n["Cout"], data(grad), data(&workspace), bytes);
    OP_REQUIRES_OK(context, to_status(status, "linear_grad_weights"));
  }

 private:
  int num_parts_ = 0;
};

absl::Status bind(Dims* dims, InferenceContext* c, const TensorSpec& last) {
  int num_parts;
  TF_RETURN_IF_ERROR(c->GetAttr("num_parts", &num_parts));
  return dims->bind_inputs(inputs(num_parts, last));
}

REGISTER_OP("Ocnn>Linear")
    .Input("x: num_parts * T")
    .Input("weights: T")
    .Output("y: T")
    .Attr("num_parts: int >= 1")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(bind(&dims, c, kWeights));
      c->set_output(0, dims.shape({"M", "Cout"}));
      return absl::OkStatus();
    })
    .Doc("y = [x_0, x_1, ...] * weights.");

REGISTER_OP("Ocnn>LinearGradInput")
    .Input("grad_y: T")
    .Input("weights: T")
    .Output("grad_x: T")
    .Attr("begin: int >= 0")
    .Attr("width: int >= 1")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      int64_t width;
      TF_RETURN_IF_ERROR(c->GetAttr("width", &width));
      TF_RETURN_IF_ERROR(dims.bind_inputs({kGrad, kWeights}));
      c->set_output(0, c->Matrix(dims["M"], c->MakeDim(width)));
      return absl::OkStatus();
    })
    .Doc("grad_x = grad_y * transposed(weights[begin : begin + width]).");

REGISTER_OP("Ocnn>LinearGradWeights")
    .Input("x: num_parts * T")
    .Input("grad_y: T")
    .Output("grad_weights: T")
    .Attr("num_parts: int >= 1")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(bind(&dims, c, kGrad));
      shape_inference::DimensionHandle width = c->MakeDim(0);
      for (int p = 0; p + 1 < c->num_inputs(); ++p) TF_RETURN_IF_ERROR(c->Add(width, c->Dim(c->input(p), 1), &width));
      c->set_output(0, c->Matrix(width, dims["Cout"]));
      return absl::OkStatus();
    })
    .Doc("grad_weights = transposed([x_0, x_1, ...]) * grad_y.");

#define REGISTER(T)                                                                                                  \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>Linear").Device(DEVICE_CPU).TypeConstraint<T>("T"), Linear<T>);                 \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>LinearGradInput").Device(DEVICE_CPU).TypeConstraint<T>("T"), LinearGradInput<T>); \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>LinearGradWeights").Device(DEVICE_CPU).TypeConstraint<T>("T"),                  \
                          LinearGradWeights<T>)
REGISTER(float);
REGISTER(double);
#undef REGISTER

}  // namespace
}  // namespace ocnn
