#pragma once
// What the frontier trains, in stages: a later one reads from the results what an earlier one found.
//
//   ngrams      n-gram models of all texts
//   search      rates and batches of two sizes a family, on the text for selections
//   check       the rule that carries rates on, at a larger size
//   trunks      all sizes at their budgets, seed 1; the large ones with dropout, too
//   leaders     more seeds of what leads at a budget or nearly does; the largest budget for three families, and
//               more seeds of what leads there
//   rivals      more seeds of the next family at each budget, for the comparison alone
//   context     windows of 32 to 256 at equal FLOPs, of the two leading families
//   depth       1 to 6 blocks at equal FLOPs and about equal parameters
//   word_rates  rates for words, on the texts for selections
//   words       the three leading families on PTB and WikiText-2 at three budgets
#include <cstdint>
#include <string>
#include <vector>

#include "frontier/log.hpp"
#include "frontier/trunk.hpp"

namespace slm::frontier {

enum class Stage { ngrams, search, check, trunks, leaders, rivals, context, depth, word_rates, words };
inline constexpr EnumName<Stage> stage_names[] = {{Stage::ngrams, "ngrams"},         {Stage::search, "search"},
                                                  {Stage::check, "check"},           {Stage::trunks, "trunks"},
                                                  {Stage::leaders, "leaders"},       {Stage::rivals, "rivals"},
                                                  {Stage::context, "context"},       {Stage::depth, "depth"},
                                                  {Stage::word_rates, "word_rates"}, {Stage::words, "words"}};
constexpr std::span<const EnumName<Stage>> enum_names(Stage) { return stage_names; }

/// What is asked for, and where it stands.
struct Request {
  Texts& texts;
  const Log& log;
  std::vector<Family> families;  // empty: all
  std::uint64_t seeds = 3;       // of what leads and of sweeps
  bool quick = false;            // tiny budgets and one size of each family
};

/// A training, and whether its last checkpoint is kept for a later stage.
struct Work {
  Trunk trunk;
  bool keep = false;
};

struct Plan {
  std::vector<Work> work;
  std::vector<std::string>
      missing;  // what the stage needs and the results have not: it assumes something there
};

/// The trainings of a stage; none of `ngrams`.
Plan plan(Stage stage, const Request& request);

/// A budget; of a quick run a small part of it.
double scaled(double budget, bool quick);

}  // namespace slm::frontier
