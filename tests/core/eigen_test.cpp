#include "slm/core/eigen.hpp"

#include <doctest/doctest.h>

using namespace slm;

TEST_CASE("Eigen sees a tensor's memory as a matrix of its rows") {
  Tensor<double, 3> x({2, 1, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(eigen_map(std::as_const(x))(1, 0) == 4);
  eigen_map(x)(1, 2) = 60;
  CHECK(x(1, 0, 2) == 60);
  eigen_map(x).setZero();
  CHECK(x == Tensor<double, 3>({2, 1, 3}));
}

TEST_CASE("what Eigen computes becomes a tensor") {
  const Tensor<double, 2> a({2, 2}, {1, 2, 3, 4}), b({2, 1}, {5, 6});
  CHECK(tensor_from(eigen_map(a).lazyProduct(eigen_map(b))) == Tensor<double, 2>({2, 1}, {17, 39}));
  CHECK(tensor_from(eigen_map(a).transpose()) == Tensor<double, 2>({2, 2}, {1, 3, 2, 4}));
  CHECK(tensor_from(Eigen::Vector2d(1, 2)) == Tensor<double, 2>({2, 1}, {1, 2}));
}
