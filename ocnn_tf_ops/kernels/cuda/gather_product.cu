#include "gather_product.h"

#include <algorithm>

#include "tile_product.cuh"
#include "workspace.h"

namespace {

using ocnn::GatheredRows;
using ocnn::kTileThreads;
using ocnn::Matrix;

constexpr int64_t kWantedBlocks = 512;  // of a gradient: enough for the multiprocessors of a large card
constexpr int64_t kMostChunkRows = 1 << 16;
constexpr int kBatch = 4 * kTileThreads;  // rows whose neighbors are looked up at a time
constexpr int kWarps = kTileThreads / 32;

template <typename Number, int columns>
using ProductShape = ocnn::TileShape<Number, 128, columns, false>;
template <typename Number>
using GradShape = ocnn::TileShape<Number, 64, 64, true>;

__host__ __device__ int64_t tiles_of(int64_t size, int64_t tile) { return (size + tile - 1) / tile; }

template <typename T>
__device__ Matrix<T> matrix_of(const GatheredRows& left) {
  return Matrix<T>(static_cast<const T*>(left.data), left.width);
}

// The row of its matrix that stands in row `m` of part `part`; -1 for none.
__device__ int32_t source_row(const GatheredRows& left, int part, int64_t m) {
  const int32_t row = left.table[m * left.num_parts + part];
  return row >= 0 && row < left.num_rows ? row : -1;
}

// The slices of a tile of y: part after part, the columns of the part from left to right. Parts of which no row of the
// tile has anything are left out.
template <typename Shape>
class ProductSteps {
  using T = typename Shape::T;

 public:
  __device__ ProductSteps(const GatheredRows& left, const T* weights, int64_t columns, int64_t first_row,
                          int64_t first_column, int32_t* rows)
      : left_(left), weights_(weights, columns), first_row_(first_row), first_column_(first_column), rows_(rows) {}

  __device__ bool next() {
    begin_ += Shape::kDepth;
    if (part_ >= 0 && begin_ < left_.width) return true;
    begin_ = 0;
    while (++part_ < left_.num_parts) {
      if (find_rows()) return true;
    }
    return false;
  }

  __device__ void load(T* left, T* right) const {
    ocnn::copy_lines<Shape::kRows, Shape::kDepth, Shape::kLeftStride>(
        matrix_of<T>(left_), begin_, [&](int line) -> int64_t { return rows_[line]; }, left);
    const auto weights_row = [&](int line) -> int64_t {
      return begin_ + line < left_.width ? part_ * left_.width + begin_ + line : -1;
    };
    ocnn::copy_lines<Shape::kDepth, Shape::kColumns, Shape::kRightStride>(weights_, first_column_, weights_row, right);
  }

 private:
  // Looks up the rows of the present part; false if all are missing.
  __device__ bool find_rows() {
    bool any = false;
    for (int r = threadIdx.x; r < Shape::kRows; r += kTileThreads) {
      const int64_t m = first_row_ + r;
      rows_[r] = m < left_.rows ? source_row(left_, part_, m) : -1;
      any = any || rows_[r] >= 0;
    }
    return __syncthreads_or(any);
  }

  const GatheredRows& left_;
  const Matrix<T> weights_;
  const int64_t first_row_, first_column_;
  int32_t* const rows_;  // [Shape::kRows], shared
  int part_ = -1;
  int64_t begin_ = 0;
};

template <typename Shape>
__global__ void __launch_bounds__(kTileThreads)
    multiply(const GatheredRows left, const typename Shape::T* weights, int64_t columns, typename Shape::T* y) {
  using T = typename Shape::T;
  unsigned char* memory = ocnn::dynamic_shared<unsigned char>();
  const int64_t across = tiles_of(columns, Shape::kColumns);  // neighbors in the grid share rows
  const int64_t first_row = blockIdx.x / across * Shape::kRows, first_column = blockIdx.x % across * Shape::kColumns;
  ProductSteps<Shape> steps(left, weights, columns, first_row, first_column,
                            reinterpret_cast<int32_t*>(memory + Shape::kSharedBytes));
  ocnn::BlockTile<Shape> tile;
  ocnn::multiply_steps<Shape>(steps, reinterpret_cast<T*>(memory), tile);
  tile.for_each(memory, [&](int row, int column, typename Shape::Sum sum) {
    const int64_t m = first_row + row, n = first_column + column;
    if (m < left.rows && n < columns) y[m * columns + n] = ocnn::narrow<T>(sum);
  });
}

// Which sums a block of the gradient has: columns of one part times columns of grad_y, over a chunk of rows.
struct GradBlock {
  int part;
  int64_t first_row, first_column;  // of the tile, within the part
  int64_t begin, end;               // the chunk
};

template <typename Shape>
__device__ GradBlock grad_block(const GatheredRows& left, int64_t columns, int64_t chunk_rows) {
  GradBlock block;
  const int64_t across = tiles_of(columns, Shape::kColumns);
  const int64_t tile = blockIdx.x / across, tiles = tiles_of(left.width, Shape::kRows);
  block.part = static_cast<int>(tile / tiles);
  block.first_row = tile % tiles * Shape::kRows;
  block.first_column = blockIdx.x % across * Shape::kColumns;
  block.begin = blockIdx.y * chunk_rows;
  block.end = block.begin + chunk_rows < left.rows ? block.begin + chunk_rows : left.rows;
  return block;
}

// Pairs of a row of the matrix and the row of grad_y it meets, and how many a warp has found.
struct Pairs {
  int32_t sources[kBatch];
  int32_t targets[kBatch];  // counted from the first row of the batch
  int32_t of_warp[kWarps];
};

// The slices of a tile of the gradient: batches of rows of the chunk, without those that have no neighbor.
template <typename Shape>
class GradSteps {
  using T = typename Shape::T;

 public:
  __device__ GradSteps(const GatheredRows& left, const T* grad_y, int64_t columns, const GradBlock& block, Pairs* pairs)
      : left_(left), grad_y_(grad_y, columns), block_(block), pairs_(pairs), batch_end_(block.begin) {}

  __device__ bool next() {
    first_ += Shape::kDepth;
    while (first_ >= count_) {
      if (batch_end_ >= block_.end) return false;
      find_pairs();
      first_ = 0;
    }
    return true;
  }

  __device__ void load(T* left, T* right) const {
    const auto source = [&](int line) -> int64_t { return valid(line) ? pairs_->sources[first_ + line] : -1; };
    const auto target = [&](int line) -> int64_t {
      return valid(line) ? batch_begin_ + pairs_->targets[first_ + line] : -1;
    };
    ocnn::copy_lines<Shape::kDepth, Shape::kRows, Shape::kLeftStride>(matrix_of<T>(left_), block_.first_row,
                                                                      source, left);
    ocnn::copy_lines<Shape::kDepth, Shape::kColumns, Shape::kRightStride>(grad_y_, block_.first_column, target, right);
  }

 private:
  __device__ bool valid(int line) const { return first_ + line < count_; }

  // The pairs of the next batch, in the order of the rows.
  __device__ void find_pairs() {
    batch_begin_ = batch_end_;
    batch_end_ = batch_begin_ + kBatch < block_.end ? batch_begin_ + kBatch : block_.end;
    count_ = 0;
    for (int64_t first = batch_begin_; first < batch_end_; first += kTileThreads) {
      const int64_t m = first + threadIdx.x;
      append(m < batch_end_ ? source_row(left_, block_.part, m) : -1, static_cast<int32_t>(m - batch_begin_));
    }
    __syncthreads();
  }

  __device__ void append(int32_t source, int32_t target) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const unsigned found = __ballot_sync(0xffffffffu, source >= 0);
    if (lane == 0) pairs_->of_warp[warp] = __popc(found);
    __syncthreads();
    int32_t at = count_ + __popc(found & ((1u << lane) - 1));
    for (int w = 0; w < kWarps; ++w) {
      if (w < warp) at += pairs_->of_warp[w];
      count_ += pairs_->of_warp[w];
    }
    if (source >= 0) {
      pairs_->sources[at] = source;
      pairs_->targets[at] = target;
    }
    __syncthreads();
  }

  const GatheredRows& left_;
  const Matrix<T> grad_y_;
  const GradBlock& block_;
  Pairs* const pairs_;  // shared
  int64_t batch_begin_ = 0, batch_end_;
  int32_t first_ = 0, count_ = 0;
};

// partial [chunks, height, columns]
template <typename Shape>
__global__ void __launch_bounds__(kTileThreads)
    multiply_grad(const GatheredRows left, const typename Shape::T* grad_y, int64_t columns, int64_t chunk_rows,
                  typename Shape::Sum* partial) {
  using T = typename Shape::T;
  unsigned char* memory = ocnn::dynamic_shared<unsigned char>();
  const GradBlock block = grad_block<Shape>(left, columns, chunk_rows);
  GradSteps<Shape> steps(left, grad_y, columns, block, reinterpret_cast<Pairs*>(memory + Shape::kSharedBytes));
  ocnn::BlockTile<Shape> tile;
  ocnn::multiply_steps<Shape>(steps, reinterpret_cast<T*>(memory), tile);
  auto* const target = partial + (blockIdx.y * left.height() + block.part * left.width) * columns;
  tile.for_each(memory, [&](int row, int column, typename Shape::Sum sum) {
    const int64_t i = block.first_row + row, n = block.first_column + column;
    if (i < left.width && n < columns) target[i * columns + n] = sum;
  });
}

template <typename T>
__global__ void add_chunks(const ocnn::Accumulator<T>* partial, int64_t chunks, int64_t size, T* grad) {
  ocnn::grid_stride(size, [=](int64_t i) {
    ocnn::Accumulator<T> sum = partial[i];
    for (int64_t chunk = 1; chunk < chunks; ++chunk) sum += partial[chunk * size + i];
    grad[i] = ocnn::narrow<T>(sum);
  });
}

// How many chunks the rows are cut into: enough blocks for a card, none of less than a batch.
int64_t num_chunks(int64_t rows, int64_t height, int64_t columns) {
  const int64_t tiles = tiles_of(height, 64) * tiles_of(columns, 64);
  const int64_t wanted = std::max((kWantedBlocks + tiles - 1) / tiles, (rows + kMostChunkRows - 1) / kMostChunkRows);
  return std::max<int64_t>(1, std::min(wanted, rows / kBatch));
}

bool valid(const GatheredRows& left, int64_t columns) {
  if (left.rows < 0 || left.rows > INT32_MAX || left.num_rows < 0) return false;
  if (left.num_parts < 1 || columns < 1 || columns > INT32_MAX) return false;
  return left.width >= 1 && left.width <= INT32_MAX;
}

// body(Number{}) for the numbers that a product of `dtype` multiplies.
template <typename Body>
int dispatch_number(int32_t dtype, const Body& body) {
  switch (dtype) {
    case OCNN_FLOAT32:
      return body(float{});
    case OCNN_FLOAT64:
      return body(double{});
    case OCNN_FLOAT16:
      return body(__half{});
    case OCNN_BFLOAT16:
      return body(__nv_bfloat16{});
    case OCNN_TF32:
      return body(ocnn::Tf32{});
    default:
      return OCNN_INVALID_ARGUMENT;
  }
}

int64_t sum_bytes(int32_t dtype) { return dtype == OCNN_FLOAT64 ? sizeof(double) : sizeof(float); }

template <typename Shape>
int enqueue_product(ocnn_cuda_stream stream, const GatheredRows& left, const void* weights, int64_t columns, void* y) {
  using T = typename Shape::T;
  const int64_t blocks = tiles_of(left.rows, Shape::kRows) * tiles_of(columns, Shape::kColumns);
  if (blocks > INT32_MAX) return OCNN_INVALID_ARGUMENT;
  return ocnn::launch(multiply<Shape>, static_cast<unsigned>(blocks), kTileThreads,
                      Shape::kSharedBytes + Shape::kRows * sizeof(int32_t), stream, left,
                      static_cast<const T*>(weights), columns, static_cast<T*>(y));
}

template <typename Shape>
int enqueue_grad(ocnn_cuda_stream stream, const GatheredRows& left, const void* grad_y, int64_t columns,
                 void* workspace, void* grad) {
  using T = typename Shape::T;
  const int64_t height = left.height();
  const int64_t tiles = left.num_parts * tiles_of(left.width, Shape::kRows) * tiles_of(columns, Shape::kColumns);
  if (tiles > INT32_MAX) return OCNN_INVALID_ARGUMENT;
  const int64_t chunks = num_chunks(left.rows, height, columns), chunk_rows = tiles_of(left.rows, chunks);
  const dim3 grid(static_cast<unsigned>(tiles), static_cast<unsigned>(chunks));
  auto* const partial = static_cast<typename Shape::Sum*>(workspace);
  if (const int status =
          ocnn::launch(multiply_grad<Shape>, grid, kTileThreads, Shape::kSharedBytes + sizeof(Pairs), stream, left,
                       static_cast<const T*>(grad_y), columns, chunk_rows, partial)) {
    return status;
  }
  return ocnn::launch_over(height * columns, add_chunks<T>, stream, partial, chunks, height * columns,
                           static_cast<T*>(grad));
}

}  // namespace

namespace ocnn {

int gather_product(ocnn_cuda_stream stream, int32_t dtype, const GatheredRows& left, const void* weights,
                   int64_t columns, void* y) {
  if (!valid(left, columns)) return OCNN_INVALID_ARGUMENT;
  return dispatch_number(dtype, [&](auto number) {
    using Number = decltype(number);
    const auto enqueue =
        columns <= 32 ? enqueue_product<ProductShape<Number, 32>> : enqueue_product<ProductShape<Number, 64>>;
    return enqueue(stream, left, weights, columns, y);
  });
}

int64_t gather_product_grad_workspace_bytes(int32_t dtype, int64_t rows, int64_t height, int64_t columns) {
  return num_chunks(rows, height, columns) * height * columns * sum_bytes(dtype);
}

int gather_product_grad(ocnn_cuda_stream stream, int32_t dtype, const GatheredRows& left, const void* grad_y,
                        int64_t columns, void* grad, void* workspace, int64_t workspace_bytes) {
  if (!valid(left, columns)) return OCNN_INVALID_ARGUMENT;
  if (workspace_bytes < gather_product_grad_workspace_bytes(dtype, left.rows, left.height(), columns)) {
    return OCNN_INVALID_ARGUMENT;
  }
  return dispatch_number(dtype, [&](auto number) {
    return enqueue_grad<GradShape<decltype(number)>>(stream, left, grad_y, columns, workspace, grad);
  });
}

}  // namespace ocnn
