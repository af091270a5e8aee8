// The range of every integer attribute, in one table for shape functions and constructors alike.
//
// A registration can state a least value only ("int >= 1"). Sizes are made of these numbers while a graph is built,
// where TensorFlow ends the process at a negative one; so a shape function reads them by `bounded_attr` too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "status.h"
#include "tensorflow/core/platform/errors.h"

namespace ocnn {

constexpr int kMaxDepth = 16;
constexpr int64_t kMaxSize = INT32_MAX;  // of a tensor in one dimension: rows are numbered in int32

struct AttributeRange {
  std::string_view name;
  int64_t least, most;
};

constexpr AttributeRange kAttributeRanges[] = {
    {"num_depths", 1, kMaxDepth + 1},
    {"depth", 1, kMaxDepth},
    {"full_depth", 0, kMaxDepth},
    {"num_normals", 0, 1},  // a list of at most one: an optional input
    {"num_extra", 0, 1},
    {"num_shortcuts", 0, 1},
    {"num_samples", 1, 1 << 20},
    {"max_neighbors", 1, 1 << 20},
    {"num_neighbors", 1, 1 << 20},
    {"min_points", 1, kMaxSize},
    {"num_levels", 1, kMaxDepth + 1},
    {"num_coarser", 0, kMaxDepth},
};

// Reads the attribute `name` from a constructor's or a shape function's context. InvalidArgument if it is out of range.
template <typename Context, typename Integer>
absl::Status bounded_attr(Context* context, std::string_view name, Integer* value) {
  const auto range = std::find_if(std::begin(kAttributeRanges), std::end(kAttributeRanges),
                                  [name](const AttributeRange& candidate) { return candidate.name == name; });
  if (range == std::end(kAttributeRanges)) return absl::InternalError(absl::StrCat(name, " has no range"));
  int64_t given = 0;
  TF_RETURN_IF_ERROR(context->GetAttr(name, &given));
  if (given < range->least || given > range->most) {
    return invalid(name, " = ", given, " is out of range; expected ", range->least, " to ", range->most);
  }
  *value = static_cast<Integer>(given);
  return absl::OkStatus();
}

}  // namespace ocnn
