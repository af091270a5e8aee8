// InvalidArgument with a message put together from its parts, as every check in this folder ends.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace ocnn {

template <typename... Parts>
absl::Status invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

}  // namespace ocnn
