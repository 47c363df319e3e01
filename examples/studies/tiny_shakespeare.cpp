// Study 1: the four architectures on Tiny Shakespeare, character by character.
#include "harness/study.hpp"

int main(int argc, char** argv) {
  return slm::studies::run_study({.number = 1,
                                  .name = "tiny_shakespeare",
                                  .title = "Linear, MLP, self-attention and transformer on Tiny Shakespeare",
                                  .prompts = {"HAMLET:"}},
                                 argc, argv);
}
