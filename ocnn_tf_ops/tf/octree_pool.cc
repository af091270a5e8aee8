// Ops Ocnn>OctreeMaxPool, OctreeMaxUnpool and OctreeMaxPick over kernels/octree/pool.h.
#include "../kernels/octree/pool.h"
#include "dims.h"
#include "kernel_call.h"
#include "register.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::DimensionHandle;
using shape_inference::InferenceContext;

const TensorSpecs& pool_inputs() {
  static const TensorSpecs specs = {{"x", {"8 G", "C"}}};
  return specs;
}

const TensorSpecs& unpool_inputs() {
  static const TensorSpecs specs = {{"x", {"G", "C"}}, {"mask", {"G", "C"}}};
  return specs;
}

const TensorSpecs& pick_inputs() {
  static const TensorSpecs specs = {{"x", {"8 G", "C"}}, {"mask", {"G", "C"}}};
  return specs;
}

// Of the octants of the finer depth.
absl::Status check_groups(int64_t num_nodes) {
  if (num_nodes % 8 == 0 && num_nodes <= kMaxSize) return absl::OkStatus();
  return invalid("x has ", num_nodes, " rows; expected whole groups of eight siblings");
}

template <typename Device, typename T>
class OctreeMaxPool : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, pool_inputs()));
    OP_REQUIRES_OK(context, check_groups(n["8 G"]));
    const int64_t groups = n["8 G"] / 8;
    KernelCall<Device, T> call(context);
    const void* x = call.features(0);
    void* y = call.new_features(0, {groups, n["C"]});
    int32_t* mask = call.template out<int32_t>(1, {groups, n["C"]});
    OP_REQUIRES_OK(context, run<ocnn_octree_max_pool_cpu, ocnn_octree_max_pool_cuda>(
                                call, "octree_max_pool", call.dtype(), x, groups, n["C"], y, mask));
  }
};

template <typename Device, typename T>
class OctreeMaxUnpool : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, unpool_inputs()));
    OP_REQUIRES_OK(context, check_groups(8 * n["G"]));
    KernelCall<Device, T> call(context);
    const void* x = call.features(0);
    const int32_t* mask = call.template in<int32_t>(1);
    void* y = call.new_features(0, {8 * n["G"], n["C"]});
    OP_REQUIRES_OK(context, run<ocnn_octree_max_unpool_cpu, ocnn_octree_max_unpool_cuda>(
                                call, "octree_max_unpool: mask", call.dtype(), x, mask, n["G"], n["C"], y));
  }
};

template <typename Device, typename T>
class OctreeMaxPick : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, pick_inputs()));
    OP_REQUIRES(context, n["8 G"] == 8 * n["G"],
                invalid("x has ", n["8 G"], " rows; expected eight for each of the ", n["G"], " rows of mask"));
    KernelCall<Device, T> call(context);
    const void* x = call.features(0);
    const int32_t* mask = call.template in<int32_t>(1);
    void* y = call.new_features(0, {n["G"], n["C"]});
    OP_REQUIRES_OK(context, run<ocnn_octree_max_pick_cpu, ocnn_octree_max_pick_cuda>(
                                call, "octree_max_pick: mask", call.dtype(), x, mask, n["G"], n["C"], y));
  }
};

REGISTER_OP("Ocnn>OctreeMaxPool")
    .Input("x: T")
    .Output("y: T")
    .Output("mask: int32")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(pool_inputs()));
      DimensionHandle groups;
      TF_RETURN_IF_ERROR(c->Divide(dims["8 G"], 8, true, &groups));
      c->set_output(0, c->Matrix(groups, dims["C"]));
      c->set_output(1, c->Matrix(groups, dims["C"]));
      return absl::OkStatus();
    })
    .Doc("Maximum over every eight siblings, and the octant it came from.");

REGISTER_OP("Ocnn>OctreeMaxUnpool")
    .Input("x: T")
    .Input("mask: int32")
    .Output("y: T")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(unpool_inputs()));
      DimensionHandle nodes;
      TF_RETURN_IF_ERROR(c->Multiply(dims["G"], 8, &nodes));
      c->set_output(0, c->Matrix(nodes, dims["C"]));
      return absl::OkStatus();
    })
    .Doc("Every value at the octant its mask names, 0 elsewhere.");

REGISTER_OP("Ocnn>OctreeMaxPick")
    .Input("x: T")
    .Input("mask: int32")
    .Output("y: T")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(pick_inputs()));
      c->set_output(0, dims.shape({"G", "C"}));
      return absl::OkStatus();
    })
    .Doc("The values at the octants that the mask names.");

OCNN_REGISTER_TYPES("Ocnn>OctreeMaxPool", OctreeMaxPool);
OCNN_REGISTER_TYPES("Ocnn>OctreeMaxUnpool", OctreeMaxUnpool);
OCNN_REGISTER_TYPES("Ocnn>OctreeMaxPick", OctreeMaxPick);

}  // namespace
}  // namespace ocnn
