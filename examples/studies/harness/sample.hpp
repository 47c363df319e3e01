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

/// The tokens behind as many of the text's first ones as fill a window of T.
std::vector<Token> full_window(const std::vector<Token>& tokens, const std::vector<Token>& text, Index T);

/// The prompt and the `count` tokens that the model continues it with. In front of a prompt that is shorter
/// than what the model sees, and not returned, stand as many of the first tokens of the validation text as fill
/// it. Throws `DataError` where the prompt has a token that is not in the vocabulary: the error names it, and
/// the nearest known words.
template <class Model>
std::string continued(const Model& model, const Corpus& corpus, const std::string& prompt, Index count,
                      const SampleConfig& setting, RandomArgument random) {
  std::vector<Token> tokens = corpus.tokenizer.encode(prompt);
  if (tokens.empty()) throw DataError("a prompt must have at least one token, but is empty");
  // The studies train what follows a full window only: after fewer tokens a transformer knows little more than
  // how often each token occurs.
  const std::vector<Token> text = full_window(tokens, corpus.valid, model.config.context);
  const auto added = generate(model, std::span<const Token>(text), count, setting, random);
  tokens.insert(tokens.end(), added.begin(), added.end());
  return corpus.tokenizer.decode(tokens);
}

/// The same of a model whose weights are in a file, with its matrices in the format of the setting. Throws
/// `DataError` where the file is not of this model.
std::string continued(const ModelConfig& config, const std::string& weights, const Corpus& corpus,
                      const std::string& prompt, Index count, const SampleConfig& setting,
                      RandomArgument random);

/// For people: how the transformer whose weights the log has for this training continues the prompt, or why it
/// cannot. Empty if the model is none or its weights are not there.
std::string sample_text(const Study& study, const Job& job, const RunLog& log, const std::string& prompt);

}  // namespace slm::studies
