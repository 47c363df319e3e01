#include "slm/core/arena.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <utility>
#include <vector>

using namespace slm;

namespace {

/// Takes pieces of many sizes, writes all over them and returns where they are.
std::vector<std::pair<unsigned char*, Index>> take_many(Arena& arena) {
  std::vector<std::pair<unsigned char*, Index>> pieces;
  for (Index i = 0; i < 400; ++i) {
    const Index size = i * i * 7 % 5000;
    auto* memory = arena.take<unsigned char>(size);
    std::fill_n(memory, size, static_cast<unsigned char>(i));
    pieces.push_back({memory, size});
  }
  return pieces;
}

}  // namespace

TEST_CASE("the arena's pieces do not overlap") {
  Arena arena;
  const auto pieces = take_many(arena);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto [memory, size] = pieces[i];
    CHECK(std::all_of(memory, memory + size,
                      [i](unsigned char x) { return x == static_cast<unsigned char>(i); }));
  }
}

TEST_CASE("the arena's pieces are aligned to 64 bytes, whatever stands before them") {
  Arena arena;
  for (const auto& [memory, size] : take_many(arena)) {
    arena.make(size);
    CHECK(reinterpret_cast<std::uintptr_t>(memory) % alignment == 0);
  }
}

TEST_CASE("a piece may be larger than any block before it") {
  Arena arena;
  arena.take<double>(10);
  const Index large = 1 << 20;
  double* memory = arena.take<double>(large);
  std::fill_n(memory, large, 1.0);
  CHECK(arena.used() >= sizeof(double) * large);
}

TEST_CASE("from the second step on the arena gives the same memory again") {
  Arena arena;
  take_many(arena);
  arena.rewind();
  CHECK(arena.used() == 0);
  const auto second = take_many(arena);
  const auto most = arena.high_water();
  for (int step = 0; step < 5; ++step) {
    arena.rewind();
    CHECK(take_many(arena) == second);
    CHECK(arena.high_water() == most);
  }
}

TEST_CASE("blocks joined to one are large enough, although pieces are aligned otherwise in it") {
  Arena arena;
  const auto step = [&](Index size) {
    arena.rewind();
    const auto* small = arena.take<unsigned char>(16);
    return std::pair(small, arena.take<unsigned char>(size));
  };
  // Each step's large piece fits in none of the blocks before it, until they are joined.
  int joined = 0;
  for (Index size = 1 << 16; size < 1 << 17; size += 64) {
    step(size);
    const auto again = step(size);
    if (again.second == again.first + alignment) ++joined;
    CHECK(step(size) == again);
  }
  CHECK(joined > 100);
}

TEST_CASE("high_water is the most that was ever in use") {
  Arena arena;
  CHECK(arena.high_water() == 0);
  arena.take<double>(1000);
  const auto most = arena.used();
  CHECK(most >= 8000);
  CHECK(arena.high_water() == most);
  arena.rewind();
  arena.take<double>(10);
  CHECK(arena.used() < most);
  CHECK(arena.high_water() == most);
}

TEST_CASE("rewind_to takes back what was taken since the mark, across blocks") {
  Arena arena;
  int* kept = arena.take<int>(100);
  std::fill_n(kept, 100, 7);
  const auto mark = arena.mark();
  const auto used = arena.used();
  const auto first = take_many(arena);
  const auto most = arena.used();
  arena.rewind_to(mark);
  CHECK(arena.used() == used);
  CHECK(arena.high_water() == most);
  CHECK(take_many(arena) == first);
  CHECK(std::all_of(kept, kept + 100, [](int x) { return x == 7; }));
}

TEST_CASE("an arena whose memory was moved away is empty and can be used again") {
  Arena from;
  const auto taken = take_many(from);
  const auto used = from.used();
  const Arena to = std::move(from);
  CHECK(to.used() == used);
  CHECK(from.used() == 0);
  const auto again = take_many(from);
  CHECK(again.size() == taken.size());
  CHECK(again != taken);
  CHECK(from.used() == used);
}

TEST_CASE("more than any memory holds is an error, after which the arena is as it was") {
  Arena arena;
  const double* const first = arena.take<double>(1'000'000);
  const std::size_t used = arena.used();
  CHECK_THROWS_WITH_AS(arena.take<double>(Index(1) << 61),
                       doctest::Contains("GB more of a step's values, after 0.008 GB"), Error);
  CHECK(arena.used() == used);
  CHECK(arena.take<double>(1) != first);
}
