#include "harness/sample.hpp"

#include "harness/models.hpp"
#include "harness/text.hpp"
#include "slm/data/text_file.hpp"
#include "slm/io/weights.hpp"

namespace slm::studies {

namespace {

const SampleConfig setting = {.temperature = 0.8};

}  // namespace

std::string continued(const ModelConfig& config, const std::string& weights, const Tokenizer& tokenizer,
                      const std::string& prompt, Index count, const SampleConfig& sampling,
                      const Random& random) {
  std::vector<Token> tokens = tokenizer.encode(prompt);
  if (tokens.empty()) throw DataError("a prompt must have at least one token, but is empty");
  const auto added = std::visit(
      [&](const auto& one) {
        auto model = make_model(one, Random());
        load_weights(model, weights);
        return generate(model, std::span<const Token>(tokens), count, sampling, random);
      },
      config);
  tokens.insert(tokens.end(), added.begin(), added.end());
  return tokenizer.decode(tokens);
}

std::string sample_text(const Study& study, const Job& job, const RunLog& log, const std::string& prompt) {
  const auto record = log.find(make_record(study, job));
  if (job.run.model != "transformer" || !record || record->weights.empty()) return "";
  const std::string weights = log.beside(record->weights);
  if (!file_exists(weights)) return "";
  const Tokenizer& tokenizer = job.dataset->corpus.tokenizer;
  const std::string who = std::string("The ") + label(job) + " on " + job.dataset->corpus.name + " of seed " +
                          std::to_string(job.seed);
  try {
    const std::string text = continued(job.run.config, weights, tokenizer, prompt,
                                       sample_size(tokenizer.unit()), setting, Random(job.seed, "sampling"));
    return who + " continues \"" + prompt + "\" (temperature " + shortest(setting.temperature) + "):\n\n" +
           text + "\n";
  } catch (const DataError& error) {
    return who + " cannot continue \"" + prompt + "\":\n" + error.what() + "\n";
  }
}

}  // namespace slm::studies
