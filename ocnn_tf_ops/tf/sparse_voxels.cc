// Op Ocnn>SparseVoxels over kernels/octree/sparse.h.
#include "../kernels/octree/sparse.h"
#include "dims.h"
#include "kernel_call.h"
#include "register.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

const TensorSpecs& sparse_inputs() {
  static const TensorSpecs specs = {{"voxels", {"N", "3"}}, {"row_splits", {"B + 1"}}};
  return specs;
}

constexpr int kNeighbors = 27, kOctants = 8;

// The attributes, from a constructor's or a shape function's context.
struct Levels {
  int depth = 0, count = 0, coarser = 0;

  template <typename Context>
  absl::Status read(Context* context) {
    TF_RETURN_IF_ERROR(bounded_attr(context, "depth", &depth));
    TF_RETURN_IF_ERROR(bounded_attr(context, "num_levels", &count));
    TF_RETURN_IF_ERROR(bounded_attr(context, "num_coarser", &coarser));
    if (count > depth + 1)
      return invalid("num_levels = ", count, " is out of range; expected 1 to depth + 1 = ", depth + 1);
    if (coarser != count - 1)
      return invalid("num_coarser = ", coarser, " is out of range; expected num_levels - 1 = ", count - 1);
    return absl::OkStatus();
  }
};

class SparseVoxels : public OpKernel {
 public:
  explicit SparseVoxels(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, levels_.read(context));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, sparse_inputs()));
    OP_REQUIRES_OK(context, check(context, n["N"]));
    const int64_t num_points = n["N"], num_shapes = n["B + 1"] - 1;
    KernelCall<CpuDevice> call(context);
    int64_t* sorted_keys = call.temporary<int64_t>(num_points);
    int32_t* order = call.temporary<int32_t>(num_points);
    int64_t num_voxels[kMaxDepth + 1] = {};
    const int64_t key_bytes = ocnn_sparse_keys_workspace_bytes(num_points);
    OP_REQUIRES_OK(context, run<ocnn_sparse_keys_cpu, nullptr>(
                                call, "sparse_voxels", call.in<int32_t>(0), call.in<int32_t>(1), num_points, num_shapes,
                                levels_.depth, sorted_keys, order, static_cast<int64_t*>(num_voxels),
                                Scratch{call.temporary(key_bytes), key_bytes}));
    int32_t* point_voxel = call.out<int32_t>(0, {num_points});
    int32_t* places[4][kMaxDepth + 1] = {};
    int32_t* parents[kMaxDepth + 1] = {};
    for (int l = 0; l < levels_.count; ++l) {
      const auto output = [&](int list) { return 1 + list * levels_.count + l; };
      places[0][l] = call.out<int32_t>(output(0), {num_voxels[l], 3});
      places[1][l] = call.out<int32_t>(output(1), {num_shapes + 1});
      places[2][l] = call.out<int32_t>(output(2), {num_voxels[l], kNeighbors});
      if (l == levels_.coarser) break;
      places[3][l] = call.out<int32_t>(output(3), {num_voxels[l + 1], kOctants});
      parents[l] = call.out<int32_t>(output(3) + levels_.coarser, {num_voxels[l], kOctants});
    }
    const int64_t bytes = ocnn_sparse_levels_workspace_bytes(num_voxels, levels_.depth, levels_.count);
    using Lists = int32_t* const*;
    OP_REQUIRES_OK(context,
                   run<ocnn_sparse_levels_cpu, nullptr>(
                       call, "sparse_voxels", static_cast<const int64_t*>(sorted_keys),
                       static_cast<const int32_t*>(order), num_points, num_shapes, levels_.depth, levels_.count,
                       static_cast<const int64_t*>(num_voxels), point_voxel, static_cast<Lists>(places[0]),
                       static_cast<Lists>(places[1]), static_cast<Lists>(places[2]), static_cast<Lists>(places[3]),
                       static_cast<Lists>(parents), Scratch{call.temporary(bytes), bytes}));
  }

 private:
  // Unlike elsewhere a batch may have no shape at all: one of proposals, of which there are none.
  absl::Status check(OpKernelContext* context, int64_t num_points) const {
    const Tensor& splits = context->input(1);
    if (splits.NumElements() != 1 || splits.flat<int32_t>()(0) != 0 || num_points != 0)
      TF_RETURN_IF_ERROR(check_row_splits(splits, num_points));
    const auto voxels = context->input(0).flat<int32_t>();
    for (int64_t i = 0; i < voxels.size(); ++i) {
      if (voxels(i) < 0 || voxels(i) >> levels_.depth) {
        return invalid("voxels has ", voxels(i), " in row ", i / 3, "; expected 0 to 2^depth - 1 = ",
                       (int64_t{1} << levels_.depth) - 1);
      }
    }
    return absl::OkStatus();
  }

  Levels levels_;
};

REGISTER_OP("Ocnn>SparseVoxels")
    .Input("voxels: int32")
    .Input("row_splits: int32")
    .Output("point_voxel: int32")
    .Output("coordinates: num_levels * int32")
    .Output("level_splits: num_levels * int32")
    .Output("neighbors: num_levels * int32")
    .Output("children: num_coarser * int32")
    .Output("parents: num_coarser * int32")
    .Attr("depth: int")
    .Attr("num_levels: int >= 1")
    .Attr("num_coarser: int >= 0")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      Levels levels;
      TF_RETURN_IF_ERROR(dims.bind_inputs(sparse_inputs()));
      TF_RETURN_IF_ERROR(levels.read(c));
      c->set_output(0, dims.shape({"N"}));
      for (int l = 0; l < levels.count; ++l) {
        c->set_output(1 + l, c->Matrix(c->UnknownDim(), 3));
        c->set_output(1 + levels.count + l, dims.shape({"B + 1"}));
        c->set_output(1 + 2 * levels.count + l, c->Matrix(c->UnknownDim(), kNeighbors));
      }
      for (int i = 0; i < 2 * levels.coarser; ++i)
        c->set_output(1 + 3 * levels.count + i, c->Matrix(c->UnknownDim(), kOctants));
      return absl::OkStatus();
    })
    .Doc("Voxels that hold points, on ever coarser grids, and their neighbors; see sparse_voxels in python/sparse.py.");

// For CPUs alone: tables are made where data are read.
REGISTER_KERNEL_BUILDER(Name("Ocnn>SparseVoxels").Device(DEVICE_CPU), SparseVoxels);

}  // namespace
}  // namespace ocnn
