"""docs/api.md names everything that the headers offer, each with a line of its own."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import api

HEADER = """#pragma once
namespace slm {

/// A pair of numbers. More of it.
template <Scalar Real>
struct Pair {
  /// Not listed.
  void inner();
};

/// Their sum, as
///   y = a + b                                                  PyTorch: torch.add
template <Scalar Real, std::size_t Rank>
requires(Rank > 0 && !std::is_same_v<Real, Pair<Real>>) Var<Real, Rank + 1> total(
    Var<Real, Rank> a) {
  return a;
}
/// The same of one.
template <Scalar Real>
void total(Real a);

inline constexpr int limit = 3;

/// How.
enum class Way : bool { one, other };

/// What is made later.
[[nodiscard]] constexpr auto later(int a = count(3),
                                   [[maybe_unused]] int b = 0) -> std::vector<int> {
  return {};
}

/// Says nothing.
inline void quiet();
inline void quiet(int how);
void quiet(double) = delete;

namespace detail {
/// Hidden.
struct Secret {};
}  // namespace detail
namespace flops {
/// Costs (Author et al. 2018). No more.
inline Index price(Index count) { return count; }
}  // namespace flops

template <Scalar Real>
Pair(Real) -> Pair<Real>;

}  // namespace slm
"""


class ApiTest(unittest.TestCase):
    def test_names_and_first_sentences(self):
        with tempfile.TemporaryDirectory() as folder:
            header = pathlib.Path(folder) / "pair.hpp"
            header.write_text(HEADER)
            self.assertEqual(api.names_of(header), {
                "Pair": ([""], "A pair of numbers"),
                "total": (["(Var<Real, Rank> a) → Var<Real, Rank + 1>", "(Real a)"], "Their sum, as y = a + b"),
                "limit": ([""], None), "Way": ([""], "How"),
                "later": (["(int a = count(3), int b = 0) → std::vector<int>"], "What is made later"),
                "quiet": (["()", "(int how)"], "Says nothing"),
                "flops::price": (["(Index count) → Index"], "Costs (Author et al. 2018)")})

    def test_the_page_is_that_of_the_headers(self):
        text, silent = api.page()
        self.assertEqual(silent, [], "these have no comment")
        self.assertEqual(api.PAGE.read_text(), text, "run scripts/api.py")


if __name__ == "__main__":
    unittest.main()
