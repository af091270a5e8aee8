// Named dimensions: one list of input shapes serves an op's shape function and its checks at run time.
//
//   const TensorSpecs kInputs = {{"x", {"M", "Cin"}}, {"neighbors", {"M", "27"}}};
//
// A name stands for one size wherever it occurs, a number for itself, "*" for anything.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace ocnn {

struct TensorSpec {
  std::string name;
  std::vector<std::string> dims;
};
using TensorSpecs = std::vector<TensorSpec>;

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
