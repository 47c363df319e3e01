#pragma once
// n-gram models of the protocol's texts: what is to be had without training.
#include <string>
#include <vector>

#include "harness/options.hpp"
#include "harness/run_log.hpp"
#include "slm/models/ngram_lm.hpp"

namespace slm::studies {

/// The study's program, after which its results are named too, one line for people, and its models' name.
inline constexpr const char* ngram_study = "ngrams";
inline constexpr const char* ngram_title =
    "n-grams of Tiny Shakespeare, PTB and WikiText-2: counted, not trained";
inline constexpr const char* ngram_model = "ngram";

inline constexpr EnumName<Smoothing> smoothing_labels[] = {{Smoothing::kneser_ney, "Kneser-Ney"},
                                                           {Smoothing::witten_bell, "Witten-Bell"}};

inline constexpr Index highest_order = 8;

/// "Kneser-Ney, n = 5".
std::string ngram_variant(const NgramConfig& model);

/// Both smoothings with n = 1 … 8.
std::vector<NgramConfig> ngram_configs(Index vocabulary);

/// One model of one text. It counts all of the training text, once.
struct NgramJob {
  const Dataset* dataset;
  NgramConfig model;  // with a context of n − 1
  Index T;            // of the windows, of which the model sees the last n − 1 tokens
  Training training;  // evaluates as the protocol's first run on the text; draws no windows
  Index spread_windows;
  bool quick;
  bool changed;  // options replaced a setting
};

/// The models that were asked for: of each text by smoothing and n. Throws `ConfigError` or `DataError` if one
/// of them is impossible.
std::vector<NgramJob> plan(const NgramOptions& options, Datasets& datasets);

/// A record of the model before it is made. Its config has T as `context`, as those of trained models, and n as
/// `order`. No FLOPs are counted: counting and looking up adds and compares integers.
Record make_record(const NgramJob& job);

/// −log p of the token behind each window, in nats: what `window_losses` finds, without computing the
/// probabilities of all other tokens.
std::vector<float> ngram_losses(const NgramLM<float>& model, const Windows<>& windows);

/// Counts, evaluates, saves the losses by window and adds the record to `log`. Parameters are the counts that a
/// file of the model has: of the distinct n-grams, from which those of all shorter ones follow. The one epoch
/// has the seconds of counting, and as training NLL that of windows spread over the text that was counted.
Record count_ngrams(const NgramJob& job, RunLog& log);

}  // namespace slm::studies
