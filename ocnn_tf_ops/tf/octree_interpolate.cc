// Ops Ocnn>OctreeInterpolationTable, Ocnn>OctreeInterpolate and its gradient over kernels/octree/interpolate.h.
#include <cmath>

#include "../kernels/octree/interpolate.h"
#include "dims.h"
#include "support.h"
#include "tensorflow/core/framework/op.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

const TensorSpecs& table_inputs() {
  static const TensorSpecs specs = {{"xyz", {"N", "3"}}, {"row_splits", {"B + 1"}}, {"keys", {"M"}}};
  return specs;
}

const TensorSpecs& interpolate_inputs() {
  static const TensorSpecs specs = {{"x", {"M", "C"}}, {"index", {"N", "8"}}, {"weight", {"N", "8"}}};
  return specs;
}

// `like` has the rows of x; only its number of rows is looked at.
const TensorSpecs& grad_inputs() {
  static const TensorSpecs specs = {
      {"grad_y", {"N", "C"}}, {"index", {"N", "8"}}, {"weight", {"N", "8"}}, {"like", {"M", "*"}}};
  return specs;
}

class OctreeInterpolationTable : public OpKernel {
 public:
  explicit OctreeInterpolationTable(OpKernelConstruction* context) : OpKernel(context) {
    std::string edge_mode;
    OP_REQUIRES_OK(context, context->GetAttr("depth", &depth_));
    OP_REQUIRES_OK(context, context->GetAttr("edge_mode", &edge_mode));
    OP_REQUIRES(context, depth_ >= 1 && depth_ <= 16,
                invalid("depth = ", depth_, " is out of range; expected 1 to 16"));
    edge_mode_ = edge_mode == "wrap" ? OCNN_EDGE_WRAP : OCNN_EDGE_MISSING;
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, table_inputs()));
    const Tensor &xyz = context->input(0), &row_splits = context->input(1), &keys = context->input(2);
    OP_REQUIRES_OK(context, check_row_splits(row_splits, n["N"]));
    OP_REQUIRES(context, n["M"] % 8 == 0,
                invalid("keys has ", n["M"], " octants; expected whole groups of eight siblings"));
    Tensor *index = nullptr, *weight = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["N"], 8}, &index));
    OP_REQUIRES_OK(context, context->allocate_output(1, {n["N"], 8}, &weight));
    const Executor executor(context);
    const int status = ocnn_octree_interpolation_table_cpu(executor.stream(), xyz.flat<float>().data(),
                                                           row_splits.flat<int32_t>().data(), n["N"], n["B + 1"] - 1,
                                                           keys.flat<int64_t>().data(), n["M"], depth_, edge_mode_,
                                                           index->flat<int32_t>().data(), weight->flat<float>().data());
    if (status == OCNN_NOT_FINITE) OP_REQUIRES_OK(context, check_finite(xyz, "xyz"));
    OP_REQUIRES_OK(context, to_status(status, "octree_interpolation_table"));
  }

 private:
  int depth_ = 0;
  int32_t edge_mode_ = OCNN_EDGE_MISSING;
};

template <typename T>
class OctreeInterpolate : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, interpolate_inputs()));
    const Tensor& index = context->input(1);
    const Executor executor(context);
    OP_REQUIRES_OK(context, check_indices(executor.stream(), index, n["M"], "index"));
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["N"], n["C"]}, &y));
    const int status = ocnn_octree_interpolate_cpu(executor.stream(), dtype_of<T>(), data(context->input(0)),
                                                   index.flat<int32_t>().data(), data(context->input(2)), n["N"],
                                                   n["M"], n["C"], data(y));
    OP_REQUIRES_OK(context, to_status(status, "octree_interpolate"));
  }
};

template <typename T>
class OctreeInterpolateGrad : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, grad_inputs()));
    const Tensor& index = context->input(1);
    const Executor executor(context);
    OP_REQUIRES_OK(context, check_indices(executor.stream(), index, n["M"], "index"));
    Tensor* grad_x = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["M"], n["C"]}, &grad_x));
    const int status = ocnn_octree_interpolate_grad_cpu(executor.stream(), dtype_of<T>(), data(context->input(0)),
                                                        index.flat<int32_t>().data(), data(context->input(2)), n["N"],
                                                        n["M"], n["C"], data(grad_x));
    OP_REQUIRES_OK(context, to_status(status, "octree_interpolate_grad"));
  }
};

REGISTER_OP("Ocnn>OctreeInterpolationTable")
    .Input("xyz: float")
    .Input("row_splits: int32")
    .Input("keys: int64")
    .Output("index: int32")
    .Output("weight: float")
    .Attr("depth: int")
    .Attr("edge_mode: {'missing', 'wrap'} = 'missing'")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(table_inputs()));
      c->set_output(0, dims.shape({"N", "8"}));
      c->set_output(1, dims.shape({"N", "8"}));
      return absl::OkStatus();
    })
    .Doc("The eight octants around every point and their trilinear weights.");

REGISTER_OP("Ocnn>OctreeInterpolate")
    .Input("x: T")
    .Input("index: int32")
    .Input("weight: T")
    .Output("y: T")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(interpolate_inputs()));
      c->set_output(0, dims.shape({"N", "C"}));
      return absl::OkStatus();
    })
    .Doc("y[n] = sum over j of weight[n, j] * x[index[n, j]].");

REGISTER_OP("Ocnn>OctreeInterpolateGrad")
    .Input("grad_y: T")
    .Input("index: int32")
    .Input("weight: T")
    .Input("like: T")
    .Output("grad_x: T")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(grad_inputs()));
      c->set_output(0, dims.shape({"M", "C"}));
      return absl::OkStatus();
    })
    .Doc("The adjoint of OctreeInterpolate; `like` is its x, for the number of rows.");

REGISTER_KERNEL_BUILDER(Name("Ocnn>OctreeInterpolationTable").Device(DEVICE_CPU), OctreeInterpolationTable);
#define REGISTER(T)                                                                                     \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>OctreeInterpolate").Device(DEVICE_CPU).TypeConstraint<T>("T"),     \
                          OctreeInterpolate<T>);                                                        \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>OctreeInterpolateGrad").Device(DEVICE_CPU).TypeConstraint<T>("T"), \
                          OctreeInterpolateGrad<T>)
REGISTER(float);
REGISTER(double);
#undef REGISTER

}  // namespace
}  // namespace ocnn
