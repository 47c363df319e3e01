#pragma once
// The sizes of a `TableTransformer`.
#include <memory>

#include "board/entrant.hpp"
#include "board/entry.hpp"
#include "slm/nn/feed_forward.hpp"

namespace slm::leaderboard {

template <Scalar Real>
struct TableTransformer;

struct TableTransformerConfig {
  template <Scalar Real>
  using Model = TableTransformer<Real>;

  Index vocabulary = 0;
  Index context = 64;
  Index width = 64;
  Index layers = 2;
  Index head_width = 32;
  Index feed_forward = 0;  // 0: four times the width
  Activation activation = Activation::relu_squared;
  bool query_key_norm = true;
  Index value_layers = 0;  // the last so many blocks add a table's row to the values of each token
  bool tied = false;       // the tokens' table is the head's matrix, too
  bool zero_start = true;  // what branches add is 0 at first
  Index lags = 1;          // of the tables of tokens
  Index order = 1;
  Index rows = Index(1) << 15;
  Index value_order = 1;  // of the tables of values
  Index logit_lags = 0;   // of tables that are added to the logits; 0: none
  Index logit_order = 1;
  double dropout = 0;  // of what branches add and of what the tables give

  static void fields(auto& self, auto&& f) {
    f("vocabulary", self.vocabulary), f("context", self.context), f("width", self.width);
    f("layers", self.layers), f("head_width", self.head_width), f("feed_forward", self.feed_forward);
    f("activation", self.activation), f("query_key_norm", self.query_key_norm);
    f("value_layers", self.value_layers), f("tied", self.tied), f("zero_start", self.zero_start);
    f("lags", self.lags), f("order", self.order), f("rows", self.rows), f("value_order", self.value_order);
    f("logit_lags", self.logit_lags), f("logit_order", self.logit_order), f("dropout", self.dropout);
  }
};

std::unique_ptr<Entrant> make_entrant(const TableTransformerConfig& config, const Recipe& recipe);

}  // namespace slm::leaderboard
