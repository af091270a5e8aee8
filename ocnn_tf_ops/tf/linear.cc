// Ops Ocnn>Linear, Ocnn>LinearGradInput and Ocnn>LinearGradWeights over kernels/dense/linear.h.
#include "../kernels/dense/linear.h"

#include <numeric>

#include "dims.h"
#include "kernel_call.h"
#include "register.h"

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

  template <typename Call>
  PartList(Call& call, OpKernelContext* context, int num_parts) {
    for (int p = 0; p < num_parts; ++p) {
      pointers.push_back(call.features(p));
      widths.push_back(context->input(p).dim_size(1));
    }
  }
  int64_t total() const { return std::accumulate(widths.begin(), widths.end(), int64_t{0}); }
  int64_t size() const { return static_cast<int64_t>(widths.size()); }
};

template <typename Device, typename T>
class Linear : public OpKernel {
 public:
  explicit Linear(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, bounded_attr(context, "num_parts", &num_parts_));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, inputs(num_parts_, kWeights)));
    KernelCall<Device, T> call(context);
    const PartList parts(call, context, num_parts_);
    OP_REQUIRES(context, parts.total() == n["W"],
                invalid("weights has ", n["W"], " rows; the parts have ", parts.total(), " columns together"));
    const void* weights = call.features(num_parts_);
    void* y = call.new_features(0, {n["M"], n["Cout"]});
    OP_REQUIRES_OK(context, run<ocnn_linear_cpu, ocnn_linear_cuda>(
                                call, "linear", call.product_dtype(), parts.pointers.data(), parts.widths.data(),
                                parts.size(), weights, n["M"], n["Cout"], y));
  }

 private:
  int num_parts_ = 0;
};

// What ocnn_linear_grad_input_cpu wants: the weights once more.
int64_t transposed_bytes(int32_t dtype, int64_t width, int64_t cout) {
  return width * cout * (dtype == OCNN_FLOAT64 ? sizeof(double) : sizeof(float));
}

template <typename Device, typename T>
class LinearGradInput : public OpKernel {
 public:
  explicit LinearGradInput(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, bounded_attr(context, "begin", &begin_));
    OP_REQUIRES_OK(context, bounded_attr(context, "width", &width_));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, {kGrad, kWeights}));
    OP_REQUIRES(context, begin_ + width_ <= n["W"],
                invalid("begin = ", begin_, ", width = ", width_, " leave the ", n["W"], " rows of weights"));
    KernelCall<Device, T> call(context);
    const void *grad_y = call.features(0), *weights = call.features(1, begin_);
    void* grad_x = call.new_features(0, {n["M"], width_});
    const Scratch memory = scratch<transposed_bytes, ocnn_linear_grad_input_cuda_workspace_bytes>(
        call, call.product_dtype(), width_, n["Cout"]);
    OP_REQUIRES_OK(context, run<ocnn_linear_grad_input_cpu, ocnn_linear_grad_input_cuda>(
                                call, "linear_grad_input", call.product_dtype(), grad_y, weights, n["M"], width_,
                                n["Cout"], grad_x, memory));
  }

 private:
  int64_t begin_ = 0, width_ = 0;
};

template <typename Device, typename T>
class LinearGradWeights : public OpKernel {
 public:
  explicit LinearGradWeights(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, bounded_attr(context, "num_parts", &num_parts_));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, inputs(num_parts_, kGrad)));
    KernelCall<Device, T> call(context);
    const PartList parts(call, context, num_parts_);
    const void* grad_y = call.features(num_parts_);
    void* grad_weights = call.new_features(0, {parts.total(), n["Cout"]});
    const Scratch memory =
        scratch<ocnn_linear_grad_weights_workspace_bytes, ocnn_linear_grad_weights_cuda_workspace_bytes>(
            call, call.product_dtype(), n["M"], parts.total(), n["Cout"]);
    OP_REQUIRES_OK(context, run<ocnn_linear_grad_weights_cpu, ocnn_linear_grad_weights_cuda>(
                                call, "linear_grad_weights", call.product_dtype(), parts.pointers.data(),
                                parts.widths.data(), parts.size(), grad_y, n["M"], n["Cout"], grad_weights, memory));
  }

 private:
  int num_parts_ = 0;
};

absl::Status bind(Dims* dims, InferenceContext* c, const TensorSpec& last) {
  int num_parts;
  TF_RETURN_IF_ERROR(bounded_attr(c, "num_parts", &num_parts));
  return dims->bind_inputs(inputs(num_parts, last));
}

REGISTER_OP("Ocnn>Linear")
    .Input("x: num_parts * T")
    .Input("weights: T")
    .Output("y: T")
    .Attr("num_parts: int >= 1")
    .Attr("T: " OCNN_TYPES)
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
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      int64_t begin, width;
      TF_RETURN_IF_ERROR(bounded_attr(c, "begin", &begin));
      TF_RETURN_IF_ERROR(bounded_attr(c, "width", &width));
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
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(bind(&dims, c, kGrad));
      shape_inference::DimensionHandle width = c->MakeDim(0);
      for (int p = 0; p + 1 < c->num_inputs(); ++p) TF_RETURN_IF_ERROR(c->Add(width, c->Dim(c->input(p), 1), &width));
      c->set_output(0, c->Matrix(width, dims["Cout"]));
      return absl::OkStatus();
    })
    .Doc("grad_weights = transposed([x_0, x_1, ...]) * grad_y.");

OCNN_REGISTER_TYPES("Ocnn>Linear", Linear);
OCNN_REGISTER_TYPES("Ocnn>LinearGradInput", LinearGradInput);
OCNN_REGISTER_TYPES("Ocnn>LinearGradWeights", LinearGradWeights);

}  // namespace
}  // namespace ocnn
