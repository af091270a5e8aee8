// A stable radix sort of keys together with the rows they belong to.
#pragma once

#include <cstdint>
#include <utility>

namespace ocnn {

constexpr int32_t kDigitBits = 9;
constexpr int32_t kDigits = 1 << kDigitBits;

struct Sorted {
  uint64_t* keys;
  int32_t* rows;
};

// One stable pass.
inline void sort_by_digit(const Sorted& from, const Sorted& to, int64_t count, int32_t shift) {
  int32_t start[kDigits + 1] = {0};
  for (int64_t i = 0; i < count; ++i) ++start[(from.keys[i] >> shift & (kDigits - 1)) + 1];
  for (int32_t d = 0; d < kDigits; ++d) start[d + 1] += start[d];
  for (int64_t i = 0; i < count; ++i) {
    const int32_t position = start[from.keys[i] >> shift & (kDigits - 1)]++;
    to.keys[position] = from.keys[i];
    to.rows[position] = from.rows[i];
  }
}

inline int32_t sorting_passes(int32_t bits) { return (bits + kDigitBits - 1) / kDigitBits; }

// Which of the two `sort_by_key` reads: the result is to lie in `out`.
inline const Sorted& unsorted(const Sorted& out, const Sorted& scratch, int32_t bits) {
  return sorting_passes(bits) % 2 ? scratch : out;
}

// Sorts by the lowest `bits` of the keys.
inline void sort_by_key(const Sorted& out, const Sorted& scratch, int64_t count, int32_t bits) {
  const int32_t passes = sorting_passes(bits);
  Sorted from = passes % 2 ? scratch : out, to = passes % 2 ? out : scratch;
  for (int32_t pass = 0; pass < passes; ++pass, std::swap(from, to)) sort_by_digit(from, to, count, pass * kDigitBits);
}

}  // namespace ocnn
