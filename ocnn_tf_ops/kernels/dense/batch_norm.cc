#include "batch_norm.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "../dtype.h"
#include "../parallel.h"
#include "batch_norm.inl"

namespace {

constexpr int64_t kBlockRows = 512;  // rows summed into one partial result

int64_t num_blocks(int64_t rows) { return (rows + kBlockRows - 1) / kBlockRows; }

// Column sums and sums of squares about the mean of a block of rows, which the cache holds for the second look.
template <typename T>
void block_moments(const T* x, int64_t rows, int64_t channels, T* mean, T* squares) {
  std::fill(mean, mean + channels, T{0});
  std::fill(squares, squares + channels, T{0});
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < channels; ++c) mean[c] += x[r * channels + c];
  for (int64_t c = 0; c < channels; ++c) mean[c] /= static_cast<T>(rows);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < channels; ++c) {
      const T d = x[r * channels + c] - mean[c];
      squares[c] += d * d;
    }
  }
}

// Joins the moments of the blocks in their order.
template <typename T>
void join_moments(const T* blocks, int64_t rows, int64_t channels, T* mean, T* variance) {
  for (int64_t c = 0; c < channels; ++c) {
    ocnn::Moments all = {0, 0, 0};
    for (int64_t b = 0; b < num_blocks(rows); ++b) {
      const double size = static_cast<double>(std::min(kBlockRows, rows - b * kBlockRows));
      all = ocnn::join(all, {size, blocks[2 * b * channels + c], blocks[(2 * b + 1) * channels + c]});
    }
    mean[c] = static_cast<T>(all.mean);
    variance[c] = static_cast<T>(all.squares / std::max(all.count, 1.0));
  }
}

template <typename T>
void moments(const ocnn_executor* stream, const T* x, int64_t rows, int64_t channels, T* mean, T* variance, T* blocks) {
  ocnn::parallel_for(stream, num_blocks(rows), 1, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) {
      const int64_t begin = b * kBlockRows, count = std::min(kBlockRows, rows - begin);
      block_moments(x + begin * channels, count, channels, blocks + 2 * b * channels, blocks + (2 * b + 1) * channels);
    }
  });
  join_moments(blocks, rows, channels, mean, variance);
}

// z = scale * (x - mean) + beta: what is the same for all rows.
template <typename T>
struct Affine {
  const T *mean, *beta, *scale, *inverse_deviation;
};

template <typename T>
Affine<T> make_affine(const T* gamma, const T* beta, const T* mean, const T* variance, int64_t channels, double epsilon,
                      T* memory) {
  T *scale = memory, *inverse = memory + channels;
  for (int64_t c = 0; c < channels; ++c) {
    inverse[c] = T{1} / std::sqrt(variance[c] + static_cast<T>(epsilon));
    scale[c] = gamma[c] * inverse[c];
  }
  return {mean, beta, scale, inverse};
}

// The loops over rows are functions of values alone, not parts of a lambda: in memory that stores might change, what a
// lambda captures would keep the compiler from vectorizing. So would not knowing whether there is a shortcut.
template <bool kShortcut, typename T>
void normalize_rows(const T* x, const T* shortcut, Affine<T> affine, int64_t begin, int64_t end, int64_t channels,
                    T slope, T* y) {
  for (int64_t i = begin * channels; i < end * channels; i += channels) {
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; ++c) {
      const T z = ocnn::normalized(x[i + c], affine.mean[c], affine.scale[c], affine.beta[c]) +
                  (kShortcut ? shortcut[i + c] : T{0});
      y[i + c] = z * ocnn::activation_slope(z, slope);
    }
  }
}

template <bool kShortcut, typename T>
void normalize(const ocnn_executor* stream, const T* x, const T* shortcut, const Affine<T>& affine, int64_t rows,
               int64_t channels, T slope, T* y) {
  ocnn::parallel_for(stream, rows, kBlockRows, [&](int64_t begin, int64_t end) {
    normalize_rows<kShortcut>(x, shortcut, affine, begin, end, channels, slope, y);
  });
}

// What both passes of the gradient read.
template <bool kShortcut, typename T>
struct Backward {
  const T *grad_y, *x, *y;  // y: read where there is a shortcut
  Affine<T> affine;
  int64_t rows, channels;
  T slope;

  // The gradient of z of a row that starts at i. The sign of z is that of y.
  T grad_z(int64_t i, int64_t c) const {
    const T z = kShortcut ? y[i + c] : ocnn::normalized(x[i + c], affine.mean[c], affine.scale[c], affine.beta[c]);
    return grad_y[i + c] * ocnn::activation_slope(z, slope);
  }
};

// Sums over a block of rows of grad_z and of grad_z * (x - mean).
template <bool kShortcut, typename T>
void block_sums(const Backward<kShortcut, T> in, int64_t begin, int64_t end, T* sums, T* products) {
  const int64_t channels = in.channels;
  std::fill(sums, sums + channels, T{0});
  std::fill(products, products + channels, T{0});
  for (int64_t i = begin * channels; i < end * channels; i += channels) {
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; ++c) {
      const T g = in.grad_z(i, c);
      sums[c] += g;
      products[c] += g * (in.x[i + c] - in.affine.mean[c]);
    }
  }
}

// The gradients of beta and gamma.
template <bool kShortcut, typename T>
void sum_blocks(const ocnn_executor* stream, const Backward<kShortcut, T>& in, T* blocks, T* grad_gamma, T* grad_beta) {
  const int64_t channels = in.channels, count = num_blocks(in.rows);
  ocnn::parallel_for(stream, count, 1, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) {
      T* block = blocks + 2 * b * channels;
      block_sums(in, b * kBlockRows, std::min((b + 1) * kBlockRows, in.rows), block, block + channels);
    }
  });
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0, product = 0;
    for (int64_t b = 0; b < count; ++b) {
      sum += blocks[2 * b * channels + c];
      product += blocks[(2 * b + 1) * channels + c];
    }
    grad_beta[c] = static_cast<T>(sum);
    grad_gamma[c] = static_cast<T>(product * in.affine.inverse_deviation[c]);
  }
}

// grad_x = scale * grad_z + slope_x * (x - mean) + offset.
template <bool kShortcut, typename T>
void write_rows(const Backward<kShortcut, T> in, int64_t begin, int64_t end, const T* slope_x, const T* offset,
                T* grad_x, T* grad_shortcut) {
  const int64_t channels = in.channels;
  for (int64_t i = begin * channels; i < end * channels; i += channels) {
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; ++c) {
      const T g = in.grad_z(i, c);
      grad_x[i + c] = in.affine.scale[c] * g + slope_x[c] * (in.x[i + c] - in.affine.mean[c]) + offset[c];
      if (kShortcut) grad_shortcut[i + c] = g;
    }
  }
}

// The two passes; `memory` has room for 2 * channels numbers and the partial sums.
template <bool kShortcut, typename T>
void gradients(const ocnn_executor* stream, const Backward<kShortcut, T>& in, bool batch_statistics, T* grad_x,
               T* grad_gamma, T* grad_beta, T* grad_shortcut, T* memory) {
  T *slope_x = memory, *offset = memory + in.channels;
  sum_blocks(stream, in, memory + 2 * in.channels, grad_gamma, grad_beta);
  const T share = batch_statistics ? T{1} / static_cast<T>(std::max<int64_t>(in.rows, 1)) : T{0};
  for (int64_t c = 0; c < in.channels; ++c) {
    slope_x[c] = -share * in.affine.scale[c] * in.affine.inverse_deviation[c] * grad_gamma[c];
    offset[c] = -share * in.affine.scale[c] * grad_beta[c];
  }
  ocnn::parallel_for(stream, in.rows, kBlockRows, [&](int64_t begin, int64_t end) {
    write_rows(in, begin, end, slope_x, offset, grad_x, grad_shortcut);
  });
}

int64_t size_of(int32_t dtype) { return dtype == OCNN_FLOAT64 ? sizeof(double) : sizeof(float); }

bool valid(int32_t dtype, int64_t rows, int64_t channels, int64_t workspace_bytes) {
  return rows >= 0 && channels > 0 &&
         workspace_bytes >= ocnn_batch_norm_workspace_bytes(dtype, rows, channels);
}

}  // namespace

extern "C" {

int64_t ocnn_batch_norm_workspace_bytes(int32_t dtype, int64_t rows, int64_t channels) {
  return (2 * num_blocks(rows) + 4) * channels * size_of(dtype);
}

int ocnn_batch_norm_moments_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, int64_t rows,
                                int64_t channels, void* mean, void* variance, void* workspace,
                                int64_t workspace_bytes) {
  if (!valid(dtype, rows, channels, workspace_bytes)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    moments(stream, static_cast<const T*>(x), rows, channels, static_cast<T*>(mean), static_cast<T*>(variance),
            static_cast<T*>(workspace));
    return true;
  });
}

int ocnn_batch_norm_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const void* shortcut,
                        const void* gamma, const void* beta, const void* mean, const void* variance, int64_t rows,
                        int64_t channels, double epsilon, double slope, void* y, void* workspace,
                        int64_t workspace_bytes) {
  if (!valid(dtype, rows, channels, workspace_bytes)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    const Affine<T> affine =
        make_affine(static_cast<const T*>(gamma), static_cast<const T*>(beta), static_cast<const T*>(mean),
                    static_cast<const T*>(variance), channels, epsilon, static_cast<T*>(workspace));
    const auto run = shortcut ? normalize<true, T> : normalize<false, T>;
    run(stream, static_cast<const T*>(x), static_cast<const T*>(shortcut), affine, rows, channels,
        static_cast<T>(slope), static_cast<T*>(y));
    return true;
  });
}

int ocnn_batch_norm_grad_cpu(const ocnn_executor* stream, int32_t dtype, const void* grad_y, const void* x,
                             const void* y, const void* gamma, const void* beta, const void* mean,
                             const void* variance, int64_t rows, int64_t channels, double epsilon, double slope,
                             int32_t batch_statistics, void* grad_x, void* grad_gamma, void* grad_beta,
                             void* grad_shortcut, void* workspace, int64_t workspace_bytes) {
  if (!valid(dtype, rows, channels, workspace_bytes)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* memory = static_cast<T*>(workspace);
    const Affine<T> affine =
        make_affine(static_cast<const T*>(gamma), static_cast<const T*>(beta), static_cast<const T*>(mean),
                    static_cast<const T*>(variance), channels, epsilon, memory);
    const auto run = [&](auto has_shortcut) {
      const Backward<has_shortcut, T> in{static_cast<const T*>(grad_y), static_cast<const T*>(x),
                                         static_cast<const T*>(y), affine, rows, channels, static_cast<T>(slope)};
      gradients(stream, in, batch_statistics != 0, static_cast<T*>(grad_x), static_cast<T*>(grad_gamma),
                static_cast<T*>(grad_beta), static_cast<T*>(grad_shortcut), memory + 2 * channels);
    };
    grad_shortcut ? run(std::true_type{}) : run(std::false_type{});
    return true;
  });
}

}  // extern "C"
