#include "board/options.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "harness/options.hpp"
#include "harness/text.hpp"
#include "slm/version.hpp"

namespace slm::leaderboard {

std::optional<int> parse_options(const std::string& name, const std::string& about,
                                 const std::vector<Change>& changes, int argc, char** argv, Options& options) {
  CLI::App app(about, name);
  app.get_formatter()->column_width(26);
  app.set_help_flag("-h,--help", "Show this text");
  app.set_version_flag("--version", std::string("slm ") + version, "Show the version");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  std::vector<std::string> targets, names = {"all"};
  for (const auto& target : target_names) targets.emplace_back(target.name);
  for (const Change& change : changes) names.push_back(change.name);
  std::string target(name_of(options.target));
  app.add_option("--target", target, "What is learned from and scored on:\n" + studies::joined(targets, ", "))
      ->check(CLI::IsMember(targets).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "The first seed")
      ->check(CLI::NonNegativeNumber.description(""))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--seeds", options.seeds, "Trainings, with seeds that count up")
      ->check(CLI::Range(1, 1000).description(""))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--change", options.changes,
                 "In place of the entry what was tried beside it, with commas between\n('none': the entry, "
                 "too):\n" +
                     studies::joined(names, "\n"))
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("NAME");
  app.add_option("--set", options.settings,
                 "A setting of the config or the recipe, as width=96; may be repeated")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("NAME=VALUE");
  app.add_option("--data", options.data,
                 "Folder of the data, or 'synthetic' for the embedded corpus\n"
                 "(default: what is found in $SLM_DATA, ../shared/data or data)")
      ->type_name("FOLDER");
  app.add_option("--out", options.out, "Folder of leaderboard.jsonl and of checkpoints")
      ->type_name("FOLDER")
      ->capture_default_str();
  studies::add_threads(app, options.threads);
  app.add_flag("--quick", options.quick, "A hundredth of the budget; marked as such in all results");
  app.add_flag("--dry-run", options.dry_run, "Print what it costs, train nothing");
  app.add_flag("--check", options.check,
               "Train anew what is recorded and compare: ends with code 1 where\nFLOPs differ, or losses by "
               "more than machines may make them differ");
  app.add_flag("--time", options.time, "Time a step, train nothing; into leaderboard_seconds.json");
  try {
    app.parse(argc, argv);
    options.target = from_name<Target>("--target", target);
  } catch (const CLI::Success& wish) {
    return app.exit(wish);
  } catch (const CLI::ParseError& error) {
    std::cerr << name << ": " << error.what() << "\n" << name << ": --help lists all options\n";
    return 2;
  }
  return std::nullopt;
}

}  // namespace slm::leaderboard
