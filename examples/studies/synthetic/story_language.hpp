#pragma once
// The language of the synthetic corpus: short stories with something to carry over a distance.
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "synthetic/language.hpp"

namespace slm::synthetic {

namespace detail {

/// Writes the language down from its end: each function adds steps that lead to the step `next`, and returns
/// the first of them.
class StoryWriter {
 public:
  /// A paragraph is an opening, one to three sentences and a closing.
  Language write() && {
    const std::size_t close = closing();
    const std::size_t third = sentence(close, close);
    const std::size_t second = sentence(third, close);
    const std::size_t first = sentence(second, std::nullopt);
    opening(first);
    return std::move(language_);
  }

 private:
  using Row = Language::Row;
  /// A list below or one written where it is needed.
  struct Words : std::span<const std::string_view> {
    template <std::size_t count>
    Words(const std::string_view (&list)[count]) : span(list) {}
    Words(std::initializer_list<std::string_view> list) : span(list.begin(), list.size()) {}
  };
  /// What is remembered: both halves of the person's name, the thing, whether the subject is singular or
  /// plural.
  enum Cell : std::size_t { name_start, name_rest, thing, number };
  enum Number : std::size_t { singular, plural };

  /// `words`, each followed by `after`, remembered by their place in the list.
  static void append(Row& row, Words words, std::string_view after, std::size_t next, Index weight = 1) {
    std::size_t place = 0;
    for (const std::string_view word : words) {
      row.push_back({make_text({word, after}), weight, next, place++});
    }
  }

  std::size_t choose(Words words, std::string_view after, std::size_t next,
                     std::optional<std::size_t> keep = {}) {
    Row row;
    append(row, words, after, next);
    return language_.add({.rows = {std::move(row)}, .keep = keep});
  }

  /// The word that was chosen before.
  std::size_t repeat(Cell cell, Words words, std::size_t next) {
    std::vector<Row> rows;
    for (const std::string_view word : words) rows.push_back({{.text = std::string(word), .next = next}});
    return language_.add({.rows = std::move(rows), .given = cell});
  }

  std::size_t repeat_name(std::size_t next) {
    return repeat(name_start, name_starts, repeat(name_rest, name_rests, next));
  }

  /// "Kelen found a lamp near the mill. "
  std::size_t opening(std::size_t next) {
    next = choose(places, ". ", next);
    next = choose(things, " ", next, thing);
    next = choose(gains, " a ", next);
    next = choose(name_rests, " ", next, name_rest);
    return choose(name_starts, "", next, name_start);
  }

  /// A statement or a speech; where `instead` is given, perhaps the step `instead`.
  std::size_t sentence(std::size_t next, std::optional<std::size_t> instead) {
    Row row;
    append(row, {"The "}, "", statement(next), 8);
    append(row, wishes, " the ", speech(next), 2);
    if (instead) append(row, {"So ", "Then ", "At last "}, "", *instead, 4);
    return language_.add({.rows = {std::move(row)}});
  }

  /// After "The ": "grey dogs behind the old king sleep at noon. " The verb agrees with the first noun.
  std::size_t statement(std::size_t next) {
    next = choose(times, ". ", next);
    std::size_t verb = verb_or_phrase(next, std::nullopt);
    verb = verb_or_phrase(next, noun(verb, std::nullopt));
    verb = verb_or_phrase(next, noun(verb, std::nullopt));
    return noun(verb, number);
  }

  /// A noun of either number, perhaps after an adjective.
  std::size_t noun(std::size_t next, std::optional<std::size_t> keep) {
    Row row;
    for (const std::string_view word : nouns) {
      row.push_back({make_text({word, " "}), 1, next, singular});
      row.push_back({make_text({word, "s "}), 1, next, plural});
    }
    const std::size_t bare = language_.add({.rows = {row}, .keep = keep});
    for (const std::string_view word : adjectives) row.push_back({make_text({word, " "}), 2, bare});
    return language_.add({.rows = {std::move(row)}, .keep = keep});
  }

  /// The verb of the subject's number or, where `phrase` is given, a preposition before another noun.
  std::size_t verb_or_phrase(std::size_t next, std::optional<std::size_t> phrase) {
    std::vector<Row> rows(2);
    append(rows[singular], verbs, "s ", next);
    append(rows[plural], verbs, " ", next);
    if (phrase) {
      for (Row& row : rows) append(row, prepositions, " the ", *phrase, 3);
    }
    return language_.add({.rows = std::move(rows), .given = number});
  }

  /// After "\"I want the ": "lamp now," said Kelen. "
  std::size_t speech(std::size_t next) {
    next = choose({". "}, "", next);
    next = repeat_name(next);
    next = choose({",\" said ", ",\" cried ", " now,\" said ", " back,\" said ", " again,\" said "}, "", next);
    return repeat(thing, things, next);
  }

  /// After "So ": "Kelen sold the lamp.\n"
  std::size_t closing() {
    std::size_t next = choose({".\n"}, "", Language::paragraph_end);
    next = repeat(thing, things, next);
    next = choose(losses, " the ", next);
    next = choose({" "}, "", next);
    return repeat_name(next);
  }

  // The capitals that begin a name begin nothing else.
  static constexpr std::string_view name_starts[] = {"Ca", "De", "El", "Fa", "Ha", "Jo", "Ke", "Li",
                                                     "Mo", "Ne", "Pa", "Ro", "Ul", "Vi", "We", "Zu"};
  static constexpr std::string_view name_rests[] = {"dan", "len", "mir", "sot"};
  static constexpr std::string_view things[] = {"book", "boat", "coin", "crown", "drum", "flag",
                                                "harp", "key",  "lamp", "map",   "pipe", "ring",
                                                "rope", "rug",  "tent", "vase"};
  static constexpr std::string_view gains[] = {"bought", "carved", "found", "had",
                                               "made",   "saw",    "stole", "wanted"};
  static constexpr std::string_view losses[] = {"broke", "burned", "dropped", "forgot",
                                                "hid",   "kept",   "lost",    "sold"};
  static constexpr std::string_view wishes[] = {"\"Bring me", "\"Give me", "\"I need", "\"I want"};
  static constexpr std::string_view places[] = {
      "after dark",    "at dawn",     "at the inn",    "by chance",   "by the sea", "in a cave",
      "in the garden", "in the snow", "near the mill", "on the hill", "one day",    "under a tree"};
  static constexpr std::string_view times[] = {"all day", "all night", "alone",       "at noon",
                                               "badly",   "in spring", "in the rain", "often",
                                               "quietly", "too",       "twice",       "well"};
  static constexpr std::string_view adjectives[] = {"blind", "brave", "gentle", "grey", "lazy",  "old",
                                                    "proud", "quick", "small",  "tall", "tired", "young"};
  static constexpr std::string_view nouns[] = {"baker",  "bird",   "cat",    "cook",   "cousin",  "dog",
                                               "duke",   "farmer", "friend", "goat",   "guard",   "horse",
                                               "judge",  "king",   "lion",   "miller", "nurse",   "pilot",
                                               "priest", "sailor", "singer", "tailor", "teacher", "wolfhound"};
  static constexpr std::string_view prepositions[] = {"behind", "beside", "in front of", "near"};
  static constexpr std::string_view verbs[] = {"bark", "dance", "dream", "eat",   "fall", "fight",
                                               "hide", "laugh", "run",   "shout", "sing", "sleep",
                                               "swim", "talk",  "wait",  "walk"};

  Language language_;
};

}  // namespace detail

/// Paragraphs such as
///
///     Kelen found a lamp near the mill. The grey dogs behind the king sleep at noon. "I want the lamp now,"
///     said Kelen. So Kelen sold the lamp.
///
/// on one line each. To predict them well, a model must carry over a distance the person, the thing, and
/// whether the subject of a verb was singular or plural, past nouns of either number. A person or a thing was
/// last named at most 64 characters before in 73 % of its repetitions, at most 128 in 96 %.
inline Language story_language() { return detail::StoryWriter().write(); }

}  // namespace slm::synthetic
