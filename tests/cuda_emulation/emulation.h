// The emulated GPU: blocks run one after the other, the threads of a block as fibers of the calling thread.
//
// A thread runs until it waits at a barrier or a warp operation, so code that relies on lanes going in lockstep, on
// shared memory that nobody initialised, or on a barrier that some threads skip, gives wrong results or an error here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

namespace ocnn_emulation {

constexpr int kLanes = 32;

// Runs a kernel on a grid. False, with a message on stderr, if threads wait for each other forever or a thread waits
// for others with a mask it is not in.
bool run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& kernel);

void* dynamic_shared();

struct Votes {
  int count, all, any;  // of the predicates that the threads of the block brought to the barrier
};
Votes block_barrier(bool predicate);

// Waits for the lanes in `mask`, and returns what each of the 32 brought (0 for those that do not take part). The
// array is the caller's until its next exchange.
const uint64_t* warp_exchange(unsigned mask, uint64_t value);

int lane();

struct PendingCopy {
  void* to;
  const void* from;
  size_t bytes, zeros;
};
using Batch = std::vector<PendingCopy>;

// Of the running thread: the batches of asynchronous copies handed in, the last one still open. What a thread does not
// wait for is forgotten with its block, whose shared memory is then another's.
std::deque<Batch>& pending_copies();

}  // namespace ocnn_emulation

// 1: threads and blocks run in descending order, 0: in ascending order. Results must not depend on it.
extern "C" void ocnn_emulation_reverse(int32_t reverse);
