#include "slm/data/tokenizer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "data_test_support.hpp"

using namespace slm;
using data_test::has;
using data_test::message_of;

TEST_CASE("CharTokenizer: the vocabulary is the distinct characters of all texts, sorted by code point") {
  const auto tokenizer = CharTokenizer::from_text({"hello\n", "world", "\xf0\x9f\x98\x80\xc3\xa9\xe4\xb8\xad"});
  const std::vector<std::string> characters = {
      "\n", "d", "e", "h", "l", "o", "r", "w", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80"};
  CHECK(tokenizer.vocabulary() == characters);
  CHECK(tokenizer.size() == 11);
  CHECK(tokenizer.token(3) == "h");
  CHECK(tokenizer.token(9) == "\xe4\xb8\xad");
  CHECK(tokenizer.encode("hello") == std::vector<Token>{3, 2, 4, 4, 5});
  CHECK(tokenizer.encode("hello", 2) == std::vector<Token>{3, 2});
  CHECK(tokenizer.encode("e\xe4\xb8\xad\xc3\xa9\xf0\x9f\x98\x80l") == std::vector<Token>{2, 9, 8, 10, 4});
  CHECK(tokenizer.encode("\xe4\xb8\xad\xc3\xa9l", 2) == std::vector<Token>{9, 8});
  CHECK(tokenizer.decode(tokenizer.encode("low\nhold\xc3\xa9")) == "low\nhold\xc3\xa9");
  CHECK(tokenizer.encode("").empty());
}

TEST_CASE("ByteTokenizer: the vocabulary is the distinct bytes of all texts, sorted by value") {
  const auto tokenizer = ByteTokenizer::from_text({"hello\n", "world", "\xc3\xa9"});
  CHECK(tokenizer.vocabulary() ==
        std::vector<std::string>{"\n", "d", "e", "h", "l", "o", "r", "w", "\xa9", "\xc3"});
  CHECK(tokenizer.encode("l\xc3\xa9") == std::vector<Token>{4, 9, 8});
  CHECK(tokenizer.decode(std::vector<Token>{9}) == "\xc3");
  CHECK(has(message_of<DataError>([&] { tokenizer.encode("l\xc2"); }),
            "ByteTokenizer: byte '\\xc2' at position 1 is not one of the 10 known"));
}

TEST_CASE("of a text in ASCII, characters and bytes are the same tokens") {
  const std::string text = "To be, or not to be:\n\tthat is the ~question";
  const auto characters = CharTokenizer::from_text(text);
  const auto bytes = ByteTokenizer::from_text(text);
  CHECK(characters.vocabulary() == bytes.vocabulary());
  CHECK(characters.encode(text) == bytes.encode(text));
}

TEST_CASE("CharTokenizer: an unknown character is named with its position") {
  const auto tokenizer = CharTokenizer::from_text({"ab\xc3\xa9"});
  const std::string visible = message_of<DataError>([&] { tokenizer.encode("ab#c"); });
  CHECK(has(visible, "CharTokenizer: character '#' at position 2"));
  CHECK(has(visible, "3 known"));
  CHECK(has(message_of<DataError>([&] { tokenizer.encode("\n"); }), "'\\x0a' at position 0"));
  CHECK(has(message_of<DataError>([&] { tokenizer.encode("\xc3\xa9\xc3\xa8"); }),
            "'\\xc3\\xa8' (U+00E8) at position 1"));
  CHECK(has(message_of<DataError>([&] { tokenizer.encode("\xf0\x9f\x98\x80"); }), "(U+1F600) at position 0"));
  CHECK(has(message_of<DataError>([&] { tokenizer.encode("\xf4\x8f\xbf\xbf"); }), "(U+10FFFF) at position 0"));
  CHECK(tokenizer.encode("ab#c", 2) == std::vector<Token>{0, 1});
}

TEST_CASE("CharTokenizer: what is not UTF-8 is refused with its place, and can be read as bytes") {
  const std::string text = "caf\xe9, as Latin-1 has it";
  const std::string expected =
      "CharTokenizer: the text is not UTF-8 at byte 3, '\\xe9, a'; any text can be read as bytes "
      "(TokenUnit::byte)";
  CHECK(message_of<DataError>([&] { CharTokenizer::from_text({"fine", text}); }) == expected);
  const auto tokenizer = CharTokenizer::from_text("acf");
  CHECK(message_of<DataError>([&] { tokenizer.encode(text); }) == expected);
  CHECK(tokenizer.encode(text, 3) == std::vector<Token>{1, 0, 2});
  CHECK(ByteTokenizer::from_text(text).size() == 14);
}

TEST_CASE("a limit of no tokens, or of less, gives none") {
  for (const Tokenizer& tokenizer :
       {Tokenizer(CharTokenizer::from_text({"a b"})), Tokenizer(ByteTokenizer::from_text({"a b"})),
        Tokenizer(WordTokenizer::from_text("a b"))}) {
    CAPTURE(name_of(tokenizer.unit()));
    CHECK(tokenizer.encode("a b", 0).empty());
    CHECK(tokenizer.encode("a b", -1).empty());
  }
}

TEST_CASE("WordTokenizer: words are what stands between white space, without an end of sentence") {
  const auto tokenizer = WordTokenizer::from_text(" the cat <unk> \n the\tdog \r\n\v\f N \n");
  CHECK(tokenizer.vocabulary() == std::vector<std::string>{"<unk>", "N", "cat", "dog", "the"});
  CHECK(tokenizer.size() == 5);
  CHECK(tokenizer.token(2) == "cat");
  CHECK(tokenizer.encode("the\ndog  the") == std::vector<Token>{4, 3, 4});
  CHECK(tokenizer.encode("the dog cat", 2) == std::vector<Token>{4, 3});
  CHECK(tokenizer.encode(" \n ").empty());
  CHECK(tokenizer.decode(std::vector<Token>{4, 2, 1}) == "the cat N");
  CHECK(tokenizer.decode(std::vector<Token>{}).empty());
}

TEST_CASE("WordTokenizer: an unknown word is named with its position and the nearest known words") {
  const auto tokenizer = WordTokenizer::from_text("market markets marked bank investor a b");
  const std::string message = message_of<DataError>([&] { tokenizer.encode("bank\n markt"); });
  CHECK(has(message, "'markt' at position 1"));
  CHECK(has(message, "7 known"));
  CHECK(has(message, "nearest: 'market', 'marked', 'markets'; a word may stand for all others (`unknown`)"));
  CHECK_FALSE(has(message, "bank"));
  CHECK_FALSE(has(message_of<DataError>([&] { tokenizer.encode("unrelated"); }), "nearest"));
  // Large letters are no distance, so that they do not hide the word that is meant.
  CHECK(has(message_of<DataError>([&] { tokenizer.encode("INVESTORS"); }), "nearest: 'investor'"));
  CHECK(tokenizer.encode("bank unrelated", 1) == std::vector<Token>{2});
  // A word as long as a file is neither compared letter by letter nor repeated.
  CHECK(message_of<DataError>([&] { tokenizer.encode(std::string(1'000'000, 'x')); }).size() < 250);
}

TEST_CASE("WordTokenizer: one word may stand for rare and for unknown ones") {
  const auto tokenizer = WordTokenizer::from_text("to be or not to be", 2, "<unk>");
  CHECK(tokenizer.vocabulary() == std::vector<std::string>{"<unk>", "be", "to"});
  CHECK(tokenizer.unknown() == "<unk>");
  CHECK(tokenizer.encode("to see or <unk> be") == std::vector<Token>{2, 0, 0, 0, 1});
  CHECK(WordTokenizer::from_text("a <unk>", 1, "<unk>").vocabulary() == std::vector<std::string>{"<unk>", "a"});
  CHECK(WordTokenizer::from_text("a <unk>").unknown().empty());

  const Tokenizer again(TokenUnit::word, tokenizer.vocabulary(), tokenizer.unknown());
  CHECK(again.unknown() == "<unk>");
  CHECK(again.encode("see") == std::vector<Token>{0});
  CHECK(Tokenizer(CharTokenizer::from_text("a")).unknown().empty());

  CHECK(has(message_of<DataError>([] { WordTokenizer({"a"}, "<unk>"); }),
            "the word for unknown ones, '<unk>', is not in the vocabulary"));
  CHECK(has(message_of<ConfigError>([] { WordTokenizer::from_text("a b", 2); }), "a count below 2"));
}

TEST_CASE("edit_distance counts insertions, deletions and replacements") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("flaw", "lawn") == 2);
  CHECK(edit_distance("same", "same") == 0);
}

TEST_CASE("decode and token refuse a token outside the vocabulary") {
  const auto characters = CharTokenizer::from_text({"abc"});
  const auto words = WordTokenizer::from_text("x y");
  CHECK(has(message_of<RangeError>([&] {
              characters.decode(std::vector<Token>{0, 3});
            }),
            "token 3 is outside the vocabulary of 3"));
  CHECK(has(message_of<RangeError>([&] { characters.token(-1); }), "token -1"));
  CHECK(has(message_of<RangeError>([&] { words.decode(std::vector<Token>{2}); }),
            "token 2 is outside the vocabulary of 2"));
  CHECK(has(message_of<RangeError>([&] { words.token(-1); }), "token -1"));
}

TEST_CASE("a tokenizer comes back from its saved vocabulary, in any order") {
  const CharTokenizer characters(std::vector<std::string>{"b", "a", "\n"});
  CHECK(characters.encode("ab\n") == std::vector<Token>{1, 0, 2});
  CHECK(characters.vocabulary() == std::vector<std::string>{"b", "a", "\n"});
  const WordTokenizer words(std::vector<std::string>{"two", "one"});
  CHECK(words.encode("one two") == std::vector<Token>{1, 0});

  const ByteTokenizer bytes(std::vector<std::string>{"\xff", "a"});
  CHECK(bytes.encode("a\xff") == std::vector<Token>{1, 0});
  const CharTokenizer wide(std::vector<std::string>{"\xe4\xb8\xad", "a"});
  CHECK(wide.encode("a\xe4\xb8\xad") == std::vector<Token>{1, 0});

  for (const Tokenizer& tokenizer :
       {Tokenizer(characters), Tokenizer(wide), Tokenizer(bytes), Tokenizer(words)}) {
    const Tokenizer again(tokenizer.unit(), tokenizer.vocabulary());
    CHECK(again.unit() == tokenizer.unit());
    CHECK(again.size() == tokenizer.size());
    CHECK(again.vocabulary() == tokenizer.vocabulary());
    CHECK(again.token(1) == tokenizer.token(1));
    const std::vector<Token> tokens = {1, 0, 1};
    CHECK(again.decode(tokens) == tokenizer.decode(tokens));
    CHECK(again.encode(again.decode(tokens), 2) == std::vector<Token>{1, 0});
  }
  CHECK(name_of(Tokenizer(words).unit()) == "word");
  CHECK(name_of(Tokenizer(bytes).unit()) == "byte");
  CHECK(name_of(Tokenizer().unit()) == "character");
  CHECK(Tokenizer().size() == 0);
}

TEST_CASE("a saved vocabulary that is none is refused") {
  const auto characters = [](std::vector<std::string> list) {
    return message_of<DataError>([&] { Tokenizer(TokenUnit::character, list); });
  };
  CHECK(has(characters({"a", "bc"}), "CharTokenizer: vocabulary entry 1 must be one character, but is 'bc'"));
  CHECK(has(characters({""}), "entry 0 must be one character"));
  CHECK(has(characters({"a", "\xc3"}), "entry 1 must be one character, but is '\\xc3'"));
  CHECK(has(characters({"\xc3\xa9"
                        "e"}),
            "entry 0 must be one character"));
  CHECK(has(characters({"a", "b", "a"}), "'a' is twice"));
  CHECK(has(characters({"\xc3\xa9", "\xc3\xa9"}), "'\\xc3\\xa9' is twice"));

  const auto bytes = [](std::vector<std::string> list) {
    return message_of<DataError>([&] { Tokenizer(TokenUnit::byte, list); });
  };
  CHECK(
      has(bytes({"a", "\xc3\xa9"}), "ByteTokenizer: vocabulary entry 1 must be one byte, but is '\\xc3\\xa9'"));
  CHECK(has(bytes({"\xff", ""}), "entry 1 must be one byte"));
  CHECK(has(bytes({"\xff", "\xff"}), "'\\xff' is twice"));

  const auto words = [](std::vector<std::string> list) {
    return message_of<DataError>([&] { Tokenizer(TokenUnit::word, list); });
  };
  CHECK(has(words({"a", "b c"}), "entry 1 must be one word, but is 'b c'"));
  CHECK(has(words({" a"}), "entry 0 must be one word"));
  CHECK(has(words({"a\n"}), "entry 0 must be one word"));
  CHECK(has(words({""}), "entry 0 must be one word"));
  CHECK(has(words({"x", "x"}), "'x' is twice"));
}
