// Device-wide building blocks for the other kernels. Host functions, so that CUB, whose sort this is, is compiled once.
//
// `workspace` is device memory of at least the bytes the function of the same name with _workspace_bytes says, aligned
// to 256 bytes (OCNN_INVALID_ARGUMENT if it is smaller). Nothing synchronises; count 0 is fine. Results depend on the
// input alone: all sums are of integers.
#pragma once

#include "../common.h"

namespace ocnn {

// Stable sort by bits begin_bit..end_bit - 1 of the keys, values along: keys, values [count] -> sorted_keys,
// sorted_values [count]. Input and output must not overlap. Fewer bits are faster.
int64_t sort_pairs_workspace_bytes(int64_t count);
int sort_pairs(ocnn_cuda_stream stream, const uint64_t* keys, const int32_t* values, int64_t count, int begin_bit,
               int end_bit, uint64_t* sorted_keys, int32_t* sorted_values, void* workspace, int64_t workspace_bytes);

// sums[i] = x[0] + ... + x[i - 1] (exclusive) or + x[i] (inclusive): x, sums [count], which may be the same array.
int64_t scan_workspace_bytes(int64_t count);
int exclusive_sum(ocnn_cuda_stream stream, const int32_t* x, int64_t count, int32_t* sums, void* workspace,
                  int64_t workspace_bytes);
int exclusive_sum(ocnn_cuda_stream stream, const int64_t* x, int64_t count, int64_t* sums, void* workspace,
                  int64_t workspace_bytes);
int inclusive_sum(ocnn_cuda_stream stream, const int32_t* x, int64_t count, int32_t* sums, void* workspace,
                  int64_t workspace_bytes);

// One number from x [count]: its sum, or its largest (the least int32 if there is none).
int64_t reduce_workspace_bytes(int64_t count);
int reduce_sum(ocnn_cuda_stream stream, const int32_t* x, int64_t count, int64_t* sum, void* workspace,
               int64_t workspace_bytes);
int reduce_max(ocnn_cuda_stream stream, const int32_t* x, int64_t count, int32_t* maximum, void* workspace,
               int64_t workspace_bytes);

// What the adjoint of a gather needs, so that each row is summed by one thread in a fixed order: the positions of every
// row, ascending. index [count], entries outside 0..num_rows - 1 left out -> order [count] and starts [num_rows + 1];
// row r was read at the positions order[starts[r]]..order[starts[r + 1] - 1].
int64_t group_positions_workspace_bytes(int64_t count);
int group_positions(ocnn_cuda_stream stream, const int32_t* index, int64_t count, int64_t num_rows, int32_t* order,
                    int32_t* starts, void* workspace, int64_t workspace_bytes);

}  // namespace ocnn
