#include "frontier/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "harness/options.hpp"
#include "harness/text.hpp"
#include "slm/version.hpp"

namespace slm::frontier {

namespace {

/// Values of an enumeration by their names, with commas between.
template <class Enum>
void add_choice(CLI::App& app, const std::string& option, std::vector<std::string>& chosen) {
  std::vector<std::string> names;
  for (const auto& entry : enum_names(Enum{})) names.emplace_back(entry.name);
  app.add_option(option, chosen, "Only these, with commas between:\n" + studies::joined(names, ", "))
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->transform(CLI::IsMember(names, CLI::ignore_case).description(""))
      ->type_name("NAME");
}

/// Those that were chosen, each once and in the order in which they are declared.
template <class Enum>
std::vector<Enum> values_of(const std::vector<std::string>& chosen) {
  std::vector<Enum> values;
  for (const auto& entry : enum_names(Enum{})) {
    if (std::find(chosen.begin(), chosen.end(), entry.name) != chosen.end()) values.push_back(entry.value);
  }
  return values;
}

}  // namespace

std::optional<int> parse_options(int argc, char** argv, Options& options) {
  CLI::App app("What a small compute budget buys: losses of families of models at equal FLOPs", "frontier");
  app.get_formatter()->column_width(26);
  app.set_help_flag("-h,--help", "Show this text");
  app.set_version_flag("--version", std::string("slm ") + version, "Show the version");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  std::vector<std::string> stages, families;
  add_choice<Stage>(app, "--stage", stages);
  add_choice<Family>(app, "--family", families);
  app.add_option("--data", options.data,
                 "Folder of the data, or 'synthetic' for the embedded corpus\n"
                 "(default: what is found in $SLM_DATA, ../shared/data or data)")
      ->type_name("FOLDER");
  app.add_option("--out", options.out, "Folder of frontier.jsonl and of checkpoints")
      ->type_name("FOLDER")
      ->capture_default_str();
  studies::add_threads(app, options.threads);
  app.add_option("--seeds", options.seeds, "Seeds of what leads and of the sweeps")
      ->check(CLI::Range(1, 1000).description(""))
      ->type_name("N")
      ->capture_default_str();
  app.add_flag("--quick", options.quick, "Tiny budgets and sizes; marked as such in all results");
  app.add_flag("--dry-run", options.dry_run,
               "Print what each stage trains and costs and what is recorded, train\nnothing");
  app.add_flag("--table", options.table,
               "Print the table of results and what is missing for it, train\nnothing; ends with code 1 where "
               "results are missing");
  app.add_flag("--time", options.time,
               "Time the steps of all trainings that are recorded, train nothing;\ninto frontier_seconds.json, "
               "from which tables say how long they take");
  studies::add_shard(app, options.shard, "a stage's trainings");
  app.callback([&] {
    if (!options.shard.is_part() || stages.size() == 1 || options.dry_run || options.table) return;
    throw CLI::ValidationError(
        "--shard",
        "takes one --stage at a time, as later stages stand on the results of earlier ones; "
        "in one folder programs share all stages without it");
  });
  // As other studies have them, so that one command may go to all.
  app.add_flag("--no-peak")->group("Without effect, as nothing is measured");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wish) {
    return app.exit(wish);
  } catch (const CLI::ParseError& error) {
    std::cerr << "frontier: " << error.what() << "\nfrontier: --help lists all options\n";
    return 2;
  }
  options.stages = values_of<Stage>(stages);
  options.families = values_of<Family>(families);
  return std::nullopt;
}

}  // namespace slm::frontier
