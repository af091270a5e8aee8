#include "dims.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "status.h"
#include "tensorflow/core/framework/node_def_util.h"
#include "tensorflow/core/framework/op.h"

namespace ocnn {

using tensorflow::TensorShape;
using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

namespace {

bool is_number(const std::string& dim) { return dim.find_first_not_of("0123456789") == std::string::npos; }

bool is_any_shape(const TensorSpec& spec) { return spec.dims.size() == 1 && spec.dims[0] == "..."; }

std::string describe_size_limit() { return absl::StrCat("at most ", kMaxSize, " in a dimension"); }

// "y", or "keys[2]" of a list.
std::string output_name(const tensorflow::OpKernel& kernel, int output) {
  const tensorflow::OpDef* op = nullptr;
  tensorflow::NameRangeMap ranges;
  if (!tensorflow::OpRegistry::Global()->LookUpOpDef(kernel.type_string(), &op).ok() ||
      !tensorflow::NameRangesForNode(kernel.def(), *op, nullptr, &ranges).ok()) {
    return absl::StrCat("output ", output);
  }
  for (const auto& [name, range] : ranges) {
    const auto [first, last] = range;
    if (output < first || output >= last) continue;
    return last - first == 1 ? std::string(name) : absl::StrCat(name, "[", output - first, "]");
  }
  return absl::StrCat("output ", output);
}

}  // namespace

absl::Status output_shape(const tensorflow::OpKernelContext& context, int output, absl::Span<const int64_t> sizes,
                          TensorShape* shape) {
  if (sizes.size() <= TensorShape::MaxDimensions() && TensorShape::BuildTensorShape(sizes, shape).ok() &&
      shape->num_elements() <= kMaxElements) {
    return absl::OkStatus();
  }
  return invalid(output_name(context.op_kernel(), output), " would have the shape [", absl::StrJoin(sizes, ","),
                 "]; expected at most ", kMaxElements, " elements and ", TensorShape::MaxDimensions(), " dimensions");
}

bool Sizes::fits(const TensorSpec& spec, const TensorShape& shape) {
  if (is_any_shape(spec)) return true;
  if (shape.dims() != static_cast<int>(spec.dims.size())) return false;
  for (int i = 0; i < shape.dims(); ++i) {
    const std::string& dim = spec.dims[i];
    if (dim == "*") continue;
    const int64_t size = shape.dim_size(i);
    const int64_t expected = is_number(dim) ? std::stoll(dim) : sizes_.emplace(dim, size).first->second;
    if (size != expected) return false;
  }
  return true;
}

// "[M, 27] with M = 5": the sizes other tensors gave are part of what was expected.
std::string Sizes::describe(const TensorSpec& spec) const {
  std::vector<std::string> known;
  for (const std::string& dim : spec.dims) {
    const auto found = sizes_.find(dim);
    if (found != sizes_.end()) known.push_back(absl::StrCat(dim, " = ", found->second));
  }
  const std::string shape = absl::StrCat("[", absl::StrJoin(spec.dims, ", "), "]");
  return known.empty() ? shape : absl::StrCat(shape, " with ", absl::StrJoin(known, ", "));
}

absl::Status Sizes::bind_inputs(tensorflow::OpKernelContext* context, const TensorSpecs& specs) {
  for (size_t i = 0; i < specs.size(); ++i) {
    const TensorShape& shape = context->input(static_cast<int>(i)).shape();
    const auto sizes = shape.dim_sizes();
    if (std::any_of(sizes.begin(), sizes.end(), [](int64_t size) { return size > kMaxSize; })) {
      return invalid(specs[i].name, " has shape ", shape.DebugString(), "; expected ", describe_size_limit());
    }
    const std::string expected = describe(specs[i]);
    if (!fits(specs[i], shape)) {
      return invalid(specs[i].name, " has shape ", shape.DebugString(), "; expected ", expected);
    }
  }
  return absl::OkStatus();
}

absl::Status Dims::bind(const std::string& name, DimensionHandle dim) {
  if (name == "*") return absl::OkStatus();
  if (is_number(name)) return context_->WithValue(dim, std::stoll(name), &dim);
  DimensionHandle& known = dims_.emplace(name, dim).first->second;
  return context_->Merge(known, dim, &known);
}

absl::Status Dims::bind_inputs(const TensorSpecs& specs) {
  for (size_t i = 0; i < specs.size(); ++i) {
    ShapeHandle shape = context_->input(i);
    for (int32_t j = 0; context_->RankKnown(shape) && j < context_->Rank(shape); ++j) {
      if (context_->Value(context_->Dim(shape, j)) <= kMaxSize) continue;  // -1 where it is not known
      return invalid(specs[i].name, " has shape ", context_->DebugString(shape), "; expected ", describe_size_limit());
    }
    if (is_any_shape(specs[i])) continue;
    TF_RETURN_IF_ERROR(context_->WithRank(context_->input(i), specs[i].dims.size(), &shape));
    for (size_t j = 0; j < specs[i].dims.size(); ++j) {
      const absl::Status status = bind(specs[i].dims[j], context_->Dim(shape, j));
      if (!status.ok()) {
        return invalid(specs[i].name, " has shape ", context_->DebugString(shape), ", expected [",
                       absl::StrJoin(specs[i].dims, ", "), "]: ", status.message());
      }
    }
  }
  return absl::OkStatus();
}

DimensionHandle Dims::operator[](const std::string& name) const {
  if (is_number(name)) return context_->MakeDim(std::stoll(name));
  const auto found = dims_.find(name);
  return found == dims_.end() ? context_->UnknownDim() : found->second;
}

ShapeHandle Dims::shape(const std::vector<std::string>& dims) const {
  std::vector<DimensionHandle> handles;
  for (const std::string& name : dims) handles.push_back((*this)[name]);
  return context_->MakeShape(handles);
}

}  // namespace ocnn
