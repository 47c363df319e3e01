#include "slm/io/dtype.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>

using slm::DType;

TEST_CASE("labels and sizes of the file types") {
  CHECK(slm::dtype_labels() == "F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL");
  for (const DType dtype : {DType::F64, DType::I64, DType::U64}) CHECK(slm::byte_size(dtype) == 8);
  for (const DType dtype : {DType::F32, DType::I32, DType::U32}) CHECK(slm::byte_size(dtype) == 4);
  for (const DType dtype : {DType::F16, DType::BF16, DType::I16, DType::U16}) CHECK(slm::byte_size(dtype) == 2);
  for (const DType dtype : {DType::I8, DType::U8, DType::Bool}) CHECK(slm::byte_size(dtype) == 1);
  CHECK(slm::dtype_name(DType::Bool) == "BOOL");
  CHECK(slm::dtype_name(DType::BF16) == "BF16");
  CHECK(slm::dtype_from_label("I32") == DType::I32);
  CHECK_FALSE(slm::dtype_from_label("F33"));
  CHECK_FALSE(slm::dtype_from_label(""));
  CHECK(slm::dtype_of<float>() == DType::F32);
  CHECK(slm::dtype_of<std::int32_t>() == DType::I32);
  CHECK(slm::dtype_of<std::uint16_t>() == DType::U16);
}

TEST_CASE("every binary16 number converts by its definition") {
  int wrong = 0;
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31), fraction = static_cast<int>(bits & 1023);
    const float value = slm::float_from_f16(static_cast<std::uint16_t>(bits));
    const bool negative = bits >> 15 != 0;
    if (std::signbit(value) != negative) ++wrong;
    if (exponent == 31) {
      if (fraction == 0 ? !std::isinf(value) : !std::isnan(value)) ++wrong;
      continue;
    }
    const double magnitude =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    if (static_cast<double>(value) != (negative ? -magnitude : magnitude)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("bfloat16 is the upper half of a float") {
  CHECK(slm::float_from_bf16(0x3f80) == 1.0f);
  CHECK(slm::float_from_bf16(0xc049) == -3.140625f);
  CHECK(slm::float_from_bf16(0x0001) == std::ldexp(1.0f, -133));
  CHECK(std::isinf(slm::float_from_bf16(0xff80)));
  CHECK(std::isnan(slm::float_from_bf16(0x7fc0)));
}
