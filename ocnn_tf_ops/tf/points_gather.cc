// Ops Ocnn>GatherRows and Ocnn>NeighborMax and their gradients over kernels/points/gather.h.
#include "../kernels/points/gather.h"
#include "dims.h"
#include "support.h"
#include "tensorflow/core/framework/op.h"

namespace ocnn {
namespace {

using namespace tensorflow;  // NOLINT
using shape_inference::InferenceContext;

const TensorSpecs& gather_inputs() {
  static const TensorSpecs specs = {{"x", {"N", "C"}}, {"index", {"R"}}};
  return specs;
}

// `like` has the rows of x; only its number of rows is looked at.
const TensorSpecs& gather_grad_inputs() {
  static const TensorSpecs specs = {{"grad_y", {"R", "C"}}, {"index", {"R"}}, {"like", {"N", "*"}}};
  return specs;
}

const TensorSpecs& max_inputs() {
  static const TensorSpecs specs = {{"x", {"N", "C"}}, {"index", {"Q", "K"}}};
  return specs;
}

const TensorSpecs& max_grad_inputs() {
  static const TensorSpecs specs = {{"grad_y", {"Q", "C"}}, {"source", {"Q", "C"}}, {"like", {"N", "*"}}};
  return specs;
}

template <typename T>
class GatherRows : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, gather_inputs()));
    const Tensor& index = context->input(1);
    const Executor executor(context);
    OP_REQUIRES_OK(context, check_indices(executor.stream(), index, n["N"], "index"));
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["R"], n["C"]}, &y));
    const int status = ocnn_gather_rows_cpu(executor.stream(), dtype_of<T>(), data(context->input(0)),
                                            index.flat<int32_t>().data(), n["R"], n["N"], n["C"], data(y));
    OP_REQUIRES_OK(context, to_status(status, "gather_rows"));
  }
};

template <typename T>
class GatherRowsGrad : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, gather_grad_inputs()));
    const Tensor& index = context->input(1);
    const Executor executor(context);
    OP_REQUIRES_OK(context, check_indices(executor.stream(), index, n["N"], "index"));
    Tensor* grad_x = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["N"], n["C"]}, &grad_x));
    const int status = ocnn_gather_rows_grad_cpu(executor.stream(), dtype_of<T>(), data(context->input(0)),
                                                 index.flat<int32_t>().data(), n["R"], n["N"], n["C"], data(grad_x));
    OP_REQUIRES_OK(context, to_status(status, "gather_rows_grad"));
  }
};

template <typename T>
class NeighborMax : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, max_inputs()));
    const Tensor& index = context->input(1);
    const Executor executor(context);
    OP_REQUIRES_OK(context, check_indices(executor.stream(), index, n["N"], "index"));
    Tensor *y = nullptr, *source = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["Q"], n["C"]}, &y));
    OP_REQUIRES_OK(context, context->allocate_output(1, {n["Q"], n["C"]}, &source));
    const int status =
        ocnn_neighbor_max_cpu(executor.stream(), dtype_of<T>(), data(context->input(0)), index.flat<int32_t>().data(),
                              n["Q"], n["K"], n["N"], n["C"], data(y), source->flat<int32_t>().data());
    OP_REQUIRES_OK(context, to_status(status, "neighbor_max"));
  }
};

template <typename T>
class NeighborMaxGrad : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Sizes n;
    OP_REQUIRES_OK(context, n.bind_inputs(context, max_grad_inputs()));
    const Tensor& source = context->input(1);
    const Executor executor(context);
    OP_REQUIRES_OK(context, check_indices(executor.stream(), source, n["N"], "source"));
    Tensor* grad_x = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {n["N"], n["C"]}, &grad_x));
    const int status = ocnn_neighbor_max_grad_cpu(executor.stream(), dtype_of<T>(), data(context->input(0)),
                                                  source.flat<int32_t>().data(), n["Q"], n["N"], n["C"], data(grad_x));
    OP_REQUIRES_OK(context, to_status(status, "neighbor_max_grad"));
  }
};

REGISTER_OP("Ocnn>GatherRows")
    .Input("x: T")
    .Input("index: int32")
    .Output("y: T")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(gather_inputs()));
      c->set_output(0, dims.shape({"R", "C"}));
      return absl::OkStatus();
    })
    .Doc("y[r] = x[index[r]], 0 for index -1.");

REGISTER_OP("Ocnn>GatherRowsGrad")
    .Input("grad_y: T")
    .Input("index: int32")
    .Input("like: T")
    .Output("grad_x: T")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(gather_grad_inputs()));
      c->set_output(0, dims.shape({"N", "C"}));
      return absl::OkStatus();
    })
    .Doc("The adjoint of GatherRows; `like` is its x, for the number of rows.");

REGISTER_OP("Ocnn>NeighborMax")
    .Input("x: T")
    .Input("index: int32")
    .Output("y: T")
    .Output("source: int32")
    .Attr("T: {float, double}")
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
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* c) {
      Dims dims(c);
      TF_RETURN_IF_ERROR(dims.bind_inputs(max_grad_inputs()));
      c->set_output(0, dims.shape({"N", "C"}));
      return absl::OkStatus();
    })
    .Doc("The adjoint of NeighborMax; `like` is its x, for the number of rows.");

#define REGISTER(T)                                                                                                \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>GatherRows").Device(DEVICE_CPU).TypeConstraint<T>("T"), GatherRows<T>);         \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>GatherRowsGrad").Device(DEVICE_CPU).TypeConstraint<T>("T"), GatherRowsGrad<T>); \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>NeighborMax").Device(DEVICE_CPU).TypeConstraint<T>("T"), NeighborMax<T>);       \
  REGISTER_KERNEL_BUILDER(Name("Ocnn>NeighborMaxGrad").Device(DEVICE_CPU).TypeConstraint<T>("T"), NeighborMaxGrad<T>)
REGISTER(float);
REGISTER(double);
#undef REGISTER

}  // namespace
}  // namespace ocnn
