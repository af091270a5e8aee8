// What device code may call: barriers, warp operations, atomics on integers, intrinsics.
#pragma once

constexpr int warpSize = 32;

inline void __syncthreads() { ocnn_emulation::block_barrier(false); }
inline int __syncthreads_count(int predicate) { return ocnn_emulation::block_barrier(predicate != 0).count; }
inline int __syncthreads_and(int predicate) { return ocnn_emulation::block_barrier(predicate != 0).all; }
inline int __syncthreads_or(int predicate) { return ocnn_emulation::block_barrier(predicate != 0).any; }
inline void __syncwarp(unsigned mask = 0xffffffffu) { ocnn_emulation::warp_exchange(mask, 0); }
inline void __threadfence() {}
inline void __threadfence_block() {}

namespace ocnn_emulation {

template <typename T>
uint64_t to_bits(T value) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}

template <typename T>
T from_bits(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

// The value of lane `source`, which is counted within the caller's segment of `width` lanes; the own value, as on a
// GPU, where `source` lies outside of it.
template <typename T>
T shuffle(unsigned mask, T value, int source, int width) {
  const int first = lane() / width * width;
  const uint64_t* seen = warp_exchange(mask, to_bits(value));
  return source < 0 || source >= width ? value : from_bits<T>(seen[first + source]);
}

template <typename T, typename Join>
T reduce(unsigned mask, T value, Join join) {
  const uint64_t* seen = warp_exchange(mask, to_bits(value));
  bool first = true;
  for (int i = 0; i < kLanes; ++i) {
    if (!(mask >> i & 1)) continue;
    value = first ? from_bits<T>(seen[i]) : join(value, from_bits<T>(seen[i]));
    first = false;
  }
  return value;
}

}  // namespace ocnn_emulation

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  return ocnn_emulation::shuffle(mask, value, source & (width - 1), width);
}

template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return ocnn_emulation::shuffle(mask, value, ocnn_emulation::lane() % width - static_cast<int>(delta), width);
}

template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return ocnn_emulation::shuffle(mask, value, ocnn_emulation::lane() % width + static_cast<int>(delta), width);
}

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
  return ocnn_emulation::shuffle(mask, value, (ocnn_emulation::lane() % width) ^ bits, width);
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
  const uint64_t* seen = ocnn_emulation::warp_exchange(mask, predicate != 0);
  unsigned ballot = 0;
  for (int i = 0; i < ocnn_emulation::kLanes; ++i) ballot |= static_cast<unsigned>(seen[i]) << i;
  return ballot;
}

inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }

template <typename T>
unsigned __match_any_sync(unsigned mask, T value) {
  const uint64_t own = ocnn_emulation::to_bits(value);
  const uint64_t* seen = ocnn_emulation::warp_exchange(mask, own);
  unsigned equal = 0;
  for (int i = 0; i < ocnn_emulation::kLanes; ++i) equal |= unsigned{(mask >> i & 1) && seen[i] == own} << i;
  return equal;
}

#if __CUDA_ARCH__ >= 800
template <typename T>
T __reduce_add_sync(unsigned mask, T value) {
  return ocnn_emulation::reduce(mask, value, [](T a, T b) { return a + b; });
}
template <typename T>
T __reduce_min_sync(unsigned mask, T value) {
  return ocnn_emulation::reduce(mask, value, [](T a, T b) { return std::min(a, b); });
}
template <typename T>
T __reduce_max_sync(unsigned mask, T value) {
  return ocnn_emulation::reduce(mask, value, [](T a, T b) { return std::max(a, b); });
}
#endif

template <typename T>
T ocnn_atomic(T* address, T (*join)(T, T), T value) {
  static_assert(std::is_integral_v<T>, "no atomics on floats: results would depend on the order");
  const T old = *address;
  *address = join(old, value);
  return old;
}

#define OCNN_ATOMIC(name, expression)                                             \
  template <typename T, typename V>                                               \
  T name(T* address, V value) {                                                   \
    return ocnn_atomic<T>(address, [](T a, T b) { return static_cast<T>(expression); }, static_cast<T>(value)); \
  }
OCNN_ATOMIC(atomicAdd, a + b)
OCNN_ATOMIC(atomicSub, a - b)
OCNN_ATOMIC(atomicMin, std::min(a, b))
OCNN_ATOMIC(atomicMax, std::max(a, b))
OCNN_ATOMIC(atomicOr, a | b)
OCNN_ATOMIC(atomicAnd, a& b)
OCNN_ATOMIC(atomicXor, a ^ b)
#undef OCNN_ATOMIC

template <typename T>
T atomicExch(T* address, T value) {
  const T old = *address;
  *address = value;
  return old;
}

template <typename T>
T atomicCAS(T* address, T expected, T value) {
  const T old = *address;
  if (old == expected) *address = value;
  return old;
}

using std::max;
using std::min;

template <typename T>
T __ldg(const T* pointer) {
  return *pointer;
}

// Rounded one by one, whatever the compiler would fuse.
inline float __fmul_rn(float a, float b) {
  volatile float product = a * b;
  return product;
}
inline float __fadd_rn(float a, float b) {
  volatile float sum = a + b;
  return sum;
}
inline float __fsub_rn(float a, float b) { return __fadd_rn(a, -b); }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __dmul_rn(double a, double b) {
  volatile double product = a * b;
  return product;
}
inline double __dadd_rn(double a, double b) {
  volatile double sum = a + b;
  return sum;
}
inline double __dsub_rn(double a, double b) { return __dadd_rn(a, -b); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline float rsqrtf(float a) { return 1.0f / std::sqrt(a); }
inline double rsqrt(double a) { return 1.0 / std::sqrt(a); }
inline float __saturatef(float a) { return std::fmin(std::fmax(a, 0.0f), 1.0f); }
inline float __int_as_float(int a) { return ocnn_emulation::from_bits<float>(static_cast<unsigned>(a)); }
inline float __uint_as_float(unsigned a) { return ocnn_emulation::from_bits<float>(a); }
inline int __float_as_int(float a) { return ocnn_emulation::from_bits<int>(ocnn_emulation::to_bits(a)); }
inline unsigned __float_as_uint(float a) { return static_cast<unsigned>(ocnn_emulation::to_bits(a)); }
inline int __float2int_rd(float a) { return static_cast<int>(std::floor(a)); }
inline int __float2int_rn(float a) { return static_cast<int>(std::nearbyint(a)); }
inline int __clz(int a) { return a == 0 ? 32 : __builtin_clz(static_cast<unsigned>(a)); }
inline int __clzll(long long a) { return a == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(a)); }
inline int __ffs(int a) { return __builtin_ffs(a); }
inline int __popc(unsigned a) { return __builtin_popcount(a); }
inline int __popcll(unsigned long long a) { return __builtin_popcountll(a); }
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>(uint64_t{a} * b >> 32); }
