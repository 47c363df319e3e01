#pragma once
// What a budget buys for a text: of each family the best model, and what to expect of it.
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "candidates.hpp"
#include "frontier/train.hpp"
#include "own_text.hpp"
#include "transfer.hpp"

namespace slm::advise {

/// A family's best.
struct Offer {
  Candidate candidate;
  Prediction prediction;
  double seconds = 0;                  // of its training on this machine
  std::size_t bytes = 0;               // of memory in a step
  std::optional<double> trained = {};  // nats a token, where it was trained
};

/// A short training on the text.
struct Trial {
  std::string label;
  double budget, flops;  // of training and scoring, too
  double law_nll, nll;
};

struct Advice {
  frontier::Text text;
  Counting counting = {};
  std::vector<Offer> offers = {};         // the best first
  std::vector<Trial> trials = {};         // that corrected the predictions
  std::vector<std::string> without = {};  // families, and why they have no offer
  std::vector<std::string> doubts = {};   // what the laws do not say of this text or budget
};

/// A line each: the text, the table of offers, and what is known beside.
std::string report(const Advice& advice);
nlohmann::ordered_json json(const Advice& advice);

/// A C++ program that trains the offer's model on the text's file with slm alone, as the study does.
std::string program_text(const Offer& offer, const std::string& path, TokenUnit unit);

}  // namespace slm::advise
