#pragma once
// What is kept of a finished training: one line of the results file.
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/job.hpp"
#include "harness/spread.hpp"
#include "slm/io/safetensors.hpp"
#include "slm/train/fit.hpp"

namespace slm::studies {

/// FLOPs as executed.
struct SpentFlops {
  Index training = 0, optimizer = 0, validation = 0, test = 0;
  Index spread = 0;  // evaluations beside the protocol's

  Index total() const { return training + optimizer + validation + test + spread; }
};

struct Record {
  std::string study, model, variant;
  nlohmann::json config;
  std::string dataset, sha256;
  std::uint64_t seed = 0;
  bool quick = false;
  Index parameters = 0;
  double flops_2pn = 0;
  SpentFlops flops;            // zeros in records of versions that did not count
  std::optional<double> peak;  // FLOP/s of a matrix product on this machine, where it was measured
  std::vector<EpochReport> epochs;
  std::vector<SpreadReport> spread;  // by epoch; blocks are not in a results file; empty in older records
  Index best_epoch = 0;
  double test_nll = std::numeric_limits<double>::quiet_NaN();  // nats per token
  std::string diverged;                                        // why there is no test NLL; empty in all others
  std::optional<double> floor_nll;  // the least that any model can expect of the same tokens
  double seconds = 0;               // of training and all evaluations
  int threads = 0;
  std::string compiler, cpu, version;
  std::string weights;  // relative to the results file; empty if they could not be saved
  std::string losses;   // by window, as `save_losses` has them: the same

  /// Of the epochs so far.
  double training_seconds() const;

  /// Whether the two are the same training, by their `identity`.
  bool same_training(const Record& other) const;
};

/// A record of the training that is to be made, with no results yet.
Record make_record(const Study& study, const Job& job);

/// A record of a study that says on which text and where it was made, and nothing else yet.
Record make_record(const std::string& study, const Dataset& dataset, std::uint64_t seed, bool quick);

/// "sweeps-tiny_shakespeare-transformer-l3-seed1": a file name that only an equal training shares. `changed`:
/// its settings are not the protocol's, and the name tells them apart.
std::string file_stem(const Record& record, bool changed);

/// What a weights file or a checkpoint of the training says about itself.
Metadata to_metadata(const Record& record);

/// The record, without results, of what says so about itself. Throws a `DataError` that names what is missing.
Record from_metadata(const Metadata& about);

/// One line of JSON without its newline.
std::string to_line(const Record& record);

/// Throws a `DataError` that says what is wrong with the line.
Record from_line(const std::string& line);

}  // namespace slm::studies
