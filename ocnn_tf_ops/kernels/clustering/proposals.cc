#include "proposals.h"

#include <algorithm>
#include <new>
#include <vector>

#include "../parallel.h"

namespace {

constexpr int64_t kWords = 16;  // between two looks at whether an intersection can still be large enough
constexpr int64_t kValues = 1024;  // stay in the fastest cache while all limits are tried
constexpr int64_t kGrain = 16;

int64_t num_common(const uint64_t* a, const uint64_t* b, int64_t num_words) {
  int64_t count = 0;
  for (int64_t w = 0; w < num_words; ++w) count += __builtin_popcountll(a[w] & b[w]);
  return count;
}

// A set that is compared with many.
class Newcomer {
 public:
  explicit Newcomer(int64_t num_words) : num_words_(num_words), rest_((num_words + kWords - 1) / kWords + 1) {}

  int64_t size() const { return rest_[0]; }

  void look_at(const uint64_t* set) {
    set_ = set;
    for (int64_t k = static_cast<int64_t>(rest_.size()) - 2; k >= 0; --k)
      rest_[k] = rest_[k + 1] + num_common(set + k * kWords, set + k * kWords, words_of(k));
  }

  // Elements shared with `other`; where they are fewer than `least`, any number below it.
  int64_t common_with(const uint64_t* other, int64_t least) const {
    int64_t common = 0;
    for (size_t k = 0; k + 1 < rest_.size() && common + rest_[k] >= least; ++k)
      common += num_common(set_ + k * kWords, other + k * kWords, words_of(k));
    return common;
  }

 private:
  int64_t words_of(int64_t k) const { return std::min(kWords, num_words_ - k * kWords); }

  int64_t num_words_;
  const uint64_t* set_ = nullptr;
  std::vector<int64_t> rest_;  // elements from word k kWords on
};

struct Likeness {
  double iou, share;

  bool holds(int64_t common, int64_t size, int64_t other) const {
    return static_cast<double>(common) > iou * static_cast<double>(size + other - common) ||
           static_cast<double>(common) > share * static_cast<double>(size);
  }

  // The fewest common elements for which it can hold; it holds for all that are more.
  int64_t least_common(int64_t size, int64_t other) const {
    const double least = std::min(iou / (1 + iou) * static_cast<double>(size + other), share * size);
    int64_t common = std::max<int64_t>(0, static_cast<int64_t>(least) - 1);  // rounding of `least` is made good
    while (!holds(common, size, other) && common <= std::min(size, other)) ++common;
    return common;
  }
};

}  // namespace

extern "C" int ocnn_merge_proposals_cpu(const ocnn_executor*, const uint64_t* sets, int64_t num_sets, int64_t num_words,
                                        double same_iou, double same_share, int64_t* kept, int64_t* num_kept) {
  if (num_sets < 0 || num_words < 0 || !(same_iou >= 0) || !(same_share >= 0)) return OCNN_INVALID_ARGUMENT;
  const Likeness likeness{same_iou, same_share};
  try {
    std::vector<int64_t> sizes;  // of the proposals
    Newcomer newcomer(num_words);
    for (int64_t i = 0; i < num_sets; ++i) {
      newcomer.look_at(sets + i * num_words);
      const int64_t size = newcomer.size();
      bool is_new = true;
      for (size_t p = 0; p < sizes.size(); ++p) {
        const int64_t least = likeness.least_common(size, sizes[p]);
        if (least > std::min(size, sizes[p])) continue;
        if (newcomer.common_with(sets + kept[p] * num_words, least) < least) continue;
        is_new = false;
        if (sizes[p] < size) kept[p] = i, sizes[p] = size;
      }
      if (!is_new) continue;
      kept[sizes.size()] = i;
      sizes.push_back(size);
    }
    *num_kept = static_cast<int64_t>(sizes.size());
  } catch (const std::bad_alloc&) {
    return OCNN_OUT_OF_MEMORY;
  }
  return OCNN_OK;
}

extern "C" int ocnn_count_below_cpu(const ocnn_executor* stream, const float* values, const float* limits,
                                    int64_t num_rows, int64_t num_values, int64_t num_limits, int64_t* counts) {
  if (num_rows < 0 || num_values < 0 || num_limits < 0) return OCNN_INVALID_ARGUMENT;
  ocnn::parallel_for(stream, num_rows, kGrain, [&](int64_t begin, int64_t end) {
    std::fill(counts + begin * num_limits, counts + end * num_limits, int64_t{0});
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t first = 0; first < num_values; first += kValues) {
        const float* part = values + r * num_values + first;
        const int64_t length = std::min(kValues, num_values - first);
        for (int64_t e = 0; e < num_limits; ++e) {
          const float limit = limits[r * num_limits + e];
          int32_t below = 0;
          for (int64_t i = 0; i < length; ++i) below += part[i] < limit;
          counts[r * num_limits + e] += below;
        }
      }
    }
  });
  return OCNN_OK;
}
