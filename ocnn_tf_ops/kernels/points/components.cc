#include "components.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <vector>

#include "../parallel.h"
#include "distance.inl"
#include "splits.h"

namespace {

constexpr int64_t kGrain = 16;  // cells a task
constexpr int32_t kNoLimit = std::numeric_limits<int32_t>::max();
constexpr int32_t kColumns = 9;  // 3 x 3 rows of three cells along z are around a cell

struct Range {
  int32_t begin, end;
};

// The points of one scene sorted by the cells of a grid that is a little wider than the radius: what is closer to a
// point than the radius lies in the 27 cells around it. Within a cell points are in the order of their rows.
struct Grid {
  static constexpr int32_t kBits = 21;
  static constexpr int64_t kLast = (int64_t{1} << kBits) - 2;  // so that a cell beside it has a number, too

  std::vector<int32_t> rows;       // [points]
  std::vector<float> x, y, z;      // [points]
  std::vector<uint64_t> keys;      // [cells]
  std::vector<int32_t> first;      // [cells + 1] points of a cell
  std::vector<int32_t> cell_of;    // [points]
  std::vector<Range> around;       // [cells * 9] cells

  Grid(const float* xyz, int64_t begin, int64_t end, float radius) {
    double low[3] = {INFINITY, INFINITY, INFINITY};
    for (int64_t i = begin; i < end; ++i)
      for (int a = 0; a < 3; ++a) low[a] = std::min<double>(low[a], xyz[3 * i + a]);
    // Cells that are numbered beyond the last one are put into it: points only come nearer to each other by that.
    const auto key_of = [&](int64_t i) {
      uint64_t key = 0;
      for (int a = 0; a < 3; ++a) {
        const double cell = std::min((xyz[3 * i + a] - low[a]) / (1.001 * radius), static_cast<double>(kLast - 1));
        key = key << kBits | (static_cast<uint64_t>(cell) + 1);
      }
      return key;
    };
    struct Entry {
      uint64_t key;
      int32_t row;
    };
    std::vector<Entry> entries(end - begin);
    for (int64_t i = begin; i < end; ++i) entries[i - begin] = {key_of(i), static_cast<int32_t>(i)};
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.key != b.key ? a.key < b.key : a.row < b.row; });
    for (const Entry& entry : entries) {
      if (keys.empty() || keys.back() != entry.key) {
        keys.push_back(entry.key);
        first.push_back(static_cast<int32_t>(rows.size()));
      }
      cell_of.push_back(static_cast<int32_t>(keys.size() - 1));
      rows.push_back(entry.row);
      x.push_back(xyz[3 * int64_t{entry.row}]);
      y.push_back(xyz[3 * int64_t{entry.row} + 1]);
      z.push_back(xyz[3 * int64_t{entry.row} + 2]);
    }
    first.push_back(static_cast<int32_t>(rows.size()));
    find_surroundings();
  }

  int64_t num_cells() const { return static_cast<int64_t>(keys.size()); }
  const Range* around_cell(int64_t cell) const { return around.data() + cell * kColumns; }

 private:
  // Walks all cells once for each of the nine columns: the keys looked for rise with the keys of the cells.
  void find_surroundings() {
    around.resize(keys.size() * kColumns);
    for (int32_t column = 0; column < kColumns; ++column) {
      constexpr int64_t kAlongY = int64_t{1} << kBits, kAlongX = kAlongY << kBits;
      const int64_t step = (column / 3 - 1) * kAlongX + (column % 3 - 1) * kAlongY;
      size_t begin = 0, end = 0;
      for (size_t cell = 0; cell < keys.size(); ++cell) {
        const uint64_t middle = keys[cell] + static_cast<uint64_t>(step);
        while (begin < keys.size() && keys[begin] < middle - 1) ++begin;
        end = std::max(end, begin);
        while (end < keys.size() && keys[end] <= middle + 1) ++end;
        around[cell * kColumns + column] = {static_cast<int32_t>(begin), static_cast<int32_t>(end)};
      }
    }
  }
};

// What is near to the points of a grid, and how far down the rows they look.
struct Neighborhood {
  const Grid& grid;
  float squared_radius;

  bool near(int32_t a, int32_t b) const {
    return ocnn::squared_distance(grid.x[b], grid.y[b], grid.z[b], grid.x[a], grid.y[a], grid.z[a]) < squared_radius;
  }

  // The row of the last point that point `a` has as a neighbor, where it has more than `most` of them near.
  int32_t limit(int32_t a, int64_t most, std::vector<int32_t>* near_rows) const {
    const Range* around = grid.around_cell(grid.cell_of[a]);
    int64_t candidates = 0;
    for (int32_t c = 0; c < kColumns; ++c) candidates += grid.first[around[c].end] - grid.first[around[c].begin];
    if (candidates <= most) return kNoLimit;
    int64_t count = 0;
    for (int32_t c = 0; c < kColumns; ++c) {
      int32_t inside = 0;  // a plain reduction, which the compiler vectorizes
      for (int32_t b = grid.first[around[c].begin]; b < grid.first[around[c].end]; ++b) inside += near(a, b);
      count += inside;
    }
    if (count <= most) return kNoLimit;
    near_rows->resize(candidates + 1);  // the last write may be one too many
    int32_t* to = near_rows->data();
    for (int32_t c = 0; c < kColumns; ++c) {
      for (int32_t b = grid.first[around[c].begin]; b < grid.first[around[c].end]; ++b) {
        *to = grid.rows[b];  // without a branch: half of them are near
        to += near(a, b);
      }
    }
    near_rows->resize(count);
    std::nth_element(near_rows->begin(), near_rows->begin() + (most - 1), near_rows->end());
    return (*near_rows)[most - 1];
  }
};

// The search over one scene. Points that are taken leave their cells, so that what is left to look at shrinks.
class Search {
 public:
  Search(const Grid& grid, const Neighborhood& near, const int32_t* labels, const std::vector<int32_t>& limits)
      : grid_(grid), near_(near), labels_(labels), limits_(limits), taken_(grid.rows.size(), 0) {
    free_.resize(grid.rows.size());
    for (size_t i = 0; i < free_.size(); ++i) free_[i] = static_cast<int32_t>(i);
    free_end_.assign(grid.first.begin() + 1, grid.first.end());
  }

  bool taken(int32_t point) const { return taken_[point]; }

  // Appends the positions in the grid of what is reached from a point that nobody has taken.
  void grow(int32_t seed, std::vector<int32_t>* component) {
    component->assign(1, seed);
    taken_[seed] = 1;
    for (size_t next = 0; next < component->size(); ++next) {
      const size_t begin = component->size();
      collect((*component)[next], component);
      std::sort(component->begin() + begin, component->end(),
                [&](int32_t a, int32_t b) { return grid_.rows[a] < grid_.rows[b]; });
    }
  }

 private:
  void collect(int32_t from, std::vector<int32_t>* component) {
    const Range* around = grid_.around_cell(grid_.cell_of[from]);
    const int32_t label = labels_[grid_.rows[from]], limit = limits_[from];
    for (int32_t c = 0; c < kColumns; ++c) {
      for (int32_t cell = around[c].begin; cell < around[c].end; ++cell) {
        int32_t kept = grid_.first[cell];
        for (int32_t i = kept; i < free_end_[cell]; ++i) {
          const int32_t point = free_[i];
          if (taken_[point]) continue;  // as a seed
          if (grid_.rows[point] <= limit && labels_[grid_.rows[point]] == label && near_.near(from, point)) {
            taken_[point] = 1;
            component->push_back(point);
          } else {
            free_[kept++] = point;
          }
        }
        free_end_[cell] = kept;
      }
    }
  }

  const Grid& grid_;
  const Neighborhood& near_;
  const int32_t* labels_;
  const std::vector<int32_t>& limits_;
  std::vector<char> taken_;
  std::vector<int32_t> free_, free_end_;  // of each cell, from its first point on
};

struct Components {
  int64_t min_points;
  int32_t *members, *splits;
  int64_t count = 0;
};

void search_scene(const ocnn_executor* stream, const float* xyz, const int32_t* labels, int64_t begin, int64_t end,
                  float radius, int64_t max_neighbors, Components* out) {
  const Grid grid(xyz, begin, end, radius);
  const Neighborhood near{grid, radius * radius};
  std::vector<int32_t> limits(grid.rows.size());
  ocnn::parallel_for(stream, grid.num_cells(), kGrain, [&](int64_t first, int64_t last) {
    std::vector<int32_t> rows;
    for (int32_t a = grid.first[first]; a < grid.first[last]; ++a) limits[a] = near.limit(a, max_neighbors, &rows);
  });
  std::vector<int32_t> place(end - begin), component;
  for (size_t i = 0; i < grid.rows.size(); ++i) place[grid.rows[i] - begin] = static_cast<int32_t>(i);
  Search search(grid, near, labels, limits);
  for (const int32_t seed : place) {
    if (search.taken(seed)) continue;
    search.grow(seed, &component);
    if (static_cast<int64_t>(component.size()) < out->min_points) continue;
    int32_t* to = out->members + out->splits[out->count];
    for (const int32_t point : component) *to++ = grid.rows[point];
    out->splits[++out->count] = static_cast<int32_t>(to - out->members);
  }
}

}  // namespace

extern "C" int ocnn_radius_components_cpu(const ocnn_executor* stream, const float* xyz, const int32_t* labels,
                                          const int32_t* row_splits, int64_t num_points, int64_t num_scenes,
                                          float radius, int64_t max_neighbors, int64_t min_points, int32_t* members,
                                          int32_t* splits, int64_t* num_components) {
  if (!(radius > 0) || !std::isfinite(radius) || max_neighbors < 1 || min_points < 1 ||
      num_points > std::numeric_limits<int32_t>::max() || !ocnn::valid_splits(row_splits, num_scenes, num_points)) {
    return OCNN_INVALID_ARGUMENT;
  }
  for (int64_t i = 0; i < 3 * num_points; ++i)
    if (!std::isfinite(xyz[i])) return OCNN_NOT_FINITE;
  Components out{min_points, members, splits};
  splits[0] = 0;
  try {
    for (int64_t b = 0; b < num_scenes; ++b) {
      if (row_splits[b] < row_splits[b + 1])
        search_scene(stream, xyz, labels, row_splits[b], row_splits[b + 1], radius, max_neighbors, &out);
    }
  } catch (const std::bad_alloc&) {
    return OCNN_OUT_OF_MEMORY;
  }
  *num_components = out.count;
  return OCNN_OK;
}
