// Ops Ocnn>OctreeBuild and Ocnn>OctreeNeighbors over kernels/octree/build.h and neighbors.h.
#include <cmath>

#include "../kernels/octree/build.h"
#include "../kernels/octree/neighbors.h"
#include "dims.h"
#include "support.h"
#include "tensorflow/core/framework/op.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

constexpr int kMaxDepth = 16;

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

class OctreeBuild : public OpKernel {
 public:
  explicit OctreeBuild(OpKernelConstruction* context) : OpKernel(context) {
    int num_depths = 0;
    OP_REQUIRES_OK(context, context->GetAttr("num_depths", &num_depths));
    OP_REQUIRES_OK(context, context->GetAttr("full_depth", &full_depth_));
    OP_REQUIRES_OK(context, context->GetAttr("num_normals", &num_normals_));
    OP_REQUIRES_OK(context, context->GetAttr("num_extra", &num_extra_));
    depth_ = num_depths - 1;
    OP_REQUIRES_OK(context, check_depths(depth_, full_depth_));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, build_inputs(num_normals_, num_extra_)));
    OP_REQUIRES_OK(context, check_points(context));
    Tensor sorted_keys, order, point_node;
    OP_REQUIRES_OK(context, context->allocate_temp(DT_INT64, {n["N"]}, &sorted_keys));
    OP_REQUIRES_OK(context, context->allocate_temp(DT_INT32, {n["N"]}, &order));
    OP_REQUIRES_OK(context, context->allocate_temp(DT_INT32, {n["N"]}, &point_node));
    OP_REQUIRES_OK(context, sort_points(context, &sorted_keys, &order));
    OP_REQUIRES_OK(context, fill_nodes(context, sorted_keys, &point_node));
    OP_REQUIRES_OK(context, fill_features(context, order, point_node));
  }

 private:
  absl::Status check_points(OpKernelContext* context) const {
    const Tensor& row_splits = context->input(1);
    TF_RETURN_IF_ERROR(check_row_splits(row_splits, context->input(0).dim_size(0)));
    const auto splits = row_splits.flat<int32_t>();
    for (int64_t b = 0; b + 1 < splits.size(); ++b) {
      if (splits(b) == splits(b + 1)) {
        return invalid("shape ", b, " of the batch has no points: row_splits[", b, "] and [", b + 1, "] are both ",
                       splits(b));
      }
    }
    return absl::OkStatus();
  }

  absl::Status sort_points(OpKernelContext* context, Tensor* sorted_keys, Tensor* order) const {
    const Tensor &xyz = context->input(0), &row_splits = context->input(1);
    const int64_t num_points = xyz.dim_size(0), num_shapes = row_splits.dim_size(0) - 1;
    const int64_t bytes = ocnn_octree_point_keys_workspace_bytes(num_points);
    Tensor workspace;
    TF_RETURN_IF_ERROR(context->allocate_temp(DT_INT8, {bytes}, &workspace));
    const Executor executor(context);
    const int status = ocnn_octree_point_keys_cpu(
        executor.stream(), xyz.flat<float>().data(), row_splits.flat<int32_t>().data(), num_points, num_shapes, depth_,
        sorted_keys->flat<int64_t>().data(), order->flat<int32_t>().data(), data(&workspace), bytes);
    if (status == OCNN_NOT_FINITE) TF_RETURN_IF_ERROR(check_finite(xyz, "xyz"));
    return to_status(status, "octree_build");
  }

  absl::Status fill_nodes(OpKernelContext* context, const Tensor& sorted_keys, Tensor* point_node) const {
    const int64_t num_points = sorted_keys.NumElements(), num_shapes = context->input(1).dim_size(0) - 1;
    const int64_t* point_keys = sorted_keys.flat<int64_t>().data();
    const Executor executor(context);
    int64_t num_nodes[kMaxDepth + 1], num_nonempty[kMaxDepth + 1];
    if (ocnn_octree_count_cpu(executor.stream(), point_keys, num_points, num_shapes, depth_, full_depth_, num_nodes,
                              num_nonempty) != OCNN_OK) {
      return invalid(
          "the octree has more than 2^31 - 1 octants at a depth; use fewer shapes, a smaller "
          "depth = ",
          depth_, " or a smaller full_depth = ", full_depth_);
    }
    OpOutputList keys, children;
    TF_RETURN_IF_ERROR(context->output_list("keys", &keys));
    TF_RETURN_IF_ERROR(context->output_list("children", &children));
    int64_t* key_pointers[kMaxDepth + 1];
    int32_t* child_pointers[kMaxDepth + 1];
    for (int d = 0; d <= depth_; ++d) {
      Tensor *key = nullptr, *child = nullptr;
      TF_RETURN_IF_ERROR(keys.allocate(d, {num_nodes[d]}, &key));
      TF_RETURN_IF_ERROR(children.allocate(d, {num_nodes[d]}, &child));
      key_pointers[d] = key->flat<int64_t>().data();
      child_pointers[d] = child->flat<int32_t>().data();
    }
    const int status = ocnn_octree_nodes_cpu(executor.stream(), point_keys, num_points, num_shapes, depth_, full_depth_,
                                             key_pointers, child_pointers, point_node->flat<int32_t>().data());
    return to_status(status, "octree_build");
  }

  absl::Status fill_features(OpKernelContext* context, const Tensor& order, const Tensor& point_node) const {
    const Tensor& xyz = context->input(0);
    const Tensor* normals = num_normals_ ? &context->input(2) : nullptr;
    const Tensor* extra = num_extra_ ? &context->input(2 + num_normals_) : nullptr;
    const int64_t num_extra = extra ? extra->dim_size(1) : 0;
    const int output = 2 * (depth_ + 1);
    const int64_t num_nodes = context->mutable_output(output - 1)->NumElements();
    Tensor* features = nullptr;
    TF_RETURN_IF_ERROR(context->allocate_output(output, {num_nodes, 4 + num_extra}, &features));
    const Executor executor(context);
    const int status = ocnn_octree_features_cpu(
        executor.stream(), xyz.flat<float>().data(), normals ? normals->flat<float>().data() : nullptr,
        extra ? extra->flat<float>().data() : nullptr, order.flat<int32_t>().data(), point_node.flat<int32_t>().data(),
        xyz.dim_size(0), num_nodes, num_extra, depth_, features->flat<float>().data());
    if (status == OCNN_NOT_FINITE && normals) TF_RETURN_IF_ERROR(check_finite(*normals, "normals"));
    if (status == OCNN_NOT_FINITE && extra) TF_RETURN_IF_ERROR(check_finite(*extra, "features"));
    return to_status(status, "octree_build");
  }

  int depth_ = 0, full_depth_ = 0, num_normals_ = 0, num_extra_ = 0;
};

class OctreeNeighbors : public OpKernel {
 public:
  explicit OctreeNeighbors(OpKernelConstruction* context) : OpKernel(context) {
    int num_depths = 0;
    OP_REQUIRES_OK(context, context->GetAttr("num_depths", &num_depths));
    OP_REQUIRES_OK(context, context->GetAttr("full_depth", &full_depth_));
    OP_REQUIRES_OK(context, check_depths(num_depths - 1, full_depth_));
  }

  void Compute(OpKernelContext* context) override {
    OpInputList children;
    OpOutputList neighbors;
    OP_REQUIRES_OK(context, context->input_list("children", &children));
    OP_REQUIRES_OK(context, context->output_list("neighbors", &neighbors));
    const Executor executor(context);
    for (int d = 0; d < children.size(); ++d) {
      OP_REQUIRES_OK(context, check_layer(children, d));
      Tensor* table = nullptr;
      OP_REQUIRES_OK(context, neighbors.allocate(d, {children[d].dim_size(0), 27}, &table));
      int32_t* out = table->flat<int32_t>().data();
      const int status = d <= full_depth_
                             ? ocnn_octree_full_neighbors_cpu(executor.stream(), num_shapes(children), d, out)
                             : child_table(executor.stream(), *neighbors[d - 1], children[d - 1], out);
      OP_REQUIRES_OK(context, to_status(status, "octree_neighbors"));
    }
  }

 private:
  static int64_t num_shapes(const OpInputList& children) { return children[0].NumElements(); }

  static int child_table(const ocnn_executor* stream, const Tensor& parent_table, const Tensor& children,
                         int32_t* out) {
    const auto values = children.flat<int32_t>();
    const int64_t num_parents = values.size();
    const int64_t num_groups = num_parents - std::count(values.data(), values.data() + num_parents, -1);
    return ocnn_octree_child_neighbors_cpu(stream, parent_table.flat<int32_t>().data(), values.data(), num_parents,
                                           num_groups, out);
  }

  // The layer must have the octants that the layer above says.
  absl::Status check_layer(const OpInputList& children, int depth) const {
    const std::string name = absl::StrCat("children[", depth, "]");
    if (children[depth].dims() != 1) {
      return invalid(name, " has shape ", children[depth].shape().DebugString(), "; expected [M]");
    }
    int64_t expected = num_shapes(children) << 3 * depth;
    if (depth > full_depth_) {
      TF_RETURN_IF_ERROR(
          count_children(children[depth - 1], absl::StrCat("children[", depth - 1, "]").c_str(), &expected));
      expected *= 8;
    }
    if (children[depth].NumElements() == expected) return absl::OkStatus();
    return invalid(name, " has ", children[depth].NumElements(), " octants; the layers above have ", expected,
                   " children");
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
      int num_depths, num_normals, num_extra;
      TF_RETURN_IF_ERROR(c->GetAttr("num_depths", &num_depths));
      TF_RETURN_IF_ERROR(c->GetAttr("num_normals", &num_normals));
      TF_RETURN_IF_ERROR(c->GetAttr("num_extra", &num_extra));
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
      for (int d = 0; d < c->num_inputs(); ++d) {
        shape_inference::ShapeHandle children;
        TF_RETURN_IF_ERROR(c->WithRank(c->input(d), 1, &children));
        c->set_output(d, c->Matrix(c->Dim(children, 0), c->MakeDim(27)));
      }
      return absl::OkStatus();
    })
    .Doc("The 27 neighbors of every octant of every depth; -1 where there is none.");

REGISTER_KERNEL_BUILDER(Name("Ocnn>OctreeBuild").Device(DEVICE_CPU), OctreeBuild);
REGISTER_KERNEL_BUILDER(Name("Ocnn>OctreeNeighbors").Device(DEVICE_CPU), OctreeNeighbors);

}  // namespace
}  // namespace ocnn
