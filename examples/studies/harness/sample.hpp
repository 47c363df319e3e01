#pragma once
// Text from trained models.
#include <string>

#include "harness/run_log.hpp"
#include "slm/generate/sample.hpp"

namespace slm::studies {

/// Tokens that make about the same length of text: 300 characters, or bytes, or 60 words.
constexpr Index sample_size(TokenUnit unit) {
  switch (unit) {
    case TokenUnit::byte:
    case TokenUnit::character:
      return 300;
    case TokenUnit::word:
      return 60;
  }
  return 0;
}

/// The prompt and the `count` tokens that the model continues it with, whose weights are in a file. In front of
/// a prompt that is shorter than the model's window, and not returned, stand as many of the first tokens of the
/// validation text as fill it. Throws `DataError` where the file is not of this model, and where the prompt has
/// a token that is not in the vocabulary: the error names it, and the nearest known words.
std::string continued(const ModelConfig& config, const std::string& weights, const Corpus& corpus,
                      const std::string& prompt, Index count, const SampleConfig& setting,
                      RandomArgument random);

/// For people: how the transformer whose weights the log has for this training continues the prompt, or why it
/// cannot. Empty if the model is none or its weights are not there.
std::string sample_text(const Study& study, const Job& job, const RunLog& log, const std::string& prompt);

}  // namespace slm::studies
