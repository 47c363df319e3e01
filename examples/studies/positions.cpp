// Study 4: learned positions against rotary ones on Tiny Shakespeare; and none at all, and SwiGLU for ReLU.
#include "harness/study.hpp"

int main(int argc, char** argv) {
  return slm::studies::run_study({.number = 4,
                                  .name = "positions",
                                  .title = "Learned positions, RoPE, none, and SwiGLU on Tiny Shakespeare",
                                  .prompts = {"HAMLET:"}},
                                 argc, argv);
}
