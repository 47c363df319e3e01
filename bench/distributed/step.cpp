// Steps of a training on ranks, on request. Started by mpirun, or alone. After three steps to warm up rank 0
// prints "ready"; then each line of its standard input is a command, answered by one line:
//   train N        N steps: seconds per step, the median
//   sum            of those, seconds per step in which ranks send, wait and fold: the median of rank 0
//   part           seconds that a part takes forward and backward: the mean of all ranks' medians
//   update         seconds of the optimizer's step, likewise
//   bytes          that all ranks together send per step
//   message        bytes of a sum that a rank sends another
//   replace P U    from now on parts take P seconds and updates U, in which ranks sleep: where cores are fewer
//   quit           ends
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <thread>

#include "bench/models.hpp"
#include "slm/distributed/mpi.hpp"

namespace {

using namespace slm;

double median(std::vector<double> its) {
  std::sort(its.begin(), its.end());
  return its.empty() ? 0 : its[its.size() / 2];
}

double seconds_of(const std::function<void()>& call) {
  const double start = detail::clock_seconds();
  call();
  return detail::seconds_since(start);
}

void sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

/// What a step's time is made of, on this rank.
struct Times {
  std::vector<double> steps, parts, sums, updates;
};

/// A training whose steps are cut into parts.
class RankSteps {
 public:
  virtual ~RankSteps() = default;
  virtual Times train(Index steps) = 0;
  virtual Index bytes_of_sum() const = 0;
  void replace(double part, double update) { part_ = part, update_ = update; }

 protected:
  double part_ = 0, update_ = 0;  // seconds to sleep; 0: computed
};

template <class AnyBatch, class Model>
class RankStepsOf final : public RankSteps {
 public:
  template <class Config>
  RankStepsOf(const Config& config, Index batch, Index parts, Ranks& ranks)
      : model_(config, Random(1, "init")), optimizer_(model_), exchange_(ranks, parts), parts_(parts) {
    require_config(batch % parts == 0,
                   {"ranks_step: expected parts that divide the batch of ", batch, ", got ", parts});
    Random random(1, "text");
    text_.resize(static_cast<std::size_t>(batch * (config.context + 1)));
    for (Token& token : text_) token = static_cast<Token>(random.below(config.vocabulary));
    for (Index part = exchange_.first(); part < exchange_.end(); ++part) {
      const Random stream = Random(1, "windows").child(static_cast<std::uint64_t>(part));
      batches_.push_back(RandomWindows<AnyBatch>(text_, config.context, batch / parts, stream).next());
    }
  }

  Times train(Index steps) override {
    Times times;
    for (Index step = 0; step < steps; ++step) {
      times.steps.push_back(seconds_of([&] {
        for (Index part = exchange_.first(); part < exchange_.end(); ++part) {
          times.parts.push_back(seconds_of([&] { compute(part); }));
          exchange_.fold(optimizer_.list());
        }
        times.sums.push_back(seconds_of([&] { exchange_.sum(optimizer_.list()); }));
        times.updates.push_back(seconds_of([&] { update(); }));
      }));
    }
    return times;
  }

  Index bytes_of_sum() const override {
    return element_count(optimizer_.list()) * static_cast<Index>(sizeof(float));
  }

 private:
  void compute(Index part) {
    if (part_ > 0) {
      // Rows of zeros would not be sent.
      for (const auto& its : optimizer_.list()) std::fill_n(its.grad, its.size, 1.0F);
      return sleep(part_);
    }
    tape_.reset(Random(1, "dropout").child(++drawn_));
    const auto& batch = batches_[static_cast<std::size_t>(part - exchange_.first())];
    tape_.backward(batch_loss(model_, tape_, batch), 1.0F / static_cast<float>(parts_));
  }
  void update() {
    if (update_ > 0) return sleep(update_);
    optimizer_.step();
  }

  Model model_;
  Adam<float> optimizer_;
  GradientExchange<float> exchange_;
  Index parts_;
  std::vector<Token> text_;
  std::vector<AnyBatch> batches_;
  Tape<float> tape_;
  std::uint64_t drawn_ = 0;
};

std::unique_ptr<RankSteps> make_steps(const bench::TrainingSetting& setting, Index batch, Index parts,
                                      Ranks& ranks) {
  std::unique_ptr<RankSteps> made;
  bench::with_types(setting, [&]<class AnyBatch, class Model>(const auto& config) {
    made = std::make_unique<RankStepsOf<AnyBatch, Model>>(config, batch, parts, ranks);
  });
  return made;
}

/// The mean over all ranks of a number that each of them has.
double mean_of_ranks(double here, Ranks& ranks) {
  std::vector<double> all(static_cast<std::size_t>(ranks.count()));
  all[static_cast<std::size_t>(ranks.rank())] = here;
  Index none = 0;
  ranks.exchange(all, none);
  double sum = 0;
  for (const double its : all) sum += its;
  return sum / static_cast<double>(ranks.count());
}

/// The next command, the same on all ranks.
std::string next_command(Ranks& ranks) {
  std::string line;
  if (ranks.rank() == 0 && !std::getline(std::cin, line)) line = "quit";
  const auto bytes = ranks.broadcast({reinterpret_cast<const std::byte*>(line.data()), line.size()});
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void serve(RankSteps& steps, Ranks& ranks) {
  Times times;
  Index bytes = 0, count = 1;
  const auto say = [&](double number) {
    if (ranks.rank() != 0) return;
    std::printf("%.9g\n", number);
    std::fflush(stdout);
  };
  for (std::string line = next_command(ranks); line != "quit"; line = next_command(ranks)) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "train") {
      words >> count;
      const Index before = ranks.sent_by_all();
      times = steps.train(count);
      bytes = ranks.sent_by_all() - before;
      say(median(times.steps));
    } else if (command == "replace") {
      double part = 0, update = 0;
      words >> part >> update;
      steps.replace(part, update);
      say(0);
    } else if (command == "sum") {
      say(median(times.sums));
    } else if (command == "part") {
      say(mean_of_ranks(median(times.parts), ranks));
    } else if (command == "update") {
      say(mean_of_ranks(median(times.updates), ranks));
    } else if (command == "bytes") {
      say(static_cast<double>(bytes) / static_cast<double>(count));
    } else if (command == "message") {
      say(static_cast<double>(steps.bytes_of_sum()));
    } else {
      throw Error("ranks_step: unknown command '" + line + "'");
    }
  }
}

int run(int argc, char** argv) {
  std::map<std::string, std::string> options = {
      {"--model", "transformer"}, {"--parts", "1"}, {"--batch", ""}, {"--context", ""}, {"--tied", "0"}};
  for (int i = 1; i < argc; i += 2) {
    if (!options.contains(argv[i]) || i + 1 == argc) {
      throw Error("usage: ranks_step [--model NAME] [--parts G] [--batch WINDOWS] [--context T] [--tied 1]");
    }
    options[argv[i]] = argv[i + 1];
  }
  const auto known = bench::models();
  const auto found = known.find(options["--model"]);
  if (found == known.end()) throw Error("ranks_step: no model '" + options["--model"] + "'");
  bench::TrainingSetting setting = found->second;
  if (auto* config = std::get_if<TransformerConfig>(&setting.config)) {
    if (!options["--context"].empty()) config->context = std::stol(options["--context"]);
    config->tied = options["--tied"] == "1";
  }
  const Index batch = options["--batch"].empty() ? setting.batch : std::stol(options["--batch"]);

  MpiRanks ranks;
  const auto steps = make_steps(setting, batch, std::stol(options["--parts"]), ranks);
  steps->train(3);
  if (ranks.rank() == 0) {
    std::puts("ready");
    std::fflush(stdout);
  }
  serve(*steps, ranks);
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
