// Matrices [rows, channels] whose columns are summed or scaled: how they fall to the threads of a grid.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include "dispatch.cuh"
#include "launch.cuh"
#include "pack.cuh"

namespace ocnn {

constexpr int64_t kMostChunks = 1024;  // of rows, each for a row of blocks
constexpr int64_t kLeastChunkRows = 32;
constexpr int kWarpsOfBlock = kBlock / 32;

// The matrix, and the chunks its rows are cut into; the sizes alone decide.
struct Rows {
  int64_t rows, channels, chunk_rows, chunks;
};

inline Rows make_rows(int64_t rows, int64_t channels) {
  const int64_t chunk_rows = std::max(kLeastChunkRows, (rows + kMostChunks - 1) / kMostChunks);
  return {rows, channels, chunk_rows, (rows + chunk_rows - 1) / chunk_rows};
}

// The threads of a block lie along channels (x) and rows (y), so that each keeps to its channels while it goes down the
// rows of its chunk: what depends on the channel alone is read and computed once.
struct Place {
  int64_t channel, row, end;
  bool active;

  __device__ Place(const Rows& size, int pack)
      : channel((static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * pack),
        row(blockIdx.y * size.chunk_rows + threadIdx.y),
        end((blockIdx.y + 1) * size.chunk_rows < size.rows ? (blockIdx.y + 1) * size.chunk_rows : size.rows),
        active(channel < size.channels) {}
};

// x[row, channel + i] for i below kPack.
template <int kPack, typename T>
__device__ Pack<T, kPack> load_channels(const T* x, int64_t row, const Rows& size, const Place& place) {
  return load_pack<kPack>(x + row * size.channels + place.channel);
}

template <typename T, int kPack>
__device__ void store_channels(const Pack<T, kPack>& values, T* y, int64_t row, const Rows& size,
                               const Place& place) {
  store_pack(values, y + row * size.channels + place.channel);
}

// Adds up over the rows of the block what its threads bring; the sums are for the threads of the first row. A few rows
// of threads gather what the others have, the first row gathers what these have.
template <typename Sum, int kCount>
__device__ void add_over_rows(Sum (&values)[kCount]) {
  __shared__ Sum shared[kCount][kBlock];
  constexpr unsigned kGathering = 8;
  const unsigned thread = threadIdx.y * blockDim.x + threadIdx.x;
  const auto gather = [&](unsigned step, unsigned end) {
    if (threadIdx.y < end) {  // the others may still be read
      for (int i = 0; i < kCount; ++i) shared[i][thread] = values[i];
    }
    __syncthreads();
    if (threadIdx.y >= step) return;
    for (unsigned row = threadIdx.y + step; row < end; row += step) {
      for (int i = 0; i < kCount; ++i) values[i] += shared[i][row * blockDim.x + threadIdx.x];
    }
  };
  gather(kGathering, blockDim.y);
  gather(1, kGathering < blockDim.y ? kGathering : blockDim.y);
}

// body(channel, lane) for a warp a channel.
template <typename Body>
__device__ void for_each_channel(const Rows& size, const Body& body) {
  const int64_t channel = static_cast<int64_t>(blockIdx.x) * kWarpsOfBlock + threadIdx.x / 32;
  if (channel < size.channels) body(channel, static_cast<int>(threadIdx.x % 32));
}

// body(T{}, pack), pack being how many channels can be moved at once where all of `pointers`, or null, are rows of T.
template <typename Body>
int dispatch_pack(int32_t dtype, int64_t channels, std::initializer_list<const void*> pointers, const Body& body) {
  return dispatch_cuda(dtype, [&](auto zero) {
    using T = decltype(zero);
    uintptr_t bits = static_cast<uintptr_t>(channels * sizeof(T));
    for (const void* pointer : pointers) bits |= reinterpret_cast<uintptr_t>(pointer);
    if (bits % kPackBytes == 0) return body(zero, std::integral_constant<int, kPackBytes / sizeof(T)>{});
    return body(zero, std::integral_constant<int, 1>{});
  });
}

// Launches a kernel whose threads stand at a Place.
template <typename... Parameters, typename... Arguments>
int launch_places(const Rows& size, int pack, void (*kernel)(Parameters...), ocnn_cuda_stream stream,
                  Arguments&&... arguments) {
  const int64_t packs = (size.channels + pack - 1) / pack;
  unsigned across = 1;
  while (across < 32 && across < packs) across *= 2;
  const dim3 grid(static_cast<unsigned>((packs + across - 1) / across), static_cast<unsigned>(size.chunks));
  return launch(kernel, grid, dim3(across, kBlock / across), 0, stream, std::forward<Arguments>(arguments)...);
}

template <typename... Parameters, typename... Arguments>
int launch_channels(const Rows& size, void (*kernel)(Parameters...), ocnn_cuda_stream stream,
                    Arguments&&... arguments) {
  const auto blocks = static_cast<unsigned>((size.channels + kWarpsOfBlock - 1) / kWarpsOfBlock);
  return launch(kernel, blocks, kBlock, 0, stream, std::forward<Arguments>(arguments)...);
}

}  // namespace ocnn
