// Trainings of several ranks, which are threads here, against those of one process.
#include <atomic>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "distributed/thread_ranks.hpp"
#include "error_message.hpp"
#include "slm/distributed/load_checkpoint.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/optim/sgd.hpp"
#include "temporary_folder.hpp"
#include "train/train_test_support.hpp"

using namespace train_test;
using slm_test::has, slm_test::message_of, slm_test::run_ranks;

namespace {

using Texts = std::vector<std::string>;

/// Batches of 2 windows: 10 make an epoch.
RandomWindows<> windows_of(std::uint64_t its_seed = seed) {
  return {text(), window, 2, Random(its_seed, "data")};
}

FitResult train(Training& training, FitConfig config, const auto& loss) {
  config.windows_per_epoch = windows_per_epoch;
  config.clip = 0.2;
  return fit(training.model, training.optimizer, windows_of(), valid_windows(), Random(seed, "dropout"), config,
             training.state, loss);
}
FitResult train(Training& training, const FitConfig& config) {
  return train(training, config, MeanCrossEntropy());
}

/// Runs work(ranks, training) on every rank, each with a model of its own, and returns what they threw.
Texts run(Index count, const std::function<void(Ranks&, Training&)>& work) {
  const slm_test::Threads one(1);
  return run_ranks(count, [&](Ranks& ranks) {
    Training training;
    work(ranks, training);
  });
}

/// A loss that does something of its own on one rank, from its `call`-th call on.
struct LossOfRank {
  bool here;
  Index call;
  std::function<void()> what = {};

  template <class Model, Scalar Real>
  Var<Real, 0> operator()(const Model& model, Tape<Real>& tape, const Batch& batch) const {
    ++calls;
    const auto loss = batch_loss(model, tape, batch);
    if (!here || calls < call) return loss;
    if (what) what();
    return scale(loss, std::numeric_limits<Real>::quiet_NaN());
  }
  mutable Index calls = 0;
};

}  // namespace

TEST_CASE("any number of ranks trains to the bits, the losses and the costs of one process") {
  for (const Index parts : {1, 3, 5, 8}) {
    const auto trained = [&](Ranks* ranks, Training& training) {
      std::vector<double> reports;
      const FitResult result =
          train(training, {.epochs = 2,
                           .micro_batches = parts,
                           .on_step =
                               [&](const StepReport& report) {
                                 for (const double x : {static_cast<double>(report.step), report.loss,
                                                        static_cast<double>(report.tokens)})
                                   reports.push_back(x);
                                 CHECK((report.bytes_sent > 0) == (ranks && ranks->count() > 1));
                               },
                           .on_epoch = [&](const EpochReport& report) { reports.push_back(report.valid_nll); },
                           .ranks = ranks});
      CHECK(result.best_epoch == 2);
      return reports;
    };
    Training alone;
    const std::vector<double> reports = trained(nullptr, alone), expected = numbers_of(alone);
    REQUIRE(reports.size() > 4);
    for (Index count = 1; count <= parts; ++count) {
      CAPTURE(parts);
      CAPTURE(count);
      const auto errors = run(count, [&](Ranks& ranks, Training& training) {
        const auto its = trained(&ranks, training);
        CHECK(its == (ranks.rank() == 0 ? reports : std::vector<double>()));
        CHECK(same_bits(numbers_of(training), expected));
      });
      CHECK(errors == Texts(static_cast<std::size_t>(count)));
    }
  }
}

namespace {

/// Windows that do not say how large their batches are.
struct PlainList {
  Windows<> windows;
  Index batches() const { return windows.batches(); }
  Batch batch(Index i) const { return windows.batch(i); }
  void fill(Index i, Batch& batch) const { windows.fill(i, batch); }
};
struct PlainSource {
  PlainList epoch(Index number, Index count) const { return {windows_of().epoch(number, count)}; }
};

}  // namespace

TEST_CASE("ranks train on windows of one's own, too") {
  const auto trained = [&](Ranks* ranks, Training& training) {
    fit(training.model, training.optimizer, PlainSource(), PlainList{valid_windows()}, Random(seed, "dropout"),
        {.epochs = 1, .windows_per_epoch = windows_per_epoch, .micro_batches = 4, .ranks = ranks},
        training.state);
    return numbers_of(training);
  };
  Training alone;
  const auto expected = trained(nullptr, alone);
  const auto errors =
      run(3, [&](Ranks& ranks, Training& training) { CHECK(same_bits(trained(&ranks, training), expected)); });
  CHECK(errors == Texts(3));
}

TEST_CASE("an evaluation is shared among ranks") {
  const Training alone;
  for (const Index windows : {1, 7, 40}) {
    Cost expected_cost;
    const double expected = evaluate(alone.model, valid_windows(windows), &expected_cost);
    for (Index count = 1; count <= 7; ++count) {
      const auto errors = run(count, [&](Ranks& ranks, Training& training) {
        Cost cost;
        CHECK(evaluate(training.model, valid_windows(windows), MeanCrossEntropy(), &cost, &ranks) == expected);
        CHECK(cost == expected_cost);
      });
      CHECK(errors == Texts(static_cast<std::size_t>(count)));
    }
  }
}

TEST_CASE("a training that rank 0 stops goes on with any other number of ranks, from rank 0's file") {
  const slm_test::TemporaryFolder folder;
  const FitConfig config{.epochs = 2, .micro_batches = 4};
  Training whole;
  train(whole, config);
  const Index counts[] = {2, 4, 1, 3, 3, 2};
  Index run_number = 0;
  for (const Index count : counts) {
    const auto errors = run(count, [&](Ranks& ranks, Training& training) {
      const bool is_first = ranks.rank() == 0;
      const std::string path = folder / (is_first ? "file" : "nowhere");
      CHECK(load_checkpoint(training.model, training.optimizer, training.state, path, ranks) ==
            (run_number > 0));
      FitConfig its = config;
      its.ranks = &ranks;
      its.stop = [&] {
        CHECK(is_first);
        return run_number < 5;
      };
      const bool stopped = train(training, its).stopped;
      CHECK(stopped == (run_number < 5));
      if (is_first) save_checkpoint(training.model, training.optimizer, training.state, path);
      if (!stopped) CHECK(same_bits(numbers_of(training), numbers_of(whole)));
    });
    CHECK(errors == Texts(static_cast<std::size_t>(count)));
    ++run_number;
  }
  folder.put("file", "no checkpoint");
  for (const std::string& error : run(3, [&](Ranks&ranks, Training&training) {
         load_checkpoint(training.model, training.optimizer, training.state, folder / "file", ranks);
       })) {
    CHECK(has(error, "load_checkpoint: cannot read"));
    CHECK(has(error, "it is cut short") != has(error, "it is no safetensors file"));
  }
}

TEST_CASE("a loss that is not finite on one rank ends all, with the weights of the best epoch") {
  // The second epoch's second step: rank 1 has 2 of 4 parts of each of 3 steps, but for the last, which has 2.
  Training alone;
  train(alone, {.epochs = 1, .micro_batches = 4});
  const auto best = weights_of(alone.model);
  const auto errors = run(2, [&](Ranks& ranks, Training& training) {
    // Per epoch 2 + 2 + 1 parts of training, one batch to try and half of 5 batches of validation.
    const LossOfRank loss{ranks.rank() == 1, 1 + 5 + 2 + 3};
    const auto message = message_of<NumericError>(
        [&] { train(training, {.epochs = 2, .micro_batches = 4, .ranks = &ranks}, loss); });
    CHECK(same_bits(weights_of(training.model), best));
    CHECK(training.state.failed);
    throw Error(message);
  });
  CHECK(errors[0] == errors[1]);
  CHECK(has(errors[0], "rank 1: fit: the loss of micro-batch 2 of step 4 in epoch 2 is not finite; "));
  CHECK(has(errors[0], "; the model has the weights of epoch 1 again"));
}

TEST_CASE("whatever a rank throws ends all, as an error of its kind that names the rank") {
  const auto errors_of = [](Index rank, const std::function<void()>& what) {
    return run(3, [&](Ranks& ranks, Training& training) {
      train(training, {.epochs = 2, .micro_batches = 3, .ranks = &ranks},
            LossOfRank{ranks.rank() == rank, 4, what});
    });
  };
  CHECK(errors_of(2, [] { throw RangeError("no such token"); }) == Texts(3, "rank 2: no such token"));
  const auto foreign = errors_of(1, [] { throw std::runtime_error("out of luck"); });
  CHECK(foreign == Texts{"rank 1: out of luck", "out of luck", "rank 1: out of luck"});
  // What only rank 0 does, as writing a file to a disk that is full.
  const auto errors = run(3, [](Ranks& ranks, Training& training) {
    const auto message = message_of<DataError>([&] {
      train(training, {.epochs = 2,
                       .micro_batches = 3,
                       .on_step = [](const StepReport&) { throw DataError("no space left"); },
                       .ranks = &ranks});
    });
    CHECK(message == "rank 0: no space left");
    // Nothing goes on afterwards.
    CHECK(message_of<DataError>([&] { ranks.answer(true); }) == "rank 0: no space left");
    throw Error(message);
  });
  CHECK(errors == Texts(3, "rank 0: no space left"));
}

TEST_CASE("ranks that do not begin alike are told what differs") {
  struct Case {
    const char* what;
    std::function<void(Training&, FitConfig&)> change;
  };
  const Case cases[] = {
      {"weights (as a checksum)", [](Training& its, FitConfig&) { its.model.head.bias.value(0) = 1; }},
      {"steps of the optimizer", [](Training& its, FitConfig&) { its.optimizer.set_steps(3); }},
      {"micro-batches", [](Training&, FitConfig& config) { config.micro_batches = 5; }},
      {"epochs to train", [](Training&, FitConfig& config) { config.epochs = 5; }},
      {"limit to clip at", [](Training&, FitConfig& config) { config.clip = 0.5; }},
      {"products (0: full, 1: bfloat16)",
       [](Training&, FitConfig& config) { config.products = Products::bfloat16; }},
      {"learning rate (-1: the optimizer's own)",
       [](Training&, FitConfig& config) { config.learning_rate = rates({good}); }},
  };
  for (const Case& its : cases) {
    CAPTURE(its.what);
    const auto errors = run(3, [&](Ranks& ranks, Training& training) {
      FitConfig config{
          .epochs = 1, .windows_per_epoch = windows_per_epoch, .micro_batches = 4, .ranks = &ranks};
      if (ranks.rank() == 2) its.change(training, config);
      const auto call = [&] {
        fit(training.model, training.optimizer, windows_of(), valid_windows(), Random(seed), config,
            training.state);
      };
      throw Error(message_of<ConfigError>(call));
    });
    for (const std::string& error : errors) {
      CHECK(has(error, make_text({"rank 2: expected all ranks to have the same ", its.what, ": rank 0 has "})));
    }
  }
  const auto errors = run(2, [&](Ranks& ranks, Training& training) {
    fit(training.model, training.optimizer, windows_of(seed + static_cast<std::uint64_t>(ranks.rank())),
        valid_windows(), Random(seed),
        {.epochs = 1, .windows_per_epoch = windows_per_epoch, .micro_batches = 4, .ranks = &ranks},
        training.state);
  });
  CHECK(has(errors[0], "rank 1: expected all ranks to have the same training batches"));
  CHECK(errors[0] == errors[1]);
}

TEST_CASE("ranks whose weights come apart are found out at the end of the epoch") {
  const auto errors = run(3, [](Ranks& ranks, Training& training) {
    Index calls = 0;
    const auto loss = [&](const auto& model, auto& tape, const Batch& batch) {
      if (ranks.rank() == 1 && ++calls == 4) training.model.head.bias.value(0) += 1;
      return batch_loss(model, tape, batch);
    };
    train(training, {.epochs = 1, .micro_batches = 3, .ranks = &ranks}, loss);
  });
  for (const std::string& error : errors) {
    CHECK(has(error, "rank 1: expected all ranks to have the same weights after an epoch"));
  }
}

TEST_CASE("there are no more ranks than parts") {
  const auto errors = run(3, [](Ranks& ranks, Training& training) {
    CHECK(message_of<ConfigError>([&] { GradientExchange<float>(ranks, 2); }) ==
          "GradientExchange: expected at least 1 part for each rank, got 2 for 3 ranks");
    train(training, {.epochs = 1, .micro_batches = 2, .ranks = &ranks});
  });
  for (const std::string& error : errors) {
    CHECK(has(error, "fit: expected at least one micro-batch for each rank, got 2 for 3 ranks"));
  }
}

TEST_CASE("ranks that do different things find out") {
  const auto exchange = [](Ranks& ranks, std::size_t size) {
    Index none = 0;
    std::vector<double> values(size);
    ranks.exchange(values, none);
  };
  const std::string order = ": all ranks must do the same in the same order";
  CHECK(
      run_ranks(2, [&](Ranks& ranks) { exchange(ranks, ranks.rank() == 0 ? 4 : 5); }) ==
      Texts(2,
            "rank 0: expected of rank 1 an exchange of 4 values as task 1, got an exchange of 5 values as task "
            "1" +
                order));
  CHECK(run_ranks(2,
                  [&](Ranks& ranks) {
                    ranks.rank() == 0 ? static_cast<void>(ranks.answer(true)) : exchange(ranks, 4);
                  })[1] ==
        "rank 1: expected of rank 0 an exchange of 4 values as task 1, got a broadcast of 0 values as task 1" +
            order);
}

namespace {

/// A loop of one's own, as in the comments of `GradientTree` and `GradientExchange`.
std::vector<double> train_by_hand(Ranks* ranks, Index vocabulary, Index parts, Index steps = 6) {
  const TransformerConfig config{.vocabulary = vocabulary, .context = 4, .width = 8, .layers = 1, .heads = 2};
  TransformerLM<float> model(config, Random(seed, "init"));
  Adam optimizer(model);
  const Windows<SequenceBatch> windows(text(), 4, 1, 100, Random(seed, "data"));
  Tape<float> tape;
  GradientTree<float> tree(parts);
  GradientExchange<float> exchange(ranks, parts);
  for (Index step = 0; step < steps; ++step) {
    const Share own = ranks ? Share{exchange.first(), exchange.end()} : Share{0, parts};
    for (Index part = own.first; part < own.end; ++part) {
      tape.reset();
      tape.backward(batch_loss(model, tape, windows.batch(step * parts + part)), 1 / static_cast<float>(parts));
      ranks ? exchange.fold(optimizer.list()) : static_cast<void>(tree.fold(optimizer.list()));
    }
    if (ranks) exchange.sum(optimizer.list());
    optimizer.step();
  }
  return weights_of(model);
}

}  // namespace

TEST_CASE("a loop of one's own is shared likewise, and rows of an embedding that no window has are not sent") {
  const slm_test::Threads one(1);
  const auto bytes_of = [](Index vocabulary, Index count) {
    const auto expected = train_by_hand(nullptr, vocabulary, 5);
    std::atomic<Index> own = 0, all = 0;
    Index bytes = 0;
    const auto errors = run_ranks(
        count,
        [&](Ranks& ranks) {
          CHECK(same_bits(train_by_hand(&ranks, vocabulary, 5), expected));
          own += ranks.sent();
          all = ranks.sent_by_all();
        },
        &bytes);
    CHECK(errors == Texts(static_cast<std::size_t>(count)));
    CHECK(own == bytes);
    CHECK(all == bytes);
    return bytes;
  };
  for (Index count = 2; count <= 5; ++count) {
    CAPTURE(count);
    // 1,000 more tokens, of which the text has none, are 1,000 more bits of an embedding up and down, and as
    // many columns of a head, whose gradients are no zeros.
    // Parts 3 and 4 of 5 have no sum of their own: a rank that has both sends two.
    const Index sums_up = count <= 3 ? 2 : 4, sums_down = count - 1;
    const Index few = bytes_of(8, count), many = bytes_of(8 + 64 * 16, count);
    const Index head = (8 + 1) * 64 * 16 * 4;
    CHECK(many - few == 6 * (sums_up + sums_down) * (head + 16 * 8));
  }
}
