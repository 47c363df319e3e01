#include "slm/data/batches.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "data_test_support.hpp"
#include "slm/data/corpus.hpp"

using namespace slm;
using data_test::has;
using data_test::message_of;

namespace {

/// A text whose token i is i, so that a token tells where it is from.
std::vector<Token> counting(Index size) {
  std::vector<Token> text(static_cast<std::size_t>(size));
  std::iota(text.begin(), text.end(), 0);
  return text;
}

std::vector<Token> values(const auto& tokens) { return {tokens.begin(), tokens.end()}; }

}  // namespace

TEST_CASE("SequentialWindows: windows in order, each with the token that follows; the last batch is smaller") {
  const auto text = counting(20);
  const SequentialWindows windows(text, 3, 4, 6);
  CHECK(windows.windows() == 6);
  CHECK(windows.batches() == 2);
  const auto [x, y] = windows.batch(0);
  CHECK(x.shape() == Shape<2>{4, 3});
  CHECK(values(x) == std::vector<Token>{0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5});
  CHECK(y.shape() == Shape<1>{4});
  CHECK(values(y) == std::vector<Token>{3, 4, 5, 6});
  const auto [x1, y1] = windows.batch(1);
  CHECK(values(x1) == std::vector<Token>{4, 5, 6, 5, 6, 7});
  CHECK(values(y1) == std::vector<Token>{7, 8});
}

TEST_CASE("SequenceBatch has the token that follows every position") {
  const auto text = counting(20);
  const SequentialWindows<SequenceBatch> windows(text, 3, 2, 5);
  const auto [x, y] = windows.batch(1);
  CHECK(values(x) == std::vector<Token>{2, 3, 4, 3, 4, 5});
  CHECK(y.shape() == Shape<2>{2, 3});
  CHECK(values(y) == std::vector<Token>{3, 4, 5, 4, 5, 6});
}

TEST_CASE("windows are a range of batches") {
  const auto text = counting(50);
  const SequentialWindows windows(text, 2, 4, 10);
  std::vector<Token> targets;
  for (const auto& [x, y] : windows) {
    CHECK(x.extent(0) == y.extent(0));
    targets.insert(targets.end(), y.begin(), y.end());
  }
  CHECK(targets == std::vector<Token>{2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

TEST_CASE("a text of n tokens has n - T windows") {
  const auto text = counting(10);
  const SequentialWindows all(text, 4, 8, 6);
  CHECK(values(all.batch(0).targets) == std::vector<Token>{4, 5, 6, 7, 8, 9});
  const std::string too_many = message_of<DataError>([&] { SequentialWindows(text, 4, 8, 7); });
  CHECK(has(too_many, "7 windows"));
  CHECK(has(too_many, "has 6"));
  // The word-level study of Bhatti (2025) leaves out the last one.
  const auto word_text = counting(20'000);
  CHECK(SequentialWindows(word_text, 64, 32, 19'935).windows() == 20'000 - 64 - 1);
}

TEST_CASE("windows in order with a stride; with one of T every token is predicted once") {
  const auto text = counting(10);
  CHECK(window_count(10, 3) == 7);
  CHECK(window_count(10, 3, 3) == 3);
  CHECK(window_count(9, 3, 3) == 2);
  CHECK(window_count(3, 3) == 0);
  CHECK(window_count(4, 3, 100) == 1);
  for (const auto& [T, stride] : {std::pair<Index, Index>{0, 1}, {3, 0}, {3, -2}}) {
    CHECK(message_of<ConfigError>([&, T = T, stride = stride] { window_count(10, T, stride); }) ==
          make_text({"window_count: windows and stride must be at least 1, got ", T, " and ", stride}));
  }
  const SequentialWindows<SequenceBatch> windows(text, 3, 8, 3, 3);
  CHECK(values(windows.batch(0).inputs) == std::vector<Token>{0, 1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(values(windows.batch(0).targets) == std::vector<Token>{1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(windows.start(2) == 6);
  CHECK(has(message_of<DataError>([&] { SequentialWindows(text, 3, 8, 4, 3); }),
            "asked for 4 windows of 3 tokens in order, stride 3, but a text of 10 tokens has 3"));
  CHECK(has(message_of<ConfigError>([&] { SequentialWindows(text, 3, 8, 1, 0); }),
            "stride must be at least 1, got 0"));
}

TEST_CASE("windows spread evenly over a text begin at its first token and leave out no passage") {
  const auto text = counting(107);  // 100 windows of 7 tokens
  const auto windows = Windows<>::evenly_spaced(text, 7, 3, 8);
  REQUIRE(windows.windows() == 8);
  CHECK(windows.batches() == 3);
  std::vector<Index> starts;
  for (Index i = 0; i < 8; ++i) starts.push_back(windows.start(i));
  CHECK(starts == std::vector<Index>{0, 12, 25, 37, 50, 62, 75, 87});  // i · 100 / 8, rounded down
  CHECK(values(windows.batch(1).targets) == std::vector<Token>{37 + 7, 50 + 7, 62 + 7});
  const auto sequences = Windows<SequenceBatch>::evenly_spaced(text, 7, 1, 2);
  CHECK(values(sequences.batch(1).targets) == std::vector<Token>{51, 52, 53, 54, 55, 56, 57});

  for (const Index most : {100, 101, 5'000}) {
    const auto all = Windows<>::evenly_spaced(text, 7, 64, most);
    CHECK(all.windows() == 100);
    CHECK(all.start(99) == 99);
  }
  CHECK(Windows<>::evenly_spaced(text, 106, 1, 10).windows() == 1);
  CHECK(has(message_of<DataError>([&] { Windows<>::evenly_spaced(text, 107, 1, 10); }), "text has 107"));
  CHECK(has(message_of<ConfigError>([&] { Windows<>::evenly_spaced(text, 7, 1, 0); }),
            "at least 1 window, got 0"));
  CHECK(has(message_of<ConfigError>([&] { Windows<>::evenly_spaced(text, 7, 0, 5); }),
            "at least 1 window, got 0"));
}

TEST_CASE("a window longer than the text is an error with both lengths") {
  const auto text = counting(10);
  CHECK(SequentialWindows(text, 9, 1, 1).windows() == 1);
  const auto sequential = message_of<DataError>([&] { SequentialWindows(text, 10, 1, 1); });
  CHECK(has(sequential, "window of 10 tokens"));
  CHECK(has(sequential, "text has 10"));
  const auto random = message_of<DataError>([&] { RandomWindows(text, 128, 4, Random(1)); });
  CHECK(has(random, "window of 128 tokens"));
  CHECK(has(random, "text has 10"));
  CHECK(has(message_of<DataError>([] { RandomWindows({}, 1, 1, Random(1)); }), "text has 0"));
}

TEST_CASE("impossible sizes and batches are errors") {
  const auto text = counting(10);
  CHECK(has(message_of<ConfigError>([&] { SequentialWindows(text, 0, 1, 1); }), "got 0"));
  CHECK(has(message_of<ConfigError>([&] { SequentialWindows(text, 1, 0, 1); }), "got 0"));
  CHECK(has(message_of<ConfigError>([&] { SequentialWindows(text, 1, 1, 0); }), "got 0"));
  CHECK(has(message_of<ConfigError>([&] { RandomWindows(text, 1, 1, Random(1)).epoch(0, -5); }), "got -5"));
  CHECK(has(message_of<ConfigError>([&] { RandomWindows(text, 0, 1, Random(1)); }), "at least 1 token, got 0"));
  CHECK(
      has(message_of<ConfigError>([&] { RandomWindows(text, 1, 0, Random(1)); }), "at least 1 window, got 0"));
  CHECK(message_of<RangeError>([&] { RandomWindows(text, 1, 1, Random(1)).seek(-1); }) ==
        "RandomWindows::seek: there is no batch -1");
  const SequentialWindows windows(text, 2, 4, 8);
  CHECK(has(message_of<RangeError>([&] { windows.batch(2); }), "batch 2 is outside the list of 2"));
  CHECK(has(message_of<RangeError>([&] { windows.batch(-1); }), "batch -1"));
}

TEST_CASE("RandomWindows: 50,000 windows are 782 batches of 64, the last of 16") {
  const auto text = counting(1'000);
  const auto epoch = RandomWindows(text, 8, 64, Random(1)).epoch(0, 50'000);
  CHECK(epoch.batches() == 782);
  CHECK(epoch.batch(780).inputs.shape() == Shape<2>{64, 8});
  CHECK(epoch.batch(781).inputs.shape() == Shape<2>{16, 8});
  CHECK(epoch.batch(781).targets.shape() == Shape<1>{16});
}

TEST_CASE("RandomWindows: starts are uniform over all windows, and windows are of the text") {
  const auto text = counting(40);
  const Index T = 8, starts = 40 - T, count = 64'000;
  const auto epoch = RandomWindows(text, T, 64, Random(5)).epoch(3, count);
  std::vector<int> seen(static_cast<std::size_t>(starts), 0);
  for (const auto& [x, y] : epoch) {
    for (Index row = 0; row < x.extent(0); ++row) {
      const Token start = x.data()[row * T];
      for (Index t = 0; t < T; ++t) REQUIRE(x.data()[row * T + t] == start + t);
      REQUIRE(y(row) == start + T);
      ++seen[static_cast<std::size_t>(start)];
    }
  }
  const double expected = static_cast<double>(count) / static_cast<double>(starts);
  double chi_square = 0;
  for (const int times : seen) chi_square += (times - expected) * (times - expected) / expected;
  CHECK(chi_square < 62);  // 31 degrees of freedom: passed by 99.9 % of uniform streams, and this one is fixed
  CHECK(chi_square > 10);  // nor a fixed list of starts
}

TEST_CASE("RandomWindows: an epoch is the same whatever was drawn before, and unlike the others") {
  const auto text = counting(5'000);
  RandomWindows once(text, 4, 16, Random(7)), again(text, 4, 16, Random(7));
  for (int i = 0; i < 5; ++i) again.next();
  again.epoch(1, 100).batch(3);
  for (const Index i : {2, 0, 1}) {
    CHECK(values(once.epoch(2, 40).batch(i).inputs) == values(again.epoch(2, 40).batch(i).inputs));
  }
  // More windows begin with the same ones.
  CHECK(values(once.epoch(2, 4'000).batch(1).inputs) == values(once.epoch(2, 32).batch(1).inputs));

  std::set<std::vector<Token>> different;
  for (Index number = 0; number < 10; ++number)
    different.insert(values(once.epoch(number, 16).batch(0).targets));
  different.insert(values(RandomWindows(text, 4, 16, Random(8)).epoch(0, 16).batch(0).targets));
  CHECK(different.size() == 11);
}

TEST_CASE("RandomWindows: next goes on without end, and from any position") {
  const auto text = counting(300);
  RandomWindows<SequenceBatch> batches(text, 4, 8, Random(1));
  std::vector<std::vector<Token>> inputs;
  for (int i = 0; i < 6; ++i) {
    const auto [x, y] = batches.next();
    CHECK(y.data()[0] == x.data()[1]);
    inputs.push_back(values(x));
  }
  CHECK(batches.position() == 6);
  CHECK(std::set<std::vector<Token>>(inputs.begin(), inputs.end()).size() == 6);
  RandomWindows<SequenceBatch> resumed(text, 4, 8, Random(1));
  resumed.seek(4);
  CHECK(values(resumed.next().inputs) == inputs[4]);
  CHECK(values(resumed.next().inputs) == inputs[5]);
  CHECK(values(resumed.epoch(0, 48).batch(5).inputs) == inputs[5]);
}

TEST_CASE("fill keeps the memory of a batch of the right shape") {
  const auto text = counting(100);
  const SequentialWindows windows(text, 4, 8, 20);
  Batch batch;
  windows.fill(0, batch);
  const Token* memory = batch.inputs.data();
  windows.fill(1, batch);
  CHECK(batch.inputs.data() == memory);
  CHECK(values(batch.targets) == values(windows.batch(1).targets));
  windows.fill(2, batch);
  CHECK(batch.inputs.shape() == Shape<2>{4, 4});
  CHECK(values(batch.targets) == std::vector<Token>{20, 21, 22, 23});
}

namespace {

using Text = std::vector<Token>;

/// Whether all windows can be made of a text of this kind: `Text&` is a vector that stays, `Text` one that is
/// gone.
template <class Of>
constexpr bool makes_windows = std::is_constructible_v<Windows<>, Of, Index, Index, Index, Index>&&
    std::is_constructible_v<Windows<>, Of, Index, Index, Index, Random>&&
        std::is_constructible_v<SequentialWindows<>, Of, Index, Index, Index>&&
            std::is_constructible_v<RandomWindows<>, Of, Index, Index, Random>;
template <class Of>
constexpr bool makes_any_windows =
    std::is_constructible_v<Windows<>, Of, Index, Index, Index> ||
    std::is_constructible_v<Windows<>, Of, Index, Index, Index, Random> ||
    std::is_constructible_v<SequentialWindows<>, Of, Index, Index, Index, Index> ||
    std::is_constructible_v<RandomWindows<>, Of, Index, Index, Random>;

}  // namespace

TEST_CASE("windows of a text that is gone after the line do not compile") {
  static_assert(makes_windows<Text&> && makes_windows<const Text&>);
  static_assert(makes_windows<std::span<const Token>> && makes_windows<std::span<Token>&>);
  static_assert(!makes_any_windows<Text> && !makes_any_windows<const Text>);
  static_assert(!makes_any_windows<decltype((std::declval<Corpus>().train))>);
  CHECK(makes_windows<decltype((std::declval<Corpus&>().train))>);
}

TEST_CASE("windows tell their text by what sha256sum prints of its tokens") {
  const std::vector<Token> text = {1, 2, 3}, other = {1, 3, 2};
  CHECK(RandomWindows<>(text, 1, 1, Random(1)).text_checksum() ==
        "4636993d3e1da4e9d6b8f87b79e8f7c6d018580d52661950eabc3845c5897a4d");
  CHECK(RandomWindows<>(text, 2, 5, Random(2)).text_checksum() ==
        RandomWindows<>(text, 1, 1, Random(1)).text_checksum());
  CHECK(RandomWindows<>(other, 1, 1, Random(1)).text_checksum() !=
        RandomWindows<>(text, 1, 1, Random(1)).text_checksum());
}

TEST_CASE("windows say how large a batch is without making it") {
  const auto text = counting(40);
  const auto check = [](const auto& windows) {
    for (Index i = 0; i < windows.batches(); ++i) {
      const auto batch = windows.batch(i);
      CHECK(windows.size(i).inputs == batch.inputs.size());
      CHECK(windows.size(i).targets == batch.targets.size());
    }
  };
  check(SequentialWindows<>(text, 3, 4, 10));
  check(SequentialWindows<SequenceBatch>(text, 3, 4, 10));
  check(RandomWindows<SequenceBatch>(text, 5, 7, Random(1)).epoch(2, 22));
}
