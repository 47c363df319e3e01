#include "board/run.hpp"
#include "models/counted.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<slm::NgramConfig> entry{
      .name = "ngrams_ptb",
      .about = "6-grams of the words of PTB, smoothed after Kneser and Ney",
      .division = Division::mixed,
      .config = {.vocabulary = 0, .context = 5},
      .recipe = {},
      .target = Target::ptb,
  };
  return run(entry, count, arguments);
}
