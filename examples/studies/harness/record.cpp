#include "harness/record.hpp"

#include <charconv>

#include "harness/identity.hpp"
#include "harness/machine.hpp"
#include "harness/text.hpp"
#include "slm/core/parallel.hpp"
#include "slm/data/checksum.hpp"
#include "slm/version.hpp"

namespace slm::studies {

namespace {

using Json = nlohmann::ordered_json;  // fields in the order in which people look for them

Json to_json(const EpochReport& epoch, const SpreadReport* spread) {
  Json json = {{"train_nll", epoch.train_nll}, {"valid_nll", epoch.valid_nll}};
  if (spread) json.update({{"spread_valid_nll", spread->valid_nll}, {"spread_test_nll", spread->test_nll}});
  json.update({{"seconds", epoch.seconds}, {"flops", epoch.spent.total().flops()}});
  return json;
}

Record parse(const nlohmann::json& line) {
  Record record;
  line.at("study").get_to(record.study);
  line.at("model").get_to(record.model);
  record.variant = line.value("variant", "");
  record.quick = line.value("quick", false);
  record.config = line.at("config").get<nlohmann::json::object_t>();
  line.at("dataset").at("name").get_to(record.dataset);
  line.at("dataset").at("sha256").get_to(record.sha256);
  line.at("seed").get_to(record.seed);
  line.at("parameters").get_to(record.parameters);
  line.at("flops_2pn").get_to(record.flops_2pn);
  if (line.contains("flops")) {
    const auto& flops = line.at("flops");
    flops.at("training").get_to(record.flops.training);
    flops.at("optimizer").get_to(record.flops.optimizer);
    flops.at("validation").get_to(record.flops.validation);
    flops.at("test").get_to(record.flops.test);
    record.flops.spread = flops.value("spread", Index(0));
  }
  if (line.contains("peak_flops_per_second")) record.peak = line.at("peak_flops_per_second").get<double>();
  for (const auto& epoch : line.at("epochs")) {
    EpochReport report;
    report.epoch = static_cast<Index>(record.epochs.size()) + 1;
    epoch.at("train_nll").get_to(report.train_nll);
    report.valid_nll = number_or_nan(epoch.at("valid_nll"));
    if (epoch.contains("spread_valid_nll")) {
      record.spread.push_back(
          {number_or_nan(epoch.at("spread_valid_nll")), number_or_nan(epoch.at("spread_test_nll"))});
    }
    epoch.at("seconds").get_to(report.seconds);
    record.epochs.push_back(report);
  }
  line.at("best_epoch").get_to(record.best_epoch);
  if (line.contains("diverged")) {
    line.at("diverged").get_to(record.diverged);
  } else {
    line.at("test_nll").get_to(record.test_nll);
  }
  if (line.contains("floor_nll")) record.floor_nll = line.at("floor_nll").get<double>();
  line.at("seconds").get_to(record.seconds);
  record.threads = line.value("threads", 0);
  record.compiler = line.value("compiler", "");
  record.cpu = line.value("cpu", "");
  line.at("version").get_to(record.version);
  record.weights = line.value("weights", "");
  record.losses = line.value("losses", "");
  return record;
}

}  // namespace

double Record::training_seconds() const {
  double sum = 0;
  for (const EpochReport& epoch : epochs) sum += epoch.seconds;
  return sum;
}

bool Record::same_training(const Record& other) const { return identity(*this) == identity(other); }

Record make_record(const Study& study, const Job& job) {
  Record record = make_record(study.name, *job.dataset, job.seed, job.quick);
  record.model = job.run.model;
  record.variant = job.run.variant;
  record.config = config_json(job);
  record.parameters = job.parameters;
  record.flops_2pn = flops_2pn(job.run, job.parameters);
  record.floor_nll = job.floors.test;
  return record;
}

Record make_record(const std::string& study, const Dataset& dataset, std::uint64_t seed, bool quick) {
  Record record;
  record.study = study;
  record.dataset = dataset.corpus.name;
  record.sha256 = dataset.corpus.checksum;
  record.seed = seed;
  record.quick = quick;
  record.threads = threads();
  record.compiler = compiler_name();
  record.cpu = cpu_name();
  record.version = version;
  return record;
}

std::string file_stem(const Record& record, bool changed) {
  std::vector<std::string> parts = {record.study};
  if (record.dataset != record.study) parts.push_back(record.dataset);
  parts.push_back(record.model);
  if (!record.variant.empty()) parts.push_back(file_name_part(record.variant));
  if (record.quick) parts.push_back("quick");
  if (changed) parts.push_back(sha256(essential_config(record.model, record.config).dump()).substr(0, 8));
  return joined(parts, "-") + "-seed" + std::to_string(record.seed);
}

Metadata to_metadata(const Record& record) {
  return {{"study", record.study},
          {"model", record.model},
          {"variant", record.variant},
          {"config", record.config.dump()},
          {"dataset", record.dataset},
          {"dataset_sha256", record.sha256},
          {"quick", record.quick ? "true" : "false"},
          {"seed", std::to_string(record.seed)},
          {"epoch", std::to_string(record.best_epoch)},
          {"version", record.version}};
}

Record from_metadata(const Metadata& about) {
  const auto value = [&](const char* key) {
    const auto found = about.find(key);
    if (found == about.end())
      throw DataError(make_text({"the file does not say its ", key, ": no study saved it"}));
    return found->second;
  };
  const auto number = [&](const char* key) {
    const std::string text = value(key);
    std::uint64_t read = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
    if (error != std::errc() || end != text.data() + text.size())
      throw DataError(make_text({"the file's ", key, " must be a number, got '", text, "'"}));
    return read;
  };
  Record record;
  record.study = value("study");
  record.model = value("model");
  record.variant = value("variant");
  record.config = nlohmann::json::parse(value("config"), nullptr, /*allow_exceptions=*/false);
  if (!record.config.is_object()) throw DataError("the file's config is no object of JSON");
  record.dataset = value("dataset");
  record.sha256 = value("dataset_sha256");
  record.quick = value("quick") == "true";
  record.seed = number("seed");
  record.best_epoch = static_cast<Index>(number("epoch"));
  record.version = value("version");
  return record;
}

std::string to_line(const Record& record) {
  Json epochs = Json::array();
  for (std::size_t i = 0; i < record.epochs.size(); ++i) {
    epochs.push_back(to_json(record.epochs[i], i < record.spread.size() ? &record.spread[i] : nullptr));
  }
  Json line = {{"study", record.study},
               {"model", record.model},
               {"variant", record.variant},
               {"quick", record.quick},
               {"config", Json(record.config)},
               {"dataset", {{"name", record.dataset}, {"sha256", record.sha256}}},
               {"seed", record.seed},
               {"parameters", record.parameters},
               {"flops_2pn", record.flops_2pn},
               {"flops",
                {{"training", record.flops.training},
                 {"optimizer", record.flops.optimizer},
                 {"validation", record.flops.validation},
                 {"test", record.flops.test},
                 {"spread", record.flops.spread},
                 {"total", record.flops.total()}}},
               {"epochs", epochs},
               {"best_epoch", record.best_epoch}};
  if (record.diverged.empty()) {
    line["test_nll"] = record.test_nll;
  } else {
    line["diverged"] = record.diverged;
  }
  if (record.floor_nll) line["floor_nll"] = *record.floor_nll;
  line["seconds"] = record.seconds;
  line["flops_per_second"] = static_cast<double>(record.flops.total()) / record.seconds;
  if (record.peak) line["peak_flops_per_second"] = *record.peak;
  line["threads"] = record.threads;
  line["compiler"] = record.compiler;
  line["cpu"] = record.cpu;
  line["version"] = record.version;
  if (!record.weights.empty()) line["weights"] = record.weights;
  if (!record.losses.empty()) line["losses"] = record.losses;
  return line.dump();
}

Record from_line(const std::string& line) {
  try {
    return parse(nlohmann::json::parse(line));
  } catch (const nlohmann::json::exception& error) {
    throw DataError(error.what());
  }
}

}  // namespace slm::studies
