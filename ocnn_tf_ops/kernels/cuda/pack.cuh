// Neighboring elements in memory that are read or written at once.
#pragma once

namespace ocnn {

constexpr int kPackBytes = 16;  // of the largest

template <typename T, int count>
struct alignas(count * sizeof(T) < kPackBytes ? count * sizeof(T) : kPackBytes) Pack {
  T items[count];
};

template <int count, typename T>
__device__ Pack<T, count> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T, count>*>(from);
}

template <typename T, int count>
__device__ void store_pack(const Pack<T, count>& pack, T* to) {
  *reinterpret_cast<Pack<T, count>*>(to) = pack;
}

}  // namespace ocnn
