#include "harness/step_profile.hpp"

#include "harness/models.hpp"
#include "slm/core/denormals.hpp"
#include "slm/optim/adam.hpp"
#include "slm/train/loss.hpp"
#include "slm/train/profile.hpp"

namespace slm::studies {

std::string step_profile(const Job& job) {
  constexpr std::uint64_t warm_up = 3, steps = 20;
  const FlushDenormals flush;
  return std::visit(
      [&](const auto& config) {
        auto model = make_model(config, Random(job.seed, "init"));
        Adam optimizer(model, {.learning_rate = job.learning_rate});
        RandomWindows<> batches(job.dataset->corpus.train, config.context, job.training().batch,
                                Random(job.seed, "data"));
        Tape<float> tape;
        Profile sum;
        for (std::uint64_t step = 0; step < warm_up + steps; ++step) {
          const Batch batch = batches.next();
          const auto compute = [&] {
            tape.reset(Random(job.seed, "dropout").child(step));
            tape.backward(batch_loss(model, tape, batch));
          };
          const Profile one = profile(tape, compute, [&] { optimizer.step(); });
          if (step >= warm_up) sum += one;
        }
        return make_text({static_cast<Index>(steps), " steps\n", profile_text(sum)});
      },
      job.run.config);
}

}  // namespace slm::studies
