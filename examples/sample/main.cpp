// Text from the weights that a study saved, or from an n-gram model, which is counted anew.
//
//   sample --weights results/weights/tiny_shakespeare-transformer-seed1.safetensors --prompt "HAMLET:"
//   sample --study ngrams --dataset ptb --variant "Kneser-Ney, n = 3" --prompt "the school announced that"
//   sample --study positions --variant RoPE --prompt "HAMLET:" --count 500 --temperature 0.7 --top-k 10
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <set>

#include "harness/model_config.hpp"
#include "harness/ngram.hpp"
#include "harness/sample.hpp"
#include "harness/setting.hpp"
#include "harness/text.hpp"
#include "slm/data/text_file.hpp"
#include "slm/io/safetensors.hpp"
#include "slm/version.hpp"

namespace {

using namespace slm;
using namespace slm::studies;

struct SampleOptions {
  std::string weights, out = "results", study, dataset, model, variant, data;
  std::vector<std::string> prompts;
  std::optional<Index> count;
  std::optional<double> learning_rate;
  SampleConfig sampling{.temperature = 0.8};
  std::uint64_t seed = 1;
};

void add_options(CLI::App& app, SampleOptions& options) {
  std::set<std::string> models, variants;
  for (const Run& run : runs) models.emplace(run.model), variants.emplace(run.variant);
  for (const Run& run : unreported_runs) variants.emplace(run.variant);
  models.emplace(ngram_model);
  for (const NgramConfig& model : ngram_configs(1)) variants.insert(ngram_variant(model));
  std::set<std::string> datasets = {synthetic::corpus_name};
  for (const DataSize& data : data_sizes) datasets.emplace(data.name);
  app.set_help_flag("-h,--help", "Show this text");
  app.set_version_flag("--version", std::string("slm ") + version, "Show the version");
  app.get_formatter()->column_width(26);
  app.add_option("--prompt", options.prompts, "Text to continue; several give several samples")
      ->required()
      ->type_name("TEXT");
  app.add_option("--count", options.count, "Tokens to add (default: 300 characters or 60 words)")
      ->check(CLI::Range(Index(1), Index(1'000'000)).description(""))
      ->type_name("N");
  app.add_option("--temperature", options.sampling.temperature,
                 "Logits are divided by it; 0 takes the likeliest token")
      ->type_name("NUMBER")
      ->check(CLI::NonNegativeNumber.description(""))
      ->capture_default_str();
  app.add_option("--top-k", options.sampling.top_k, "Draw among the k likeliest tokens; 0: among all")
      ->type_name("K")
      ->check(CLI::NonNegativeNumber.description(""))
      ->capture_default_str();
  app.add_option("--top-p", options.sampling.top_p, "Of these among the fewest that come with probability P")
      ->type_name("P")
      ->check(CLI::Range(0.0, 1.0).description(""))
      ->capture_default_str();
  std::map<std::string, WeightFormat> formats;
  for (const auto& [format, name] : weight_format_names) formats.emplace(name, format);
  app.add_option("--weight-format", options.sampling.weights,
                 "Matrices rounded to bfloat16 or int8 (default: full): of a sweep's\n"
                 "transformer of 2 blocks either changed the test loss of 2.430 nats\n"
                 "per character by less than 0.001")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->type_name("NAME");
  app.add_option("--seed", options.seed, "Of the draws")->type_name("N")->capture_default_str();
  app.add_option("--data", options.data,
                 "Folder of the data that the model was trained on, for its vocabulary\n"
                 "(default: what is found in $SLM_DATA, ../shared/data or data)")
      ->type_name("FOLDER");

  const std::string group =
      "Which weights: a file, or the last run that fits, one with the paper's settings before others";
  app.add_option("--weights", options.weights, "A file that a study saved")->type_name("FILE")->group(group);
  app.add_option("--out", options.out, "Folder of runs.jsonl, or that file, to look for a run in")
      ->type_name("PATH")
      ->capture_default_str()
      ->group(group);
  const auto add = [&](const char* name, std::string& value, const std::set<std::string>& names) {
    app.add_option(name, value, joined({names.begin(), names.end()}, "; "))
        ->transform(CLI::IsMember(names, CLI::ignore_case, CLI::ignore_space).description(""))
        ->excludes("--weights")
        ->type_name("NAME")
        ->group(group);
  };
  std::set<std::string> studies = {study_names.begin(), study_names.end()};
  studies.emplace(ngram_study);
  add("--study", options.study, studies);
  add("--dataset", options.dataset, datasets);
  add("--model", options.model, models);
  variants.erase("");
  add("--variant", options.variant, variants);
  app.add_option("--learning-rate", options.learning_rate, "Learning rate that the run was made with")
      ->check(CLI::NonNegativeNumber.description(""))
      ->excludes("--weights")
      ->type_name("RATE")
      ->group(group);
}

/// Of the runs in the results file that fit the options and whose weights are there, the last with the
/// protocol's settings, or if none has them, the last.
std::string find_weights(const SampleOptions& options) {
  const RunLog log(options.out);
  const double rate = options.learning_rate.value_or(learning_rate);
  const auto fits = [](const std::string& wanted, const std::string& value) {
    return wanted.empty() || wanted == value;
  };
  std::string last;
  const auto& records = log.records();
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    if (record->weights.empty() || !fits(options.study, record->study) || !fits(options.model, record->model) ||
        !fits(options.dataset, record->dataset) || !fits(options.variant, record->variant) ||
        (options.learning_rate && record->config.value("learning_rate", nlohmann::json()) != rate)) {
      continue;
    }
    const std::string path = log.beside(record->weights);
    if (!file_exists(path)) continue;
    const Run* run = find_run(record->study, record->model, record->variant, record->dataset);
    const bool same_data = run && record->dataset == run->training.dataset;
    if (same_data && changes(*run, record->config, record->quick, rate).empty()) return path;
    if (last.empty()) last = path;
  }
  if (!last.empty()) return last;
  throw DataError(make_text({"none of the ", records.size(), " runs in ", log.path(),
                             " has weights and is what was asked for; the studies make them, and --weights "
                             "names a file"}));
}

/// The corpus of which the weights' model has the vocabulary.
Corpus find_corpus(const std::string& weights, const Record& record, const std::string& data) {
  const std::string& name = record.dataset;
  const bool capped = false;  // a cap changes no vocabulary
  Corpus corpus = Datasets(name == synthetic::corpus_name ? name : data, capped).get(name).corpus;
  if (corpus.name != name) {
    throw DataError(make_text({"the weights in ", weights, " need the vocabulary of ", name,
                               ", which was not found: --data names its folder, scripts/fetch_data.sh "
                               "downloads it"}));
  }
  if (corpus.checksum != record.sha256) {
    throw DataError(make_text({"the weights in ", weights, " are of another text than this ", name,
                               ": expected checksum ", record.sha256, ", got ", corpus.checksum}));
  }
  return corpus;
}

/// "transformer, RoPE of positions on tiny_shakespeare, seed 1, epoch 8", with what it has other than the
/// protocol: ", learning rate 0.001, quick".
std::string heading(const Record& record) {
  const auto& [study, model, variant, dataset] =
      std::tie(record.study, record.model, record.variant, record.dataset);
  std::string text = make_text({model, variant.empty() ? "" : ", ", variant, " of ", study, " on ", dataset,
                                ", seed ", record.seed, ", epoch ", record.best_epoch});
  const Run* run = find_run(study, model, variant, dataset);
  if (!run) return text + ", not of the paper";
  for (const std::string& change : changes(*run, record.config, record.quick)) text += ", " + change;
  return text;
}

/// What a weights file says about itself. Throws a `DataError` where it says nothing, with the file's name.
Record record_of(const std::string& weights) {
  const Metadata about = SafeTensors::read(weights).metadata();
  try {
    return from_metadata(about);
  } catch (const DataError& error) {
    throw DataError(make_text({weights, ": ", error.what()}));
  }
}

/// Prints each prompt as `continue_prompt(prompt, count, random)` continues it.
template <class ContinuePrompt>
void print_samples(const SampleOptions& options, const Corpus& corpus, const ContinuePrompt& continue_prompt) {
  const Index count = options.count.value_or(sample_size(corpus.tokenizer.unit()));
  for (const std::string& prompt : options.prompts) {
    std::printf("\n%s\n", continue_prompt(prompt, count, Random(options.seed, "sampling")).c_str());
  }
}

/// The n-gram model that the options name: a 5-gram of Kneser and Ney where they leave that open.
NgramConfig find_ngram(const SampleOptions& options, Index vocabulary) {
  const std::string variant = options.variant.empty() ? "Kneser-Ney, n = 5" : options.variant;
  const bool others = (!options.study.empty() && options.study != ngram_study) || options.learning_rate ||
                      options.sampling.weights != WeightFormat::full ||
                      (!options.model.empty() && options.model != ngram_model);
  for (const NgramConfig& model : ngram_configs(vocabulary)) {
    if (!others && ngram_variant(model) == variant) return model;
  }
  throw DataError("no n-gram model is what was asked for: they have the variants of the study ngrams only");
}

/// Counts the text as the study does and continues the prompts.
void run_ngram(const SampleOptions& options) {
  const std::string name = options.dataset.empty() ? std::string(data_sizes[0].name) : options.dataset;
  const bool capped = true;  // as the study unless it is told otherwise
  const Corpus corpus = Datasets(name == synthetic::corpus_name ? name : options.data, capped).get(name).corpus;
  if (corpus.name != name) {
    throw DataError(make_text({"the text ", name,
                               " was not found: --data names its folder, "
                               "scripts/fetch_data.sh downloads it"}));
  }
  const NgramLM<float> model(find_ngram(options, corpus.vocabulary_size()), corpus.train);
  std::printf("%s of %s on %s: counted anew\n", ngram_variant(model.config).c_str(), ngram_study, name.c_str());
  std::printf("in front of a prompt of fewer than %s tokens, not printed: the validation text's first tokens\n",
              with_commas(model.config.context).c_str());
  print_samples(options, corpus, [&](const std::string& prompt, Index count, Random random) {
    return continued(model, corpus, prompt, count, options.sampling, random);
  });
}

void run(const SampleOptions& options) {
  if (options.study == ngram_study || options.model == ngram_model) return run_ngram(options);
  const std::string weights = options.weights.empty() ? find_weights(options) : options.weights;
  const Record record = record_of(weights);
  const ModelConfig config = model_config(record.model, record.config);
  const Corpus corpus = find_corpus(weights, record, options.data);
  std::printf("%s: %s\n", heading(record).c_str(), weights.c_str());
  const Index T = std::visit([](const auto& one) { return one.context; }, config);
  std::printf("in front of a prompt, not printed: the validation text's first tokens, up to a window of %s\n",
              with_commas(T).c_str());
  print_samples(options, corpus, [&](const std::string& prompt, Index count, Random random) {
    return continued(config, weights, corpus, prompt, count, options.sampling, random);
  });
}

}  // namespace

int main(int argc, char** argv) {
  SampleOptions options;
  CLI::App app(
      "Continues a text with a model that a study trained, or with n-grams (--study ngrams).\n"
      "The models learned what follows a full window: in front of a shorter prompt, and not printed, stand\n"
      "the first tokens of the validation text.",
      "sample");
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wish) {
    return app.exit(wish);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "sample: %s\nsample: --help lists all options\n", error.what());
    return 2;
  }
  try {
    run(options);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "sample: %s\n", error.what());
    return 1;
  }
}
