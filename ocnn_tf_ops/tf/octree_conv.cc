// Ops Ocnn>OctreeConv and Ocnn>GatherConv and the gradients of their weights over kernels/octree/conv.h.
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

// `adjoint` is for the gradient alone.
const TensorSpecs& gather_inputs() {
  static const TensorSpecs specs = {
      {"x", {"M", "Cin"}}, {"weights", {"K", "Cin", "Cout"}}, {"table", {"Q", "K"}}, {"adjoint", {"M", "K"}}};
  return specs;
}

const TensorSpecs& gather_grad_weights_inputs() {
  static const TensorSpecs specs = {
      {"x", {"M", "Cin"}}, {"grad_y", {"Q", "Cout"}}, {"table", {"Q", "K"}}, {"adjoint", {"M", "K"}}};
  return specs;
}

absl::Status check_positive(const Sizes& n) {
  for (const char* name : {"K", "Cin", "Cout"}) {
    if (n[name] < 1 || n[name] > INT32_MAX) return invalid(name, " = ", n[name], " must be positive");
  }
  return absl::OkStatus();
}

// Of both ops: input 2 is the table, whose rows are those of y.
template <typename Device, typename T, const TensorSpecs& (*kInputs)()>
class Conv : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, kInputs()));
    OP_REQUIRES_OK(context, check_positive(n));
    KernelCall<Device, T> call(context);
    OP_REQUIRES_OK(context, call.check_indices(2, n["M"], kInputs()[2].name.c_str()));
    const void *x = call.features(0), *weights = call.features(1);
    const int32_t* table = call.template in<int32_t>(2);
    const int64_t num_out = context->input(2).dim_size(0);
    void* y = call.new_features(0, {num_out, n["Cout"]});
    OP_REQUIRES_OK(context, run<ocnn_octree_conv_cpu, ocnn_octree_conv_cuda>(
                                call, "octree_conv", call.product_dtype(), x, weights, table, n["M"], num_out, n["K"],
                                n["Cin"], n["Cout"], y));
  }
};

template <typename Device, typename T, const TensorSpecs& (*kInputs)()>
class ConvGradWeights : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, kInputs()));
    OP_REQUIRES_OK(context, check_positive(n));
    KernelCall<Device, T> call(context);
    OP_REQUIRES_OK(context, call.check_indices(2, n["M"], kInputs()[2].name.c_str()));
    const void *x = call.features(0), *grad_y = call.features(1);
    const int32_t* table = call.template in<int32_t>(2);
    const int64_t num_out = context->input(2).dim_size(0);
    void* grad_weights = call.new_features(0, {n["K"], n["Cin"], n["Cout"]});
    const Scratch memory =
        scratch<ocnn_octree_conv_grad_weights_workspace_bytes, ocnn_octree_conv_grad_weights_cuda_workspace_bytes>(
            call, call.product_dtype(), num_out, n["K"], n["Cin"], n["Cout"]);
    OP_REQUIRES_OK(context, run<ocnn_octree_conv_grad_weights_cpu, ocnn_octree_conv_grad_weights_cuda>(
                                call, "octree_conv_grad_weights", call.product_dtype(), x, grad_y, table, n["M"],
                                num_out, n["K"], n["Cin"], n["Cout"], grad_weights, memory));
  }
};

template <typename Device, typename T>
using OctreeConv = Conv<Device, T, conv_inputs>;
template <typename Device, typename T>
using OctreeConvGradWeights = ConvGradWeights<Device, T, grad_weights_inputs>;
template <typename Device, typename T>
using GatherConv = Conv<Device, T, gather_inputs>;
template <typename Device, typename T>
using GatherConvGradWeights = ConvGradWeights<Device, T, gather_grad_weights_inputs>;

// A shape function: the output has the sizes `dims` of the inputs `specs`.
template <const TensorSpecs& (*kInputs)()>
auto shape_of(std::vector<std::string> dims) {
  return [dims](shape_inference::InferenceContext* c) {
    Dims bound(c);
    TF_RETURN_IF_ERROR(bound.bind_inputs(kInputs()));
    c->set_output(0, bound.shape(dims));
    return absl::OkStatus();
  };
}

REGISTER_OP("Ocnn>OctreeConv")
    .Input("x: T")
    .Input("weights: T")
    .Input("neighbors: int32")
    .Output("y: T")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn(shape_of<conv_inputs>({"M", "Cout"}))
    .Doc("y[m] = sum over k of x[neighbors[m, k]] * weights[k], missing neighbors (-1) skipped.");

REGISTER_OP("Ocnn>OctreeConvGradWeights")
    .Input("x: T")
    .Input("grad_y: T")
    .Input("neighbors: int32")
    .Output("grad_weights: T")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn(shape_of<grad_weights_inputs>({"K", "Cin", "Cout"}))
    .Doc("grad_weights[k] = sum over m of x[neighbors[m, k]]^T * grad_y[m].");

REGISTER_OP("Ocnn>GatherConv")
    .Input("x: T")
    .Input("weights: T")
    .Input("table: int32")
    .Input("adjoint: int32")
    .Output("y: T")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn(shape_of<gather_inputs>({"Q", "Cout"}))
    .Doc("y[q] = sum over k of x[table[q, k]] * weights[k], entries of -1 skipped.");

REGISTER_OP("Ocnn>GatherConvGradWeights")
    .Input("x: T")
    .Input("grad_y: T")
    .Input("table: int32")
    .Input("adjoint: int32")
    .Output("grad_weights: T")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn(shape_of<gather_grad_weights_inputs>({"K", "Cin", "Cout"}))
    .Doc("grad_weights[k] = sum over q of x[table[q, k]]^T * grad_y[q].");

OCNN_REGISTER_TYPES("Ocnn>OctreeConv", OctreeConv);
OCNN_REGISTER_TYPES("Ocnn>OctreeConvGradWeights", OctreeConvGradWeights);
OCNN_REGISTER_TYPES("Ocnn>GatherConv", GatherConv);
OCNN_REGISTER_TYPES("Ocnn>GatherConvGradWeights", GatherConvGradWeights);

}  // namespace
}  // namespace ocnn
