// The studies' data: what is checked before anything is trained, and what is said about it.
#include <doctest/doctest.h>

#include "data/data_test_support.hpp"
#include "harness/dataset.hpp"
#include "protocol.hpp"
#include "study_test_support.hpp"

using namespace slm::studies;
using namespace study_test;

namespace {

/// A corpus with the numbers of words and tokens that the protocol has, but no text.
slm::Corpus corpus_of(const DataSize& size) {
  std::vector<std::string> words;
  for (slm::Index i = 0; i < size.vocabulary; ++i) words.push_back(std::to_string(i));
  slm::Corpus corpus;
  corpus.name = size.name;
  corpus.tokenizer = slm::WordTokenizer(std::move(words));
  corpus.train.resize(static_cast<std::size_t>(size.tokens[0]));
  corpus.valid.resize(static_cast<std::size_t>(size.tokens[1]));
  corpus.test.resize(static_cast<std::size_t>(size.tokens[2]));
  return corpus;
}

std::string error_of(const slm::Corpus& corpus, bool capped) {
  try {
    check_sizes(corpus, capped);
  } catch (const slm::DataError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("vocabulary and numbers of tokens must be the protocol's") {
  for (const DataSize& size : data_sizes) {
    CAPTURE(size.name);
    slm::Corpus corpus = corpus_of(size);
    CHECK(error_of(corpus, true) == "");
    corpus.valid.pop_back();
    CHECK(error_of(corpus, false) == "");
    CHECK(has(error_of(corpus, true), "must have"));
  }
  DataSize larger = data_sizes[1];
  ++larger.vocabulary;
  slm::Corpus corpus = corpus_of(larger);
  corpus.test.pop_back();
  const std::string capped = error_of(corpus, true);
  CHECK(has(capped, "the data of ptb must have 9,999 distinct tokens, and 80,000 / 20,000 / 20,000 to train"));
  CHECK(has(capped, "it has 10,000 distinct tokens, and 80,000 / 20,000 / 19,999 to train"));
  CHECK(has(error_of(corpus, false), "must have 9,999 distinct tokens"));
  corpus.name = "mine";
  CHECK(error_of(corpus, true) == "");
}

TEST_CASE("files that are not the public ones are named with their checksum, and nothing is trained") {
  const TemporaryFolder folder;
  for (const char* split : {"train", "valid", "test"}) {
    folder.put(std::string("data/ptb/") + split + ".txt", "some words of another text\n");
  }
  Program program(folder, {}, "word_level");
  CHECK(program.wait() == 1);
  CHECK(has(program.errors(), "data/ptb/train.txt is not that of ptb: expected SHA-256 fcea919f"));
  CHECK(has(program.errors(), ", got "));
  CHECK_FALSE(std::filesystem::exists(folder / "results"));
}

TEST_CASE("a study says what its data holds, with and without the paper's caps") {
  const auto place = data_test::public_folder({"ptb", "wikitext-2"});
  if (!place) return;
  const TemporaryFolder folder;
  Program capped(folder, {"--data", *place, "--dry-run"}, "word_level");
  REQUIRE(capped.wait() == 0);
  for (const char* part :
       {"80,000 / 20,000 / 20,000 words to train, validate and test, 9,999 distinct, as in the paper",
        "20,000 words to train, validate and test, 33,277 distinct", "of the public files", "2,975,631",
        "8,958,077"}) {
    CAPTURE(part);
    CHECK(has(capped.output(), part));
  }
  Program whole(folder, {"--data", *place, "--dry-run", "--cap", "none"}, "word_level");
  REQUIRE(whole.wait() == 0);
  CHECK(
      has(whole.output(), "887,521 / 70,390 / 78,669 words to train, validate and test, 9,999 distinct, the "));
}

TEST_CASE("a row is named after the text that it is trained on") {
  const auto place = data_test::public_folder({"ptb"});
  if (!place) return;
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "data");
  std::filesystem::create_directory_symlink(*place + "/ptb", folder / "data/ptb");
  Program program(folder, {"--dry-run"}, "word_level");
  REQUIRE(program.wait() == 0);
  CHECK(has(program.output(), "transformer, ptb "));
  CHECK(has(program.output(), "transformer, synthetic "));
  CHECK(has(program.output(), "Synthetic corpus: the paper's figures are of another text."));
}

TEST_CASE("what has no cap is not changed by lifting it") {
  const TemporaryFolder folder;
  for (const char* study : {"tiny_shakespeare", "word_level"}) {
    CAPTURE(study);
    Program program(folder, {"--data", "synthetic", "--dry-run", "--cap", "none"}, study);
    REQUIRE(program.wait() == 0);
    CHECK_FALSE(has(program.output(), "Options replaced settings of the paper"));
  }
}
