// Named dimensions: one list of input shapes serves an op's shape function and its checks at run time.
//
//   const TensorSpecs kInputs = {{"x", {"M", "Cin"}}, {"neighbors", {"M", "27"}}};
//
// A name stands for one size wherever it occurs, a number for itself, "*" for anything; {"..."} is any shape. No size is
// larger than kMaxSize, and an output no larger than `output_shape` allows: what follows can count in int64_t.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "attributes.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace ocnn {

struct TensorSpec {
  std::string name;
  std::vector<std::string> dims;
};
using TensorSpecs = std::vector<TensorSpec>;

constexpr int64_t kMaxElements = int64_t{1} << 40;  // of an output

// The shape of an output, which InvalidArgument names if its sizes are negative or multiply to more than kMaxElements.
absl::Status output_shape(const tensorflow::OpKernelContext& context, int output, absl::Span<const int64_t> sizes,
                          tensorflow::TensorShape* shape);

// Sizes bound to their names, at run time.
class Sizes {
 public:
  // InvalidArgument, naming the tensor, its shape and the one expected, unless inputs 0..specs.size() - 1 fit `specs`.
  absl::Status bind_inputs(tensorflow::OpKernelContext* context, const TensorSpecs& specs);
  int64_t operator[](const std::string& name) const { return sizes_.at(name); }

 private:
  bool fits(const TensorSpec& spec, const tensorflow::TensorShape& shape);
  std::string describe(const TensorSpec& spec) const;
  std::map<std::string, int64_t> sizes_;
};

// The same during shape inference, where sizes may be unknown.
class Dims {
 public:
  explicit Dims(tensorflow::shape_inference::InferenceContext* context) : context_(context) {}
  absl::Status bind_inputs(const TensorSpecs& specs);
  // An unknown dimension if no input had this name.
  tensorflow::shape_inference::DimensionHandle operator[](const std::string& name) const;
  tensorflow::shape_inference::ShapeHandle shape(const std::vector<std::string>& dims) const;

 private:
  absl::Status bind(const std::string& name, tensorflow::shape_inference::DimensionHandle dim);
  tensorflow::shape_inference::InferenceContext* context_;
  std::map<std::string, tensorflow::shape_inference::DimensionHandle> dims_;
};

}  // namespace ocnn
