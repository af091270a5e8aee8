// Matrix products whose left factor is gathered on the way: the work of octree convolutions and of linear layers.
//
// The left factor is made of parts side by side. Without a table, part p is the matrix data[p], as it is. With one,
// every part is the same matrix, its rows in the order table[:, p]; where the table points to no row of it, zeros.
#pragma once

#include "../common.h"

namespace ocnn {

constexpr int kMaxParts = 32;

struct GatheredRows {
  int64_t rows;               // of the left factor
  int32_t num_parts;          // at most kMaxParts without a table
  int64_t widths[kMaxParts];  // columns of the parts; with a table the first is that of the matrix
  const void* data[kMaxParts];
  const int32_t* table;  // [rows, num_parts], or null
  int64_t num_rows;      // of the matrix the table points into
};

// y [rows, columns] = left * weights [all the widths, columns].
int gather_product(ocnn_cuda_stream stream, int32_t dtype, const GatheredRows& left, const void* weights,
                   int64_t columns, void* y);

// grad [height, columns] = transposed(left) * grad_y [rows, columns], height being the sum of all the widths. Partial
// sums over chunks of rows, which the sizes alone determine, go to the workspace and are added in their order.
int64_t gather_product_grad_workspace_bytes(int32_t dtype, int64_t rows, int64_t height, int64_t columns);
int gather_product_grad(ocnn_cuda_stream stream, int32_t dtype, const GatheredRows& left, const void* grad_y,
                        int64_t columns, void* grad, void* workspace, int64_t workspace_bytes);

}  // namespace ocnn
