// Matrix fragments of a warp (nvcuda::wmma). Every lane holds and computes the whole tile.
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

inline float __float_to_tf32(float value) { return ocnn_emulation::round_to(value, 10, -126); }

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

template <int m, int n, int k, typename T, typename LayoutA, typename LayoutB, typename Sum>
void mma_sync(fragment<accumulator, m, n, k, Sum>& d, const fragment<matrix_a, m, n, k, T, LayoutA>& a,
              const fragment<matrix_b, m, n, k, T, LayoutB>& b, const fragment<accumulator, m, n, k, Sum>& c) {
  for (int i = 0; i < m; ++i) {
    float sums[n];
    for (int j = 0; j < n; ++j) sums[j] = c.x[i * n + j];
    for (int l = 0; l < k; ++l) {
      const float left = multiplicand<T>(a.x[i * k + l]);
      for (int j = 0; j < n; ++j) sums[j] += left * multiplicand<T>(b.x[l * n + j]);
    }
    for (int j = 0; j < n; ++j) d.x[i * n + j] = sums[j];
  }
  __syncwarp();
}

}  // namespace wmma
}  // namespace nvcuda
