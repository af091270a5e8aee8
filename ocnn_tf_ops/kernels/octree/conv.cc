#include "conv.h"

#include <algorithm>

#include "../parallel.h"
#include "micro_kernel.h"

namespace {

constexpr int64_t kBlockRows = 64;        // rows of y that stay in the first-level cache while all cells are added
constexpr int64_t kPairBlock = 64;        // pairs of rows whose outer products are summed in registers
constexpr int64_t kChunkRows = 1 << 15;   // rows summed into one partial gradient

struct Sizes {
  int64_t num_in, num_out;
  int32_t kernel, cin, cout;
  bool valid() const { return num_in >= 0 && num_out >= 0 && kernel > 0 && cin > 0 && cout > 0; }
  int64_t weights() const { return int64_t{kernel} * cin * cout; }
};

// The rows of one block that have a neighbor in one kernel cell: near a surface about half of them do not.
template <typename T>
struct Pairs {
  const T* source[kBlockRows];
  T* target[kBlockRows];
  int32_t count = 0;
};

template <typename T>
Pairs<T> collect_pairs(const T* x, T* y, const int32_t* neighbors, const Sizes& s, int32_t k, int64_t begin,
                       int64_t end) {
  Pairs<T> pairs;
  for (int64_t m = begin; m < end; ++m) {
    const int32_t j = neighbors[m * s.kernel + k];
    if (j < 0) continue;
    pairs.source[pairs.count] = x + int64_t{j} * s.cin;
    pairs.target[pairs.count++] = y + m * s.cout;
  }
  return pairs;
}

// Adds the contribution of one kernel cell to the rows of a block, one tile of columns at a time.
template <typename T>
struct AddCell {
  const Pairs<T>& pairs;
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
        const Pairs<T> pairs = collect_pairs(x, y, neighbors, s, k, begin, end);
        ocnn::for_column_tiles<T>(s.cout, AddCell<T>{pairs, weights + int64_t{k} * s.cin * s.cout, s.cin, s.cout});
      }
    }
  });
}

// Adds the outer products of a block of pairs to the gradient of one kernel cell.
template <typename T>
struct AddOuterProducts {
  const T* const* x;
  const T* const* grad_y;
  int32_t count, cin, cout;
  T* grad;

  template <int Lanes, int Width>
  void run(int32_t column) const {
    constexpr int Channels = ocnn::outer_rows(Width);
    int32_t i = 0;
    for (; i + Channels <= cin; i += Channels) tile<Lanes, Width, Channels>(i, column);
    for (; i < cin; ++i) tile<Lanes, Width, 1>(i, column);
  }

  template <int Lanes, int Width, int Channels>
  void tile(int32_t i, int32_t column) const {
    ocnn::accumulate_outer<T, Lanes, Width, Channels>(x, grad_y, count, i, column, grad + int64_t{i} * cout + column, cout);
  }
};

// The gradient of kernel cell k summed over the rows [begin, end).
template <typename T>
void grad_cell(const T* x, const T* grad_y, const int32_t* neighbors, const Sizes& s, int32_t k, int64_t begin,
               int64_t end, T* grad) {
  std::fill(grad, grad + int64_t{s.cin} * s.cout, T{0});
  const T *sources[kPairBlock], *targets[kPairBlock];
  int32_t count = 0;
  auto flush = [&] {
    ocnn::for_column_tiles<T>(s.cout, AddOuterProducts<T>{sources, targets, count, s.cin, s.cout, grad});
    count = 0;
  };
  for (int64_t m = begin; m < end; ++m) {
    const int32_t j = neighbors[m * s.kernel + k];
    if (j < 0) continue;
    sources[count] = x + int64_t{j} * s.cin;
    targets[count++] = grad_y + m * s.cout;
    if (count == kPairBlock) flush();
  }
  if (count > 0) flush();
}

int64_t num_chunks(int64_t num_out) { return std::max<int64_t>(1, (num_out + kChunkRows - 1) / kChunkRows); }

template <typename T>
void grad_weights(const ocnn_executor* stream, const T* x, const T* grad_y, const int32_t* neighbors, const Sizes& s,
                  T* grad, T* workspace) {
  const int64_t chunks = num_chunks(s.num_out), cell = int64_t{s.cin} * s.cout;
  T* partial = chunks == 1 ? grad : workspace;
  ocnn::parallel_for(stream, chunks * s.kernel, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task) {
      const int64_t begin = (task / s.kernel) * kChunkRows, end = std::min(begin + kChunkRows, s.num_out);
      grad_cell(x, grad_y, neighbors, s, static_cast<int32_t>(task % s.kernel), begin, end, partial + task * cell);
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
