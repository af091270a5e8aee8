// A block's part of a matrix product: slices of both factors go through shared memory, the next one on its way while
// the present one is multiplied, and sums stay in registers. Which rows make up a slice is for `Steps` to say.
#pragma once

#include <cuda_pipeline_primitives.h>
#include <mma.h>

#include <type_traits>

#include "launch.cuh"
#include "numeric.cuh"
#include "pack.cuh"

namespace ocnn {

struct Tf32 {};  // float32 that may be rounded to TF32 where it is a factor

template <typename Number>
struct StorageOf {
  using type = Number;
};
template <>
struct StorageOf<Tf32> {
  using type = float;
};
template <typename Number>
using Storage = typename StorageOf<Number>::type;

constexpr int kTileThreads = 256;
constexpr int kCopyBytes = kPackBytes;  // of one asynchronous copy

// left [rows x depth] * right [depth x columns], for one slice of the depth. In shared memory the left factor lies as
// [rows][depth], or `across` as [depth][rows]; the padding of the rows keeps the banks apart.
template <typename Number_, int kRows_, int kColumns_, bool kAcross_>
struct TileShape {
  using Number = Number_;
  using T = Storage<Number>;
  using Sum = Accumulator<T>;
  static constexpr bool kAcross = kAcross_;
  static constexpr int kRows = kRows_, kColumns = kColumns_, kDepth = 64 / sizeof(T);
  static constexpr int kPadding = kCopyBytes / sizeof(T);
  static constexpr int kLeftLines = kAcross ? kDepth : kRows, kLeftWidth = kAcross ? kRows : kDepth;
  static constexpr int kLeftStride = kLeftWidth + kPadding, kRightStride = kColumns + kPadding;
  static constexpr int kLeftSize = kLeftLines * kLeftStride, kSliceSize = kLeftSize + kDepth * kRightStride;
  static constexpr int kSharedBytes = 2 * kSliceSize * sizeof(T);
};

// Multiplies by fused multiply-adds: every thread has its own rows and columns of the tile.
template <typename Shape>
class RegisterTile {
 public:
  using T = typename Shape::T;
  using Sum = typename Shape::Sum;

  __device__ void multiply(const T* left, const T* right) {
    if constexpr (Shape::kAcross) {
#pragma unroll 4
      for (int d = 0; d < Shape::kDepth; ++d) {
        const auto column = load_pack<kTall>(left + d * Shape::kLeftStride + row(0));
        add_products([&](int i) { return widen(column.items[i]); }, right + d * Shape::kRightStride);
      }
    } else {
      constexpr int kAtOnce = Shape::kPadding;
#pragma unroll 2
      for (int first = 0; first < Shape::kDepth; first += kAtOnce) {
        Pack<T, kAtOnce> rows[kTall];
#pragma unroll
        for (int i = 0; i < kTall; ++i) rows[i] = load_pack<kAtOnce>(left + row(i) * Shape::kLeftStride + first);
#pragma unroll
        for (int d = 0; d < kAtOnce; ++d) {
          add_products([&](int i) { return widen(rows[i].items[d]); }, right + (first + d) * Shape::kRightStride);
        }
      }
    }
  }

  // visit(row, column, sum) for this thread's part of the tile.
  template <typename Visit>
  __device__ void for_each(void*, const Visit& visit) const {
#pragma unroll
    for (int i = 0; i < kTall; ++i) {
#pragma unroll
      for (int j = 0; j < kWide; ++j) visit(row(i), column() + j, sums_[i][j]);
    }
  }

 private:
  static constexpr int kSide = 16;  // threads along either side of the tile
  static constexpr int kTall = Shape::kRows / kSide, kWide = Shape::kColumns / kSide;
  static_assert(kSide * kSide == kTileThreads);

  // Neighbors where they are read as one pack, else apart: so the two of a warp find different banks.
  __device__ static int row(int i) {
    const int thread = threadIdx.x / kSide;
    return Shape::kAcross ? thread * kTall + i : thread + i * kSide;
  }
  __device__ static int column() { return threadIdx.x % kSide * kWide; }

  template <typename Left>
  __device__ void add_products(const Left& left, const T* right_line) {
    const auto right = load_pack<kWide>(right_line + column());
#pragma unroll
    for (int i = 0; i < kTall; ++i) {
#pragma unroll
      for (int j = 0; j < kWide; ++j) sums_[i][j] += left(i) * widen(right.items[j]);
    }
  }

  Sum sums_[kTall][kWide] = {};
};

// What tensor cores multiply, and how deep a step they take.
template <typename Number>
struct FragmentOf {
  using type = Number;
  static constexpr int kDepth = 16;
};
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
template <>
struct FragmentOf<Tf32> {
  using type = nvcuda::wmma::precision::tf32;
  static constexpr int kDepth = 8;
  __device__ static float round(float value) { return nvcuda::wmma::__float_to_tf32(value); }
};
#endif

// Multiplies on tensor cores: eight warps, four by two, have a part of the tile each.
template <typename Shape>
class FragmentTile {
 public:
  using T = typename Shape::T;

  __device__ FragmentTile() {
    for (auto& line : sums_) {
      for (auto& sum : line) nvcuda::wmma::fill_fragment(sum, 0.0f);
    }
  }

  __device__ void multiply(const T* left, const T* right) {
    using nvcuda::wmma::load_matrix_sync;
#pragma unroll
    for (int d = 0; d < Shape::kDepth; d += kDepth) {
      Left rows[kTall];
      Right columns[kWide];
#pragma unroll
      for (int i = 0; i < kTall; ++i) {
        const int r = row(i);
        load_matrix_sync(rows[i], left + (Shape::kAcross ? d * Shape::kLeftStride + r : r * Shape::kLeftStride + d),
                         Shape::kLeftStride);
        round(rows[i]);
      }
#pragma unroll
      for (int j = 0; j < kWide; ++j) {
        load_matrix_sync(columns[j], right + d * Shape::kRightStride + column(j), Shape::kRightStride);
        round(columns[j]);
      }
#pragma unroll
      for (int i = 0; i < kTall; ++i) {
#pragma unroll
        for (int j = 0; j < kWide; ++j) nvcuda::wmma::mma_sync(sums_[i][j], rows[i], columns[j], sums_[i][j]);
      }
    }
  }

  // visit(row, column, sum) for this thread's part of the tile, by way of shared memory nobody else uses any more.
  template <typename Visit>
  __device__ void for_each(void* memory, const Visit& visit) const {
    static_assert(Shape::kSharedBytes >= kWarps * kSide * kSide * sizeof(float));
    float* patch = static_cast<float*>(memory) + warp() * kSide * kSide;
    for (int i = 0; i < kTall; ++i) {
      for (int j = 0; j < kWide; ++j) {
        nvcuda::wmma::store_matrix_sync(patch, sums_[i][j], kSide, nvcuda::wmma::mem_row_major);
        __syncwarp();
        for (int k = threadIdx.x % 32; k < kSide * kSide; k += 32) {
          visit(row(i) + k / kSide, column(j) + k % kSide, patch[k]);
        }
        __syncwarp();
      }
    }
  }

 private:
  using Fragment = FragmentOf<typename Shape::Number>;
  static constexpr int kSide = 16, kDepth = Fragment::kDepth;
  static constexpr int kWarps = kTileThreads / 32, kWarpsAcross = 2;
  static constexpr int kTall = Shape::kRows / kSide * kWarpsAcross / kWarps;
  static constexpr int kWide = Shape::kColumns / kSide / kWarpsAcross;
  using Layout = std::conditional_t<Shape::kAcross, nvcuda::wmma::col_major, nvcuda::wmma::row_major>;
  using Left = nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, kSide, kSide, kDepth, typename Fragment::type, Layout>;
  using Right = nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, kSide, kSide, kDepth, typename Fragment::type,
                                       nvcuda::wmma::row_major>;
  using Sums = nvcuda::wmma::fragment<nvcuda::wmma::accumulator, kSide, kSide, kDepth, float>;

  __device__ static int warp() { return threadIdx.x / 32; }
  __device__ static int row(int i) { return (warp() / kWarpsAcross * kTall + i) * kSide; }
  __device__ static int column(int j) { return (warp() % kWarpsAcross * kWide + j) * kSide; }

  // Tensor cores would cut off the bits that TF32 has not.
  template <typename Factor>
  __device__ static void round(Factor& factor) {
    if constexpr (std::is_same_v<typename Shape::Number, Tf32>) {
      for (auto& element : factor.x) element = Fragment::round(element);
    }
  }

  Sums sums_[kTall][kWide];
};

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
template <typename Number>
constexpr bool kOnTensorCores = sizeof(Storage<Number>) == 2 || std::is_same_v<Number, Tf32>;
#else
template <typename Number>
constexpr bool kOnTensorCores = std::is_same_v<Number, __half>;
#endif

template <typename Shape>
using BlockTile =
    std::conditional_t<kOnTensorCores<typename Shape::Number>, FragmentTile<Shape>, RegisterTile<Shape>>;

// A matrix in global memory; `aligned`: its rows can be copied kCopyBytes at a time.
template <typename T>
struct Matrix {
  const T* data;
  int64_t columns;
  bool aligned;

  __device__ Matrix(const T* matrix, int64_t width)
      : data(matrix),
        columns(width),
        aligned((reinterpret_cast<uintptr_t>(matrix) | static_cast<uintptr_t>(width * sizeof(T))) % kCopyBytes == 0) {}
};

// Lines of `kWidth` columns from column `first` on, into shared memory: line l is row row(l) of the matrix. Where that
// is negative, and beyond the matrix, zeros.
template <int kLines, int kWidth, int kStride, typename T, typename Row>
__device__ void copy_lines(const Matrix<T>& matrix, int64_t first, const Row& row, T* to) {
  constexpr int kItems = kCopyBytes / sizeof(T), kPacks = kWidth / kItems;
  const int64_t columns = matrix.columns - first;
  if (matrix.aligned) {
    for (int i = threadIdx.x; i < kLines * kPacks; i += kTileThreads) {
      const int line = i / kPacks, column = i % kPacks * kItems;
      const int64_t r = row(line);
      T* target = to + line * kStride + column;
      if (r >= 0 && column < columns) {
        __pipeline_memcpy_async(target, matrix.data + r * matrix.columns + first + column, kCopyBytes);
      } else {
        store_pack(Pack<T, kItems>{}, target);
      }
    }
  } else {
    for (int i = threadIdx.x; i < kLines * kWidth; i += kTileThreads) {
      const int line = i / kWidth, column = i % kWidth;
      const int64_t r = row(line);
      to[line * kStride + column] =
          r >= 0 && column < columns ? matrix.data[r * matrix.columns + first + column] : narrow<T>(0);
    }
  }
}

// Multiplies slice after slice and adds all up in `tile`. steps.next(), called by all threads together, finds the next
// slice, if there is one; steps.load(left, right) begins to copy it. A barrier of the block lies between a load and the
// next() after it.
template <typename Shape, typename Steps>
__device__ void multiply_steps(Steps& steps, typename Shape::T* memory, BlockTile<Shape>& tile) {
  bool more = steps.next();
  if (more) steps.load(memory, memory + Shape::kLeftSize);
  __pipeline_commit();
  __syncthreads();
  for (int present = 0; more; present = Shape::kSliceSize - present) {
    more = steps.next();
    typename Shape::T* ahead = memory + (Shape::kSliceSize - present);
    if (more) steps.load(ahead, ahead + Shape::kLeftSize);
    __pipeline_commit();
    __pipeline_wait_prior(1);
    __syncthreads();
    tile.multiply(memory + present, memory + present + Shape::kLeftSize);
    __syncthreads();
  }
}

}  // namespace ocnn
