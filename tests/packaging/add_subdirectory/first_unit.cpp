// Two translation units that both include all of slm: they link only if each definition in the headers
// is inline or a template. Argument: the version of slm that they should have been given.
#include <slm/slm.hpp>

#include <cstdio>
#include <string>

slm::Tensor<float, 2> made_elsewhere();

int main(int count, char** arguments) {
  const slm::Tensor<float, 2> x = made_elsewhere();
  std::printf("slm %s, %d threads, %d elements\n", slm::version, slm::threads(), static_cast<int>(x.size()));
  return count == 2 && arguments[1] == std::string(slm::version) && x.size() == 6 ? 0 : 1;
}
