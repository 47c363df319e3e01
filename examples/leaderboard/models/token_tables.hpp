#pragma once
// Features that are read from tables, at no product: what a linear map of tokens would give.
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/nn/embedding.hpp"

namespace slm::leaderboard {

/// Which tables there are.
struct TableConfig {
  Index lags = 1;               // of the token at a position, of the one before it, …: a table each
  Index order = 1;              // of the last 2, 3, … order tokens together: a table each; 1: none
  Index rows = Index(1) << 15;  // the most that a table has; where there are more n-grams, some share one
};

/// The sum of one row of each table at every position: tokens (B, T) → (B, T, width). What stands before a
/// window is a token of its own.
template <Scalar Real>
struct TokenTables {
  Index vocabulary;
  std::vector<Embedding<Real>> tables;

  /// The table of the token itself N(0, deviation²), all others 0.
  TokenTables(Index vocabulary_size, Index width, const TableConfig& config, double deviation,
              RandomArgument random)
      : vocabulary(vocabulary_size), lags_(config.lags) {
    for (Index lag = 0; lag < config.lags; ++lag) tables.emplace_back(vocabulary + 1, width, random);
    for (Index n = 2; n <= config.order; ++n) tables.emplace_back(rows_of(n, config.rows), width, random);
    for (auto& table : tables) init::constant(table.weight, 0);
    if (deviation > 0) init::normal(tables.front().weight, random, deviation);
  }

  Var<Real, 3> operator()(Tape<Real>& tape, const Tokens<2>& tokens) const {
    const auto part = tape.enter(*this);
    auto x = tables.front()(tape, tokens);
    for (std::size_t i = 1; i < tables.size(); ++i) {
      const auto index = static_cast<Index>(i);
      const auto read = index < lags_ ? lagged(tokens, index) : last_tokens(tokens, index - lags_ + 2);
      x = add(x, tables[i](tape, read), InPlace::yes);
    }
    return x;
  }

  static void fields(auto& self, auto&& f) { f("tables", self.tables); }

 private:
  Index rows_of(Index n, Index most) const {
    Index rows = 1;
    for (Index i = 0; i < n && rows <= most; ++i) rows *= vocabulary + 1;
    return std::min(rows, most);
  }

  /// A token for each position from it and those before it: make(row, t).
  template <class Make>
  static Tokens<2> each_position(const Tokens<2>& tokens, const Make& make) {
    if constexpr (!has_values<Real>) return Tokens<2>::without_memory(tokens.shape());
    Tokens<2> made(tokens.shape());
    for (Index row = 0; row < tokens.extent(0); ++row) {
      for (Index t = 0; t < tokens.extent(1); ++t) made(row, t) = make(row, t);
    }
    return made;
  }

  Tokens<2> lagged(const Tokens<2>& tokens, Index lag) const {
    return each_position(tokens, [&](Index row, Index t) {
      return t >= lag ? tokens(row, t - lag) : static_cast<Token>(vocabulary);
    });
  }

  /// A row for the last n tokens: their number in base V + 1, or what a multiplication scatters that to.
  Tokens<2> last_tokens(const Tokens<2>& tokens, Index n) const {
    const auto rows =
        static_cast<std::uint64_t>(tables[static_cast<std::size_t>(lags_ + n - 2)].weight.value.extent(0));
    const auto base = static_cast<std::uint64_t>(vocabulary) + 1;
    std::uint64_t most = 1;
    for (Index i = 0; i < n; ++i) most *= base;
    return each_position(tokens, [&](Index row, Index t) {
      std::uint64_t number = 0;
      for (Index i = 0; i < n; ++i) {
        const auto token = t >= i ? static_cast<std::uint64_t>(tokens(row, t - i)) : base - 1;
        number = number * base + token;
      }
      if (most <= rows) return static_cast<Token>(number);
      constexpr std::uint64_t golden = 0x9E37'79B9'7F4A'7C15u;  // Knuth's multiplicative hash
      return static_cast<Token>(((number * golden) >> 32) % rows);
    });
  }

  Index lags_;
};

}  // namespace slm::leaderboard
