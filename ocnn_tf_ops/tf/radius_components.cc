// Op Ocnn>RadiusComponents over kernels/points/components.h.
#include <cmath>

#include "../kernels/points/components.h"
#include "dims.h"
#include "kernel_call.h"
#include "register.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT

const TensorSpecs& component_inputs() {
  static const TensorSpecs specs = {{"xyz", {"N", "3"}}, {"labels", {"N"}}, {"row_splits", {"B + 1"}}};
  return specs;
}

class RadiusComponents : public OpKernel {
 public:
  explicit RadiusComponents(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, bounded_attr(context, "max_neighbors", &max_neighbors_));
    OP_REQUIRES_OK(context, bounded_attr(context, "min_points", &min_points_));
    OP_REQUIRES_OK(context, context->GetAttr("radius", &radius_));
    OP_REQUIRES(context, radius_ > 0 && std::isfinite(radius_),
                invalid("radius = ", radius_, " is out of range; expected a positive number"));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, component_inputs()));
    const int64_t num_points = n["N"];
    OP_REQUIRES_OK(context, check_splits<CpuDevice>(context, 2, num_points));
    OP_REQUIRES_OK(context, check_finite(context->input(0), "xyz"));
    KernelCall<CpuDevice> call(context);
    int32_t *members = call.temporary<int32_t>(num_points), *splits = call.temporary<int32_t>(num_points + 1);
    int64_t count = 0;
    OP_REQUIRES_OK(context, run<ocnn_radius_components_cpu, nullptr>(
                                call, "radius_components", call.in<float>(0), call.in<int32_t>(1), call.in<int32_t>(2),
                                num_points, n["B + 1"] - 1, radius_, max_neighbors_, min_points_, members, splits,
                                &count));
    const int64_t total = splits[count];
    int32_t *members_out = call.out<int32_t>(0, {total}), *splits_out = call.out<int32_t>(1, {count + 1});
    OP_REQUIRES_OK(context, call.status());
    std::copy_n(members, total, members_out);
    std::copy_n(splits, count + 1, splits_out);
  }

 private:
  int64_t max_neighbors_ = 0, min_points_ = 0;
  float radius_ = 0.0f;
};

REGISTER_OP("Ocnn>RadiusComponents")
    .Input("xyz: float")
    .Input("labels: int32")
    .Input("row_splits: int32")
    .Output("members: int32")
    .Output("splits: int32")
    .Attr("radius: float")
    .Attr("max_neighbors: int")
    .Attr("min_points: int")
    .SetShapeFn([](shape_inference::InferenceContext* c) {
      int64_t unused = 0;
      TF_RETURN_IF_ERROR(Dims(c).bind_inputs(component_inputs()));
      for (const char* name : {"max_neighbors", "min_points"}) TF_RETURN_IF_ERROR(bounded_attr(c, name, &unused));
      for (int i = 0; i < 2; ++i) c->set_output(i, c->Vector(c->UnknownDim()));
      return absl::OkStatus();
    })
    .Doc("Connected components of near points of the same label; see radius_components in python/points.py.");

// For CPUs alone: breadth first is one point after the other.
REGISTER_KERNEL_BUILDER(Name("Ocnn>RadiusComponents").Device(DEVICE_CPU), RadiusComponents);

}  // namespace
}  // namespace ocnn
