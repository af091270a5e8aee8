#include "emulation.h"

#include <link.h>
#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace ocnn_emulation {
namespace {

constexpr size_t kStackBytes = 256 << 10;
constexpr uint32_t kPoison = 0x7fbadbad;  // NaN as a float, far out of range as an index

// A stack to run on. Switching keeps to setjmp once a fiber is started, for swapcontext asks the kernel each time;
// AddressSanitizer, though, understands swapcontext alone.
struct Context {
  ucontext_t registers;
  jmp_buf jump;
  bool started = false;
  const void* stack = nullptr;
  size_t stack_bytes = 0;
  void* fake_stack = nullptr;
};

#if defined(__SANITIZE_ADDRESS__)
void switch_to(Context& from, Context& to) {
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_bytes);
  swapcontext(&from.registers, &to.registers);
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
}
#else
void switch_to(Context& from, Context& to) {
  from.started = true;
  if (_setjmp(from.jump)) return;
  if (to.started) _longjmp(to.jump, 1);
  to.started = true;
  setcontext(&to.registers);
}
#endif

enum class State { kReady, kAtBarrier, kInWarp, kDone };

struct Fiber {
  Context context;
  std::unique_ptr<char[]> stack;
};

struct Thread {
  State state = State::kReady;
  Fiber* fiber = nullptr;  // none before the thread starts
  uint3 index = {};
  unsigned mask = 0;
  uint64_t value = 0;
  uint64_t seen[kLanes] = {};
  std::deque<Batch> copies = std::deque<Batch>(1);
};

struct Grid {
  const std::function<void()>* kernel = nullptr;
  std::vector<Thread> threads;
  std::vector<char> shared;
  int current = 0;
  int at_barrier = 0, ayes = 0;
  Votes votes = {};
  bool failed = false;
};

Grid grid_state;
Context scheduler;
std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Fiber*> idle_fibers;
bool reverse = false;
thread_local char tls_anchor;  // makes the library's thread-local block exist

Thread& current_thread() { return grid_state.threads[grid_state.current]; }

void suspend() { switch_to(current_thread().fiber->context, scheduler); }

// Ends the launch: the fibers that still wait are abandoned with their stacks.
void fail(const char* why) {
  const uint3 t = current_thread().index;
  std::fprintf(stderr, "emulated CUDA: thread (%u, %u, %u) of block (%u, %u, %u): %s\n", t.x, t.y, t.z, blockIdx.x,
               blockIdx.y, blockIdx.z, why);
  grid_state.failed = true;
}

// What a fiber does forever: one thread after the other.
void fiber_main() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler.stack, &scheduler.stack_bytes);
#endif
  for (;;) {
    (*grid_state.kernel)();
    current_thread().state = State::kDone;
    suspend();
  }
}

Fiber* take_fiber() {
  if (idle_fibers.empty()) {
    fibers.push_back(std::make_unique<Fiber>());
    Fiber& fiber = *fibers.back();
    fiber.stack.reset(new char[kStackBytes]);
    fiber.context.stack = fiber.stack.get();
    fiber.context.stack_bytes = kStackBytes;
    getcontext(&fiber.context.registers);
    fiber.context.registers.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.registers.uc_stack.ss_size = kStackBytes;
    fiber.context.registers.uc_link = nullptr;
    makecontext(&fiber.context.registers, fiber_main, 0);
    idle_fibers.push_back(&fiber);
  }
  Fiber* fiber = idle_fibers.back();
  idle_fibers.pop_back();
  return fiber;
}

void resume(int number) {
  Thread& thread = grid_state.threads[number];
  grid_state.current = number;
  threadIdx = thread.index;
  if (thread.fiber == nullptr) thread.fiber = take_fiber();
  switch_to(scheduler, thread.fiber->context);
  if (thread.state != State::kDone) return;
  idle_fibers.push_back(thread.fiber);
  thread.fiber = nullptr;
}

// The calling thread's copy of this library's thread-local memory: the emulated `__shared__` variables.
struct Memory {
  char* begin;
  size_t bytes;
};

int find_tls(dl_phdr_info* info, size_t, void* found) {
  const char* anchor = &tls_anchor;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    char* begin = static_cast<char*>(info->dlpi_tls_data);
    if (header.p_type != PT_TLS || begin == nullptr || anchor < begin || anchor >= begin + header.p_memsz) continue;
    *static_cast<Memory*>(found) = {begin, header.p_memsz};
    return 1;
  }
  return 0;
}

void poison(char* begin, size_t bytes) {
  for (size_t i = 0; i + sizeof(kPoison) <= bytes; i += sizeof(kPoison)) {
    std::copy_n(reinterpret_cast<const char*>(&kPoison), sizeof(kPoison), begin + i);
  }
}

void start_block(dim3 block) {
  int number = 0;
  for (Thread& thread : grid_state.threads) {
    thread.state = State::kReady;
    thread.copies.assign(1, {});
    thread.index = {number % block.x, number / block.x % block.y, number / (block.x * block.y)};
    ++number;
  }
  grid_state.at_barrier = grid_state.ayes = 0;
}

// Lets the threads run until all are done; false if they cannot.
bool run_block() {
  const int count = static_cast<int>(grid_state.threads.size());
  for (;;) {
    bool progress = false;
    for (int i = 0; i < count; ++i) {
      const int number = reverse ? count - 1 - i : i;
      if (grid_state.threads[number].state != State::kReady) continue;
      progress = true;
      resume(number);
      if (grid_state.failed) return false;
    }
    if (progress) continue;
    for (int i = 0; i < count; ++i) {
      grid_state.current = i;
      const State state = current_thread().state;
      if (state == State::kDone) continue;
      fail(state == State::kAtBarrier ? "waits at a barrier that not all threads of the block reach"
                                      : "waits in a warp operation for lanes that never come");
      return false;
    }
    return true;
  }
}

}  // namespace

bool run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& kernel) {
  static std::mutex one_at_a_time;
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  grid_state = Grid{};
  grid_state.kernel = &kernel;
  grid_state.threads.resize(size_t{block.x} * block.y * block.z);
  gridDim = grid;
  blockDim = block;
  Memory shared = {};
  dl_iterate_phdr(find_tls, &shared);
  const int64_t count = int64_t{grid.x} * grid.y * grid.z;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t number = reverse ? count - 1 - i : i;
    blockIdx = {static_cast<unsigned>(number % grid.x), static_cast<unsigned>(number / grid.x % grid.y),
                static_cast<unsigned>(number / (uint64_t{grid.x} * grid.y))};
    poison(shared.begin, shared.bytes);
    std::vector<char>(shared_bytes).swap(grid_state.shared);  // of the exact size, where AddressSanitizer watches it
    poison(grid_state.shared.data(), shared_bytes);
    start_block(block);
    if (run_block()) continue;
    fibers.clear();
    idle_fibers.clear();
    return false;
  }
  return true;
}

void* dynamic_shared() { return grid_state.shared.data(); }

int lane() { return grid_state.current % kLanes; }

std::deque<Batch>& pending_copies() { return current_thread().copies; }

Votes block_barrier(bool predicate) {
  const int count = static_cast<int>(grid_state.threads.size());
  grid_state.ayes += predicate;
  if (++grid_state.at_barrier < count) {
    current_thread().state = State::kAtBarrier;
    suspend();
    return grid_state.votes;
  }
  grid_state.votes = {grid_state.ayes, grid_state.ayes == count, grid_state.ayes > 0};
  grid_state.at_barrier = grid_state.ayes = 0;
  for (Thread& thread : grid_state.threads) thread.state = State::kReady;
  return grid_state.votes;
}

const uint64_t* warp_exchange(unsigned mask, uint64_t value) {
  Thread& self = current_thread();
  if (!(mask >> lane() & 1)) {
    fail("takes part in a warp operation whose mask leaves it out");
    suspend();
  }
  self.state = State::kInWarp;
  self.mask = mask;
  self.value = value;
  const int first = grid_state.current - lane();
  const int lanes = std::min<int>(kLanes, static_cast<int>(grid_state.threads.size()) - first);
  Thread* warp = &grid_state.threads[first];
  bool complete = true;
  for (int i = 0; i < lanes; ++i) {
    if (mask >> i & 1) complete = complete && warp[i].state == State::kInWarp && warp[i].mask == mask;
  }
  if (!complete) {
    suspend();
    return self.seen;
  }
  for (int to = 0; to < lanes; ++to) {
    if (!(mask >> to & 1)) continue;
    for (int from = 0; from < kLanes; ++from) {
      warp[to].seen[from] = from < lanes && (mask >> from & 1) ? warp[from].value : 0;
    }
    warp[to].state = State::kReady;
  }
  return self.seen;
}

}  // namespace ocnn_emulation

void ocnn_emulation_reverse(int32_t reverse) { ocnn_emulation::reverse = reverse != 0; }
