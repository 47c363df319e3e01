#pragma once
// n-gram models on the texts of the frontier: what is to be had by counting.
#include <span>

#include "frontier/corpora.hpp"
#include "frontier/log.hpp"
#include "slm/models/ngram_lm.hpp"

namespace slm::frontier {

inline constexpr Index highest_order = 8;

struct NgramJob {
  const Text* text;
  Index order;
  Smoothing smoothing;
  bool quick;
};

std::vector<NgramJob> ngram_jobs(const std::vector<const Text*>& texts, bool quick);

/// As of a `Trunk`: its line has a budget of 0.
std::string key(const NgramJob& job);
std::string label(const NgramJob& job);

/// Mean −log p of every token of a text from the place `first` on, each from all before it that the model sees.
double score(const NgramLM<float>& model, std::span<const Token> text, Index first = 1);

/// Counts the text that others are trained on, scores every token that they are scored on, and adds a line. No
/// FLOPs are counted: counting and looking up adds and compares integers.
void count(const NgramJob& job, Log& log);

}  // namespace slm::frontier
