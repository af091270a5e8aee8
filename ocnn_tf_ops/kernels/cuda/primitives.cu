#include "primitives.h"

#include <cub/device/device_radix_sort.cuh>

#include <algorithm>

#include "launch.cuh"
#include "workspace.h"

namespace {

constexpr int kMaxChunks = 1024;  // of an array that is scanned or reduced, each for a block
constexpr int kWarps = ocnn::kBlock / 32;

bool valid_count(int64_t count) { return count >= 0 && count <= INT32_MAX; }

// Items a block sees to, so that there are at most kMaxChunks blocks, and few for few items.
int64_t chunk_size(int64_t count) {
  constexpr int64_t kLeast = 8 * ocnn::kBlock;
  return std::max(kLeast, (count + kMaxChunks - 1) / kMaxChunks);
}

unsigned num_chunks(int64_t count) {
  const int64_t chunk = chunk_size(count);
  return static_cast<unsigned>((count + chunk - 1) / chunk);
}

struct Add {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

struct Larger {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a < b ? b : a;
  }
};

// results[block] = x[first], x[first + 1], ... of the block's chunk joined, `identity` for none.
template <typename Join, typename T, typename Result>
__global__ void reduce_chunks(const T* x, int64_t count, int64_t chunk, Result identity, Result* results) {
  __shared__ Result of_warp[kWarps];
  const Join join;
  const int64_t first = blockIdx.x * chunk, last = first + chunk < count ? first + chunk : count;
  Result result = identity;
  for (int64_t i = first + threadIdx.x; i < last; i += blockDim.x) result = join(result, static_cast<Result>(x[i]));
  for (int step = 16; step > 0; step /= 2) result = join(result, __shfl_down_sync(0xffffffffu, result, step));
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = result;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int warp = 1; warp < kWarps; ++warp) result = join(result, of_warp[warp]);
  results[blockIdx.x] = result;
}

// The sum of `value` over the threads before this one and, into `total`, over all of the block.
template <typename T>
__device__ T block_exclusive_sum(T value, T* total) {
  __shared__ T of_warp[kWarps];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  T sum = value;
  for (int step = 1; step < 32; step *= 2) {
    const T before = __shfl_up_sync(0xffffffffu, sum, step);
    if (lane >= step) sum += before;
  }
  __syncthreads();  // of_warp has been read by all when there was a tile before this one
  if (lane == 31) of_warp[warp] = sum;
  __syncthreads();
  T before = 0, all = 0;
  for (int i = 0; i < kWarps; ++i) {
    if (i < warp) before += of_warp[i];
    all += of_warp[i];
  }
  *total = all;
  return before + sum - value;
}

// sums[i] of the block's chunk, counted from offsets[block] (null: 0). x and sums may be the same array.
template <typename T>
__global__ void scan_chunks(const T* x, int64_t count, int64_t chunk, const T* offsets, bool inclusive, T* sums) {
  const int64_t first = blockIdx.x * chunk, last = first + chunk < count ? first + chunk : count;
  T offset = offsets == nullptr ? T{0} : offsets[blockIdx.x];
  for (int64_t tile = first; tile < last; tile += blockDim.x) {
    const int64_t i = tile + threadIdx.x;
    const T value = i < last ? x[i] : T{0};
    T total;
    const T before = offset + block_exclusive_sum(value, &total);
    if (i < last) sums[i] = inclusive ? before + value : before;
    offset += total;
  }
}

// Sums of chunks, their scan, and the scan of every chunk from there.
template <typename T>
int scan(ocnn_cuda_stream stream, const T* x, int64_t count, bool inclusive, T* sums, void* workspace,
         int64_t workspace_bytes) {
  if (count < 0 || workspace_bytes < ocnn::scan_workspace_bytes(count)) return OCNN_INVALID_ARGUMENT;
  const int64_t chunk = chunk_size(count);
  const unsigned chunks = num_chunks(count);
  T* offsets = static_cast<T*>(workspace);
  if (const int status = ocnn::launch(reduce_chunks<Add, T, T>, chunks, ocnn::kBlock, 0, stream, x, count, chunk, T{0},
                                      offsets)) {
    return status;
  }
  if (const int status = ocnn::launch(scan_chunks<T>, chunks > 0, ocnn::kBlock, 0, stream, offsets, int64_t{chunks},
                                      int64_t{kMaxChunks}, nullptr, false, offsets)) {
    return status;
  }
  return ocnn::launch(scan_chunks<T>, chunks, ocnn::kBlock, 0, stream, x, count, chunk, offsets, inclusive, sums);
}

template <typename Join, typename Result>
int reduce(ocnn_cuda_stream stream, const int32_t* x, int64_t count, Result identity, Result* result, void* workspace,
           int64_t workspace_bytes) {
  if (count < 0 || workspace_bytes < ocnn::reduce_workspace_bytes(count)) return OCNN_INVALID_ARGUMENT;
  Result* of_chunk = static_cast<Result*>(workspace);
  const unsigned chunks = num_chunks(count);
  if (const int status = ocnn::launch(reduce_chunks<Join, int32_t, Result>, chunks, ocnn::kBlock, 0, stream, x, count,
                                      chunk_size(count), identity, of_chunk)) {
    return status;
  }
  return ocnn::launch(reduce_chunks<Join, Result, Result>, 1, ocnn::kBlock, 0, stream, of_chunk, int64_t{chunks},
                      int64_t{kMaxChunks}, identity, result);
}

// A call of CUB's sort; with a null `temporary` it only says how many bytes it wants there.
cudaError_t sort(void* temporary, size_t* bytes, const uint64_t* keys, const int32_t* values, int64_t count,
                 int begin_bit, int end_bit, uint64_t* sorted_keys, int32_t* sorted_values, cudaStream_t stream) {
  const cudaError_t error =
      cub::DeviceRadixSort::SortPairs(temporary, *bytes, keys, sorted_keys, values, sorted_values,
                                      static_cast<int>(count), begin_bit, end_bit, stream);
  if (error != cudaSuccess) cudaGetLastError();
  return error;
}

struct Groups {
  uint64_t* keys;
  uint64_t* sorted_keys;
  int32_t* positions;
  char* sort;
};

Groups layout(ocnn::Workspace& memory, int64_t count, int64_t sort_bytes) {
  Groups groups;
  groups.keys = memory.take<uint64_t>(count);
  groups.sorted_keys = memory.take<uint64_t>(count);
  groups.positions = memory.take<int32_t>(count);
  groups.sort = memory.take<char>(sort_bytes);
  return groups;
}

// Indices out of range get the key `num_rows` and so the end of the order.
__global__ void make_keys(const int32_t* index, int64_t count, int64_t num_rows, uint64_t* keys, int32_t* positions) {
  ocnn::grid_stride(count, [=](int64_t i) {
    const bool valid = index[i] >= 0 && index[i] < num_rows;
    keys[i] = static_cast<uint64_t>(valid ? index[i] : num_rows);
    positions[i] = static_cast<int32_t>(i);
  });
}

// starts[r] = the first position whose key is at least r.
__global__ void find_starts(const uint64_t* sorted_keys, int64_t count, int64_t num_rows, int32_t* starts) {
  ocnn::grid_stride(num_rows + 1, [=](int64_t row) {
    int64_t low = 0, high = count;
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (static_cast<int64_t>(sorted_keys[middle]) < row) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    starts[row] = static_cast<int32_t>(low);
  });
}

int bit_width(int64_t value) {
  int bits = 1;
  while (value >> bits) ++bits;
  return bits;
}

}  // namespace

namespace ocnn {

int64_t sort_pairs_workspace_bytes(int64_t count) {
  size_t bytes = 0;
  const cudaError_t error = sort(nullptr, &bytes, nullptr, nullptr, count, 0, 64, nullptr, nullptr, nullptr);
  return error == cudaSuccess ? static_cast<int64_t>(bytes) : 0;
}

int sort_pairs(ocnn_cuda_stream stream, const uint64_t* keys, const int32_t* values, int64_t count, int begin_bit,
               int end_bit, uint64_t* sorted_keys, int32_t* sorted_values, void* workspace, int64_t workspace_bytes) {
  if (!valid_count(count) || begin_bit < 0 || begin_bit >= end_bit || end_bit > 64) return OCNN_INVALID_ARGUMENT;
  if (count == 0) return OCNN_OK;
  size_t bytes = 0;
  if (const cudaError_t error = sort(nullptr, &bytes, keys, values, count, begin_bit, end_bit, sorted_keys,
                                     sorted_values, stream)) {
    return status_of(error);
  }
  if (workspace == nullptr || static_cast<int64_t>(bytes) > workspace_bytes) return OCNN_INVALID_ARGUMENT;
  return status_of(
      sort(workspace, &bytes, keys, values, count, begin_bit, end_bit, sorted_keys, sorted_values, stream));
}

int64_t scan_workspace_bytes(int64_t) { return kMaxChunks * static_cast<int64_t>(sizeof(int64_t)); }

int exclusive_sum(ocnn_cuda_stream stream, const int32_t* x, int64_t count, int32_t* sums, void* workspace,
                  int64_t workspace_bytes) {
  return scan(stream, x, count, false, sums, workspace, workspace_bytes);
}

int exclusive_sum(ocnn_cuda_stream stream, const int64_t* x, int64_t count, int64_t* sums, void* workspace,
                  int64_t workspace_bytes) {
  return scan(stream, x, count, false, sums, workspace, workspace_bytes);
}

int inclusive_sum(ocnn_cuda_stream stream, const int32_t* x, int64_t count, int32_t* sums, void* workspace,
                  int64_t workspace_bytes) {
  return scan(stream, x, count, true, sums, workspace, workspace_bytes);
}

int64_t reduce_workspace_bytes(int64_t count) { return scan_workspace_bytes(count); }

int reduce_sum(ocnn_cuda_stream stream, const int32_t* x, int64_t count, int64_t* sum, void* workspace,
               int64_t workspace_bytes) {
  return reduce<Add, int64_t>(stream, x, count, 0, sum, workspace, workspace_bytes);
}

int reduce_max(ocnn_cuda_stream stream, const int32_t* x, int64_t count, int32_t* maximum, void* workspace,
               int64_t workspace_bytes) {
  return reduce<Larger, int32_t>(stream, x, count, INT32_MIN, maximum, workspace, workspace_bytes);
}

int64_t group_positions_workspace_bytes(int64_t count) {
  Workspace memory;
  layout(memory, count, sort_pairs_workspace_bytes(count));
  return memory.bytes();
}

int group_positions(ocnn_cuda_stream stream, const int32_t* index, int64_t count, int64_t num_rows, int32_t* order,
                    int32_t* starts, void* workspace, int64_t workspace_bytes) {
  if (!valid_count(count) || !valid_count(num_rows)) return OCNN_INVALID_ARGUMENT;
  const int64_t sort_bytes = sort_pairs_workspace_bytes(count);
  Workspace memory(workspace, workspace_bytes);
  const Groups groups = layout(memory, count, sort_bytes);
  if (!memory.fits()) return OCNN_INVALID_ARGUMENT;
  if (const int status = launch_over(count, make_keys, stream, index, count, num_rows, groups.keys, groups.positions)) {
    return status;
  }
  if (const int status = sort_pairs(stream, groups.keys, groups.positions, count, 0, bit_width(num_rows),
                                    groups.sorted_keys, order, groups.sort, sort_bytes)) {
    return status;
  }
  return launch_over(num_rows + 1, find_starts, stream, groups.sorted_keys, count, num_rows, starts);
}

}  // namespace ocnn
