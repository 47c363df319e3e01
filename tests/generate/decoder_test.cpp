// Logits of a text read token by token against those of the whole text.
#include "slm/generate/decoder.hpp"

#include <algorithm>
#include <limits>

#include "allocation_count.hpp"
#include "error_message.hpp"
#include "generate/generate_test_support.hpp"
#include "slm/models/recurrent_lm.hpp"

using namespace generate_test;

namespace {

template <Scalar Real>
std::vector<double> as_doubles(std::span<const Real> x) {
  return {x.begin(), x.end()};
}

/// Logits of the token after each position, computed for all of them at once.
template <Scalar Real>
std::vector<std::vector<double>> logits_of_all(const TransformerLM<Real>& model, std::span<const Token> text) {
  Tokens<2> window({1, static_cast<Index>(text.size())});
  std::copy(text.begin(), text.end(), window.begin());
  Tape<Real> tape(Mode::evaluate);
  const auto logits = model(tape, window);
  std::vector<std::vector<double>> rows;
  for (Index t = 0; t < window.extent(1); ++t) {
    const Real* row = logits.value() + t * model.config.vocabulary;
    rows.emplace_back(row, row + model.config.vocabulary);
  }
  return rows;
}

/// The same bits, unless a library makes the products: its depend on the sizes of the matrices.
template <Scalar Real>
void check_same(std::span<const Real> actual, const std::vector<double>& expected) {
  if constexpr (gemm_backend<Real>() == GemmBackend::slm) {
    CHECK(same_bits(as_doubles(actual), expected));
  } else {
    const double bound = 1e3 * static_cast<double>(std::numeric_limits<Real>::epsilon());
    CHECK(relative_error(as_doubles(actual), expected) <= bound);
  }
}

/// Reads a text in pieces of `step` tokens, the first of which has `first`, and compares after each.
template <Scalar Real>
void check_reading(Decoder<TransformerLM<Real>, Real>& decoder, std::span<const Token> text,
                   const std::vector<std::vector<double>>& expected, std::size_t first, std::size_t step) {
  for (std::size_t begin = 0, end = first; begin < text.size(); begin = end, end += step) {
    end = std::min(end, text.size());
    CAPTURE(begin);
    CAPTURE(end);
    check_same<Real>(decoder.read(text.subspan(begin, end - begin)), expected[end - 1]);
    CHECK(decoder.length() == static_cast<Index>(end));
  }
}

/// Larger than the tiles of attention, the blocks of a product and a vector register's width in every way.
TransformerConfig large() {
  return {.vocabulary = 37,
          .context = 150,
          .width = 300,
          .layers = 2,
          .heads = 3,
          .feed_forward = 290,
          .position = Position::learned};
}

}  // namespace

TEST_CASE_TEMPLATE(
    "token by token, after any prompt, every kind of transformer has the logits of the whole text", Real, float,
    double) {
  for (const TransformerConfig& config : all_kinds()) {
    CAPTURE(describe(config));
    const auto model = make<Real>(config);
    const auto text = random_text(config.context, config.vocabulary);
    const auto expected = logits_of_all<Real>(model, text);
    Decoder decoder(model);
    for (std::size_t prompt = 1; prompt <= text.size(); ++prompt) {
      decoder.clear();
      check_reading<Real>(decoder, text, expected, prompt, 1);
    }
  }
}

TEST_CASE_TEMPLATE("a text read in pieces of any length has the logits of the whole text", Real, float,
                   double) {
  for (const Position position : {Position::learned, Position::rotary}) {
    TransformerConfig config = large();
    config.position = position;
    const auto model = make<Real>(config);
    const auto text = random_text(config.context, config.vocabulary);
    const auto expected = logits_of_all<Real>(model, text);
    Decoder decoder(model);
    check_reading<Real>(decoder, text, expected, 1, 1);
    for (const auto& [first, step] :
         {std::pair<std::size_t, std::size_t>{1, 149}, {40, 7}, {130, 1}, {150, 1}}) {
      decoder.clear();
      check_reading<Real>(decoder, text, expected, first, step);
    }
  }
}

TEST_CASE("the logits are those of next_token") {
  const auto model = make<float>(all_kinds()[0]);
  const auto text = random_text(5, model.config.vocabulary);
  Tokens<2> window({1, 5});
  std::copy(text.begin(), text.end(), window.begin());
  Tape<float> tape(Mode::evaluate);
  Decoder decoder(model);
  check_same<float>(decoder.read(text), module_test::as_doubles(model.next_token(tape, window)));
}

TEST_CASE("with weights in fewer bits, the logits are those of the model whose matrices are rounded") {
  for (const WeightFormat format : {WeightFormat::full, WeightFormat::bfloat16, WeightFormat::int8}) {
    CAPTURE(name_of(format));
    TransformerConfig config = large();
    config.position = Position::rotary;
    auto model = make<float>(config);
    Tensor<float, 2> embedding = model.embedding.weight.value;
    const auto text = random_text(config.context, config.vocabulary);
    Decoder decoder(model, {.weights = format}), in_pieces(model, {.weights = format});
    std::vector<std::vector<double>> read;
    for (const Token token : text) read.push_back(as_doubles(decoder.read({&token, 1})));
    check_reading<float>(in_pieces, text, read, 40, 7);

    for_each_parameter(model, [&](const std::string&, auto& parameter) {
      if constexpr (std::remove_cvref_t<decltype(parameter.value.shape())>{}.size() == 2) {
        const Index rows = parameter.value.extent(0), columns = parameter.value.extent(1);
        for (Index i = 0; i < rows; ++i) {
          float* row = parameter.value.data() + i * columns;
          round_row(row, row, columns, format);
        }
      }
    });
    model.embedding.weight.value = embedding;  // which is looked up
    const auto expected = logits_of_all<float>(model, text);
    for (std::size_t i = 0; i < read.size(); ++i) {
      if (format == WeightFormat::int8) {  // whose sums are scaled at the end
        CHECK(relative_error(read[i], expected[i]) <= 1e3 * std::numeric_limits<float>::epsilon());
      } else {
        check_same<float>(std::vector<float>(read[i].begin(), read[i].end()), expected[i]);
      }
    }
  }
}

TEST_CASE("every norm has its own epsilon") {
  for (const NormPlacement placement : {NormPlacement::post, NormPlacement::pre}) {
    CAPTURE(static_cast<int>(placement));
    TransformerConfig config = all_kinds()[0];
    config.norm = placement;
    auto model = make<float>(config);
    const auto text = random_text(config.context, config.vocabulary);
    const auto usual = logits_of_all<float>(model, text);
    std::vector<Norm<float>*> norms{&model.norm};
    for (auto& block : model.blocks) norms.insert(norms.end(), {&block.norm1, &block.norm2});
    for (Norm<float>* norm : norms) {
      norm->epsilon = 1;
      const auto expected = logits_of_all<float>(model, text);
      CHECK(relative_error(expected.back(), usual.back()) > 1e-3);
      Decoder decoder(model);
      check_reading<float>(decoder, text, expected, 4, 1);
      norm->epsilon = 1e-5;
    }
  }
}

TEST_CASE("threads do not change the bits of the logits") {
  // Sizes that threads share: the prompt's products and heads, and the head's product for one token.
  const TransformerConfig config{
      .vocabulary = 12'000, .context = 301, .width = 48, .layers = 1, .heads = 3, .feed_forward = 50};
  const auto model = make<float>(config);
  const auto text = random_text(config.context, config.vocabulary);
  const std::span<const Token> prompt(text.data(), 300), last(text.data() + 300, 1);
  std::vector<double> after_prompt, after_all;
  for (const int count : {1, 2, 3}) {
    CAPTURE(count);
    const slm_test::Threads setting(count);
    Decoder decoder(model);
    const auto first = as_doubles(decoder.read(prompt)), second = as_doubles(decoder.read(last));
    if (count == 1) {
      after_prompt = first;
      after_all = second;
    }
    CHECK(same_bits(first, after_prompt));
    CHECK(same_bits(second, after_all));
  }
}

TEST_CASE("weights that are not finite are refused where they are kept in fewer bits") {
  for (const float number :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    GruLM<float> model({.vocabulary = 5, .context = 8, .width = 3}, Random(1));
    model.head.weight.value(1, 2) = number;
    for (const WeightFormat format : {WeightFormat::bfloat16, WeightFormat::int8}) {
      const std::string error =
          slm_test::message_of<NumericError>([&] { Decoder decoder(model, {.weights = format}); });
      CHECK(slm_test::has(error, "Decoder: expected weights that are finite as floats, got "));
      CHECK(slm_test::has(error, " at element 5 of 'head.weight'"));
    }
    Decoder full(model);  // whose logits say so
    const Token token = 1;
    CHECK_FALSE(is_finite(full.read({&token, 1})[1]));
  }
}

TEST_CASE("what cannot be read is named, and leaves the text as it was") {
  const auto model = make<float>(all_kinds()[0]);  // a vocabulary of 11 and a context of 9
  const auto text = random_text(9, 11);
  const auto expected = logits_of_all<float>(model, text);
  Decoder decoder(model);
  const auto check_refused = [&](Index room, Index count) {
    const std::string message = "Decoder: the context of 9 tokens has room for " + std::to_string(room) +
                                " more, and at least 1 must be read, but got " + std::to_string(count);
    CHECK_THROWS_WITH_AS(decoder.read(std::span(text).first(static_cast<std::size_t>(count))), message.c_str(),
                         ShapeError);
  };
  check_refused(9, 0);
  decoder.read(std::span(text).first(4));
  check_refused(5, 0);
  check_refused(5, 6);
  for (const Token outside : {-1, 11}) {
    const Token tokens[] = {3, outside};
    const std::string message =
        "Decoder: token " + std::to_string(outside) + " at index 1 is outside the vocabulary 0 … 10";
    CHECK_THROWS_WITH_AS(decoder.read(tokens), message.c_str(), RangeError);
  }
  CHECK(decoder.length() == 4);
  check_same<float>(decoder.read(std::span(text).subspan(4)), expected.back());
  check_refused(0, 1);
}

TEST_CASE("reading allocates nothing once a text as long was read") {
  const slm_test::Threads two(2);
  for (const TransformerConfig& config : all_kinds()) {
    CAPTURE(describe(config));
    const auto model = make<float>(config);
    const auto text = random_text(config.context, config.vocabulary);
    for (const std::size_t prompt : {std::size_t(1), std::size_t(4)}) {
      Decoder decoder(model);
      decoder.read(std::span(text).first(prompt));
      const long before = test::allocation_count();
      for (std::size_t i = prompt; i < text.size(); ++i) decoder.read(std::span(text).subspan(i, 1));
      decoder.clear();
      decoder.read(std::span(text).first(prompt));
      CHECK(test::allocation_count() == before);
    }
  }
}

TEST_CASE("reading allocates nothing where one text needs several blocks of memory") {
  const auto model = make<float>(large());
  const auto text = random_text(150, 37);
  Decoder decoder(model);
  decoder.read(std::span(text).first(120));
  const long before = test::allocation_count();
  for (std::size_t i = 120; i < text.size(); ++i) decoder.read(std::span(text).subspan(i, 1));
  decoder.clear();
  decoder.read(std::span(text).first(120));
  CHECK(test::allocation_count() == before);
}
