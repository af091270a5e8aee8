#include "linear.h"

#include <algorithm>
#include <numeric>

#include "../dtype.h"
#include "../octree/micro_kernel.h"
#include "../parallel.h"

namespace {

constexpr int64_t kBlockRows = 96;   // rows that stay in the cache while all parts are added; of 6 and of 8 a multiple
constexpr int64_t kPanelBytes = 1 << 14;  // weights that are packed together
constexpr int64_t kMinChunk = 4096;  // least number of rows summed into one partial gradient
constexpr int64_t kMaxChunks = 16;

template <typename T>
struct Parts {
  const T* const* data;
  const int64_t* widths;
  int64_t count;
  int64_t total() const { return std::accumulate(widths, widths + count, int64_t{0}); }
  bool valid() const {
    return count > 0 && std::all_of(widths, widths + count, [](int64_t w) { return w > 0 && w <= INT32_MAX; });
  }
};

// Writes x * weights to a block of rows of y, or adds it, one tile of columns at a time. The tile's weights are packed
// together: in their matrix they are a power of two of bytes apart, and few of them fit into the cache at once.
template <typename T, bool Add>
struct Product {
  const T *x, *weights;
  T* y;
  int64_t rows, width, cout;

  template <int Lanes, int Width>
  void run(int32_t column) const {
    constexpr int64_t kColumns = Lanes * Width, kDepth = kPanelBytes / sizeof(T) / kColumns;
    alignas(64) T panel[kDepth * kColumns];
    for (int64_t begin = 0; begin < width; begin += kDepth) {
      const int64_t depth = std::min(kDepth, width - begin);
      for (int64_t i = 0; i < depth; ++i)
        std::copy_n(weights + (begin + i) * cout + column, kColumns, panel + i * kColumns);
      if (Add || begin > 0)
        multiply<Lanes, Width, true>(x + begin, panel, depth, column);
      else
        multiply<Lanes, Width, false>(x + begin, panel, depth, column);
    }
  }

  template <int Lanes, int Width, bool AddToY>
  void multiply(const T* first, const T* panel, int64_t depth, int32_t column) const {
    constexpr int Rows = ocnn::tile_rows(Width);
    int64_t r = 0;
    for (; r + Rows <= rows; r += Rows) step<Lanes, Width, Rows, AddToY>(first, panel, depth, r, column);
    for (; r + 2 <= rows; r += 2) step<Lanes, Width, 2, AddToY>(first, panel, depth, r, column);
    for (; r < rows; ++r) step<Lanes, Width, 1, AddToY>(first, panel, depth, r, column);
  }

  template <int Lanes, int Width, int Rows, bool AddToY>
  void step(const T* first, const T* panel, int64_t depth, int64_t row, int32_t column) const {
    const T* from[Rows];
    T* to[Rows];
    for (int r = 0; r < Rows; ++r) {
      from[r] = first + (row + r) * width;
      to[r] = y + (row + r) * cout + column;
    }
    ocnn::multiply_rows<T, Lanes, Width, Rows, AddToY>(from, panel, Lanes * Width, static_cast<int32_t>(depth), to);
  }
};

template <bool Add, typename T>
void product(const T* x, const T* weights, T* y, int64_t rows, int64_t width, int64_t cout) {
  ocnn::for_column_tiles<T>(cout, Product<T, Add>{x, weights, y, rows, width, cout});
}

template <typename T>
void linear(const ocnn_executor* stream, const Parts<T>& parts, const T* weights, int64_t rows, int64_t cout, T* y) {
  ocnn::parallel_for(stream, (rows + kBlockRows - 1) / kBlockRows, 2, [&](int64_t first, int64_t last) {
    for (int64_t begin = first * kBlockRows; begin < std::min(last * kBlockRows, rows); begin += kBlockRows) {
      const int64_t count = std::min(kBlockRows, rows - begin);
      const T* matrix = weights;
      for (int64_t p = 0; p < parts.count; ++p) {
        const int64_t width = parts.widths[p];
        const auto multiply = p == 0 ? product<false, T> : product<true, T>;
        multiply(parts.data[p] + begin * width, matrix, y + begin * cout, count, width, cout);
        matrix += width * cout;
      }
    }
  });
}

// Adds transposed(x) * grad_y of a block of rows to a gradient of the weights; grad_y is packed as the weights above.
template <typename T>
struct AddOuterProducts {
  const T *x, *grad_y;
  int64_t rows, width, cout;
  T* grad;

  template <int Lanes, int Width>
  void run(int32_t column) const {
    constexpr int64_t kColumns = Lanes * Width;
    alignas(64) T panel[kBlockRows * kColumns];
    for (int64_t r = 0; r < rows; ++r) std::copy_n(grad_y + r * cout + column, kColumns, panel + r * kColumns);
    const ocnn::StridedRows<T> left{x, width}, right{panel, kColumns};
    ocnn::accumulate_outer_column<T, Lanes, Width>(left, right, static_cast<int32_t>(rows), 0,
                                                   static_cast<int32_t>(width), 0, grad + column, cout);
  }
};

template <typename T>
void add_block_gradient(const Parts<T>& parts, const T* grad_y, int64_t begin, int64_t end, int64_t cout, T* grad) {
  for (int64_t p = 0; p < parts.count; ++p) {
    const int64_t width = parts.widths[p];
    const T* x = parts.data[p] + begin * width;
    ocnn::for_column_tiles<T>(cout, AddOuterProducts<T>{x, grad_y + begin * cout, end - begin, width, cout, grad});
    grad += width * cout;
  }
}

int64_t chunk_rows(int64_t rows) {
  const int64_t chunk = std::max(kMinChunk, (rows + kMaxChunks - 1) / kMaxChunks);
  return (chunk + kBlockRows - 1) / kBlockRows * kBlockRows;
}

int64_t num_chunks(int64_t rows) { return std::max<int64_t>(1, (rows + chunk_rows(rows) - 1) / chunk_rows(rows)); }

template <typename T>
void grad_weights(const ocnn_executor* stream, const Parts<T>& parts, const T* grad_y, int64_t rows, int64_t cout,
                  T* grad, T* workspace) {
  const int64_t size = parts.total() * cout, chunks = num_chunks(rows), chunk = chunk_rows(rows);
  T* partial = chunks == 1 ? grad : workspace;
  ocnn::parallel_for(stream, chunks, 1, [&](int64_t first, int64_t last) {
    std::fill(partial + first * size, partial + last * size, T{0});
    for (int64_t begin = first * chunk; begin < std::min(last * chunk, rows); begin += kBlockRows) {
      const int64_t end = std::min(begin + kBlockRows, rows);
      add_block_gradient(parts, grad_y, begin, end, cout, partial + begin / chunk * size);
    }
  });
  if (chunks == 1) return;
  ocnn::parallel_for(stream, size, 1 << 14, [&](int64_t first, int64_t last) {
    std::copy(partial + first, partial + last, grad + first);
    for (int64_t c = 1; c < chunks; ++c)
      for (int64_t i = first; i < last; ++i) grad[i] += partial[c * size + i];
  });
}

template <typename T>
void transpose(const T* from, int64_t rows, int64_t columns, T* to) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
}

bool valid_sizes(int64_t rows, int64_t cout) { return rows >= 0 && cout > 0 && cout <= INT32_MAX; }

int64_t size_of(int32_t dtype) { return dtype == OCNN_FLOAT64 ? sizeof(double) : sizeof(float); }

}  // namespace

extern "C" {

int ocnn_linear_cpu(const ocnn_executor* stream, int32_t dtype, const void* const* parts, const int64_t* widths,
                    int64_t num_parts, const void* weights, int64_t rows, int64_t cout, void* y) {
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    const Parts<T> x{reinterpret_cast<const T* const*>(parts), widths, num_parts};
    if (!x.valid() || !valid_sizes(rows, cout)) return false;
    linear(stream, x, static_cast<const T*>(weights), rows, cout, static_cast<T*>(y));
    return true;
  });
}

int ocnn_linear_grad_input_cpu(const ocnn_executor* stream, int32_t dtype, const void* grad_y, const void* weights,
                               int64_t rows, int64_t width, int64_t cout, void* grad_x, void* workspace,
                               int64_t workspace_bytes) {
  if (workspace_bytes < width * cout * size_of(dtype)) return OCNN_INVALID_ARGUMENT;
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* grad = static_cast<const T*>(grad_y);
    T* transposed = static_cast<T*>(workspace);
    const Parts<T> g{&grad, &cout, 1};
    if (!g.valid() || !valid_sizes(rows, width)) return false;
    transpose(static_cast<const T*>(weights), width, cout, transposed);
    linear(stream, g, static_cast<const T*>(transposed), rows, width, static_cast<T*>(grad_x));
    return true;
  });
}

int64_t ocnn_linear_grad_weights_workspace_bytes(int32_t dtype, int64_t rows, int64_t width, int64_t cout) {
  const int64_t chunks = num_chunks(rows);
  return chunks == 1 ? 0 : chunks * width * cout * size_of(dtype);
}

int ocnn_linear_grad_weights_cpu(const ocnn_executor* stream, int32_t dtype, const void* const* parts,
                                 const int64_t* widths, int64_t num_parts, const void* grad_y, int64_t rows,
                                 int64_t cout, void* grad_weights_out, void* workspace, int64_t workspace_bytes) {
  return ocnn::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    const Parts<T> x{reinterpret_cast<const T* const*>(parts), widths, num_parts};
    if (!x.valid() || !valid_sizes(rows, cout)) return false;
    if (workspace_bytes < ocnn_linear_grad_weights_workspace_bytes(dtype, rows, x.total(), cout)) return false;
    grad_weights(stream, x, static_cast<const T*>(grad_y), rows, cout, static_cast<T*>(grad_weights_out),
                 static_cast<T*>(workspace));
    return true;
  });
}

}  // extern "C"
