// n-gram models in files, which are not believed.
#include <algorithm>
#include <cmath>

#include "io/io_test_support.hpp"
#include "nn/module_test_support.hpp"
#include "slm/io/model_file.hpp"
#include "slm/models/ngram_lm.hpp"

using namespace io_test;
using namespace module_test;

namespace {

constexpr const char* text = "the cat sat on the mat and the rat sat on the hat";

Tokenizer tokenizer() { return CharTokenizer::from_text(text); }

template <Scalar Real>
NgramLM<Real> example(Index context, Smoothing smoothing = Smoothing::kneser_ney) {
  return {{.vocabulary = tokenizer().size(), .context = context, .smoothing = smoothing},
          tokenizer().encode(text)};
}

template <Scalar Real>
std::vector<double> logits_of(const NgramLM<Real>& model) {
  Tape<Real> tape(Mode::evaluate);
  return as_doubles(model(tape, random_tokens<2>({5, 7}, model.config.vocabulary)));
}

}  // namespace

TEST_CASE("n-grams: a model comes back from its file, of either scalar, and predicts the same bits") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  for (const Smoothing smoothing : {Smoothing::kneser_ney, Smoothing::witten_bell}) {
    for (const Index context : {0, 1, 4}) {
      const auto model = example<float>(context, smoothing);
      save_model(model, tokenizer(), path, {{"text", "cats"}});
      const auto [loaded, words, about] = load_model<NgramLM<float>>(path);
      CHECK(loaded.config.context == context);
      CHECK(loaded.config.smoothing == smoothing);
      CHECK(about.at("text") == "cats");
      CHECK(logits_of(loaded) == logits_of(model));
      CHECK(logits_of(load_model<NgramLM<double>>(path).model) ==
            logits_of(example<double>(context, smoothing)));
    }
  }
  const SafeTensors file = SafeTensors::read(path);
  CHECK(file.names() == std::vector<std::string>{"table.ngrams", "table.counts"});
  const NgramLM<float> empty({.vocabulary = tokenizer().size(), .context = 2});
  save_model(empty, tokenizer(), path);
  CHECK(logits_of(load_model<NgramLM<float>>(path).model) == logits_of(empty));
}

namespace {

using Ngrams = Tensor<Token, 2>;
using Counts = Tensor<NgramTable::Count, 1>;

/// The file of a model of a b a c with trigrams, as `spoil` leaves its tensors; what loading says of it.
std::string loading(const auto& spoil) {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const Tokenizer letters = CharTokenizer::from_text("abc");
  save_model(NgramLM<float>({.vocabulary = 3, .context = 2}, letters.encode("abac")), letters, path);
  const SafeTensors file = SafeTensors::read(path);
  Ngrams ngrams({4, 3});
  Counts counts({4});
  file.copy_into("table.ngrams", ngrams);
  file.copy_into("table.counts", counts);
  spoil(ngrams, counts);
  write_safetensors(path, {tensor_record("table.ngrams", ngrams), tensor_record("table.counts", counts)},
                    file.metadata());
  const std::string message = message_of<DataError>([&] { load_model<NgramLM<float>>(path); });
  CHECK((message == "no error" || has(message, "load_weights '" + path + "': 'table': ")));
  return message;
}

}  // namespace

TEST_CASE("n-grams: a table that is none is refused") {
  CHECK(loading([](Ngrams&, Counts&) {}) == "no error");
  // Sorted by the token before the last, and by the one before that.
  loading([](Ngrams& ngrams, Counts&) {
    CHECK(std::vector<Token>(ngrams.begin(), ngrams.end()) ==
          std::vector<Token>{-1, -1, 0, -1, 0, 1, 1, 0, 2, 0, 1, 0});
  });
  for (const Token token : {3, -2, 1'000'000'000}) {
    CHECK(has(loading([&](Ngrams& ngrams, Counts&) { ngrams(3, 2) = token; }), "expected tokens 0 … 2"));
    CHECK(has(loading([&](Ngrams& ngrams, Counts&) { ngrams(3, 0) = token; }), "got others in n-gram 3"));
  }
  CHECK(has(loading([](Ngrams& ngrams, Counts&) { ngrams(0, 2) = -1; }), "got others in n-gram 0"));
  CHECK(has(loading([](Ngrams& ngrams, Counts&) { ngrams(3, 1) = -1; }), "got others in n-gram 3"));
  CHECK(has(loading([](Ngrams& ngrams, Counts&) { ngrams(3, 1) = 0, ngrams(3, 0) = 0; }),
            "n-gram 3 is not in order"));
  CHECK(has(loading([](Ngrams& ngrams, Counts&) { std::copy_n(&ngrams(2, 0), 3, &ngrams(3, 0)); }),
            "n-gram 3 is not in order"));
  for (const int count : {0, -1}) {
    CHECK(has(loading([&](Ngrams&, Counts& counts) { counts(1) = count; }), "expected positive counts"));
  }
  CHECK(has(loading([](Ngrams&, Counts& counts) { counts(0) = counts(1) = 2'000'000'000; }),
            "expected counts of at most 2147483647 in all"));
  CHECK(has(loading([](Ngrams& ngrams, Counts&) { ngrams = Ngrams({4, 2}); }), "shape (M, 3)"));
  CHECK(has(loading([](Ngrams& ngrams, Counts&) { ngrams = Ngrams({3, 3}); }), "(3, 3) and (4)"));
  CHECK(has(loading([](Ngrams&, Counts& counts) { counts = Counts({0}); }), "(4, 3) and (0)"));
}

TEST_CASE("n-grams: whatever passes the checks predicts") {
  // Tables that no text would leave: of many beginnings, or without what comes before.
  Random random(seed, "hostile");
  int good = 0;
  for (int i = 0; i < 1000; ++i) {
    std::vector<std::array<Token, 3>> rows(4);  // the token before the last, the one before that, the last
    for (auto& row : rows) {
      for (Token& token : row) token = static_cast<Token>(random.below(4)) - 1;
    }
    std::sort(rows.begin(), rows.end());
    Ngrams ngrams({4, 3});
    Counts counts({4});
    for (Index n = 0; n < 4; ++n) {
      const auto& row = rows[static_cast<std::size_t>(n)];
      ngrams(n, 0) = row[1], ngrams(n, 1) = row[0], ngrams(n, 2) = row[2];
      counts(n) = static_cast<NgramTable::Count>(random.below(1'000)) + 1;
    }
    NgramLM<double> model({.vocabulary = 3, .context = 2});
    NgramTable::tensors(model.table, [&](const char*, auto& tensor) {
      if constexpr (std::is_same_v<decltype(tensor), Ngrams&>) tensor = ngrams;
      if constexpr (std::is_same_v<decltype(tensor), Counts&>) tensor = counts;
    });
    if (message_of<DataError>([&] { model.table.restore(); }) != "no error") continue;
    ++good;
    for (const Token a : {0, 1, 2}) {
      for (const Token b : {0, 1, 2}) {
        const std::array window = {a, b};
        double sum = 0;
        for (const Token token : {0, 1, 2}) sum += model.probability(token, window);
        CHECK(std::abs(sum - 1) <= 1e-14);
      }
    }
  }
  CHECK(good > 20);
  CHECK(good < 900);
}

TEST_CASE("n-grams: a file of another config, cut short or of another model is refused") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const auto model = example<float>(2);
  save_model(model, tokenizer(), path);
  const SafeTensors file = SafeTensors::read(path);
  const auto with = [&](const char* key, const char* value) {
    Metadata about = file.metadata();
    about[key] = value;
    write_safetensors(path, file.records(), about);
    return message_of<Error>([&] { load_model<NgramLM<float>>(path); });
  };
  CHECK(has(with("config.context", "3"), "expected n-grams of shape (M, 4)"));
  CHECK(has(with("config.context", "1000000000"), "context 1000000000 from 0 to 255"));
  CHECK(has(with("config.smoothing", "none"), "must be one of kneser_ney, witten_bell"));
  CHECK(has(with("config.vocabulary", "1000000000"), "but the model a vocabulary of 1000000000"));
  CHECK(has(with("model", "LinearLM"), "expected a model of type NgramLM"));
  CHECK(with("config.smoothing", "witten_bell") == "no error");
  const std::string whole = get(path);
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    put(path, whole.substr(0, size));
    CHECK(message_of<DataError>([&] { load_model<NgramLM<float>>(path); }) != "no error");
  }
}
