// Ops Ocnn>OctreeConv and Ocnn>OctreeConvGradWeights over kernels/octree/conv.h.
#include "../kernels/octree/conv.h"
#include "dims.h"
#include "kernel_call.h"
#include "register.h"

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

template <typename Device, typename T>
class OctreeConv : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, conv_inputs()));
    OP_REQUIRES_OK(context, check_positive(n));
    KernelCall<Device, T> call(context);
    OP_REQUIRES_OK(context, call.check_indices(2, n["M"], "neighbors"));
    const void *x = call.features(0), *weights = call.features(1);
    const int32_t* neighbors = call.template in<int32_t>(2);
    void* y = call.new_features(0, {n["M"], n["Cout"]});
    OP_REQUIRES_OK(context, run<ocnn_octree_conv_cpu, ocnn_octree_conv_cuda>(
                                call, "octree_conv", call.product_dtype(), x, weights, neighbors, n["M"], n["M"],
                                n["K"], n["Cin"], n["Cout"], y));
  }
};

template <typename Device, typename T>
class OctreeConvGradWeights : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, grad_weights_inputs()));
    OP_REQUIRES_OK(context, check_positive(n));
    KernelCall<Device, T> call(context);
    OP_REQUIRES_OK(context, call.check_indices(2, n["M"], "neighbors"));
    const void *x = call.features(0), *grad_y = call.features(1);
    const int32_t* neighbors = call.template in<int32_t>(2);
    void* grad_weights = call.new_features(0, {n["K"], n["Cin"], n["Cout"]});
    const Scratch memory =
        scratch<ocnn_octree_conv_grad_weights_workspace_bytes, ocnn_octree_conv_grad_weights_cuda_workspace_bytes>(
            call, call.product_dtype(), n["M"], n["K"], n["Cin"], n["Cout"]);
    OP_REQUIRES_OK(context, run<ocnn_octree_conv_grad_weights_cpu, ocnn_octree_conv_grad_weights_cuda>(
                                call, "octree_conv_grad_weights", call.product_dtype(), x, grad_y, neighbors, n["M"],
                                n["M"], n["K"], n["Cin"], n["Cout"], grad_weights, memory));
  }
};

REGISTER_OP("Ocnn>OctreeConv")
    .Input("x: T")
    .Input("weights: T")
    .Input("neighbors: int32")
    .Output("y: T")
    .Attr("T: " OCNN_TYPES)
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
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn([](shape_inference::InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(grad_weights_inputs()));
      c->set_output(0, dims.shape({"K", "Cin", "Cout"}));
      return absl::OkStatus();
    })
    .Doc("grad_weights[k] = sum over m of x[neighbors[m, k]]^T * grad_y[m].");

OCNN_REGISTER_TYPES("Ocnn>OctreeConv", OctreeConv);
OCNN_REGISTER_TYPES("Ocnn>OctreeConvGradWeights", OctreeConvGradWeights);

}  // namespace
}  // namespace ocnn
