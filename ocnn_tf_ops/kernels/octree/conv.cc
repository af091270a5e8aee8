#include "conv.h"

#include <algorithm>

#include "../parallel.h"
#include "micro_kernel.h"

namespace {

constexpr int64_t kBlockRows = 64;        // rows of y that stay in the first-level cache while all cells are added
constexpr int64_t kGradientRows = 128;    // rows whose outer products are summed in registers
constexpr int64_t kMaxBlockRows = std::max(kBlockRows, kGradientRows);
constexpr int64_t kChunkRows = 1 << 15;   // rows summed into one partial gradient

struct Sizes {
  int64_t num_in, num_out;
  int32_t kernel, cin, cout;
  bool valid() const { return num_in >= 0 && num_out >= 0 && kernel > 0 && cin > 0 && cout > 0; }
  int64_t weights() const { return int64_t{kernel} * cin * cout; }
};

// The rows of one block that have a neighbor in one kernel cell: near a surface about half of them do not.
template <typename X, typename Y>
struct Pairs {
  X* source[kMaxBlockRows];
  Y* target[kMaxBlockRows];
  int32_t count = 0;

  // From the rows [begin, end) of y. Without a branch: which rows have a neighbor is more than a processor can guess.
  Pairs(X* x, Y* y, const int32_t* neighbors, const Sizes& s, int32_t k, int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      const int32_t j = neighbors[m * s.kernel + k];
      source[count] = x + int64_t{std::max(j, 0)} * s.cin;
      target[count] = y + m * s.cout;
      count += j >= 0;
    }
  }
};

// Adds the contribution of one kernel cell to the rows of a block, one tile of columns at a time.
template <typename T>
struct AddCell {
  const Pairs<const T, T>& pairs;
  const T* weights;
  int32_t cin, cout;

  template <int Lanes, int Width>
  void run(int32_t column) const {
    constexpr int Rows = ocnn::tile_rows(Width);
    int32_t p = 0;
    for (; p + Rows <= pairs.count; p += Rows) step<Lanes, Width, Rows>(p, column);
    for (; p + 2 <= pairs.count; p += 2) step<Lanes, Width, 2>(p, column);
    for (; p < pairs.count; ++p) step<Lanes, Width, 1>(p, column);
  }

  template <int Lanes, int Width, int Rows>
  void step(int32_t p, int32_t column) const {
    T* y[Rows];
    for (int r = 0; r < Rows; ++r) y[r] = pairs.target[p + r] + column;
    ocnn::multiply_rows<T, Lanes, Width, Rows>(pairs.source + p, weights + column, cout, cin, y);
  }
};

template <typename T>
void conv(const ocnn_executor* stream, const T* x, const T* weights, const int32_t* neighbors, const Sizes& s, T* y) {
  const int64_t blocks = (s.num_out + kBlockRows - 1) / kBlockRows;
  ocnn::parallel_for(stream, blocks, 4, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) {
      const int64_t begin = b * kBlockRows, end = std::min(begin + kBlockRows, s.num_out);
      std::fill(y + begin * s.cout, y + end * s.cout, T{0});
      for (int32_t k = 0; k < s.kernel; ++k) {
        const Pairs<const T, T> pairs(x, y, neighbors, s, k, begin, end);
        ocnn::for_column_tiles<T>(s.cout, AddCell<T>{pairs, weights + int64_t{k} * s.cin * s.cout, s.cin, s.cout});
      }
    }
  });
}

// Adds the outer products of pairs of rows to the gradient of one kernel cell.
template <typename T>
struct AddOuterProducts {
  const Pairs<const T, const T>& pairs;
  int32_t cin, cout;
  T* grad;

  template <int Lanes, int Width>
  void run(int32_t column) const {
    ocnn::accumulate_outer_column<T, Lanes, Width>(pairs.source, pairs.target, pairs.count, 0, cin, column,
                                                   grad + column, cout);
  }
};

// The gradients of the kernel cells [first, last) summed over the rows [begin, end).
template <typename T>
void grad_cells(const T* x, const T* grad_y, const int32_t* neighbors, const Sizes& s, int32_t first, int32_t last,
                int64_t begin, int64_t end, T* grad) {
  const int64_t size = int64_t{s.cin} * s.cout;
  std::fill(grad, grad + (last - first) * size, T{0});
  for (; begin < end; begin += kGradientRows) {
    for (int32_t k = first; k < last; ++k) {
      const Pairs<const T, const T> pairs(x, grad_y, neighbors, s, k, begin, std::min(begin + kGradientRows, end));
      ocnn::for_column_tiles<T>(s.cout, AddOuterProducts<T>{pairs, s.cin, s.cout, grad + (k - first) * size});
    }
  }
}

int64_t num_chunks(int64_t num_out) { return std::max<int64_t>(1, (num_out + kChunkRows - 1) / kChunkRows); }

template <typename T>
void grad_weights(const ocnn_executor* stream, const T* x, const T* grad_y, const int32_t* neighbors, const Sizes& s,
                  T* grad, T* workspace) {
  const int64_t chunks = num_chunks(s.num_out), cell = int64_t{s.cin} * s.cout;
  T* partial = chunks == 1 ? grad : workspace;
  ocnn::parallel_for(stream, chunks * s.kernel, 1, [&](int64_t first, int64_t last) {
    while (first < last) {
      const int64_t chunk = first / s.kernel, next = std::min(last, (chunk + 1) * s.kernel);
      const int64_t begin = chunk * kChunkRows, end = std::min(begin + kChunkRows, s.num_out);
      grad_cells(x, grad_y, neighbors, s, static_cast<int32_t>(first % s.kernel),
                 static_cast<int32_t>(first % s.kernel + next - first), begin, end, partial + first * cell);
      first = next;
    }
  });
  if (chunks == 1) return;
  std::copy(partial, partial + s.weights(), grad);
  for (int64_t c = 1; c < chunks; ++c)
    for (int64_t i = 0; i < s.weights(); ++i) grad[i] += partial[c * s.weights() + i];
}

int64_t size_of(int32_t dtype) { return dtype == OCNN_FLOAT64 ? sizeof(double) : sizeof(float); }

}  // namespace

int ocnn_octree_conv_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const void* weights,
                         const int32_t* neighbors, int64_t num_in, int64_t num_out, int32_t kernel, int32_t cin,
                         int32_t cout, void* y) {
  const Sizes s{num_in, num_out, kernel, cin, cout};
  if (!s.valid()) return OCNN_INVALID_ARGUMENT;
  auto run = [&](auto zero) {
    using T = decltype(zero);
    conv(stream, static_cast<const T*>(x), static_cast<const T*>(weights), neighbors, s, static_cast<T*>(y));
    return static_cast<int>(OCNN_OK);
  };
  if (dtype == OCNN_FLOAT32) return run(0.0f);
  if (dtype == OCNN_FLOAT64) return run(0.0);
  return OCNN_INVALID_ARGUMENT;
}

int64_t ocnn_octree_conv_grad_weights_workspace_bytes(int32_t dtype, int64_t num_out, int32_t kernel, int32_t cin,
                                                      int32_t cout) {
  const int64_t chunks = num_chunks(num_out);
  return chunks == 1 ? 0 : chunks * kernel * cin * cout * size_of(dtype);
}

int ocnn_octree_conv_grad_weights_cpu(const ocnn_executor* stream, int32_t dtype, const void* x, const void* grad_y,
                                      const int32_t* neighbors, int64_t num_in, int64_t num_out, int32_t kernel,
                                      int32_t cin, int32_t cout, void* grad, void* workspace,
                                      int64_t workspace_bytes) {
  const Sizes s{num_in, num_out, kernel, cin, cout};
  if (!s.valid()) return OCNN_INVALID_ARGUMENT;
  if (workspace_bytes < ocnn_octree_conv_grad_weights_workspace_bytes(dtype, num_out, kernel, cin, cout))
    return OCNN_INVALID_ARGUMENT;
  auto run = [&](auto zero) {
    using T = decltype(zero);
    grad_weights(stream, static_cast<const T*>(x), static_cast<const T*>(grad_y), neighbors, s, static_cast<T*>(grad),
                 static_cast<T*>(workspace));
    return static_cast<int>(OCNN_OK);
  };
  if (dtype == OCNN_FLOAT32) return run(0.0f);
  if (dtype == OCNN_FLOAT64) return run(0.0);
  return OCNN_INVALID_ARGUMENT;
}
