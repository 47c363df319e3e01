#include "harness/some_steps.hpp"

#include <algorithm>

#include "harness/median_seconds.hpp"
#include "harness/models.hpp"
#include "slm/core/denormals.hpp"
#include "slm/data/text_file.hpp"
#include "slm/io/file.hpp"
#include "slm/slm.hpp"

namespace slm::studies {

namespace {

constexpr Index warm_up = 3;

/// Calls f(model, begin, compute, update) with the parts of a step of the job's training: `begin` draws its
/// windows, `compute` is loss and gradients, `update` the optimizer's.
template <class F>
auto with_steps(const Job& job, const F& f) {
  const FlushDenormals flush;
  return std::visit(
      [&](const auto& config) {
        auto model = make_model(config, Random(job.seed, "init"));
        Adam optimizer(model, {.learning_rate = job.learning_rate});
        RandomWindows<> windows(job.dataset->corpus.train, config.context, job.training().batch,
                                Random(job.seed, "data"));
        Tape<float> tape;
        tape.set_products(job.training().products);
        Batch batch;
        std::uint64_t step = 0;
        const auto begin = [&] { batch = windows.next(); };
        const auto compute = [&] {
          tape.reset(Random(job.seed, "dropout").child(step++));
          tape.backward(batch_loss(model, tape, batch));
        };
        return f(model, tape, begin, compute, [&] { optimizer.step(); });
      },
      job.run.config);
}

}  // namespace

std::string step_profile(const Job& job) {
  constexpr Index steps = 20;
  return with_steps(job, [&](auto&, auto& tape, const auto& begin, const auto& compute, const auto& update) {
    Profile sum;
    for (Index step = 0; step < warm_up + steps; ++step) {
      begin();
      const Profile one = profile(tape, compute, update);
      if (step >= warm_up) sum += one;
    }
    return make_text({steps, " steps\n", profile_text(sum)});
  });
}

StepTime time_steps(const Job& job) {
  return with_steps(job, [&](auto& model, auto&, const auto& begin, const auto& compute, const auto& update) {
    const auto step = [&] { begin(), compute(), update(); };
    for (Index i = 0; i < warm_up; ++i) step();
    const Index windows = std::min(job.training().evaluation_windows, 20 * job.training().batch);
    const SequentialWindows<> valid(job.dataset->corpus.valid, job.T(), job.training().batch, windows);
    const double of_step = median_seconds(step);
    return StepTime{of_step, median_seconds([&] { evaluate(model, valid); }) / static_cast<double>(windows)};
  });
}

double training_seconds(const Job& job, const StepTime& time) {
  const Training& training = job.training();
  const Index steps = (training.windows_per_epoch + training.batch - 1) / training.batch;
  return static_cast<double>(training.epochs * steps) * time.step +
         static_cast<double>((training.epochs + 1) * training.evaluation_windows) * time.evaluated_window;
}

void save_time(const std::string& path, const Record& record, const StepTime& time) {
  nlohmann::json times = nlohmann::json::object();
  if (file_exists(path)) times = nlohmann::json::parse(read_text(path), nullptr, false);
  if (!times.is_object()) throw DataError(make_text({"'", path, "': expected a JSON object of times by row"}));
  const std::string row =
      make_text({record.study, ", ", record.dataset, ", ", record.model, ", ", record.variant});
  times[row] = {{"step", time.step},
                {"evaluated_window", time.evaluated_window},
                {"threads", record.threads},
                {"cpu", record.cpu},
                {"compiler", record.compiler}};
  AtomicFile file(path);
  file.write(times.dump(1) + "\n");
  file.commit();
}

}  // namespace slm::studies
