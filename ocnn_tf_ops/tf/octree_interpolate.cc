// Op Ocnn>OctreeInterpolationTable over kernels/octree/interpolate.h.
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

OCNN_REGISTER("Ocnn>OctreeInterpolationTable", OctreeInterpolationTable);

}  // namespace
}  // namespace ocnn
