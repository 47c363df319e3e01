#pragma once
// The sizes of a `WordLstm`.
#include <memory>

#include "board/entrant.hpp"
#include "board/entry.hpp"
#include "slm/core/scalar.hpp"

namespace slm::leaderboard {

template <Scalar Real>
struct WordLstm;

struct WordLstmConfig {
  template <Scalar Real>
  using Model = WordLstm<Real>;

  Index vocabulary = 0;
  Index context = 64;
  Index factor = 256;  // width of the embedding, and of what the head multiplies
  Index width = 512;   // of the layers
  Index layers = 1;
  double dropout = 0;         // of embeddings, between layers, and before the head
  double weight_dropout = 0;  // of recurrent weights
  Index frequent = 0;         // words whose logits every step makes, as by `WordSample`
  Index rare = 0;             // others that it draws; 0: training makes all logits, as scoring does

  static void fields(auto& self, auto&& f) {
    f("vocabulary", self.vocabulary), f("context", self.context), f("factor", self.factor);
    f("width", self.width), f("layers", self.layers), f("dropout", self.dropout);
    f("weight_dropout", self.weight_dropout), f("frequent", self.frequent), f("rare", self.rare);
  }
};

std::unique_ptr<Entrant> make_entrant(const WordLstmConfig& config, const Recipe& recipe);

}  // namespace slm::leaderboard
