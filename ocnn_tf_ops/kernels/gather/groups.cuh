// The positions of an index grouped by the row they name, with which the adjoint of a gather sums in a fixed order.
#pragma once

#include "../cuda/primitives.h"
#include "../cuda/workspace.h"

namespace ocnn {

struct Groups {
  int32_t *order, *starts;  // row r is named at the positions order[starts[r]..starts[r + 1] - 1], ascending
  char* memory;
  int64_t memory_bytes;
};

inline Groups take_groups(Workspace& workspace, int64_t count, int64_t num_rows) {
  Groups groups;
  groups.order = workspace.take<int32_t>(count);
  groups.starts = workspace.take<int32_t>(num_rows + 1);
  groups.memory_bytes = group_positions_workspace_bytes(count);
  groups.memory = workspace.take<char>(groups.memory_bytes);
  return groups;
}

inline int fill_groups(ocnn_cuda_stream stream, const int32_t* index, int64_t count, int64_t num_rows,
                       const Groups& groups) {
  return group_positions(stream, index, count, num_rows, groups.order, groups.starts, groups.memory,
                         groups.memory_bytes);
}

}  // namespace ocnn
