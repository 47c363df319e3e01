#include "slm/data/corpus.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "data_test_support.hpp"

using namespace slm;
using data_test::has;
using data_test::message_of;
using data_test::TemporaryFolder;

namespace {

Index size(const std::vector<Token>& tokens) { return static_cast<Index>(tokens.size()); }

/// A public corpus with the caps given; nothing, and a message, where this machine does not have it.
std::optional<Corpus> load_public(const std::string& name, const TokenCaps& caps = {}) {
  const auto folder = data_test::public_folder({name});
  if (!folder) return std::nullopt;
  return load_corpus(name, *folder + "/" + name, caps);
}

}  // namespace

TEST_CASE("load_own_corpus: characters of all three files, words of train.txt") {
  const TemporaryFolder folder;
  folder.put("train.txt", "to be or\nnot to be\n");
  folder.put("valid.txt", "not be");
  folder.put("test.txt", "be to\nbe");

  const Corpus words = load_own_corpus("mine", folder.path(), {TokenUnit::word});
  CHECK(words.name == "mine");
  CHECK(words.tokenizer.vocabulary() == std::vector<std::string>{"be", "not", "or", "to"});
  CHECK(words.vocabulary_size() == 4);
  CHECK(words.train == std::vector<Token>{3, 0, 2, 1, 3, 0});
  CHECK(words.valid == std::vector<Token>{1, 0});
  CHECK(words.test == std::vector<Token>{0, 3, 0});

  folder.put("valid.txt", "zen");
  const Corpus characters = load_own_corpus("mine", folder.path(), {TokenUnit::character});
  CHECK(characters.vocabulary_size() == 9);  // "\n ", "beno", "rt" and the z of valid.txt
  CHECK(characters.tokenizer.decode(characters.train) == "to be or\nnot to be\n");
  CHECK(characters.tokenizer.decode(characters.valid) == "zen");
  CHECK(characters.tokenizer.decode(characters.test) == "be to\nbe");
}

TEST_CASE("caps keep the first tokens of a split; the vocabulary is still of the whole train.txt") {
  const TemporaryFolder folder;
  folder.put("train.txt", "a b c d e f");
  folder.put("valid.txt", "f e d unknown");
  folder.put("test.txt", "a b");
  const Corpus corpus = load_own_corpus("mine", folder.path(), {TokenUnit::word}, {.train = 4, .valid = 3});
  CHECK(corpus.vocabulary_size() == 6);
  CHECK(corpus.train == std::vector<Token>{0, 1, 2, 3});
  CHECK(corpus.valid == std::vector<Token>{5, 4, 3});
  CHECK(corpus.test == std::vector<Token>{0, 1});
  CHECK(has(
      message_of<ConfigError>([&] { load_own_corpus("mine", folder.path(), {TokenUnit::word}, {.valid = 1}); }),
      "at least 2 tokens, got 1"));
}

TEST_CASE("load_own_corpus: a word may stand for rare and unknown ones") {
  const TemporaryFolder folder;
  folder.put("train.txt", "a b a c");
  folder.put("valid.txt", "a z");
  folder.put("test.txt", "b a");
  const Corpus corpus = load_own_corpus("mine", folder.path(),
                                        {.unit = TokenUnit::word, .smallest_count = 2, .unknown = "<unk>"});
  CHECK(corpus.tokenizer.vocabulary() == std::vector<std::string>{"<unk>", "a"});
  CHECK(corpus.train == std::vector<Token>{1, 0, 1, 0});
  CHECK(corpus.valid == std::vector<Token>{1, 0});
  CHECK(corpus.test == std::vector<Token>{0, 1});
}

TEST_CASE("corpus_from_text: splits end behind a line, near their shares") {
  std::string text;
  for (int line = 0; line < 100; ++line) text += "some words\n";  // 11 characters
  const Corpus corpus = corpus_from_text("mine", text);
  CHECK(corpus.name == "mine");
  CHECK(size(corpus.train) == 80 * 11);
  CHECK(size(corpus.valid) == 10 * 11);
  CHECK(size(corpus.test) == 10 * 11);
  CHECK(corpus.tokenizer.decode(corpus.train) + corpus.tokenizer.decode(corpus.valid) +
            corpus.tokenizer.decode(corpus.test) ==
        text);
  CHECK(corpus.checksum == corpus_checksum({text.substr(0, 880), text.substr(880, 110), text.substr(990)}));

  const Corpus words = corpus_from_text("mine", text + "new\n", {.unit = TokenUnit::word, .unknown = "?"},
                                        {.valid = 0.25, .test = 0.5});
  CHECK(size(words.train) == 26 * 2);
  CHECK(size(words.valid) == 25 * 2);
  CHECK(size(words.test) == 49 * 2 + 1);
  CHECK(words.test.back() == 0);

  CHECK(has(message_of<DataError>([] { corpus_from_text("mine", "one line only"); }),
            "corpus_from_text: the validation split must have at least 2 tokens, but has 1"));
  CHECK(has(message_of<DataError>([&] { corpus_from_text("mine", text + "new\n", {.unit = TokenUnit::word}); }),
            "corpus_from_text: the test split: WordTokenizer: word 'new'"));
  CHECK(has(message_of<ConfigError>([&] { corpus_from_text("mine", text, {}, {.valid = 0.5, .test = 0.5}); }),
            "got 0.5 and 0.5"));
}

TEST_CASE("a corpus is of characters unless bytes are asked for, and says in which text there are none") {
  std::string text;
  for (int line = 0; line < 20; ++line) text += "\xe4\xb8\xad\xe6\x96\x87\n";  // two characters and a line end
  const Corpus characters = corpus_from_text("mine", text);
  CHECK(characters.tokenizer.unit() == TokenUnit::character);
  CHECK(characters.vocabulary_size() == 3);
  CHECK(size(characters.train) == 16 * 3);
  CHECK(size(characters.test) == 2 * 3);
  const Corpus bytes = corpus_from_text("mine", text, {.unit = TokenUnit::byte});
  CHECK(bytes.tokenizer.unit() == TokenUnit::byte);
  CHECK(bytes.vocabulary_size() == 7);
  CHECK(size(bytes.train) == 16 * 7);
  CHECK(bytes.tokenizer.decode(bytes.valid) == characters.tokenizer.decode(characters.valid));

  const std::string latin = text + "caf\xe9\n";
  const std::string where = make_text({"corpus_from_text: the text is not UTF-8 at byte ", latin.size() - 2});
  CHECK(has(message_of<DataError>([&] { corpus_from_text("mine", latin); }), where));
  CHECK(has(message_of<DataError>([&] { corpus_from_text("mine", latin, {.unit = TokenUnit::character}); }),
            where));
  CHECK(corpus_from_text("mine", latin, {.unit = TokenUnit::byte}).vocabulary_size() == 11);

  const TemporaryFolder folder;
  folder.put("train.txt", text);
  folder.put("valid.txt", "caf\xe9");
  folder.put("test.txt", text);
  CHECK(has(message_of<DataError>([&] { load_own_corpus("mine", folder.path()); }),
            "load_own_corpus: " + folder.path() + "/valid.txt: the text is not UTF-8 at byte 3"));
  CHECK(load_own_corpus("mine", folder.path(), {.unit = TokenUnit::byte}).vocabulary_size() == 11);
}

TEST_CASE("the checksum is that of the list of checksums that sha256sum prints") {
  const TemporaryFolder folder;
  folder.put("train.txt", "abc");
  folder.put("valid.txt", "ab");
  folder.put("test.txt", "abc");
  const std::string list =
      sha256("abc") + "  train.txt\n" + sha256("ab") + "  valid.txt\n" + sha256("abc") + "  test.txt\n";
  CHECK(load_own_corpus("mine", folder.path(), {TokenUnit::character}).checksum == sha256(list));
  CHECK(corpus_checksum({"abc", "ab", "abc"}) == sha256(list));
  CHECK(corpus_checksum({"abca", "b", "abc"}) != sha256(list));
}

TEST_CASE("a corpus that cannot be used is one clear error") {
  const TemporaryFolder folder;
  const auto load = [&](TokenUnit unit) {
    return message_of<DataError>([&] { load_own_corpus("mine", folder.path(), {unit}); });
  };
  const std::string path = folder.path() + "/";
  CHECK(has(load(TokenUnit::word), "cannot open " + path + "train.txt: No such file"));
  folder.put("train.txt", "a b c");
  folder.put("valid.txt", "a b");
  CHECK(has(load(TokenUnit::word), "cannot open " + path + "test.txt: No such file"));
  folder.put("test.txt", "");
  CHECK(load(TokenUnit::word) == "load_own_corpus: " + path + "test.txt is empty");
  folder.put("test.txt", " \n ");
  CHECK(has(load(TokenUnit::word), path + "test.txt must have at least 2 tokens, but has 0"));
  folder.put("test.txt", "a");
  CHECK(has(load(TokenUnit::character), path + "test.txt must have at least 2 tokens, but has 1"));
  folder.put("test.txt", "a b\na bb");
  const std::string unknown = load(TokenUnit::word);
  CHECK(has(unknown, path + "test.txt"));
  CHECK(has(unknown, "'bb' at position 3"));
  std::filesystem::remove(path + "test.txt");
  folder.put("test.txt/file", "");
  CHECK(has(load(TokenUnit::word), "cannot read " + path + "test.txt: Is a directory"));
}

TEST_CASE("load_corpus refuses files that are not the public ones, and names it does not know") {
  const TemporaryFolder folder;
  folder.put("train.txt", "some text");
  folder.put("valid.txt", "some text");
  folder.put("test.txt", "some text");
  const std::string message = message_of<DataError>([&] { load_corpus("ptb", folder.path()); });
  CHECK(has(message, folder.path() + "/train.txt"));
  CHECK(has(message, "expected SHA-256 fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"));
  CHECK(has(message, "got " + sha256("some text")));
  CHECK(has(message_of<ConfigError>([&] { load_corpus("penn", folder.path()); }),
            "'penn'; known are tiny_shakespeare, ptb, wikitext-2"));
}

TEST_CASE("Tiny Shakespeare as the study has it") {
  const auto corpus = load_public("tiny_shakespeare");
  if (!corpus) return;
  CHECK(corpus->vocabulary_size() == 65);
  CHECK(size(corpus->train) == 892'117);
  CHECK(size(corpus->valid) == 111'669);
  CHECK(size(corpus->test) == 111'606);
  CHECK(corpus->checksum == "5a15ad515f2d019aab163caf05cbb8afbaf4b410f7426ec2f070f8226e5ca7d4");
  CHECK(corpus->tokenizer.token(0) == "\n");
  CHECK(corpus->tokenizer.token(64) == "z");
  CHECK(corpus->tokenizer.decode(std::span(corpus->train).first(14)) == "First Citizen:");
}

TEST_CASE("PTB and WikiText-2, capped") {
  struct Expected {
    std::string name, checksum;
    Index vocabulary;
  };
  for (const Expected& expected :
       {Expected{"ptb", "1f1f0859cb0b723bd7591e1e86bed3c0b10273949fb171f99c080afc81ec8c11", 9'999},
        Expected{"wikitext-2", "6b0113c11260a0fcbb946da3d5806c01271f4c4eb2b7dcde0fbe8f4913e272de", 33'277}}) {
    CAPTURE(expected.name);
    const auto corpus = load_public(expected.name, {80'000, 20'000, 20'000});
    if (!corpus) continue;
    CHECK(corpus->tokenizer.unit() == TokenUnit::word);
    CHECK(corpus->vocabulary_size() == expected.vocabulary);
    CHECK(size(corpus->train) == 80'000);
    CHECK(size(corpus->valid) == 20'000);
    CHECK(size(corpus->test) == 20'000);
    CHECK(corpus->checksum == expected.checksum);
    const std::vector<std::string> words = corpus->tokenizer.vocabulary();
    CHECK(std::is_sorted(words.begin(), words.end()));
    CHECK(std::find(words.begin(), words.end(), "<unk>") != words.end());
    CHECK(std::find(words.begin(), words.end(), "<eos>") == words.end());
  }
}
