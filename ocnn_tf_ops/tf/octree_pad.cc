// Ops Ocnn>OctreePad and Ocnn>OctreeDepad over kernels/octree/pad.h.
#include "../kernels/octree/pad.h"
#include "dims.h"
#include "support.h"
#include "tensorflow/core/framework/op.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

TensorSpecs inputs(const char* rows) { return {{"x", {rows, "C"}}, {"children", {"M"}}}; }

template <typename T>
class OctreePad : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, inputs("Mn")));
    const Tensor &x = context->input(0), &children = context->input(1);
    int64_t num_nonempty = 0;
    OP_REQUIRES_OK(context, count_children(children, "children", &num_nonempty));
    OP_REQUIRES(context, n["Mn"] == num_nonempty,
                invalid("x has ", n["Mn"], " rows; children has ", num_nonempty, " non-empty octants"));
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["M"], n["C"]}, &y));
    const Executor executor(context);
    const int status = ocnn_octree_pad_cpu(executor.stream(), dtype_of<T>(), data(x), children.flat<int32_t>().data(),
                                           n["M"], num_nonempty, n["C"], data(y));
    OP_REQUIRES_OK(context, to_status(status, "octree_pad"));
  }
};

template <typename T>
class OctreeDepad : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, inputs("M")));
    const Tensor &x = context->input(0), &children = context->input(1);
    int64_t num_nonempty = 0;
    OP_REQUIRES_OK(context, count_children(children, "children", &num_nonempty));
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {num_nonempty, n["C"]}, &y));
    const Executor executor(context);
    const int status = ocnn_octree_depad_cpu(executor.stream(), dtype_of<T>(), data(x), children.flat<int32_t>().data(),
                                             n["M"], num_nonempty, n["C"], data(y));
    OP_REQUIRES_OK(context, to_status(status, "octree_depad"));
  }
};

REGISTER_OP("Ocnn>OctreePad")
    .Input("x: T")
    .Input("children: int32")
    .Output("y: T")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(inputs("Mn")));
      c->set_output(0, dims.shape({"M", "C"}));
      return absl::OkStatus();
    })
    .Doc("Rows of the non-empty octants -> rows of all octants, 0 at the empty ones.");

REGISTER_OP("Ocnn>OctreeDepad")
    .Input("x: T")
    .Input("children: int32")
    .Output("y: T")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(inputs("M")));
      c->set_output(0, dims.shape({"Mn", "C"}));
      return absl::OkStatus();
    })
    .Doc("Rows of all octants -> rows of the non-empty ones.");

#define REGISTER(T)                                                                                        \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>OctreePad").Device(DEVICE_CPU).TypeConstraint<T>("T"), OctreePad<T>); \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>OctreeDepad").Device(DEVICE_CPU).TypeConstraint<T>("T"), OctreeDepad<T>)
REGISTER(float);
REGISTER(double);
#undef REGISTER

}  // namespace
}  // namespace ocnn
