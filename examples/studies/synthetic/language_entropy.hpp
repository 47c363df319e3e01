#pragma once
// The entropy of a language, in closed form.
#include <cmath>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "synthetic/language.hpp"

namespace slm::synthetic {

namespace detail {

/// How likely a paragraph comes by a step: in all, and with each value in each memory cell.
struct Visit {
  double probability = 0;
  std::vector<std::map<std::size_t, double>> memory;
};

}  // namespace detail

/// Nats per character of a text in the long run: the entropy of a paragraph over its mean length. Since where
/// a step leads does not depend on the memory, the distribution of each memory cell alone, step by step, is
/// enough; their joint distribution is not needed.
inline double entropy_rate(const Language& language) {
  const auto& steps = language.steps();
  require_config(!steps.empty(), "entropy_rate: the language has no step");
  std::vector<detail::Visit> visits(steps.size());
  for (detail::Visit& visit : visits) visit.memory.resize(language.memory_cells());
  visits.back().probability = 1;
  for (auto& cell : visits.back().memory) cell[0] = 1;

  double nats = 0, characters = 0;
  for (std::size_t s = steps.size(); s-- > 0;) {
    const Language::Step& step = steps[s];
    detail::Visit& visit = visits[s];
    if (visit.probability == 0) continue;
    std::map<std::size_t, double> onward;  // the probability of going from here to each step
    for (std::size_t r = 0; r < step.rows.size(); ++r) {
      const double here = step.given ? visit.memory[*step.given][r] : visit.probability;
      const auto total = static_cast<double>(Language::total_weight(step.rows[r]));
      for (const Language::Option& option : step.rows[r]) {
        const double share = static_cast<double>(option.weight) / total;
        nats -= here * share * std::log(share);
        characters += here * share * static_cast<double>(option.text.size());
        if (option.next == Language::paragraph_end) continue;
        onward[option.next] += here * share;
        if (step.keep) visits[option.next].memory[*step.keep][option.value] += here * share;
      }
    }
    for (const auto& [next, probability] : onward) {
      visits[next].probability += probability;
      for (std::size_t cell = 0; cell < visit.memory.size(); ++cell) {
        if (step.keep == cell) continue;
        for (const auto& [value, mass] : visit.memory[cell]) {
          visits[next].memory[cell][value] += mass * probability / visit.probability;
        }
      }
    }
  }
  return nats / characters;
}

}  // namespace slm::synthetic
