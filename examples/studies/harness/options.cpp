#include "harness/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "harness/ngram.hpp"
#include "harness/selection.hpp"
#include "harness/text.hpp"
#include "slm/version.hpp"

namespace slm::studies {

namespace {

/// The distinct values of name(run) among the study's runs, without the empty one.
template <class Name>
std::vector<std::string> names_of(const Study& study, const Name& name) {
  std::vector<std::string> names;
  for (const Run* run : runs_of(study)) {
    const std::string found(name(*run));
    if (!found.empty() && std::find(names.begin(), names.end(), found) == names.end()) names.push_back(found);
  }
  return names;
}

/// Some of `names`, written in small or large letters and with or without their spaces. No option where there
/// are none.
void add_names(CLI::App& app, const std::string& option, std::vector<std::string>& chosen,
               const std::vector<std::string>& names) {
  if (names.empty()) return;
  app.add_option(option, chosen, std::string("Only these, with commas between:\n") + joined(names, ", "))
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->transform(CLI::IsMember(names, CLI::ignore_case, CLI::ignore_space).description(""))
      ->type_name("NAME");
}

/// A whole number as an argument called N.
template <class Number>
CLI::Option* add_count(CLI::App& app, const std::string& name, Number& number, const std::string& description,
                       Index lowest = 1, Index highest = 1'000'000'000) {
  return app.add_option(name, number, description)
      ->check(CLI::Range(lowest, highest).description(""))
      ->type_name("N");
}

std::string check_rate(const std::string& text) {
  double rate = 0;
  const bool fits = CLI::detail::lexical_cast(text, rate) && rate >= 0 && is_finite(rate);
  return fits ? "" : std::string("must be a number of 0 or more, got ") + text;
}

std::string check_shard(const std::string& text) {
  return shard_from_text(text) ? "" : std::string("must be I/N with I from 1 to N, as 2/3, got ") + text;
}

constexpr const char* replacing = "Instead of the paper's settings";  // a group of options

void begin(CLI::App& app) {
  app.get_formatter()->column_width(26);
  app.set_help_flag("-h,--help", "Show this text");
  app.set_version_flag("--version", std::string("slm ") + version, "Show the version");
  // The last of a repeated option counts, so that one may be added to a command that has it.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void add_common_options(CLI::App& app, CommonOptions& options) {
  app.add_option("--data", options.data,
                 "Folder of the data, or 'synthetic' for the embedded corpus\n"
                 "(default: what is found in $SLM_DATA, ../shared/data or data)")
      ->type_name("FOLDER");
  add_threads(app, options.threads);
  app.add_option("--out", options.out, "Folder of runs.jsonl and of what is saved, or a file NAME.jsonl")
      ->type_name("PATH")
      ->capture_default_str();
  app.add_flag("--quick", options.quick, "A tenth of the paper's windows; marked as such in all results");
  app.add_flag("--dry-run", options.dry_run, "Print the table of models, make no run");
  app.add_flag(
      "--table", options.table,
      "Print the table of results and what is missing for it, make no\nrun; ends with code 1 where runs are "
      "missing");
  add_shard(app, options.shard, "the runs");
  app.add_flag("--again", options.again, "Make also the runs that the results file has already");
  add_count(app, "--eval-windows", options.evaluation_windows, "Windows to validate and to test on")
      ->group(replacing);
  add_count(app, "--context", options.context, "T, the tokens of a window")->group(replacing);
  app.add_option_function<std::string>(
         "--cap", [&options](const std::string&) { options.capped = false; },
         make_text({"'none': all words of a text, not the first ", with_commas(token_caps[0]), " and ",
                    with_commas(token_caps[1])}))
      ->check(CLI::IsMember({"none"}).description(""))
      ->type_name("none")
      ->group(replacing);
}

void add_training_options(CLI::App& app, Options& options) {
  add_count(app, "--seed", options.seed, "Seed of each model's first run", 0)->capture_default_str();
  add_count(app, "--seeds", options.seeds, "Runs of each model, with seeds that count up", 1, 10'000)
      ->capture_default_str();
  app.add_flag("--profile", options.profile,
               "Print where the time of a training step goes, by part of each\nmodel, train nothing");
  app.add_flag(
      "--time", options.time,
      "Time the steps and evaluations of each model, train nothing; into\nseconds.json, from which tables "
      "say how long a training takes");
  app.add_flag_callback(
      "--no-peak", [&options] { options.peak = false; },
      "Do not measure the machine's peak of FLOP/s at the start");
  add_count(app, "--epochs", options.epochs, "Epochs")->group(replacing);
  add_count(app, "--windows", options.windows, "Training windows an epoch")->group(replacing);
  app.add_option("--learning-rate", options.learning_rates,
                 "Learning rate; of several, with commas between, each run is\nmade with each")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::Validator(check_rate, ""))
      ->type_name("RATE")
      ->group(replacing);
  std::vector<std::string> products;
  for (const auto& known : enum_names(Products())) products.emplace_back(known.name);
  app.add_option_function<std::string>(
         "--products",
         [&options](const std::string& name) { options.products = from_name<Products>("--products", name); },
         "How steps multiply: " + joined(products, ", "))
      ->check(CLI::IsMember(products).description(""))
      ->type_name("NAME")
      ->group(replacing);
}

/// Options of trainings, so that one command may go to all studies.
void add_ignored_options(CLI::App& app) {
  const std::string group = "Without effect, as nothing is drawn and no step is made";
  for (const char* name : {"--seed", "--seeds", "--epochs", "--windows", "--learning-rate", "--products"}) {
    app.add_option_function<std::string>(
           name, [](const std::string&) {}, "")
        ->type_name("N")
        ->group(group);
  }
  for (const char* name : {"--no-peak", "--time"}) app.add_flag(name)->group(group);
}

/// Returns the exit code where the program has to end.
std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wish) {
    return app.exit(wish);
  } catch (const CLI::ParseError& error) {
    const std::string name = app.get_name();
    std::cerr << name << ": " << error.what() << "\n" << name << ": --help lists all options\n";
    return 2;
  }
  return std::nullopt;
}

}  // namespace

void add_threads(CLI::App& app, int& threads) {
  add_count(app, "--threads", threads, "Threads, which change no result (default: all cores)", 1, 1024);
}

void add_shard(CLI::App& app, Shard& shard, std::string_view of) {
  app.add_option_function<std::string>(
         "--shard", [&shard](const std::string& text) { shard = *shard_from_text(text); },
         make_text({"Of N programs the I-th, with I from 1 to N: makes every N-th of\n", of,
                    ", from the most expensive on"}))
      ->check(CLI::Validator(check_shard, ""))
      ->type_name("I/N");
}

std::optional<int> parse_options(const Study& study, int argc, char** argv, Options& options) {
  CLI::App app(study.title, study.name);
  begin(app);
  add_names(app, "--dataset", options.datasets,
            names_of(study, [](const Run& run) { return run.training.dataset; }));
  add_names(app, "--model", options.models, names_of(study, [](const Run& run) { return run.model; }));
  add_names(app, "--variant", options.variants, names_of(study, [](const Run& run) { return run.variant; }));
  add_common_options(app, options);
  add_training_options(app, options);
  app.callback([&] {
    if (!selected_runs(study, options).empty()) return;
    throw CLI::ValidationError("--variant", make_text({"no model of ", joined(options.models, ", "),
                                                       " has a variant of ", joined(options.variants, ", ")}));
  });
  return parse(app, argc, argv);
}

std::optional<int> parse_options(int argc, char** argv, NgramOptions& options) {
  CLI::App app(ngram_title, ngram_study);
  begin(app);
  std::vector<std::string> datasets, smoothings, orders;
  for (const DataSize& data : data_sizes) datasets.emplace_back(data.name);
  for (const auto& smoothing : smoothing_labels) smoothings.emplace_back(smoothing.name);
  for (Index n = 1; n <= highest_order; ++n) orders.push_back(std::to_string(n));
  add_names(app, "--dataset", options.datasets, datasets);
  add_names(app, "--smoothing", options.smoothings, smoothings);
  add_names(app, "--order", options.orders, orders);
  add_common_options(app, options);
  add_ignored_options(app);
  return parse(app, argc, argv);
}

}  // namespace slm::studies
