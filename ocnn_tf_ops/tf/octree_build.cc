// Ops Ocnn>OctreeBuild and Ocnn>OctreeNeighbors over kernels/octree/build.h and neighbors.h.
#include "../kernels/octree/build.h"
#include "../kernels/octree/neighbors.h"
#include "dims.h"
#include "kernel_call.h"
#include "register.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

absl::Status check_depths(int depth, int full_depth) {
  if (depth < 1 || depth > kMaxDepth) {
    return invalid("depth = ", depth, " is out of range; expected 1 to ", kMaxDepth);
  }
  if (full_depth < 0 || full_depth > depth) {
    return invalid("full_depth = ", full_depth, " is out of range; expected 0 to depth = ", depth);
  }
  return absl::OkStatus();
}

TensorSpecs build_inputs(int num_normals, int num_extra) {
  TensorSpecs specs = {{"xyz", {"N", "3"}}, {"row_splits", {"B + 1"}}};
  if (num_normals) specs.push_back({"normals", {"N", "3"}});
  if (num_extra) specs.push_back({"features", {"N", "C"}});
  return specs;
}

// Where a CUDA kernel would tell of features that are not finite; nobody waits for it.
constexpr int32_t* kNotTold = nullptr;

template <typename Device>
class OctreeBuild : public OpKernel {
 public:
  explicit OctreeBuild(OpKernelConstruction* context) : OpKernel(context) {
    int num_depths = 0;
    OP_REQUIRES_OK(context, bounded_attr(context, "num_depths", &num_depths));
    OP_REQUIRES_OK(context, bounded_attr(context, "full_depth", &full_depth_));
    OP_REQUIRES_OK(context, bounded_attr(context, "num_normals", &num_normals_));
    OP_REQUIRES_OK(context, bounded_attr(context, "num_extra", &num_extra_));
    depth_ = num_depths - 1;
    OP_REQUIRES_OK(context, check_depths(depth_, full_depth_));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, build_inputs(num_normals_, num_extra_)));
    OP_REQUIRES_OK(context, check_splits<Device>(context, 1, n["N"]));
    OP_REQUIRES_OK(context, Device::check([&] { return check_points(context); }));
    Call call(context);
    Batch batch{n["N"], n["B + 1"] - 1, num_extra_ ? n["C"] : 0};
    batch.sorted_keys = call.template temporary<int64_t>(batch.num_points);
    batch.order = call.template temporary<int32_t>(batch.num_points);
    batch.point_node = call.template temporary<int32_t>(batch.num_points);
    batch.counts = call.template temporary<int64_t>(2 * num_depths() + 1);
    OP_REQUIRES_OK(context, sort_points(call, batch));
    OP_REQUIRES_OK(context, count_nodes(call, &batch));
    OP_REQUIRES_OK(context, fill_nodes(call, batch));
    OP_REQUIRES_OK(context, fill_features(call, batch));
  }

 private:
  using Call = KernelCall<Device>;

  struct Batch {
    int64_t num_points, num_shapes, num_extra;
    int64_t* sorted_keys = nullptr;  // [num_points], as the following two
    int32_t *order = nullptr, *point_node = nullptr;
    int64_t* counts = nullptr;                        // octants of every depth, non-empty ones, the GPU's status
    int64_t num_nodes[2 * (kMaxDepth + 1) + 1] = {};  // the counts on the host
  };

  int num_depths() const { return depth_ + 1; }
  int32_t* status_word(int64_t* counts) const { return reinterpret_cast<int32_t*>(counts + 2 * num_depths()); }

  absl::Status check_points(OpKernelContext* context) const {
    const auto splits = context->input(1).flat<int32_t>();
    for (int64_t b = 0; b + 1 < splits.size(); ++b) {
      if (splits(b) == splits(b + 1)) {
        return invalid("shape ", b, " of the batch has no points: row_splits[", b, "] and [", b + 1, "] are both ",
                       splits(b));
      }
    }
    TF_RETURN_IF_ERROR(check_finite(context->input(0), "xyz"));
    if (num_normals_) TF_RETURN_IF_ERROR(check_finite(context->input(2), "normals"));
    return num_extra_ ? check_finite(context->input(2 + num_normals_), "features") : absl::OkStatus();
  }

  absl::Status sort_points(Call& call, const Batch& batch) const {
    const float* xyz = call.template in<float>(0);
    const int32_t* row_splits = call.template in<int32_t>(1);
    const Scratch memory =
        scratch<ocnn_octree_point_keys_workspace_bytes, ocnn_octree_point_keys_cuda_workspace_bytes>(call,
                                                                                                    batch.num_points);
    return run<ocnn_octree_point_keys_cpu, ocnn_octree_point_keys_cuda>(
        call, "octree_build", xyz, row_splits, batch.num_points, batch.num_shapes, depth_, batch.sorted_keys,
        batch.order, memory, gpu_argument(call, status_word(batch.counts)));
  }

  // The one place that waits for a GPU: the counts are the sizes of the outputs. What it found wrong with the points
  // comes along.
  absl::Status count_nodes(Call& call, Batch* batch) const {
    const int status = call_twin<ocnn_octree_count_cpu, ocnn_octree_count_cuda>(
        call, batch->sorted_keys, batch->num_points, batch->num_shapes, depth_, full_depth_, batch->counts,
        batch->counts + num_depths());
    if (status == OCNN_INVALID_ARGUMENT) return too_many_nodes();
    TF_RETURN_IF_ERROR(to_status(status, "octree_build"));
    TF_RETURN_IF_ERROR(
        copy_to_host(call, batch->counts, batch->num_nodes, (2 * num_depths() + 1) * int64_t{sizeof(int64_t)}));
    if (Device::kIsGpu) TF_RETURN_IF_ERROR(to_status(*status_word(batch->num_nodes), "octree_build"));
    const int64_t largest = *std::max_element(batch->num_nodes, batch->num_nodes + num_depths());
    return largest > INT32_MAX ? too_many_nodes() : absl::OkStatus();
  }

  absl::Status too_many_nodes() const {
    return invalid("the octree has more than 2^31 - 1 octants at a depth; use fewer shapes, a smaller depth = ", depth_,
                   " or a smaller full_depth = ", full_depth_);
  }

  absl::Status fill_nodes(Call& call, const Batch& batch) const {
    int64_t* keys[kMaxDepth + 1];
    int32_t* children[kMaxDepth + 1];
    for (int d = 0; d <= depth_; ++d) {
      keys[d] = call.template out<int64_t>(d, {batch.num_nodes[d]});
      children[d] = call.template out<int32_t>(num_depths() + d, {batch.num_nodes[d]});
    }
    const auto memory = gpu_scratch<ocnn_octree_nodes_cuda_workspace_bytes>(call, batch.num_points);
    return run<ocnn_octree_nodes_cpu, ocnn_octree_nodes_cuda>(
        call, "octree_build", batch.sorted_keys, batch.num_points, batch.num_shapes, depth_, full_depth_,
        static_cast<int64_t* const*>(keys), static_cast<int32_t* const*>(children), batch.point_node, memory);
  }

  absl::Status fill_features(Call& call, const Batch& batch) const {
    const float* xyz = call.template in<float>(0);
    const float* normals = num_normals_ ? call.template in<float>(2) : nullptr;
    const float* extra = num_extra_ ? call.template in<float>(2 + num_normals_) : nullptr;
    const int64_t num_nodes = batch.num_nodes[depth_];
    float* features = call.template out<float>(2 * num_depths(), {num_nodes, 4 + batch.num_extra});
    return run<ocnn_octree_features_cpu, ocnn_octree_features_cuda>(
        call, "octree_build", xyz, normals, extra, batch.order, batch.point_node, batch.num_points, num_nodes,
        batch.num_extra, depth_, features, gpu_argument(call, kNotTold));
  }

  int depth_ = 0, full_depth_ = 0, num_normals_ = 0, num_extra_ = 0;
};

template <typename Device>
class OctreeNeighbors : public OpKernel {
 public:
  explicit OctreeNeighbors(OpKernelConstruction* context) : OpKernel(context) {
    int num_depths = 0;
    OP_REQUIRES_OK(context, bounded_attr(context, "num_depths", &num_depths));
    OP_REQUIRES_OK(context, bounded_attr(context, "full_depth", &full_depth_));
    OP_REQUIRES_OK(context, check_depths(num_depths - 1, full_depth_));
  }

  void Compute(OpKernelContext* context) override {
    OpInputList children;
    OP_REQUIRES_OK(context, context->input_list("children", &children));
    KernelCall<Device> call(context);
    const int32_t* parent_table = nullptr;
    for (int d = 0; d < children.size(); ++d) {
      OP_REQUIRES_OK(context, check_size(children, d));
      OP_REQUIRES_OK(context, Device::check([&] { return check_count(children, d); }));
      const int64_t num_nodes = children[d].NumElements();
      int32_t* table = call.template out<int32_t>(d, {num_nodes, 27});
      if (d <= full_depth_) {
        OP_REQUIRES_OK(context, run<ocnn_octree_full_neighbors_cpu, ocnn_octree_full_neighbors_cuda>(
                                    call, "octree_neighbors", num_shapes(children), d, table));
      } else {
        OP_REQUIRES_OK(context, run<ocnn_octree_child_neighbors_cpu, ocnn_octree_child_neighbors_cuda>(
                                    call, "octree_neighbors", parent_table, call.template in<int32_t>(d - 1),
                                    children[d - 1].NumElements(), num_nodes / 8, table));
      }
      parent_table = table;
    }
  }

 private:
  static int64_t num_shapes(const OpInputList& children) { return children[0].NumElements(); }
  static std::string name_of(int depth) { return absl::StrCat("children[", depth, "]"); }

  // What the sizes of the layers tell: full layers are complete, deeper ones groups of eight siblings.
  absl::Status check_size(const OpInputList& children, int depth) const {
    if (children[depth].dims() != 1) {
      return invalid(name_of(depth), " has shape ", children[depth].shape().DebugString(), "; expected [M]");
    }
    const int64_t num_nodes = children[depth].NumElements();
    if (depth <= full_depth_) return check_number(num_nodes, num_shapes(children) << 3 * depth, depth);
    if (Device::kIsGpu && (num_nodes % 8 != 0 || num_nodes / 8 > children[depth - 1].NumElements())) {
      return invalid(name_of(depth), " has ", num_nodes, " octants; expected eight for non-empty ones of the ",
                     children[depth - 1].NumElements(), " above");
    }
    return absl::OkStatus();
  }

  // The layer must have the octants that the layer above says.
  absl::Status check_count(const OpInputList& children, int depth) const {
    if (depth <= full_depth_) return absl::OkStatus();
    int64_t num_parents = 0;
    TF_RETURN_IF_ERROR(count_children(children[depth - 1], name_of(depth - 1).c_str(), &num_parents));
    return check_number(children[depth].NumElements(), 8 * num_parents, depth);
  }

  static absl::Status check_number(int64_t num_nodes, int64_t expected, int depth) {
    if (num_nodes == expected) return absl::OkStatus();
    return invalid(name_of(depth), " has ", num_nodes, " octants; the layers above have ", expected, " children");
  }

  int full_depth_ = 0;
};

REGISTER_OP("Ocnn>OctreeBuild")
    .Input("xyz: float")
    .Input("row_splits: int32")
    .Input("normals: num_normals * float")
    .Input("features: num_extra * float")
    .Output("keys: num_depths * int64")
    .Output("children: num_depths * int32")
    .Output("node_features: float")
    .Attr("num_depths: int >= 1")
    .Attr("full_depth: int = 2")
    .Attr("num_normals: int >= 0")
    .Attr("num_extra: int >= 0")
    .SetShapeFn([](InferenceContext* c) {
      int num_depths, full_depth, num_normals, num_extra;
      TF_RETURN_IF_ERROR(bounded_attr(c, "num_depths", &num_depths));
      TF_RETURN_IF_ERROR(bounded_attr(c, "full_depth", &full_depth));
      TF_RETURN_IF_ERROR(bounded_attr(c, "num_normals", &num_normals));
      TF_RETURN_IF_ERROR(bounded_attr(c, "num_extra", &num_extra));
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(build_inputs(num_normals, num_extra)));
      for (int d = 0; d < num_depths; ++d) {
        c->set_output(d, c->Vector(c->UnknownDim()));
        c->set_output(num_depths + d, c->output(d));
      }
      shape_inference::DimensionHandle channels = c->MakeDim(4);
      if (num_extra) TF_RETURN_IF_ERROR(c->Add(dims["C"], 4, &channels));
      c->set_output(2 * num_depths, c->Matrix(c->Dim(c->output(num_depths - 1), 0), channels));
      return absl::OkStatus();
    })
    .Doc("Octrees of a batch of point clouds; see octree_build in python/octree.py.");

REGISTER_OP("Ocnn>OctreeNeighbors")
    .Input("children: num_depths * int32")
    .Output("neighbors: num_depths * int32")
    .Attr("num_depths: int >= 1")
    .Attr("full_depth: int = 2")
    .SetShapeFn([](InferenceContext* c) {
      int num_depths, full_depth;
      TF_RETURN_IF_ERROR(bounded_attr(c, "num_depths", &num_depths));
      TF_RETURN_IF_ERROR(bounded_attr(c, "full_depth", &full_depth));
      for (int d = 0; d < c->num_inputs(); ++d) {
        shape_inference::ShapeHandle children;
        TF_RETURN_IF_ERROR(c->WithRank(c->input(d), 1, &children));
        c->set_output(d, c->Matrix(c->Dim(children, 0), c->MakeDim(27)));
      }
      return absl::OkStatus();
    })
    .Doc("The 27 neighbors of every octant of every depth; -1 where there is none.");

OCNN_REGISTER("Ocnn>OctreeBuild", OctreeBuild);
OCNN_REGISTER("Ocnn>OctreeNeighbors", OctreeNeighbors);

}  // namespace
}  // namespace ocnn
