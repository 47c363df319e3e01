#include "harness/options.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "harness/text.hpp"
#include "protocol.hpp"
#include "slm/version.hpp"

namespace slm::studies {

namespace {

std::vector<std::string> model_names(const Study& study) {
  std::vector<std::string> names;
  for (const Run& run : runs) {
    const std::string name(run.model);
    if (run.study == study.number && std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  }
  return names;
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
  const std::vector<std::string> models = model_names(study);
  app.add_option("--model", options.models,
                 std::string("Only these, with commas between: ") + joined(models, ", "))
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::IsMember(models).description(""))
      ->type_name("NAME");
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
         "'none': all words of a text, not the first 80,000 and 20,000")
      ->check(CLI::IsMember({"none"}).description(""))
      ->type_name("none")
      ->group(group);
  app.add_option("--learning-rate", options.learning_rate, "Learning rate")
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
  } catch (const CLI::Success& wish) {
    return app.exit(wish);
  } catch (const CLI::ParseError& error) {
    std::cerr << study.name << ": " << error.what() << "\n" << study.name << ": --help lists all options\n";
    return 2;
  }
  return std::nullopt;
}

}  // namespace slm::studies
