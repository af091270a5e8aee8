// Ops Ocnn>FarthestPoints, Ocnn>BallQuery and Ocnn>NearestNeighbors over kernels/points/{sample,search}.h.
#include <cmath>

#include "../kernels/points/sample.h"
#include "../kernels/points/search.h"
#include "dims.h"
#include "support.h"
#include "tensorflow/core/framework/op.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

const TensorSpecs& sample_inputs() {
  static const TensorSpecs specs = {{"xyz", {"N", "3"}}, {"row_splits", {"B + 1"}}};
  return specs;
}

const TensorSpecs& ball_inputs() {
  static const TensorSpecs specs = {
      {"xyz", {"N", "3"}}, {"row_splits", {"B + 1"}}, {"queries", {"Q", "3"}}, {"query_splits", {"B + 1"}}};
  return specs;
}

const TensorSpecs& nearest_inputs() {
  static const TensorSpecs specs = {
      {"x", {"N", "C"}}, {"row_splits", {"B + 1"}}, {"queries", {"Q", "C"}}, {"query_splits", {"B + 1"}}};
  return specs;
}

// Reads the attribute `name`, which must be at least 1.
absl::Status read_count(OpKernelConstruction* context, const char* name, int64_t* value) {
  TF_RETURN_IF_ERROR(context->GetAttr(name, value));
  if (*value >= 1) return absl::OkStatus();
  return invalid(name, " = ", *value, " is out of range; expected at least 1");
}

// The sizes of `specs`, and both row splits in order: what the two searches have in common.
absl::Status bind_search(OpKernelContext* context, const TensorSpecs& specs, Sizes* n) {
  TF_RETURN_IF_ERROR(n->bind_inputs(context, specs));
  TF_RETURN_IF_ERROR(check_row_splits(context->input(1), (*n)["N"]));
  return check_row_splits(context->input(3), (*n)["Q"], "query_splits");
}

class FarthestPoints : public OpKernel {
 public:
  explicit FarthestPoints(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, read_count(context, "num_samples", &num_samples_));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, sample_inputs()));
    const Tensor &xyz = context->input(0), &row_splits = context->input(1);
    OP_REQUIRES_OK(context, check_row_splits(row_splits, n["N"]));
    OP_REQUIRES_OK(context, check_finite(xyz, "xyz"));
    const int64_t num_shapes = n["B + 1"] - 1;
    Tensor* index = nullptr;
    Tensor workspace;
    OP_REQUIRES_OK(context, context->allocate_output(0, {num_shapes * num_samples_}, &index));
    OP_REQUIRES_OK(context, context->allocate_temp(DT_FLOAT, {n["N"]}, &workspace));
    const Executor executor(context);
    const int status = ocnn_farthest_points_cpu(executor.stream(), xyz.flat<float>().data(),
                                                row_splits.flat<int32_t>().data(), n["N"], num_shapes, num_samples_,
                                                workspace.flat<float>().data(), index->flat<int32_t>().data());
    OP_REQUIRES_OK(context, to_status(status, "farthest_points"));
  }

 private:
  int64_t num_samples_ = 0;
};

class BallQuery : public OpKernel {
 public:
  explicit BallQuery(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, read_count(context, "max_neighbors", &max_neighbors_));
    OP_REQUIRES_OK(context, context->GetAttr("radius", &radius_));
    OP_REQUIRES(context, radius_ > 0 && std::isfinite(radius_),
                invalid("radius = ", radius_, " is out of range; expected a positive number"));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, bind_search(context, ball_inputs(), &n));
    const Tensor &xyz = context->input(0), &row_splits = context->input(1);
    const Tensor &queries = context->input(2), &query_splits = context->input(3);
    OP_REQUIRES_OK(context, check_finite(xyz, "xyz"));
    Tensor *index = nullptr, *count = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["Q"], max_neighbors_}, &index));
    OP_REQUIRES_OK(context, context->allocate_output(1, {n["Q"]}, &count));
    const Executor executor(context);
    const int status = ocnn_ball_query_cpu(executor.stream(), xyz.flat<float>().data(),
                                           row_splits.flat<int32_t>().data(), n["N"], queries.flat<float>().data(),
                                           query_splits.flat<int32_t>().data(), n["Q"], n["B + 1"] - 1, radius_,
                                           max_neighbors_, index->flat<int32_t>().data(),
                                           count->flat<int32_t>().data());
    OP_REQUIRES_OK(context, to_status(status, "ball_query"));
  }

 private:
  int64_t max_neighbors_ = 0;
  float radius_ = 0.0f;
};

class NearestNeighbors : public OpKernel {
 public:
  explicit NearestNeighbors(OpKernelConstruction* context) : OpKernel(context) {
    std::string norm;
    OP_REQUIRES_OK(context, read_count(context, "num_neighbors", &num_neighbors_));
    OP_REQUIRES_OK(context, context->GetAttr("norm", &norm));
    norm_ = norm == "l1" ? OCNN_L1 : OCNN_L2;
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, bind_search(context, nearest_inputs(), &n));
    OP_REQUIRES(context, n["C"] >= 1, invalid("x has no channels; expected at least 1"));
    const Tensor &x = context->input(0), &row_splits = context->input(1);
    const Tensor &queries = context->input(2), &query_splits = context->input(3);
    Tensor *index = nullptr, *distance = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["Q"], num_neighbors_}, &index));
    OP_REQUIRES_OK(context, context->allocate_output(1, {n["Q"], num_neighbors_}, &distance));
    const Executor executor(context);
    const int status = ocnn_nearest_neighbors_cpu(
        executor.stream(), x.flat<float>().data(), row_splits.flat<int32_t>().data(), n["N"],
        queries.flat<float>().data(), query_splits.flat<int32_t>().data(), n["Q"], n["B + 1"] - 1, n["C"], norm_,
        num_neighbors_, index->flat<int32_t>().data(), distance->flat<float>().data());
    OP_REQUIRES_OK(context, to_status(status, "nearest_neighbors"));
  }

 private:
  int64_t num_neighbors_ = 0;
  int32_t norm_ = OCNN_L2;
};

// An output of the shape [Q, value of the attribute].
absl::Status set_neighbors(InferenceContext* c, const Dims& dims, const char* attribute, int output) {
  int64_t count = 0;
  TF_RETURN_IF_ERROR(c->GetAttr(attribute, &count));
  c->set_output(output, c->Matrix(dims["Q"], c->MakeDim(count)));
  return absl::OkStatus();
}

REGISTER_OP("Ocnn>FarthestPoints")
    .Input("xyz: float")
    .Input("row_splits: int32")
    .Output("index: int32")
    .Attr("num_samples: int")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      int64_t num_samples = 0;
      shape_inference::DimensionHandle rows;
      TF_RETURN_IF_ERROR(dims.bind_inputs(sample_inputs()));
      TF_RETURN_IF_ERROR(c->GetAttr("num_samples", &num_samples));
      TF_RETURN_IF_ERROR(c->Subtract(dims["B + 1"], 1, &rows));
      TF_RETURN_IF_ERROR(c->Multiply(rows, num_samples, &rows));
      c->set_output(0, c->Vector(rows));
      return absl::OkStatus();
    })
    .Doc("From each shape num_samples points, each the farthest from those before it.");

REGISTER_OP("Ocnn>BallQuery")
    .Input("xyz: float")
    .Input("row_splits: int32")
    .Input("queries: float")
    .Input("query_splits: int32")
    .Output("index: int32")
    .Output("count: int32")
    .Attr("radius: float")
    .Attr("max_neighbors: int")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(ball_inputs()));
      TF_RETURN_IF_ERROR(set_neighbors(c, dims, "max_neighbors", 0));
      c->set_output(1, dims.shape({"Q"}));
      return absl::OkStatus();
    })
    .Doc("The first max_neighbors points of the same shape within a ball around each query.");

REGISTER_OP("Ocnn>NearestNeighbors")
    .Input("x: float")
    .Input("row_splits: int32")
    .Input("queries: float")
    .Input("query_splits: int32")
    .Output("index: int32")
    .Output("distance: float")
    .Attr("num_neighbors: int")
    .Attr("norm: {'l1', 'l2'} = 'l2'")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(nearest_inputs()));
      TF_RETURN_IF_ERROR(set_neighbors(c, dims, "num_neighbors", 0));
      return set_neighbors(c, dims, "num_neighbors", 1);
    })
    .Doc("The nearest rows of the same shape, in feature spaces of any width.");

REGISTER_KERNEL_BUILDER(Name("Ocnn>FarthestPoints").Device(DEVICE_CPU), FarthestPoints);
REGISTER_KERNEL_BUILDER(Name("Ocnn>BallQuery").Device(DEVICE_CPU), BallQuery);
REGISTER_KERNEL_BUILDER(Name("Ocnn>NearestNeighbors").Device(DEVICE_CPU), NearestNeighbors);

}  // namespace
}  // namespace ocnn
