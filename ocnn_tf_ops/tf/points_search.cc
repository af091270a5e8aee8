// Ops Ocnn>FarthestPoints, Ocnn>BallQuery and Ocnn>NearestNeighbors over kernels/points/{sample,search}.h.
#include <cmath>

#include "../kernels/points/sample.h"
#include "../kernels/points/search.h"
#include "dims.h"
#include "kernel_call.h"
#include "register.h"

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

// The sizes of `specs`, and both row splits in order: what the two searches have in common.
template <typename Device>
absl::Status bind_search(OpKernelContext* context, const TensorSpecs& specs, Sizes* n) {
  TF_RETURN_IF_ERROR(n->bind_inputs(context, specs));
  TF_RETURN_IF_ERROR(check_splits<Device>(context, 1, (*n)["N"]));
  return check_splits<Device>(context, 3, (*n)["Q"], "query_splits");
}

template <typename Device>
class FarthestPoints : public OpKernel {
 public:
  explicit FarthestPoints(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, bounded_attr(context, "num_samples", &num_samples_));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, sample_inputs()));
    OP_REQUIRES_OK(context, check_splits<Device>(context, 1, n["N"]));
    OP_REQUIRES_OK(context, Device::check([&] { return check_finite(context->input(0), "xyz"); }));
    const int64_t num_shapes = n["B + 1"] - 1;
    KernelCall<Device> call(context);
    const float* xyz = call.template in<float>(0);
    const int32_t* row_splits = call.template in<int32_t>(1);
    int32_t* index = call.template out<int32_t>(0, {num_shapes * num_samples_});
    float* workspace = call.template temporary<float>(n["N"]);
    OP_REQUIRES_OK(context, run<ocnn_farthest_points_cpu, ocnn_farthest_points_cuda>(
                                call, "farthest_points", xyz, row_splits, n["N"], num_shapes, num_samples_, workspace,
                                index));
  }

 private:
  int64_t num_samples_ = 0;
};

template <typename Device>
class BallQuery : public OpKernel {
 public:
  explicit BallQuery(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, bounded_attr(context, "max_neighbors", &max_neighbors_));
    OP_REQUIRES_OK(context, context->GetAttr("radius", &radius_));
    OP_REQUIRES(context, radius_ > 0 && std::isfinite(radius_),
                invalid("radius = ", radius_, " is out of range; expected a positive number"));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, bind_search<Device>(context, ball_inputs(), &n));
    OP_REQUIRES_OK(context, Device::check([&] { return check_finite(context->input(0), "xyz"); }));
    KernelCall<Device> call(context);
    const float *xyz = call.template in<float>(0), *queries = call.template in<float>(2);
    const int32_t *row_splits = call.template in<int32_t>(1), *query_splits = call.template in<int32_t>(3);
    int32_t* index = call.template out<int32_t>(0, {n["Q"], max_neighbors_});
    int32_t* count = call.template out<int32_t>(1, {n["Q"]});
    OP_REQUIRES_OK(context, run<ocnn_ball_query_cpu, ocnn_ball_query_cuda>(
                                call, "ball_query", xyz, row_splits, n["N"], queries, query_splits, n["Q"],
                                n["B + 1"] - 1, radius_, max_neighbors_, index, count));
  }

 private:
  int64_t max_neighbors_ = 0;
  float radius_ = 0.0f;
};

template <typename Device>
class NearestNeighbors : public OpKernel {
 public:
  explicit NearestNeighbors(OpKernelConstruction* context) : OpKernel(context) {
    std::string norm;
    OP_REQUIRES_OK(context, bounded_attr(context, "num_neighbors", &num_neighbors_));
    OP_REQUIRES_OK(context, context->GetAttr("norm", &norm));
    norm_ = norm == "l1" ? OCNN_L1 : OCNN_L2;
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, bind_search<Device>(context, nearest_inputs(), &n));
    OP_REQUIRES(context, n["C"] >= 1, invalid("x has no channels; expected at least 1"));
    KernelCall<Device> call(context);
    const float *x = call.template in<float>(0), *queries = call.template in<float>(2);
    const int32_t *row_splits = call.template in<int32_t>(1), *query_splits = call.template in<int32_t>(3);
    int32_t* index = call.template out<int32_t>(0, {n["Q"], num_neighbors_});
    float* distance = call.template out<float>(1, {n["Q"], num_neighbors_});
    OP_REQUIRES_OK(context, run<ocnn_nearest_neighbors_cpu, ocnn_nearest_neighbors_cuda>(
                                call, "nearest_neighbors", x, row_splits, n["N"], queries, query_splits, n["Q"],
                                n["B + 1"] - 1, n["C"], norm_, num_neighbors_, index, distance));
  }

 private:
  int64_t num_neighbors_ = 0;
  int32_t norm_ = OCNN_L2;
};

// An output of the shape [Q, value of the attribute].
absl::Status set_neighbors(InferenceContext* c, const Dims& dims, const char* attribute, int output) {
  int64_t count = 0;
  TF_RETURN_IF_ERROR(bounded_attr(c, attribute, &count));
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
      TF_RETURN_IF_ERROR(bounded_attr(c, "num_samples", &num_samples));
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

OCNN_REGISTER("Ocnn>FarthestPoints", FarthestPoints);
OCNN_REGISTER("Ocnn>BallQuery", BallQuery);
OCNN_REGISTER("Ocnn>NearestNeighbors", NearestNeighbors);

}  // namespace
}  // namespace ocnn
