// Study 2: context, width, heads and depth, one at a time, on Tiny Shakespeare.
#include "harness/study.hpp"

int main(int argc, char** argv) {
  return slm::studies::run_study(
      {.number = 2,
       .name = "sweeps",
       .title = "Context, hidden width, heads and layers on Tiny Shakespeare, one at a time",
       .prompts = {}},
      argc, argv);
}
