// Which small language model a budget buys for a text.
//
//   advise --data my.txt --budget 1e13
//   advise --data my.txt --minutes 10 --train
//   advise --data my.txt --parameters 1e6 --json
#include "advisor.hpp"

int main(int argc, char** argv) { return slm::advise::run_advisor(argc, argv); }
