// Matrix fragments of a warp (nvcuda::wmma). Every lane holds the whole tile; products are computed by one for all.
#pragma once

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "cuda_runtime.h"

namespace nvcuda {
namespace wmma {

struct matrix_a {};
struct matrix_b {};
struct accumulator {};
struct row_major {};
struct col_major {};
enum layout_t { mem_row_major, mem_col_major };

namespace precision {
struct tf32 {};
}  // namespace precision

template <typename T>
struct StorageOf {
  using type = T;
};
template <>
struct StorageOf<precision::tf32> {
  using type = float;
};

template <typename Use, int m, int n, int k, typename T, typename Layout = void>
struct fragment {
  static constexpr int kRows = std::is_same_v<Use, matrix_b> ? k : m;
  static constexpr int kColumns = std::is_same_v<Use, matrix_a> ? k : n;
  static constexpr int num_elements = kRows * kColumns;  // on a GPU a lane has its share of them only
  using element_type = T;
  using storage_element_type = typename StorageOf<T>::type;
  storage_element_type x[num_elements];  // row-major
};

// To the nearest, ties away from 0.
inline float __float_to_tf32(float value) {
  return std::isfinite(value) ? __uint_as_float((__float_as_uint(value) + 0x1000u) & 0xffffe000u) : value;
}

template <typename Fragment, typename T>
void load_tile(Fragment& tile, const T* memory, unsigned stride, bool by_rows) {
  __syncwarp();
  for (int i = 0; i < Fragment::kRows; ++i) {
    for (int j = 0; j < Fragment::kColumns; ++j) {
      tile.x[i * Fragment::kColumns + j] = memory[by_rows ? i * stride + j : j * stride + i];
    }
  }
  __syncwarp();
}

template <typename Use, int m, int n, int k, typename T, typename Layout, typename Memory>
void load_matrix_sync(fragment<Use, m, n, k, T, Layout>& tile, const Memory* memory, unsigned stride) {
  load_tile(tile, memory, stride, std::is_same_v<Layout, row_major>);
}

template <int m, int n, int k, typename T>
void load_matrix_sync(fragment<accumulator, m, n, k, T>& tile, const T* memory, unsigned stride, layout_t layout) {
  load_tile(tile, memory, stride, layout == mem_row_major);
}

template <int m, int n, int k, typename T>
void store_matrix_sync(T* memory, const fragment<accumulator, m, n, k, T>& tile, unsigned stride, layout_t layout) {
  __syncwarp();
  for (int i = 0; i < m && ocnn_emulation::lane() == 0; ++i) {
    for (int j = 0; j < n; ++j) memory[layout == mem_row_major ? i * stride + j : j * stride + i] = tile.x[i * n + j];
  }
  __syncwarp();
}

template <typename Use, int m, int n, int k, typename T, typename Layout, typename V>
void fill_fragment(fragment<Use, m, n, k, T, Layout>& tile, V value) {
  for (auto& element : tile.x) element = value;
}

// d = a * b + c. Elements of tf32 are cut to its 10 bits, as the hardware does whether or not they were rounded.
template <typename T>
float multiplicand(float value) {
  if (!std::is_same_v<T, precision::tf32>) return value;
  return __uint_as_float(__float_as_uint(value) & 0xffffe000u);
}

template <typename T, typename Fragment, size_t size>
void copy_multiplicands(const Fragment& tile, float (&to)[size]) {
  for (size_t i = 0; i < size; ++i) to[i] = multiplicand<T>(tile.x[i]);
}

template <int m, int n, int k, typename T, typename LayoutA, typename LayoutB, typename Sum>
void mma_sync(fragment<accumulator, m, n, k, Sum>& d, const fragment<matrix_a, m, n, k, T, LayoutA>& a,
              const fragment<matrix_b, m, n, k, T, LayoutB>& b, const fragment<accumulator, m, n, k, Sum>& c) {
  float left[m * k], right[k * n], sums[m * n];
  if (ocnn_emulation::lane() == 0) {
    copy_multiplicands<T>(a, left);
    copy_multiplicands<T>(b, right);
    std::copy_n(c.x, m * n, sums);
    for (int i = 0; i < m; ++i) {
      for (int l = 0; l < k; ++l) {
        for (int j = 0; j < n; ++j) sums[i * n + j] += left[i * k + l] * right[l * n + j];
      }
    }
  }
  const uint64_t* of_lane = ocnn_emulation::warp_exchange(0xffffffffu, reinterpret_cast<uintptr_t>(sums));
  std::copy_n(reinterpret_cast<const float*>(of_lane[0]), m * n, d.x);
  __syncwarp();  // the sums of lane 0 have been read by all
}

}  // namespace wmma
}  // namespace nvcuda
