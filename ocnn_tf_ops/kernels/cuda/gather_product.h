// Matrix products whose left factor is gathered on the way: the work of octree convolutions.
//
// The left factor is made of parts side by side. Each is the same matrix, its rows in the order table[:, part]; where
// the table points to no row of it, zeros.
#pragma once

#include "../common.h"

namespace ocnn {

struct GatheredRows {
  int64_t rows;          // of the left factor
  int32_t num_parts;
  const void* data;      // the matrix [num_rows, width]
  int64_t width, num_rows;
  const int32_t* table;  // [rows, num_parts]

  OCNN_HOST_DEVICE int64_t height() const { return num_parts * width; }  // of the right factor
};

// y [rows, columns] = left * weights [height, columns].
int gather_product(ocnn_cuda_stream stream, int32_t dtype, const GatheredRows& left, const void* weights,
                   int64_t columns, void* y);

// grad [height, columns] = transposed(left) * grad_y [rows, columns]. Partial sums over chunks of rows, which the sizes
// alone determine, go to the workspace and are added in their order.
int64_t gather_product_grad_workspace_bytes(int32_t dtype, int64_t rows, int64_t height, int64_t columns);
int gather_product_grad(ocnn_cuda_stream stream, int32_t dtype, const GatheredRows& left, const void* grad_y,
                        int64_t columns, void* grad, void* workspace, int64_t workspace_bytes);

}  // namespace ocnn
