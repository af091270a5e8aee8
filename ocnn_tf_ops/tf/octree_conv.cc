// Ops Ocnn>OctreeConv and Ocnn>OctreeConvGradWeights over kernels/octree/conv.h.
#include "../kernels/octree/conv.h"
#include "dims.h"
#include "support.h"
#include "tensorflow/core/framework/op.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT

const TensorSpecs& conv_inputs() {
  static const TensorSpecs specs = {{"x", {"M", "Cin"}}, {"weights", {"K", "Cin", "Cout"}}, {"neighbors", {"M", "K"}}};
  return specs;
}

const TensorSpecs& grad_weights_inputs() {
  static const TensorSpecs specs = {{"x", {"M", "Cin"}}, {"grad_y", {"M", "Cout"}}, {"neighbors", {"M", "K"}}};
  return specs;
}

absl::Status check_positive(const Sizes& n) {
  for (const char* name : {"K", "Cin", "Cout"}) {
    if (n[name] < 1 || n[name] > INT32_MAX) return invalid(name, " = ", n[name], " must be positive");
  }
  return absl::OkStatus();
}

template <typename T>
class OctreeConv : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, conv_inputs()));
    OP_REQUIRES_OK(context, check_positive(n));
    const Executor executor(context);
    OP_REQUIRES_OK(context, check_indices(executor.stream(), context->input(2), n["M"], "neighbors"));
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["M"], n["Cout"]}, &y));
    const int status = ocnn_octree_conv_cpu(executor.stream(), dtype_of<T>(), data(context->input(0)),
                                            data(context->input(1)), context->input(2).flat<int32_t>().data(), n["M"],
                                            n["M"], n["K"], n["Cin"], n["Cout"], data(y));
    OP_REQUIRES_OK(context, to_status(status, "octree_conv"));
  }
};

template <typename T>
class OctreeConvGradWeights : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, grad_weights_inputs()));
    OP_REQUIRES_OK(context, check_positive(n));
    const Executor executor(context);
    OP_REQUIRES_OK(context, check_indices(executor.stream(), context->input(2), n["M"], "neighbors"));
    Tensor* grad_weights = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["K"], n["Cin"], n["Cout"]}, &grad_weights));
    const int64_t bytes =
        ocnn_octree_conv_grad_weights_workspace_bytes(dtype_of<T>(), n["M"], n["K"], n["Cin"], n["Cout"]);
    Tensor workspace;
    OP_REQUIRES_OK(context, context->allocate_temp(DT_INT8, {bytes}, &workspace));
    const int status = ocnn_octree_conv_grad_weights_cpu(
        executor.stream(), dtype_of<T>(), data(context->input(0)), data(context->input(1)),
        context->input(2).flat<int32_t>().data(), n["M"], n["M"], n["K"], n["Cin"], n["Cout"], data(grad_weights),
        data(&workspace), bytes);
    OP_REQUIRES_OK(context, to_status(status, "octree_conv_grad_weights"));
  }
};

REGISTER_OP("Ocnn>OctreeConv")
    .Input("x: T")
    .Input("weights: T")
    .Input("neighbors: int32")
    .Output("y: T")
    .Attr("T: {float, double}")
    .SetShapeFn([](shape_inference::InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(conv_inputs()));
      c->set_output(0, dims.shape({"M", "Cout"}));
      return absl::OkStatus();
    })
    .Doc("y[m] = sum over k of x[neighbors[m, k]] * weights[k], missing neighbors (-1) skipped.");

REGISTER_OP("Ocnn>OctreeConvGradWeights")
    .Input("x: T")
    .Input("grad_y: T")
    .Input("neighbors: int32")
    .Output("grad_weights: T")
    .Attr("T: {float, double}")
    .SetShapeFn([](shape_inference::InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(grad_weights_inputs()));
      c->set_output(0, dims.shape({"K", "Cin", "Cout"}));
      return absl::OkStatus();
    })
    .Doc("grad_weights[k] = sum over m of x[neighbors[m, k]]^T * grad_y[m].");

#define REGISTER(T)                                                                                          \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>OctreeConv").Device(DEVICE_CPU).TypeConstraint<T>("T"), OctreeConv<T>); \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>OctreeConvGradWeights").Device(DEVICE_CPU).TypeConstraint<T>("T"),      \
                          OctreeConvGradWeights<T>)
REGISTER(float);
REGISTER(double);
#undef REGISTER

}  // namespace
}  // namespace ocnn
