// Times one slm training step or evaluation batch, on request, so that compare.py can take turns with
// PyTorch. After three training steps to warm up it prints "ready"; then each line of standard input is a
// command, answered by one line:
//   train N   N steps (forward, loss, backward, optimizer): seconds per step
//   eval N    N evaluation batches: seconds per batch
//   loss      the evaluation loss of the weights and batch of --weights, in nats
//   memory    peak resident memory of the process in MiB
//   tokens    that a step reads
//   quit      ends
// With --profile N it prints instead where the time of N training steps goes, by part of the model.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>

#include "bench/models.hpp"
#include "slm/io/safetensors.hpp"

namespace {

using namespace slm;

void set_dropout(LinearConfig&, double) {}
void set_dropout(auto& config, double p) { config.dropout = p; }
/// Where the blocks of pytorch_models.py drop: post-norm blocks attention weights, pre-norm blocks what each
/// branch adds; both the feed-forward layer's output.
void set_dropout(TransformerConfig& config, double p) {
  config.attention_dropout = config.residual_dropout = 0;
  config.feed_forward_dropout = p;
  switch (config.norm) {
    case NormPlacement::pre:
      config.residual_dropout = p;
      break;
    case NormPlacement::post:
      config.attention_dropout = p;
      break;
  }
}

/// The evaluation loss of a file's weights on the file's batch.
template <class TrainingOf>
double loss_of(const std::string& path, TrainingOf& training) {
  const SafeTensors file = SafeTensors::read(path);
  for_each_parameter(training.model, [&](const std::string& name, auto& parameter) {
    file.copy_into("weight." + name, parameter.value);
  });
  auto batch = training.any_batch();
  const auto read_tokens = [&]<std::size_t Rank>(const char* name, Tokens<Rank>& tokens) {
    Tensor<std::int64_t, Rank> wide(tokens.shape());
    file.copy_into(name, wide);
    std::copy(wide.begin(), wide.end(), tokens.begin());
  };
  read_tokens("tokens", batch.inputs);
  read_tokens("targets", batch.targets);
  return training.loss(batch);
}

double seconds_per_call(int count, const std::function<void()>& call) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / count;
}

double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// Answers commands until "quit", or prints the profile of so many steps.
template <class TrainingOf>
void serve(TrainingOf& training, Index tokens, const std::string& weights, int profile_steps) {
  for (int i = 0; i < 3; ++i) training.train();
  if (profile_steps > 0) {
    Profile sum;
    for (int i = 0; i < profile_steps; ++i) sum += training.profile();
    std::fputs(profile_text(sum).c_str(), stdout);
    return;
  }
  std::puts("ready");
  std::fflush(stdout);
  std::string command;
  while (std::cin >> command && command != "quit") {
    int count = 1;
    if (command == "train" || command == "eval") std::cin >> count;
    const double answer = command == "train"    ? seconds_per_call(count, [&] { training.train(); })
                          : command == "eval"   ? seconds_per_call(count, [&] { training.evaluate(); })
                          : command == "loss"   ? loss_of(weights, training)
                          : command == "memory" ? peak_mib()
                          : command == "tokens" ? static_cast<double>(tokens)
                                                : throw Error("slm_step: unknown command '" + command + "'");
    std::printf("%.9g\n", answer);
    std::fflush(stdout);
  }
}

int run(int argc, char** argv) {
  std::map<std::string, std::string> options = {{"--model", ""},   {"--threads", ""},  {"--weights", ""},
                                                {"--dropout", ""}, {"--profile", "0"}, {"--products", "full"}};
  for (int i = 1; i < argc; i += 2) {
    if (!options.contains(argv[i]) || i + 1 == argc) {
      throw Error(
          "usage: slm_step --model NAME [--threads N] [--dropout P] [--products full|bfloat16] "
          "[--weights FILE] [--profile STEPS]");
    }
    options[argv[i]] = argv[i + 1];
  }
  const auto known = bench::models();
  const auto found = known.find(options["--model"]);
  if (found == known.end()) throw Error("slm_step: no model '" + options["--model"] + "'");
  if (!options["--threads"].empty()) set_threads(std::atoi(options["--threads"].c_str()));

  bench::TrainingSetting setting = found->second;
  setting.products = from_name<Products>("--products", options["--products"]);
  if (!options["--dropout"].empty()) {
    const double p = std::atof(options["--dropout"].c_str());
    std::visit([&](auto& config) { set_dropout(config, p); }, setting.config);
  }
  bench::with_training(setting, [&](auto training) {
    serve(*training, bench::tokens(setting), options["--weights"], std::atoi(options["--profile"].c_str()));
  });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
