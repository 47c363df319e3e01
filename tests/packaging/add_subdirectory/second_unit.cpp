#include <slm/slm.hpp>

slm::Tensor<float, 2> made_elsewhere() { return slm::Tensor<float, 2>({2, 3}); }
