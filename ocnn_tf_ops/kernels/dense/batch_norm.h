// Batch normalization of rows, a shortcut and an activation in one pass, and its gradients.
//
//   z = gamma * (x - mean) / sqrt(variance + epsilon) + beta + shortcut,  y = z where z > 0, slope * z elsewhere
//
// `slope` is 0 for ReLU and 1 for no activation. Everything is [rows, channels] or [channels], row-major, of `dtype`.
// Sums run over blocks of rows that depend on the sizes alone, so the number of threads changes nothing.
//
// To the CUDA twins, where `dtype` is a half type, it is that of x, y, the shortcut and their gradients: gamma, beta,
// mean, variance and their gradients, all of them [channels], are float32 then, as are the sums.
#pragma once

#include "../common.h"

extern "C" {

// Bytes of scratch that each of the functions below wants.
int64_t ocnn_batch_norm_workspace_bytes(int32_t dtype, int64_t rows, int64_t channels);
int64_t ocnn_batch_norm_cuda_workspace_bytes(int32_t dtype, int64_t rows, int64_t channels);

// Mean and biased variance of every column; 0 where there are no rows.
int ocnn_batch_norm_moments_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, int64_t rows,
                                int64_t channels, void* mean, void* variance, void* workspace,
                                int64_t workspace_bytes);
int ocnn_batch_norm_moments_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, int64_t rows,
                                 int64_t channels, void* mean, void* variance, void* workspace,
                                 int64_t workspace_bytes);

// y from x; `shortcut` may be null; y may be x.
int ocnn_batch_norm_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const void* shortcut,
                        const void* gamma, const void* beta, const void* mean, const void* variance, int64_t rows,
                        int64_t channels, double epsilon, double slope, void* y, void* workspace,
                        int64_t workspace_bytes);
int ocnn_batch_norm_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const void* shortcut,
                         const void* gamma, const void* beta, const void* mean, const void* variance, int64_t rows,
                         int64_t channels, double epsilon, double slope, void* y, void* workspace,
                         int64_t workspace_bytes);

// Gradients of x, gamma, beta and, unless `grad_shortcut` is null, of the shortcut; y is read only where there is a
// shortcut. With `batch_statistics` mean and variance are those of x and depend on it, else they are constants.
int ocnn_batch_norm_grad_cpu(const ocnn_executor* stream, int32_t dtype, const void* grad_y, const void* x,
                             const void* y, const void* gamma, const void* beta, const void* mean,
                             const void* variance, int64_t rows, int64_t channels, double epsilon, double slope,
                             int32_t batch_statistics, void* grad_x, void* grad_gamma, void* grad_beta,
                             void* grad_shortcut, void* workspace, int64_t workspace_bytes);
int ocnn_batch_norm_grad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* grad_y, const void* x,
                              const void* y, const void* gamma, const void* beta, const void* mean,
                              const void* variance, int64_t rows, int64_t channels, double epsilon, double slope,
                              int32_t batch_statistics, void* grad_x, void* grad_gamma, void* grad_beta,
                              void* grad_shortcut, void* workspace, int64_t workspace_bytes);

}  // extern "C"
