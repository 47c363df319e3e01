#include "harness/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

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

void add_options(CLI::App& app, const Study& study, Options& options) {
  app.get_formatter()->column_width(26);
  app.set_help_flag("-h,--help", "Show this text");
  app.set_version_flag("--version", std::string("slm ") + version, "Show the version");
  // The last of a repeated option counts, so that one may be added to a command that has it.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  add_names(app, "--dataset", options.datasets,
            names_of(study, [](const Run& run) { return run.training.dataset; }));
  add_names(app, "--model", options.models, names_of(study, [](const Run& run) { return run.model; }));
  add_names(app, "--variant", options.variants, names_of(study, [](const Run& run) { return run.variant; }));
  app.add_option("--data", options.data,
                 "Folder of the data, or 'synthetic' for the embedded corpus\n"
                 "(default: what is found in $SLM_DATA, ../shared/data or data)")
      ->type_name("FOLDER");
  add_count(app, "--seed", options.seed, "Seed of each model's first run", 0)->capture_default_str();
  add_count(app, "--seeds", options.seeds, "Runs of each model, with seeds that count up", 1, 10'000)
      ->capture_default_str();
  add_count(app, "--threads", options.threads, "Threads, which change no result (default: all cores)", 1, 1024);
  app.add_option("--out", options.out, "Folder of runs.jsonl and of the weights, or a file NAME.jsonl")
      ->type_name("PATH")
      ->capture_default_str();
  app.add_flag("--quick", options.quick, "A tenth of the paper's windows; marked as such in all results");
  app.add_flag("--dry-run", options.dry_run, "Print the table of models, train nothing");
  app.add_flag("--profile", options.profile,
               "Print where the time of a training step goes, by part of each\nmodel, train nothing");
  app.add_flag("--again", options.again, "Train also what the results file has already");
  app.add_flag_callback(
      "--no-peak", [&options] { options.peak = false; },
      "Do not measure the machine's peak of FLOP/s at the start");

  const std::string group = "Instead of the paper's settings";
  add_count(app, "--epochs", options.epochs, "Epochs")->group(group);
  add_count(app, "--windows", options.windows, "Training windows an epoch")->group(group);
  add_count(app, "--eval-windows", options.evaluation_windows, "Windows to validate and to test on")
      ->group(group);
  add_count(app, "--context", options.context, "T, the tokens of a window")->group(group);
  app.add_option_function<std::string>(
         "--cap", [&options](const std::string&) { options.capped = false; },
         make_text({"'none': all words of a text, not the first ", with_commas(token_caps[0]), " and ",
                    with_commas(token_caps[1])}))
      ->check(CLI::IsMember({"none"}).description(""))
      ->type_name("none")
      ->group(group);
  app.add_option("--learning-rate", options.learning_rates,
                 "Learning rate; of several, with commas between, each run is\nmade with each")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::Validator(check_rate, ""))
      ->type_name("RATE")
      ->group(group);
}

}  // namespace

std::optional<int> parse_options(const Study& study, int argc, char** argv, Options& options) {
  CLI::App app(study.title, study.name);
  add_options(app, study, options);
  try {
    app.parse(argc, argv);
    if (selected_runs(study, options).empty()) {
      throw CLI::ValidationError("--variant",
                                 make_text({"no model of ", joined(options.models, ", "), " has a variant of ",
                                            joined(options.variants, ", ")}));
    }
  } catch (const CLI::Success& wish) {
    return app.exit(wish);
  } catch (const CLI::ParseError& error) {
    std::cerr << study.name << ": " << error.what() << "\n" << study.name << ": --help lists all options\n";
    return 2;
  }
  return std::nullopt;
}

}  // namespace slm::studies
