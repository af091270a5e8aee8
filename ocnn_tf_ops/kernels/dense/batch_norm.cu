#include "batch_norm.h"

#include <algorithm>

#include "../cuda/channel_rows.cuh"
#include "../cuda/workspace.h"
#include "batch_norm.inl"

namespace {

using ocnn::Accumulator;
using ocnn::kBlock;
using ocnn::load_channels;
using ocnn::narrow;
using ocnn::Pack;
using ocnn::Place;
using ocnn::Rows;
using ocnn::store_channels;
using ocnn::widen;

// Two numbers for every channel and chunk, the chunks of a channel side by side.
template <typename Sum>
struct Partial {
  Sum *first, *second;
};

template <typename Sum>
Partial<Sum> layout(ocnn::Workspace& memory, const Rows& size) {
  Sum* const first = memory.take<Sum>(size.channels * size.chunks);
  return {first, memory.take<Sum>(size.channels * size.chunks)};
}

// z = scale * (x - mean) + beta of the channels of a thread.
template <typename Sum, int kPack>
struct Affine {
  Sum mean[kPack], beta[kPack], scale[kPack], inverse_deviation[kPack];
};

// The same of all channels, in global memory.
template <typename Sum>
struct Parameters {
  const Sum *gamma, *beta, *mean, *variance;
  Sum epsilon, slope;

  template <int kPack>
  __device__ Affine<Sum, kPack> of(const Place& place) const {
    Affine<Sum, kPack> affine;
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      const int64_t c = place.channel + i;
      affine.mean[i] = mean[c];
      affine.beta[i] = beta[c];
      affine.inverse_deviation[i] = Sum{1} / sqrt(variance[c] + epsilon);
      affine.scale[i] = gamma[c] * affine.inverse_deviation[i];
    }
    return affine;
  }
};

// Mean and sum of squares about it of every channel and chunk. Sums are of the distances to the first row, so that they
// do not cancel where the mean is large.
template <typename T, int kPack>
__global__ void __launch_bounds__(kBlock)
    chunk_moments(const T* x, const Rows size, const Partial<Accumulator<T>> partial) {
  using Sum = Accumulator<T>;
  const Place place(size, kPack);
  Sum sums[2 * kPack] = {};
  Pack<T, kPack> origin = {};
  const int64_t first_row = blockIdx.y * size.chunk_rows;
  if (place.active) {
    origin = load_channels<kPack>(x, first_row, size, place);
#pragma unroll 4
    for (int64_t row = place.row; row < place.end; row += blockDim.y) {
      const auto values = load_channels<kPack>(x, row, size, place);
#pragma unroll
      for (int i = 0; i < kPack; ++i) {
        const Sum distance = widen(values.items[i]) - widen(origin.items[i]);
        sums[i] += distance;
        sums[kPack + i] += distance * distance;
      }
    }
  }
  ocnn::add_over_rows(sums);
  if (!place.active || threadIdx.y != 0) return;
  const Sum count = static_cast<Sum>(place.end - first_row);
  for (int i = 0; i < kPack; ++i) {
    const Sum mean = sums[i] / count, squares = sums[kPack + i] - sums[i] * mean;
    const int64_t at = (place.channel + i) * size.chunks + blockIdx.y;
    partial.first[at] = widen(origin.items[i]) + mean;
    partial.second[at] = squares < 0 ? Sum{0} : squares;
  }
}

template <typename Sum>
__global__ void join_moments(const Rows size, const Partial<Sum> partial, Sum* mean, Sum* variance) {
  ocnn::for_each_channel(size, [=](int64_t channel, int lane) {
    ocnn::Moments all = {0, 0, 0};
    for (int64_t chunk = lane; chunk < size.chunks; chunk += 32) {
      const int64_t at = channel * size.chunks + chunk, left = size.rows - chunk * size.chunk_rows;
      const double count = static_cast<double>(left < size.chunk_rows ? left : size.chunk_rows);
      all = ocnn::join(all, {count, partial.first[at], partial.second[at]});
    }
    for (int step = 16; step > 0; step /= 2) {
      const double count = __shfl_down_sync(0xffffffffu, all.count, step);
      const double center = __shfl_down_sync(0xffffffffu, all.mean, step);
      const double squares = __shfl_down_sync(0xffffffffu, all.squares, step);
      all = ocnn::join(all, {count, center, squares});
    }
    if (lane != 0) return;
    mean[channel] = static_cast<Sum>(all.mean);
    variance[channel] = static_cast<Sum>(all.squares / (all.count > 1 ? all.count : 1));
  });
}

template <typename T, int kPack>
__global__ void __launch_bounds__(kBlock) normalize(const T* x, const T* shortcut, const Rows size,
                                                    const Parameters<Accumulator<T>> parameters, T* y) {
  using Sum = Accumulator<T>;
  const Place place(size, kPack);
  if (!place.active) return;
  const Affine<Sum, kPack> affine = parameters.template of<kPack>(place);
#pragma unroll 2
  for (int64_t row = place.row; row < place.end; row += blockDim.y) {
    const auto values = load_channels<kPack>(x, row, size, place);
    Pack<T, kPack> more = {}, result;
    if (shortcut != nullptr) more = load_channels<kPack>(shortcut, row, size, place);
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      const Sum z = ocnn::normalized(widen(values.items[i]), affine.mean[i], affine.scale[i], affine.beta[i]) +
                    widen(more.items[i]);
      result.items[i] = narrow<T>(z * ocnn::activation_slope(z, parameters.slope));
    }
    store_channels(result, y, row, size, place);
  }
}

// What both passes of the gradient read.
template <typename T>
struct Backward {
  const T *grad_y, *x, *y;  // y: null where there is no shortcut
  Rows size;
  Parameters<Accumulator<T>> parameters;

  // visit(row, x - mean, gradient of z), each of kPack channels, for the rows of the thread. z has the sign of y.
  template <int kPack, typename Visit>
  __device__ void for_each_row(const Place& place, const Affine<Accumulator<T>, kPack>& affine,
                               const Visit& visit) const {
    using Sum = Accumulator<T>;
#pragma unroll 2
    for (int64_t row = place.row; row < place.end; row += blockDim.y) {
      const auto grads = load_channels<kPack>(grad_y, row, size, place);
      const auto values = load_channels<kPack>(x, row, size, place);
      Pack<T, kPack> activated = {};
      if (y != nullptr) activated = load_channels<kPack>(y, row, size, place);
      Sum centered[kPack], grad_z[kPack];
#pragma unroll
      for (int i = 0; i < kPack; ++i) {
        const Sum value = widen(values.items[i]);
        const Sum z = y != nullptr ? widen(activated.items[i])
                                   : ocnn::normalized(value, affine.mean[i], affine.scale[i], affine.beta[i]);
        centered[i] = value - affine.mean[i];
        grad_z[i] = widen(grads.items[i]) * ocnn::activation_slope(z, parameters.slope);
      }
      visit(row, centered, grad_z);
    }
  }
};

// Sums of grad_z and of grad_z * (x - mean) of every channel and chunk.
template <typename T, int kPack>
__global__ void __launch_bounds__(kBlock) chunk_sums(const Backward<T> in, const Partial<Accumulator<T>> partial) {
  using Sum = Accumulator<T>;
  const Place place(in.size, kPack);
  Sum sums[2 * kPack] = {};
  if (place.active) {
    const Affine<Sum, kPack> affine = in.parameters.template of<kPack>(place);
    in.template for_each_row<kPack>(place, affine, [&](int64_t, const Sum* centered, const Sum* grad_z) {
#pragma unroll
      for (int i = 0; i < kPack; ++i) {
        sums[i] += grad_z[i];
        sums[kPack + i] += grad_z[i] * centered[i];
      }
    });
  }
  ocnn::add_over_rows(sums);
  if (!place.active || threadIdx.y != 0) return;
  for (int i = 0; i < kPack; ++i) {
    const int64_t at = (place.channel + i) * in.size.chunks + blockIdx.y;
    partial.first[at] = sums[i];
    partial.second[at] = sums[kPack + i];
  }
}

// The gradients of beta and gamma.
template <typename Sum>
__global__ void join_sums(const Rows size, const Partial<Sum> partial, const Sum* variance, Sum epsilon,
                          Sum* grad_gamma, Sum* grad_beta) {
  ocnn::for_each_channel(size, [=](int64_t channel, int lane) {
    double sum = 0, product = 0;
    for (int64_t chunk = lane; chunk < size.chunks; chunk += 32) {
      sum += partial.first[channel * size.chunks + chunk];
      product += partial.second[channel * size.chunks + chunk];
    }
    for (int step = 16; step > 0; step /= 2) {
      sum += __shfl_down_sync(0xffffffffu, sum, step);
      product += __shfl_down_sync(0xffffffffu, product, step);
    }
    if (lane != 0) return;
    grad_beta[channel] = static_cast<Sum>(sum);
    grad_gamma[channel] = static_cast<Sum>(product * (Sum{1} / sqrt(variance[channel] + epsilon)));
  });
}

// grad_x = scale * grad_z + slope_x * (x - mean) + offset; share: 1 / rows with batch statistics, else 0.
template <typename T, int kPack>
__global__ void __launch_bounds__(kBlock)
    write_gradients(const Backward<T> in, Accumulator<T> share, const Accumulator<T>* grad_gamma,
                    const Accumulator<T>* grad_beta, T* grad_x, T* grad_shortcut) {
  using Sum = Accumulator<T>;
  const Place place(in.size, kPack);
  if (!place.active) return;
  const Affine<Sum, kPack> affine = in.parameters.template of<kPack>(place);
  Sum slope_x[kPack], offset[kPack];
#pragma unroll
  for (int i = 0; i < kPack; ++i) {
    slope_x[i] = -share * affine.scale[i] * affine.inverse_deviation[i] * grad_gamma[place.channel + i];
    offset[i] = -share * affine.scale[i] * grad_beta[place.channel + i];
  }
  in.template for_each_row<kPack>(place, affine, [&](int64_t row, const Sum* centered, const Sum* grad_z) {
    Pack<T, kPack> result, of_shortcut;
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      result.items[i] = narrow<T>(affine.scale[i] * grad_z[i] + slope_x[i] * centered[i] + offset[i]);
      of_shortcut.items[i] = narrow<T>(grad_z[i]);
    }
    store_channels(result, grad_x, row, in.size, place);
    if (grad_shortcut != nullptr) store_channels(of_shortcut, grad_shortcut, row, in.size, place);
  });
}

bool valid(int32_t dtype, int64_t rows, int64_t channels, int64_t workspace_bytes) {
  return rows >= 0 && channels > 0 && channels <= INT32_MAX &&
         workspace_bytes >= ocnn_batch_norm_cuda_workspace_bytes(dtype, rows, channels);
}

template <typename Sum>
Parameters<Sum> make_parameters(const void* gamma, const void* beta, const void* mean, const void* variance,
                                double epsilon, double slope) {
  return {static_cast<const Sum*>(gamma), static_cast<const Sum*>(beta),  static_cast<const Sum*>(mean),
          static_cast<const Sum*>(variance), static_cast<Sum>(epsilon), static_cast<Sum>(slope)};
}

}  // namespace

extern "C" {

int64_t ocnn_batch_norm_cuda_workspace_bytes(int32_t dtype, int64_t rows, int64_t channels) {
  ocnn::Workspace nothing;
  if (dtype == OCNN_FLOAT64) {
    layout<double>(nothing, ocnn::make_rows(rows, channels));
  } else {
    layout<float>(nothing, ocnn::make_rows(rows, channels));
  }
  return nothing.bytes();
}

int ocnn_batch_norm_moments_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, int64_t rows,
                                 int64_t channels, void* mean, void* variance, void* workspace,
                                 int64_t workspace_bytes) {
  if (!valid(dtype, rows, channels, workspace_bytes)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch_pack(dtype, channels, {x}, [&](auto zero, auto pack) {
    using T = decltype(zero);
    using Sum = Accumulator<T>;
    constexpr int kPack = decltype(pack)::value;
    const Rows size = ocnn::make_rows(rows, channels);
    ocnn::Workspace memory(workspace, workspace_bytes);
    const Partial<Sum> partial = layout<Sum>(memory, size);
    if (const int status = ocnn::launch_places(size, kPack, chunk_moments<T, kPack>, stream, static_cast<const T*>(x),
                                               size, partial)) {
      return status;
    }
    return ocnn::launch_channels(size, join_moments<Sum>, stream, size, partial, static_cast<Sum*>(mean),
                           static_cast<Sum*>(variance));
  });
}

int ocnn_batch_norm_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* x, const void* shortcut,
                         const void* gamma, const void* beta, const void* mean, const void* variance, int64_t rows,
                         int64_t channels, double epsilon, double slope, void* y, void*, int64_t workspace_bytes) {
  if (!valid(dtype, rows, channels, workspace_bytes)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch_pack(dtype, channels, {x, shortcut, y}, [&](auto zero, auto pack) {
    using T = decltype(zero);
    constexpr int kPack = decltype(pack)::value;
    const Rows size = ocnn::make_rows(rows, channels);
    const auto parameters = make_parameters<Accumulator<T>>(gamma, beta, mean, variance, epsilon, slope);
    return ocnn::launch_places(size, kPack, normalize<T, kPack>, stream, static_cast<const T*>(x),
                         static_cast<const T*>(shortcut), size, parameters, static_cast<T*>(y));
  });
}

int ocnn_batch_norm_grad_cuda(ocnn_cuda_stream stream, int32_t dtype, const void* grad_y, const void* x,
                              const void* y, const void* gamma, const void* beta, const void* mean,
                              const void* variance, int64_t rows, int64_t channels, double epsilon, double slope,
                              int32_t batch_statistics, void* grad_x, void* grad_gamma, void* grad_beta,
                              void* grad_shortcut, void* workspace, int64_t workspace_bytes) {
  if (!valid(dtype, rows, channels, workspace_bytes)) return OCNN_INVALID_ARGUMENT;
  const void* const activated = grad_shortcut == nullptr ? nullptr : y;
  return ocnn::dispatch_pack(dtype, channels, {grad_y, x, activated, grad_x, grad_shortcut}, [&](auto zero, auto pack) {
    using T = decltype(zero);
    using Sum = Accumulator<T>;
    constexpr int kPack = decltype(pack)::value;
    const Rows size = ocnn::make_rows(rows, channels);
    ocnn::Workspace memory(workspace, workspace_bytes);
    const Partial<Sum> partial = layout<Sum>(memory, size);
    const Backward<T> in = {static_cast<const T*>(grad_y), static_cast<const T*>(x), static_cast<const T*>(activated),
                            size, make_parameters<Sum>(gamma, beta, mean, variance, epsilon, slope)};
    Sum* const of_gamma = static_cast<Sum*>(grad_gamma);
    Sum* const of_beta = static_cast<Sum*>(grad_beta);
    const Sum share = batch_statistics ? Sum{1} / static_cast<Sum>(std::max<int64_t>(rows, 1)) : Sum{0};
    if (const int status = ocnn::launch_places(size, kPack, chunk_sums<T, kPack>, stream, in, partial)) return status;
    if (const int status = ocnn::launch_channels(size, join_sums<Sum>, stream, size, partial, in.parameters.variance,
                                           in.parameters.epsilon, of_gamma, of_beta)) {
      return status;
    }
    return ocnn::launch_places(size, kPack, write_gradients<T, kPack>, stream, in, share, of_gamma, of_beta,
                         static_cast<T*>(grad_x), static_cast<T*>(grad_shortcut));
  });
}

}  // extern "C"
