// A consumer of one translation unit. Argument: the version of slm that it should have been given.
#include <slm/slm.hpp>

#include <cstdio>
#include <string>

int main(int count, char** arguments) {
  const slm::Tensor<float, 2> x({2, 3});
  std::printf("slm %s, %d threads, %d elements\n", slm::version, slm::threads(), static_cast<int>(x.size()));
  return count == 2 && arguments[1] == std::string(slm::version) && x.size() == 6 ? 0 : 1;
}
