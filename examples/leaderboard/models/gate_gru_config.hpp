#pragma once
// The sizes of a `GateGru`.
#include <memory>

#include "board/entrant.hpp"
#include "board/entry.hpp"
#include "slm/core/scalar.hpp"

namespace slm::leaderboard {

template <Scalar Real>
struct GateGru;

struct GateGruConfig {
  template <Scalar Real>
  using Model = GateGru<Real>;

  Index vocabulary = 0;
  Index context = 64;
  Index width = 96;
  Index layers = 1;  // the first reads tables, the others the states below
  Index hidden = 0;  // width of a layer between the states and the head; 0: none
  Index lags = 1;    // of the gates' tables
  Index order = 1;
  Index rows = Index(1) << 15;
  Index logit_lags = 0;  // of tables that are added to the logits; 0: none
  Index logit_order = 1;
  double dropout = 0;         // of states
  double table_dropout = 0;   // of what the gates read from tables
  double weight_dropout = 0;  // of recurrent weights

  static void fields(auto& self, auto&& f) {
    f("vocabulary", self.vocabulary), f("context", self.context), f("width", self.width);
    f("layers", self.layers), f("hidden", self.hidden), f("lags", self.lags), f("order", self.order);
    f("rows", self.rows);
    f("logit_lags", self.logit_lags), f("logit_order", self.logit_order), f("dropout", self.dropout);
    f("table_dropout", self.table_dropout);
    f("weight_dropout", self.weight_dropout);
  }
};

std::unique_ptr<Entrant> make_entrant(const GateGruConfig& config, const Recipe& recipe);

}  // namespace slm::leaderboard
