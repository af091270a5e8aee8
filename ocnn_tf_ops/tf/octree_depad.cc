// Op Ocnn>OctreeDepad over kernels/octree/depad.h.
#include "../kernels/octree/depad.h"

#include "../kernels/cuda/primitives.h"
#include "dims.h"
#include "kernel_call.h"
#include "register.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

const TensorSpecs& inputs() {
  static const TensorSpecs specs = {{"x", {"M", "C"}}, {"children", {"M"}}, {"num_nonempty", {}}};
  return specs;
}

// The number of non-empty octants, one more than the last of them has. Waits for a GPU.
template <typename Device, typename T>
absl::Status count_nonempty(KernelCall<Device, T>& call, const Tensor& children, int64_t* count) {
  if constexpr (Device::kIsGpu) {
    const Scratch memory = gpu_scratch<reduce_workspace_bytes>(call, children.NumElements());
    int32_t* device_last = call.template temporary<int32_t>(1);
    TF_RETURN_IF_ERROR(call.status());
    int32_t last = -1;
    TF_RETURN_IF_ERROR(to_status(reduce_max(call.stream(), children.flat<int32_t>().data(), children.NumElements(),
                                            device_last, memory.memory, memory.bytes),
                                 "octree_depad"));
    TF_RETURN_IF_ERROR(copy_to_host(call, device_last, &last, sizeof(last)));
    *count = std::max<int64_t>(last, -1) + 1;
    return absl::OkStatus();
  } else {
    return count_children(children, "children", count);
  }
}

template <typename Device, typename T>
class OctreeDepad : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, inputs()));
    KernelCall<Device, T> call(context);
    int64_t num_nonempty = context->input(2).scalar<int32_t>()();
    if (num_nonempty < 0) {
      OP_REQUIRES_OK(context, count_nonempty(call, context->input(1), &num_nonempty));
    } else {
      OP_REQUIRES_OK(context, Device::check([&] {
        return check_count(context->input(1), "children", num_nonempty, "num_nonempty is ", "");
      }));
    }
    const void* x = call.features(0);
    const int32_t* children = call.template in<int32_t>(1);
    void* y = call.new_features(0, {num_nonempty, n["C"]});
    OP_REQUIRES_OK(context, run<ocnn_octree_depad_cpu, ocnn_octree_depad_cuda>(
                                call, "octree_depad", call.dtype(), x, children, n["M"], num_nonempty, n["C"], y));
  }
};

REGISTER_OP("Ocnn>OctreeDepad")
    .Input("x: T")
    .Input("children: int32")
    .Input("num_nonempty: int32")
    .Output("y: T")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(inputs()));
      c->set_output(0, dims.shape({"Mn", "C"}));
      return absl::OkStatus();
    })
    .Doc("Rows of all octants -> rows of the non-empty ones, which are counted if num_nonempty is -1.");

OCNN_REGISTER_TYPES("Ocnn>OctreeDepad", OctreeDepad, .HostMemory("num_nonempty"));

}  // namespace
}  // namespace ocnn
