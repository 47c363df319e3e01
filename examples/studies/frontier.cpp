// Beside the paper's studies: which family of models loses least at which budget of FLOPs.
#include "frontier/study.hpp"

int main(int argc, char** argv) { return slm::frontier::run_frontier(argc, argv); }
