#include "options.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "harness/options.hpp"
#include "slm/version.hpp"

namespace slm::advise {

std::optional<int> parse_options(int argc, char** argv, Options& options) {
  CLI::App app("Which small language model a budget buys for a text", "advise");
  app.get_formatter()->column_width(26);
  app.set_help_flag("-h,--help", "Show this text");
  app.set_version_flag("--version", std::string("slm ") + version, "Show the version");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  std::string unit = "character";
  app.add_option("--data", options.data, "The text: a file")->required()->type_name("FILE");
  app.add_option("--unit", unit, "Its tokens: character (of UTF-8) or byte")
      ->check(CLI::IsMember({"character", "byte"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  auto* budget = app.add_option("--budget", options.budget, "FLOPs of training and optimizer, as 1e13")
                     ->type_name("FLOPS");
  auto* minutes = app.add_option("--minutes", options.minutes, "Minutes of training on this machine, instead")
                      ->type_name("NUMBER")
                      ->excludes(budget);
  app.add_option_function<double>(
         "--parameters",
         [&](const double& most) {
           if (!(most >= 1 && most <= 1e12)) throw CLI::ValidationError("--parameters", "expected 1 to 1e12");
           options.parameters = static_cast<Index>(most);
         },
         "At most so many, as 1e6; without a budget, the largest at which the\nfrontier trained such a small "
         "model")
      ->type_name("N");
  app.add_flag_callback(
      "--no-calibration", [&] { options.calibrate = false; },
      "Train nothing: else some short trainings on the text, of at most a\ntwentieth of the budget, "
      "correct the predictions");
  app.add_option(
         "--train", options.train,
         "Train the first line, or so many of the first, and say how far the\npredictions were off; the "
         "models are not kept")
      ->expected(0, 1)
      ->default_str("1")
      ->check(CLI::Range(0, 6).description(""))
      ->type_name("COUNT");
  app.add_flag("--json", options.json,
               "Print the advice as JSON; what is said meanwhile goes to standard error");
  app.add_option("--cpp", options.cpp,
                 "Write the C++ program that trains the first line; -: print it alone,\nwhat else is said goes "
                 "to standard error")
      ->type_name("FILE");
  app.add_option("--law", options.findings,
                 "Findings of another study of the frontier, as scripts/frontier.py writes them")
      ->type_name("FILE");
  app.add_option("--out", options.out, "Folder of trainings, which are not made twice")
      ->type_name("FOLDER")
      ->capture_default_str();
  studies::add_threads(app, options.threads);
  app.callback([&] {
    for (const auto& [option, value] : {std::pair(budget, options.budget), {minutes, options.minutes}}) {
      constexpr double most = 1e18;  // not a number is neither
      const double given = value.value_or(0);
      if (option->count() > 0 && !(given > 0 && given <= most)) {
        throw CLI::ValidationError(option->get_name(), "expected a positive number up to 1e18");
      }
    }
    std::error_code none;  // is there yet
    if (std::filesystem::equivalent(options.data, options.cpp, none))
      throw CLI::ValidationError("--cpp", "would replace the text of --data");
    if (options.json && options.cpp == "-")
      throw CLI::ValidationError("--cpp", "is no part of --json: give a file");
    if (budget->count() == 0 && minutes->count() == 0 && !options.parameters)
      throw CLI::RequiredError("one of --budget, --minutes and --parameters");
  });
  try {
    app.parse(argc, argv);
    options.unit = from_name<TokenUnit>("--unit", unit);
  } catch (const CLI::Success& wish) {
    return app.exit(wish);
  } catch (const CLI::ParseError& error) {
    std::cerr << "advise: " << error.what() << "\nadvise: --help lists all options\n";
    return 2;
  }
  return std::nullopt;
}

}  // namespace slm::advise
