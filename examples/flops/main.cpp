// What a model costs: FLOPs of its parts, exactly as slm executes them and as others count.
//
//   flops --study all                                   the paper's twenty runs
//   flops --model transformer --layers 6 --width 256    a model of your own
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>

#include "flops/export.hpp"
#include "flops/tables.hpp"
#include "harness/run_log.hpp"
#include "harness/setting.hpp"
#include "slm/data/text_file.hpp"
#include "slm/version.hpp"

namespace {

using namespace slm;
using count::Count;
using studies::Run;

struct Options {
  std::string study, model = "transformer", results;
  bool json = false, csv = false, each_layer = false;
  TransformerConfig config{.vocabulary = 65,
                           .context = 128,
                           .width = 128,
                           .layers = 3,
                           .heads = 4,
                           .feed_forward = 256,
                           .norm = NormPlacement::post,
                           .activation = Activation::relu,
                           .attention_dropout = studies::dropout_probability,
                           .feed_forward_dropout = studies::dropout_probability};
  Index hidden = 256;
  studies::Training training = studies::baseline(4);
};

/// Takes the values of an enumeration by their names, and lists those in the help.
template <class Enum>
CLI::CheckedTransformer by_name() {
  std::map<std::string, Enum> values;
  for (const EnumName<Enum>& entry : enum_names(Enum{})) values.emplace(entry.name, entry.value);
  return CLI::CheckedTransformer(values);
}

void add_options(CLI::App& app, Options& options) {
  auto& config = options.config;
  app.set_version_flag("--version", std::string("slm ") + version, "Show the version");
  auto* study = app.add_option("--study", options.study, "The paper's runs of study 1 to 4, or 'all'")
                    ->check(CLI::IsMember({"1", "2", "3", "4", "all"}));
  app.add_flag("--json", options.json, "Print JSON");
  app.add_flag("--csv", options.csv, "Print comma-separated values, a line for each part")->excludes("--json");
  app.add_flag("--each-layer", options.each_layer, "Blocks one by one instead of their sum");
  app.add_option("--results", options.results, "A runs.jsonl or its folder, for test losses beside the paper's")
      ->needs(study);

  const auto set = [&](const char* name, auto& value, const char* text) {
    return app.add_option(name, value, text)->group("A model of your own")->excludes(study);
  };
  set("--model", options.model, "linear, mlp or transformer")
      ->check(CLI::IsMember({"linear", "mlp", "transformer"}));
  set("--vocabulary", config.vocabulary, "V")->capture_default_str();
  set("--context", config.context, "T, the tokens of a window")->capture_default_str();
  set("--width", config.width, "C, the features of a token")->capture_default_str();
  set("--hidden", options.hidden, "Width of the MLP's hidden layers")->capture_default_str();
  set("--layers", config.layers, "L, the transformer's blocks")->capture_default_str();
  set("--heads", config.heads, "H, the heads of a block")->capture_default_str();
  set("--feed-forward", config.feed_forward, "Width of a feed-forward layer; 0: 4C")->capture_default_str();
  set("--position", config.position, "Where positions come in")->transform(by_name<Position>());
  set("--norm", config.norm, "Where a block normalises")->transform(by_name<NormPlacement>());
  set("--activation", config.activation, "Of a feed-forward layer")->transform(by_name<Activation>());
  set("--attention-dropout", config.attention_dropout, "On the attention weights")->capture_default_str();
  set("--feed-forward-dropout", config.feed_forward_dropout,
      "On the feed-forward layer's output, the MLP's too")
      ->capture_default_str();
  set("--residual-dropout", config.residual_dropout, "On what each branch adds")->capture_default_str();
  set("--batch", options.training.batch, "B, the windows of a step")->capture_default_str();
  set("--windows", options.training.windows_per_epoch, "Training windows an epoch")->capture_default_str();
  set("--epochs", options.training.epochs, "Epochs")->capture_default_str();
  set("--eval-windows", options.training.evaluation_windows, "Windows to validate and to test on")
      ->capture_default_str();
}

/// The run that the options describe.
Run own_run(const Options& options) {
  const auto& config = options.config;
  Run run{0, options.model, "", config, options.training, {}};
  run.training.dataset = "";
  if (options.model == "linear") run.config = LinearConfig{config.vocabulary, config.context, config.width};
  if (options.model == "mlp") {
    run.config =
        MlpConfig{config.vocabulary, config.context, config.width, options.hidden, config.feed_forward_dropout};
  }
  return run;
}

/// Means over the seeds of finished trainings with the protocol's settings; 0 where there is none.
count::Losses measured_losses(const std::vector<Count>& counts, const std::string& path) {
  const studies::RunLog log(path);
  if (!file_exists(log.path())) throw DataError(make_text({"there is no results file ", log.path()}));
  count::Losses losses{"slm's losses", {}};
  for (const Count& count : counts) {
    const Run& run = *count.run;
    std::map<std::uint64_t, double> by_seed;  // the last training of a seed counts
    for (const auto& record : log.records()) {
      const bool of_run =
          record.dataset == run.training.dataset &&
          studies::find_run(record.study, record.model, record.variant, record.dataset) == count.run;
      if (of_run && record.diverged.empty() && studies::changes(run, record.config, record.quick).empty())
        by_seed[record.seed] = record.test_nll;
    }
    double sum = 0;
    for (const auto& [seed, nll] : by_seed) sum += nll;
    losses.nll.push_back(by_seed.empty() ? 0 : sum / static_cast<double>(by_seed.size()));
  }
  return losses;
}

void print_text(const std::vector<Count>& counts, const Options& options) {
  std::string text;
  for (const Count& one : counts) {
    text += (one.run->study > 0 ? std::string("Study ") + std::to_string(one.run->study) + ": " : "") +
            count::label(*one.run) + ", " + std::to_string(one.batch()) + " windows of " +
            std::to_string(one.window()) + " tokens\n\n" + count::convention_table(one) + "\n" +
            count::kind_table(one) + "\n" + count::summary(one) + "\n";
  }
  text += count::run_table(counts) + "\n";
  count::Losses paper{"the paper's losses", {}};
  for (const Count& one : counts) paper.nll.push_back(one.run->paper.test_nll);
  std::vector<count::Losses> sources = {paper};
  if (!options.results.empty()) sources.push_back(measured_losses(counts, options.results));
  for (const auto& losses : sources) {
    const std::string claim = count::claim_table(counts, losses);
    if (!claim.empty()) text += claim + "\n";
  }
  std::cout << text << count::convention_notes();
}

int run(const Options& options) {
  std::vector<Run> own;
  std::vector<Count> counts;
  if (options.study.empty()) {
    own.push_back(own_run(options));
    counts.push_back(count::count(own.front(), options.each_layer));
  }
  for (const Run& run : studies::runs) {
    const bool wanted = options.study == "all" || options.study == std::to_string(run.study);
    if (wanted) counts.push_back(count::count(run, options.each_layer));
  }
  if (options.json) {
    std::cout << count::to_json(counts);
  } else if (options.csv) {
    std::cout << count::to_csv(counts);
  } else {
    print_text(counts, options);
  }
  return std::cout.flush() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("FLOPs of a model's parts, exactly as executed and as others count them", "flops");
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const Error& error) {
    std::cerr << "flops: " << error.what() << "\n";
    return 1;
  }
}
