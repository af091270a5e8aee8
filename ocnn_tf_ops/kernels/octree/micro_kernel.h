// Register-blocked inner loops of convolutions, written with the compiler's vector extension so that the same source
// becomes AVX-512, AVX2, SSE or NEON code. A tile has as many accumulators as the target's registers hold: with more,
// they would go to memory and back at every multiplication.
#pragma once

#include <cstdint>
#include <cstring>

namespace ocnn {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64, kRegisters = 32;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32, kRegisters = 16;
#else
constexpr int kVectorBytes = 16, kRegisters = 16;
#endif

constexpr int kTileWidth = kRegisters / 8;  // vectors side by side in the widest tiles

// Rows of a tile `width` vectors wide; a row of weights and a broadcast want registers as well.
constexpr int tile_rows(int width) { return width == kTileWidth ? 6 : 8; }

template <typename T, int Lanes>
struct Vector {
  typedef T type __attribute__((vector_size(sizeof(T) * Lanes)));
  static type load(const T* p) {
    type v;
    std::memcpy(&v, p, sizeof(v));
    return v;
  }
  static void store(T* p, const type& v) { std::memcpy(p, &v, sizeof(v)); }
};

template <typename T>
struct Vector<T, 1> {
  typedef T type;
  static type load(const T* p) { return *p; }
  static void store(T* p, type v) { *p = v; }
};

// y[r][0 : Width*Lanes] += sum over i < cin of x[r][i] * w[i * stride ...], for `Rows` scattered rows.
template <typename T, int Lanes, int Width, int Rows>
inline void multiply_rows(const T* const* x, const T* w, int64_t stride, int32_t cin, T* const* y) {
  using V = Vector<T, Lanes>;
  typename V::type acc[Rows][Width];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Width; ++v) acc[r][v] = V::load(y[r] + v * Lanes);
  for (int32_t i = 0; i < cin; ++i, w += stride) {
    typename V::type row[Width];
    for (int v = 0; v < Width; ++v) row[v] = V::load(w + v * Lanes);
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Width; ++v) acc[r][v] += x[r][i] * row[v];
  }
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Width; ++v) V::store(y[r] + v * Lanes, acc[r][v]);
}

// g[i * stride + 0 : Width*Lanes] += sum over rows r of x[r][i] * y[r][...], for i < Channels: one tile of a sum of
// outer products.
template <typename T, int Lanes, int Width, int Channels>
inline void accumulate_outer(const T* const* x, const T* const* y, int32_t rows, int32_t x_column, int32_t y_column,
                             T* g, int64_t stride) {
  using V = Vector<T, Lanes>;
  typename V::type acc[Channels][Width];
  for (int i = 0; i < Channels; ++i)
    for (int v = 0; v < Width; ++v) acc[i][v] = V::load(g + i * stride + v * Lanes);
  for (int32_t r = 0; r < rows; ++r) {
    const T* xr = x[r] + x_column;
    const T* yr = y[r] + y_column;
    typename V::type row[Width];
    for (int v = 0; v < Width; ++v) row[v] = V::load(yr + v * Lanes);
    for (int i = 0; i < Channels; ++i)
      for (int v = 0; v < Width; ++v) acc[i][v] += xr[i] * row[v];
  }
  for (int i = 0; i < Channels; ++i)
    for (int v = 0; v < Width; ++v) V::store(g + i * stride + v * Lanes, acc[i][v]);
}

// The tiles of accumulate_outer, as high as the registers allow and then ever lower, for the channels [i, channels).
template <typename T, int Lanes, int Width, int Channels = tile_rows(Width)>
inline void accumulate_outer_column(const T* const* x, const T* const* y, int32_t rows, int32_t i, int32_t channels,
                                    int32_t y_column, T* g, int64_t stride) {
  for (; i + Channels <= channels; i += Channels)
    accumulate_outer<T, Lanes, Width, Channels>(x, y, rows, i, y_column, g + i * stride, stride);
  if constexpr (Channels > 1) {
    if (i < channels)
      accumulate_outer_column<T, Lanes, Width, Channels / 2>(x, y, rows, i, channels, y_column, g, stride);
  }
}

// Calls f.template run<Lanes, 1>(column) for single vectors, ever narrower, that cover [column, columns).
template <typename T, int Lanes, typename F>
inline void for_single_tiles(int32_t column, int32_t columns, const F& f) {
  for (; column + Lanes <= columns; column += Lanes) f.template run<Lanes, 1>(column);
  if constexpr (Lanes > 1) {
    if (column < columns) for_single_tiles<T, Lanes / 2>(column, columns, f);
  }
}

// Calls f.template run<Lanes, Width>(column) for tiles that cover [0, columns): wide tiles first, then what remains.
template <typename T, typename F>
inline void for_column_tiles(int32_t columns, const F& f) {
  constexpr int L = kVectorBytes / sizeof(T);
  int32_t c = 0;
  for (; c + kTileWidth * L <= columns; c += kTileWidth * L) f.template run<L, kTileWidth>(c);
  if constexpr (kTileWidth > 2) {
    for (; c + 2 * L <= columns; c += 2 * L) f.template run<L, 2>(c);
  }
  for_single_tiles<T, L>(c, columns, f);
}

}  // namespace ocnn
