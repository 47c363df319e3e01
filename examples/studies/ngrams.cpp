// Beside the paper's studies: n-grams of its texts, counted in seconds.
#include "harness/ngram_study.hpp"

int main(int argc, char** argv) { return slm::studies::run_ngram_study(argc, argv); }
