// n-gram models on the study's texts, where those are: what other programs found.
#include <cmath>
#include <cstdlib>

#include "slm/data/corpus.hpp"
#include "slm/models/ngram_lm.hpp"
#include "slm/train/loss.hpp"
#include "study_test_support.hpp"

using namespace slm;

namespace {

/// The study's corpus, as far as the paper used it; nothing, with a message, where its folder is not found.
std::optional<Corpus> study_corpus(std::string_view name) {
  const auto size = std::find_if(studies::data_sizes.begin(), studies::data_sizes.end(),
                                 [&](const auto& data) { return data.name == name; });
  const char* variable = std::getenv("SLM_DATA");
  for (const std::string& place :
       {std::string(variable ? variable : ""), std::string("../shared/data"),
        std::string(SLM_TESTS_DIR "/../../shared/data"), std::string(SLM_TESTS_DIR "/../data")}) {
    const std::string folder = make_text({place, "/", name});
    if (place.empty() || !file_exists(folder + "/test.txt")) continue;
    return load_corpus(name, folder, {size->tokens[0], size->tokens[1], size->tokens[2]});
  }
  MESSAGE("skipped: ", std::string(name), " is neither in $SLM_DATA nor in ../shared/data");
  return std::nullopt;
}

}  // namespace

TEST_CASE("n-grams: Witten-Bell of 5 characters has 1.962 nats on the study's windows of Tiny Shakespeare") {
  const auto corpus = study_corpus("tiny_shakespeare");
  if (!corpus) return;
  const auto nll = [&](Index order, Smoothing smoothing) {
    const NgramLM<float> model(
        {.vocabulary = corpus->vocabulary_size(), .context = order - 1, .smoothing = smoothing}, corpus->train);
    return evaluate(model, SequentialWindows<>(corpus->test, 128, 64, 10'000));
  };
  CHECK(std::round(1000 * nll(5, Smoothing::witten_bell)) == 1962);
  CHECK(nll(5, Smoothing::kneser_ney) < 1.70);
}

TEST_CASE("n-grams: Witten-Bell of 2 words has 6.030 nats on the study's windows of PTB") {
  const auto corpus = study_corpus("ptb");
  if (!corpus) return;
  const NgramLM<float> model(
      {.vocabulary = corpus->vocabulary_size(), .context = 1, .smoothing = Smoothing::witten_bell},
      corpus->train);
  // The tokens behind 19,935 windows of 64, each by itself: logits of 9,999 words would take seconds.
  const std::span<const Token> text = corpus->test;
  double sum = 0;
  for (std::size_t at = 64; at < 64 + 19'935; ++at) {
    sum -= std::log(model.probability(text[at], text.subspan(at - 64, 64)));
  }
  CHECK(std::round(1000 * sum / 19'935) == 6030);
}
