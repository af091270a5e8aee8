// Ops Ocnn>OctreeInterpolationTable, Ocnn>OctreeInterpolate and its gradient over kernels/octree/interpolate.h.
#include "../kernels/octree/interpolate.h"
#include "dims.h"
#include "kernel_call.h"
#include "register.h"

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

// Where a CUDA kernel would tell of NaN or malformed splits; nobody waits for it.
constexpr int32_t* kNotTold = nullptr;

template <typename Device>
class OctreeInterpolationTable : public OpKernel {
 public:
  explicit OctreeInterpolationTable(OpKernelConstruction* context) : OpKernel(context) {
    std::string edge_mode;
    OP_REQUIRES_OK(context, bounded_attr(context, "depth", &depth_));
    OP_REQUIRES_OK(context, context->GetAttr("edge_mode", &edge_mode));
    edge_mode_ = edge_mode == "wrap" ? OCNN_EDGE_WRAP : OCNN_EDGE_MISSING;
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, table_inputs()));
    OP_REQUIRES_OK(context, check_splits<Device>(context, 1, n["N"]));
    OP_REQUIRES(context, n["M"] % 8 == 0,
                invalid("keys has ", n["M"], " octants; expected whole groups of eight siblings"));
    KernelCall<Device> call(context);
    const float* xyz = call.template in<float>(0);
    const int32_t* row_splits = call.template in<int32_t>(1);
    const int64_t* keys = call.template in<int64_t>(2);
    int32_t* index = call.template out<int32_t>(0, {n["N"], 8});
    float* weight = call.template out<float>(1, {n["N"], 8});
    OP_REQUIRES_OK(context, Device::check([&] { return check_finite(context->input(0), "xyz"); }));
    OP_REQUIRES_OK(context, run<ocnn_octree_interpolation_table_cpu, ocnn_octree_interpolation_table_cuda>(
                                call, "octree_interpolation_table", xyz, row_splits, n["N"], n["B + 1"] - 1, keys,
                                n["M"], depth_, edge_mode_, index, weight, gpu_argument(call, kNotTold)));
  }

 private:
  int depth_ = 0;
  int32_t edge_mode_ = OCNN_EDGE_MISSING;
};

template <typename Device, typename T>
class OctreeInterpolate : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, interpolate_inputs()));
    KernelCall<Device, T> call(context);
    OP_REQUIRES_OK(context, call.check_indices(1, n["M"], "index"));
    const void* x = call.features(0);
    const int32_t* index = call.template in<int32_t>(1);
    const void* weight = call.template in<Wide<T>>(2);
    void* y = call.new_features(0, {n["N"], n["C"]});
    OP_REQUIRES_OK(context,
                   run<ocnn_octree_interpolate_cpu, ocnn_octree_interpolate_cuda>(
                       call, "octree_interpolate", call.dtype(), x, index, weight, n["N"], n["M"], n["C"], y));
  }
};

template <typename Device, typename T>
class OctreeInterpolateGrad : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, grad_inputs()));
    KernelCall<Device, T> call(context);
    OP_REQUIRES_OK(context, call.check_indices(1, n["M"], "index"));
    const void* grad_y = call.features(0);
    const int32_t* index = call.template in<int32_t>(1);
    const void* weight = call.template in<Wide<T>>(2);
    void* grad_x = call.new_features(0, {n["M"], n["C"]});
    const auto memory = gpu_scratch<ocnn_octree_interpolate_grad_cuda_workspace_bytes>(call, n["N"], n["M"]);
    OP_REQUIRES_OK(context, run<ocnn_octree_interpolate_grad_cpu, ocnn_octree_interpolate_grad_cuda>(
                                call, "octree_interpolate_grad", call.dtype(), grad_y, index, weight, n["N"], n["M"],
                                n["C"], grad_x, memory));
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
      int depth;
      TF_RETURN_IF_ERROR(bounded_attr(c, "depth", &depth));
      TF_RETURN_IF_ERROR(dims.bind_inputs(table_inputs()));
      c->set_output(0, dims.shape({"N", "8"}));
      c->set_output(1, dims.shape({"N", "8"}));
      return absl::OkStatus();
    })
    .Doc("The eight octants around every point and their trilinear weights.");

REGISTER_OP("Ocnn>OctreeInterpolate")
    .Input("x: T")
    .Input("index: int32")
    .Input("weight: U")
    .Output("y: T")
    .Attr("T: " OCNN_TYPES)
    .Attr("U: " OCNN_WIDE_TYPES)
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
    .Input("weight: U")
    .Input("like: T")
    .Output("grad_x: T")
    .Attr("T: " OCNN_TYPES)
    .Attr("U: " OCNN_WIDE_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(grad_inputs()));
      c->set_output(0, dims.shape({"M", "C"}));
      return absl::OkStatus();
    })
    .Doc("The adjoint of OctreeInterpolate; `like` is its x, for the number of rows.");

OCNN_REGISTER("Ocnn>OctreeInterpolationTable", OctreeInterpolationTable);
OCNN_REGISTER_WIDE_TYPES("Ocnn>OctreeInterpolate", OctreeInterpolate);
OCNN_REGISTER_WIDE_TYPES("Ocnn>OctreeInterpolateGrad", OctreeInterpolateGrad);

}  // namespace
}  // namespace ocnn
