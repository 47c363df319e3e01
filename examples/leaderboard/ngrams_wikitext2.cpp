#include "board/run.hpp"
#include "models/counted.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<slm::NgramConfig> entry{
      .name = "ngrams_wikitext2",
      .about = "6-grams of the words of WikiText-2, smoothed after Kneser and Ney",
      .division = Division::mixed,
      .config = {.vocabulary = 0, .context = 5},
      .recipe = {},
      .target = Target::wikitext_2,
  };
  return run(entry, count, arguments);
}
