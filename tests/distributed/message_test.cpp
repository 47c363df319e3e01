// What ranks send each other, as bytes.
#include "slm/distributed/message.hpp"

#include <cmath>
#include <vector>

#include "error_message.hpp"
#include "slm/core/random.hpp"

using namespace slm;
using slm::detail::MessageReader, slm::detail::MessageWriter;

namespace {

/// Sends a matrix, and returns how many bytes that took.
std::size_t check_rows(const std::vector<float>& matrix, Index rows) {
  const Index row_bytes = static_cast<Index>(matrix.size() * sizeof(float)) / rows;
  MessageWriter writer;
  writer.number(7);  // so that nothing is aligned by chance
  writer.rows(reinterpret_cast<const std::byte*>(matrix.data()), rows, row_bytes);
  std::vector<float> received(matrix.size(), 3.0F);
  MessageReader reader(writer.bytes());
  CHECK(reader.number<int>() == 7);
  reader.rows(reinterpret_cast<std::byte*>(received.data()), rows, row_bytes);
  CHECK(reader.rest().empty());
  CHECK(std::memcmp(matrix.data(), received.data(), matrix.size() * sizeof(float)) == 0);
  return writer.bytes().size() - sizeof(int);
}

}  // namespace

TEST_CASE("rows of zeros are not sent, and nothing is lost") {
  Random random(3, "rows");
  for (const Index columns : {1, 5, 40}) {
    for (const Index rows : {1, 2, 63, 64, 65, 300}) {
      std::vector<float> matrix(static_cast<std::size_t>(rows * columns));
      CAPTURE(rows);
      CAPTURE(columns);
      const auto bits = static_cast<std::size_t>((rows + 63) / 64) * 8;
      const auto row_bytes = static_cast<std::size_t>(columns) * sizeof(float);
      CHECK(check_rows(matrix, rows) == 8 + bits);
      for (float& x : matrix) x = static_cast<float>(random.normal());
      CHECK(check_rows(matrix, rows) == 8 + static_cast<std::size_t>(rows) * row_bytes);
      // Some rows, of which one has a single number, its last.
      std::size_t sent = 0;
      for (Index row = 0; row < rows; ++row) {
        float* its = matrix.data() + row * columns;
        const bool kept = random.below(3) == 0;
        if (!kept) std::fill_n(its, columns, 0.0F);
        if (row == rows / 2) its[columns - 1] = 1;
        sent += kept || row == rows / 2 ? 1 : 0;
      }
      const std::size_t expected = sent == static_cast<std::size_t>(rows) ? 0 : bits;
      CHECK(check_rows(matrix, rows) == 8 + expected + sent * row_bytes);
    }
  }
}

TEST_CASE("a row of negative zeros is sent, and so is one of numbers too small to be normal") {
  const std::size_t none = check_rows({0, 0, 0, 0, 0, 0}, 3);
  CHECK(check_rows({0, 0, 0, -0.0F, 0, 0}, 3) == none + 8);
  CHECK(check_rows({0, 0, 1e-45F, 0, 0, 0}, 3) == none + 8);
  CHECK(check_rows({0, 0, 0, 0, 0, std::nanf("")}, 3) == none + 8);
}

TEST_CASE("numbers and texts are read as they were written, and a message that is too short is an error") {
  MessageWriter writer;
  writer.number(Index(-3));
  writer.text("rank");
  writer.number(0.1);
  writer.text("");
  writer.set_number(0, 4);
  MessageReader reader(writer.bytes());
  CHECK(reader.number<Index>() == 4);
  CHECK(reader.text() == "rank");
  CHECK(reader.number<double>() == 0.1);
  CHECK(reader.text().empty());
  CHECK(slm_test::message_of<RankError>([&] { reader.number<Index>(); }) ==
        "expected a message with 8 bytes more, got 0");
}
