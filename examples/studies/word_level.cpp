// Study 3: the transformer on words of PTB and WikiText-2.
#include "harness/study.hpp"

int main(int argc, char** argv) {
  return slm::studies::run_study(
      {.number = 3,
       .name = "word_level",
       .title = "The transformer on words of PTB and WikiText-2",
       .prompts = {"the school announced that", "The history of machine learning begins"}},
      argc, argv);
}
