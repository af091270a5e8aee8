// Ops Ocnn>WeightedGather and its gradient over kernels/gather/weighted.h.
#include "../kernels/gather/weighted.h"
#include "dims.h"
#include "kernel_call.h"
#include "register.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

const TensorSpecs& inputs() {
  static const TensorSpecs specs = {{"x", {"N", "C"}}, {"index", {"Q", "K"}}, {"weight", {"Q", "K"}}};
  return specs;
}

// `like` has the rows of x; only its number of rows is looked at.
const TensorSpecs& grad_inputs() {
  static const TensorSpecs specs = {
      {"grad_y", {"Q", "C"}}, {"index", {"Q", "K"}}, {"weight", {"Q", "K"}}, {"like", {"N", "*"}}};
  return specs;
}

template <typename Device, typename T>
class WeightedGather : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, inputs()));
    KernelCall<Device, T> call(context);
    OP_REQUIRES_OK(context, call.check_indices(1, n["N"], "index"));
    const void* x = call.features(0);
    const int32_t* index = call.template in<int32_t>(1);
    const void* weight = call.template in<Wide<T>>(2);
    void* y = call.new_features(0, {n["Q"], n["C"]});
    OP_REQUIRES_OK(context, run<ocnn_weighted_gather_cpu, ocnn_weighted_gather_cuda>(
                                call, "weighted_gather", call.dtype(), x, index, weight, n["Q"], n["K"], n["N"],
                                n["C"], y));
  }
};

template <typename Device, typename T>
class WeightedGatherGrad : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, grad_inputs()));
    KernelCall<Device, T> call(context);
    OP_REQUIRES_OK(context, call.check_indices(1, n["N"], "index"));
    const void* grad_y = call.features(0);
    const int32_t* index = call.template in<int32_t>(1);
    const void* weight = call.template in<Wide<T>>(2);
    void* grad_x = call.new_features(0, {n["N"], n["C"]});
    const auto memory = gpu_scratch<ocnn_weighted_gather_grad_cuda_workspace_bytes>(call, n["Q"], n["K"], n["N"]);
    OP_REQUIRES_OK(context, run<ocnn_weighted_gather_grad_cpu, ocnn_weighted_gather_grad_cuda>(
                                call, "weighted_gather_grad", call.dtype(), grad_y, index, weight, n["Q"], n["K"],
                                n["N"], n["C"], grad_x, memory));
  }
};

REGISTER_OP("Ocnn>WeightedGather")
    .Input("x: T")
    .Input("index: int32")
    .Input("weight: U")
    .Output("y: T")
    .Attr("T: " OCNN_TYPES)
    .Attr("U: " OCNN_WIDE_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(inputs()));
      c->set_output(0, dims.shape({"Q", "C"}));
      return absl::OkStatus();
    })
    .Doc("y[q] = sum over j of weight[q, j] * x[index[q, j]], skipping index -1.");

REGISTER_OP("Ocnn>WeightedGatherGrad")
    .Input("grad_y: T")
    .Input("index: int32")
    .Input("weight: U")
    .Input("like: T")
    .Output("grad_x: T")
    .Attr("T: " OCNN_TYPES)
    .Attr("U: " OCNN_WIDE_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(grad_inputs()));
      c->set_output(0, dims.shape({"N", "C"}));
      return absl::OkStatus();
    })
    .Doc("The adjoint of WeightedGather; `like` is its x, for the number of rows.");

OCNN_REGISTER_WIDE_TYPES("Ocnn>WeightedGather", WeightedGather);
OCNN_REGISTER_WIDE_TYPES("Ocnn>WeightedGatherGrad", WeightedGatherGrad);

}  // namespace
}  // namespace ocnn
