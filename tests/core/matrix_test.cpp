#include "slm/core/matrix.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace slm;

TEST_CASE("a matrix of any size is transposed, and nothing beside it is touched") {
  for (const Index rows : {0, 1, 3, 15, 16, 17, 40}) {
    for (const Index columns : {0, 1, 5, 16, 33}) {
      CAPTURE(rows);
      CAPTURE(columns);
      const Index from_stride = columns + 2, to_stride = rows + 3;
      std::vector<int> from(static_cast<std::size_t>(rows * from_stride)),
          to(static_cast<std::size_t>(columns * to_stride), -1);
      for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<int>(i);
      transpose<int>({from.data(), rows, columns, from_stride}, {to.data(), columns, rows, to_stride});
      Index wrong = 0;
      for (Index j = 0; j < columns; ++j) {
        for (Index i = 0; i < to_stride; ++i) {
          const Index expected = i < rows ? i * from_stride + j : -1;
          wrong += to[static_cast<std::size_t>(j * to_stride + i)] != expected;
        }
      }
      CHECK(wrong == 0);
    }
  }
}
