// Ops Ocnn>GatherRows and Ocnn>NeighborMax and their gradients over kernels/gather/rows.h.
#include "../kernels/gather/rows.h"

#include "absl/strings/str_join.h"
#include "dims.h"
#include "kernel_call.h"
#include "register.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

const TensorSpecs& gather_inputs() {
  static const TensorSpecs specs = {{"x", {"N", "C"}}, {"index", {"..."}}};
  return specs;
}

// `like` has the rows of x; only its sizes are looked at.
const TensorSpecs& gather_grad_inputs() {
  static const TensorSpecs specs = {{"grad_y", {"..."}}, {"index", {"..."}}, {"like", {"N", "C"}}};
  return specs;
}

// [shape of the index, C]: every entry of it stands for a row.
auto sizes_of_rows(const Tensor& index, int64_t channels) {
  auto sizes = index.shape().dim_sizes();
  sizes.push_back(channels);
  return sizes;
}

const TensorSpecs& max_inputs() {
  static const TensorSpecs specs = {{"x", {"N", "C"}}, {"index", {"Q", "K"}}};
  return specs;
}

const TensorSpecs& max_grad_inputs() {
  static const TensorSpecs specs = {{"grad_y", {"Q", "C"}}, {"source", {"Q", "C"}}, {"like", {"N", "*"}}};
  return specs;
}

template <typename Device, typename T>
class GatherRows : public OpKernel {
 public:
  explicit GatherRows(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("once", &once_));
  }

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, gather_inputs()));
    KernelCall<Device, T> call(context);
    if (once_) {
      OP_REQUIRES_OK(context, Device::check([&] {
        return check_count(context->input(1), "index", n["N"], "x has ", " rows");
      }));
    } else {
      OP_REQUIRES_OK(context, call.check_indices(1, n["N"], "index"));
    }
    const void* x = call.features(0);
    const int32_t* index = call.template in<int32_t>(1);
    void* y = call.new_features(0, sizes_of_rows(context->input(1), n["C"]));
    OP_REQUIRES_OK(context,
                   run<ocnn_gather_rows_cpu, ocnn_gather_rows_cuda>(call, "gather_rows", call.dtype(), x, index,
                                                                    context->input(1).NumElements(), n["N"], n["C"],
                                                                    y));
  }

 private:
  bool once_ = false;
};

template <typename Device, typename T>
class GatherRowsGrad : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, gather_grad_inputs()));
    const int64_t num_rows = context->input(1).NumElements(), num_points = n["N"], channels = n["C"];
    const auto expected = sizes_of_rows(context->input(1), channels);
    OP_REQUIRES(context, context->input(0).shape().dim_sizes() == expected,
                invalid("grad_y has shape ", context->input(0).shape().DebugString(), "; expected [",
                        absl::StrJoin(expected, ","), "]"));
    KernelCall<Device, T> call(context);
    OP_REQUIRES_OK(context, call.check_indices(1, num_points, "index"));
    const void* grad_y = call.features(0);
    const int32_t* index = call.template in<int32_t>(1);
    void* grad_x = call.new_features(0, {num_points, channels});
    const auto memory = gpu_scratch<ocnn_gather_rows_grad_cuda_workspace_bytes>(call, num_rows, num_points);
    OP_REQUIRES_OK(context, run<ocnn_gather_rows_grad_cpu, ocnn_gather_rows_grad_cuda>(
                                call, "gather_rows_grad", call.dtype(), grad_y, index, num_rows, num_points, channels,
                                grad_x, memory));
  }
};

template <typename Device, typename T>
class NeighborMax : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, max_inputs()));
    KernelCall<Device, T> call(context);
    OP_REQUIRES_OK(context, call.check_indices(1, n["N"], "index"));
    const void* x = call.features(0);
    const int32_t* index = call.template in<int32_t>(1);
    void* y = call.new_features(0, {n["Q"], n["C"]});
    int32_t* source = call.template out<int32_t>(1, {n["Q"], n["C"]});
    OP_REQUIRES_OK(context, run<ocnn_neighbor_max_cpu, ocnn_neighbor_max_cuda>(
                                call, "neighbor_max", call.dtype(), x, index, n["Q"], n["K"], n["N"], n["C"], y,
                                source));
  }
};

template <typename Device, typename T>
class NeighborMaxGrad : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, max_grad_inputs()));
    KernelCall<Device, T> call(context);
    OP_REQUIRES_OK(context, call.check_indices(1, n["N"], "source"));
    const void* grad_y = call.features(0);
    const int32_t* source = call.template in<int32_t>(1);
    void* grad_x = call.new_features(0, {n["N"], n["C"]});
    const auto memory = gpu_scratch<ocnn_neighbor_max_grad_cuda_workspace_bytes>(call, n["Q"], n["N"], n["C"]);
    OP_REQUIRES_OK(context, run<ocnn_neighbor_max_grad_cpu, ocnn_neighbor_max_grad_cuda>(
                                call, "neighbor_max_grad", call.dtype(), grad_y, source, n["Q"], n["N"], n["C"],
                                grad_x, memory));
  }
};

REGISTER_OP("Ocnn>GatherRows")
    .Input("x: T")
    .Input("index: int32")
    .Output("y: T")
    .Attr("once: bool = false")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(gather_inputs()));
      shape_inference::ShapeHandle rows;
      TF_RETURN_IF_ERROR(c->WithRankAtMost(c->input(1), TensorShape::MaxDimensions() - 1, &rows));
      TF_RETURN_IF_ERROR(c->Concatenate(rows, dims.shape({"C"}), &rows));
      c->set_output(0, rows);
      return absl::OkStatus();
    })
    .Doc("y[...] = x[index[...]], 0 for index -1; `once`: the others are 0, 1, ..., each row of x.");

REGISTER_OP("Ocnn>GatherRowsGrad")
    .Input("grad_y: T")
    .Input("index: int32")
    .Input("like: T")
    .Output("grad_x: T")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(gather_grad_inputs()));
      c->set_output(0, dims.shape({"N", "C"}));
      return absl::OkStatus();
    })
    .Doc("The adjoint of GatherRows; `like` is its x, for the sizes.");

REGISTER_OP("Ocnn>NeighborMax")
    .Input("x: T")
    .Input("index: int32")
    .Output("y: T")
    .Output("source: int32")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(max_inputs()));
      c->set_output(0, dims.shape({"Q", "C"}));
      c->set_output(1, dims.shape({"Q", "C"}));
      return absl::OkStatus();
    })
    .Doc("The maximum of the rows index[q] of x in each channel, and the row it came from.");

REGISTER_OP("Ocnn>NeighborMaxGrad")
    .Input("grad_y: T")
    .Input("source: int32")
    .Input("like: T")
    .Output("grad_x: T")
    .Attr("T: " OCNN_TYPES)
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(max_grad_inputs()));
      c->set_output(0, dims.shape({"N", "C"}));
      return absl::OkStatus();
    })
    .Doc("The adjoint of NeighborMax; `like` is its x, for the number of rows.");

OCNN_REGISTER_TYPES("Ocnn>GatherRows", GatherRows);
OCNN_REGISTER_TYPES("Ocnn>GatherRowsGrad", GatherRowsGrad);
OCNN_REGISTER_TYPES("Ocnn>NeighborMax", NeighborMax);
OCNN_REGISTER_TYPES("Ocnn>NeighborMaxGrad", NeighborMaxGrad);

}  // namespace
}  // namespace ocnn
