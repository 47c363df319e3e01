#pragma once
// A language whose every probability is known: a random process that writes paragraphs piece by piece and
// remembers some of its choices. What it remembers decides what it may write later, so that a word can agree
// with an earlier one, or repeat it, over a distance.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slm/core/check.hpp"
#include "slm/core/random.hpp"

namespace slm::synthetic {

/// The process is a list of steps, built from the end: every option leads to a step that was added before it,
/// or to the end of the paragraph. A paragraph begins at the step added last, with a memory of zeros.
///
/// p(character | all before it) is exact, since the text so far tells where the process stands: no option of a
/// row begins with another one. Where an option leads is as likely in every row, so that `entropy_rate` is
/// exact, too. `add` checks both.
class Language {
 public:
  static constexpr std::size_t paragraph_end = static_cast<std::size_t>(-1);

  /// Something that may be written.
  struct Option {
    std::string text;
    Index weight = 1;                  // its probability is its share of the weight of its row
    std::size_t next = paragraph_end;  // the step that follows
    std::size_t value = 0;             // what is remembered of this choice
  };
  using Row = std::vector<Option>;

  /// One choice: of an option of row r if memory cell `given` holds r, of row 0 if no cell is given.
  struct Step {
    std::vector<Row> rows;
    std::optional<std::size_t> given = {};
    std::optional<std::size_t> keep = {};  // the memory cell that takes the option's value
  };

  /// Adds a step and returns its number. Throws `ConfigError` if the language would not be exact.
  std::size_t add(Step step) {
    check(step);
    for (const auto& cell : {step.given, step.keep}) {
      if (cell && *cell >= row_limits_.size()) row_limits_.resize(*cell + 1, paragraph_end);
    }
    if (step.given) {
      std::size_t& limit = row_limits_[*step.given];
      limit = std::min(limit, step.rows.size());
    }
    auto& nll = nll_.emplace_back();
    for (const Row& row : step.rows) nll.push_back(character_nll(row));
    steps_.push_back(std::move(step));
    return steps_.size() - 1;
  }

  const std::vector<Step>& steps() const { return steps_; }
  std::size_t memory_cells() const { return row_limits_.size(); }

  static Index total_weight(const Row& row) {
    Index total = 0;
    for (const Option& option : row) total += option.weight;
    return total;
  }

  /// `length` characters; the last paragraph may be cut short.
  std::string sample(std::size_t length, Random random) const {
    std::string text;
    for (State state = begin(); text.size() < length;) {
      const Row& row = steps_[state.step].rows[state.row];
      Index draw = random.below(total_weight(row));
      std::size_t chosen = 0;
      while (draw >= row[chosen].weight) draw -= row[chosen++].weight;
      text += row[chosen].text;
      advance(state, row[chosen]);
    }
    text.resize(length);
    return text;
  }

  /// -log p(character | all before it) of each character of a text, in nats. Throws `DataError` at a
  /// character that cannot follow.
  std::vector<double> nll(std::string_view text) const {
    std::vector<double> result;
    result.reserve(text.size());
    for (State state = begin(); result.size() < text.size();) {
      const Row& row = steps_[state.step].rows[state.row];
      const std::string_view rest = text.substr(result.size());
      const std::size_t chosen = match(row, rest, result.size());
      const std::vector<double>& characters = nll_[state.step][state.row][chosen];
      const auto count = static_cast<std::ptrdiff_t>(std::min(characters.size(), rest.size()));
      result.insert(result.end(), characters.begin(), characters.begin() + count);
      advance(state, row[chosen]);
    }
    return result;
  }

  /// Every character the language has, once, sorted.
  std::string characters() const {
    std::string all;
    for (const Step& step : steps_) {
      for (const Row& row : step.rows) {
        for (const Option& option : row) all += option.text;
      }
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

 private:
  /// Where the process stands.
  struct State {
    std::size_t step, row;
    std::vector<std::size_t> memory;
  };

  using CharacterNll = std::vector<std::vector<double>>;  // by option and character

  State begin() const {
    require_config(!steps_.empty(), "Language: it has no step");
    return {steps_.size() - 1, 0, std::vector<std::size_t>(row_limits_.size(), 0)};
  }

  void advance(State& state, const Option& option) const {
    if (option.next == paragraph_end) {
      state = begin();
      return;
    }
    if (const auto& keep = steps_[state.step].keep) state.memory[*keep] = option.value;
    state.step = option.next;
    const auto& given = steps_[state.step].given;
    state.row = given ? state.memory[*given] : 0;
  }

  /// How far two texts agree from their beginnings.
  static std::size_t common_prefix(std::string_view a, std::string_view b) {
    const std::size_t length = std::min(a.size(), b.size());
    std::size_t i = 0;
    while (i < length && a[i] == b[i]) ++i;
    return i;
  }

  /// For each character of each option: -log of the share of weight of the options that agree so far which
  /// still agree with it.
  static CharacterNll character_nll(const Row& row) {
    CharacterNll nll;
    for (const Option& option : row) {
      std::vector<Index> agreeing(option.text.size() + 1, 0);  // weight, by length of the prefix
      for (const Option& other : row) {
        const std::size_t common = common_prefix(option.text, other.text);
        for (std::size_t i = 0; i <= common; ++i) agreeing[i] += other.weight;
      }
      auto& characters = nll.emplace_back();
      for (std::size_t i = 0; i < option.text.size(); ++i) {
        characters.push_back(std::log(static_cast<double>(agreeing[i]) / static_cast<double>(agreeing[i + 1])));
      }
    }
    return nll;
  }

  /// The option that `rest` goes on with; if it ends within one, any that fits: they have the same NLL.
  static std::size_t match(const Row& row, std::string_view rest, std::size_t position) {
    std::size_t furthest = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t common = common_prefix(row[i].text, rest);
      if (common == std::min(row[i].text.size(), rest.size())) return i;
      furthest = std::max(furthest, common);
    }
    throw DataError(make_text({"Language: the character at position ", position + furthest,
                               " of the text cannot follow what is before it"}));
  }

  void check(const Step& step) const {
    const std::string name = make_text({"Language: step ", steps_.size()});
    require_config(!step.rows.empty(), {name, " has no row"});
    require_config(step.given || step.rows.size() == 1,
                   {name, " has rows to choose from, but no memory cell is given"});
    std::map<std::size_t, Index> expected;  // weight of the options that lead to each step
    for (const Row& row : step.rows) {
      require_config(!row.empty(), {name, " has a row without options"});
      std::map<std::size_t, Index> weights;
      for (const Option& option : row) {
        check(step, option, name);
        weights[option.next] += option.weight;
      }
      if (expected.empty()) expected = weights;
      require_config(weights == expected,
                     {name, " leads elsewhere, or not as often, in one row than in another"});
      for (std::size_t i = 0; i < row.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          const std::string &a = row[i].text, &b = row[j].text;
          require_config(common_prefix(a, b) < std::min(a.size(), b.size()),
                         {name, ": of '", a, "' and '", b, "' one begins with the other"});
        }
      }
    }
  }

  void check(const Step& step, const Option& option, const std::string& name) const {
    require_config(!option.text.empty(), {name, " has an option without text"});
    require_config(option.weight > 0, {name, ": the weight of '", option.text, "' is not positive"});
    require_config(option.next == paragraph_end || option.next < steps_.size(),
                   {name, ": '", option.text, "' leads to a step that was not added before"});
    const bool limited = step.keep && *step.keep < row_limits_.size();
    require_config(!limited || option.value < row_limits_[*step.keep],
                   {name, ": '", option.text, "' is remembered by a value for which a later step has no row"});
  }

  std::vector<Step> steps_;
  std::vector<std::vector<CharacterNll>> nll_;  // by step and row
  std::vector<std::size_t> row_limits_;         // by memory cell: the fewest rows that it must choose from
};

}  // namespace slm::synthetic
