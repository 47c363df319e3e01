#include "slm/io/safetensors.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "io_test_support.hpp"

using namespace io_test;
using slm::DType;
using slm::SafeTensors;
using slm::Tensor;
using slm::tensor_record;
using slm::TensorRecord;
using slm::write_safetensors;

namespace {

/// 0.1, 1.1, 2.1, …: numbers that float and double round differently.
template <class T, std::size_t Rank>
Tensor<T, Rank> counting(const slm::Shape<Rank>& shape) {
  Tensor<T, Rank> tensor(shape);
  for (slm::Index i = 0; i < tensor.size(); ++i)
    tensor.data()[i] = static_cast<T>(static_cast<double>(i) + 0.1);
  return tensor;
}

template <class T, std::size_t Rank>
bool equal(const Tensor<T, Rank>& a, const Tensor<T, Rank>& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin(), b.end());
}

template <class T, std::size_t Rank>
bool round_trips(const slm::Shape<Rank>& shape) {
  const TemporaryFolder folder;
  const auto written = counting<T>(shape);
  write_safetensors(folder / "file", {tensor_record("name", written)});
  const SafeTensors file = SafeTensors::read(folder / "file");
  Tensor<T, Rank> out(shape);
  file.copy_into("name", out);
  return file.names() == std::vector<std::string>{"name"} && equal(out, written);
}

TensorRecord record_of(DType dtype, std::vector<slm::Index> shape, std::string_view bytes) {
  return {"x", dtype, std::move(shape), std::as_bytes(std::span(bytes))};
}

/// The element that comes out as a T of a one-element tensor that is stored as `bytes`.
template <class T>
T read_one(DType dtype, std::string_view bytes) {
  const TemporaryFolder folder;
  write_safetensors(folder / "file", {record_of(dtype, {}, bytes)});
  Tensor<T, 0> out{slm::Shape<0>{}};
  SafeTensors::read(folder / "file").copy_into("x", out);
  return out.data()[0];
}

}  // namespace

TEST_CASE_TEMPLATE("tensors of every rank come back by bits", T, float, double, std::int64_t, std::int32_t,
                   std::uint64_t, std::uint8_t) {
  CHECK(round_trips<T>(slm::Shape<0>{}));
  CHECK(round_trips<T>(slm::Shape<1>{7}));
  CHECK(round_trips<T>(slm::Shape<2>{3, 5}));
  CHECK(round_trips<T>(slm::Shape<3>{2, 1, 4}));
  CHECK(round_trips<T>(slm::Shape<4>{2, 3, 2, 2}));
  CHECK(round_trips<T>(slm::Shape<1>{0}));
  CHECK(round_trips<T>(slm::Shape<3>{4, 0, 2}));
}

TEST_CASE("order, names, metadata and infinite numbers are kept") {
  const TemporaryFolder folder;
  const auto a = counting<float>(slm::Shape<2>{2, 3});
  const Tensor<double, 1> empty(slm::Shape<1>{0});
  auto b = counting<double>(slm::Shape<1>{3});
  b(1) = -std::numeric_limits<double>::infinity();
  b(2) = std::numeric_limits<double>::quiet_NaN();
  const slm::Metadata metadata{
      {"format", "pt"}, {"quote \" slash \\ tab \t", "Größe 日本 😀 \x01\x7f"}, {"", ""}};
  write_safetensors(folder / "file",
                    {tensor_record("z.weight", a), tensor_record("", empty), tensor_record("ä \"\\\n", b)},
                    metadata);

  SafeTensors moved = SafeTensors::read(folder / "file");
  const SafeTensors file = std::move(moved);
  CHECK(file.path() == folder / "file");
  CHECK(file.names() == std::vector<std::string>{"z.weight", "", "ä \"\\\n"});
  CHECK(file.metadata() == metadata);
  CHECK(file.contains("z.weight"));
  CHECK_FALSE(file.contains("z.weigh"));
  CHECK(file.find("z.weight").shape == std::vector<slm::Index>{2, 3});
  CHECK(file.find("z.weight").dtype == DType::F32);
  CHECK(file.find("z.weight").bytes.size() == 24);
  Tensor<double, 1> out(b.shape());
  file.copy_into("ä \"\\\n", out);
  CHECK(out(0) == 0.1);
  CHECK(out(1) == b(1));
  CHECK(std::isnan(out(2)));
}

TEST_CASE("the bytes of a file are those of the format") {
  // 184 bytes of header, 36 of them padding: the data begins at 192 = 3 · 64
  const std::string expected = std::string("\xb8\0\0\0\0\0\0\0", 8) +
                               R"({"__metadata__":{"k":"\"v\u000a\u0001é"},)"
                               R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                               R"("b":{"dtype":"I64","shape":[],"data_offsets":[8,16]}})" +
                               std::string(36, ' ') +
                               std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8) +  // 1, -2
                               std::string("\x15\x81\xe9\x7d\xf4\x10\x22\x11", 8);   // 1234567890123456789
  const TemporaryFolder folder;
  Tensor<float, 1> a(slm::Shape<1>{2});
  a(0) = 1, a(1) = -2;
  Tensor<std::int64_t, 0> b{slm::Shape<0>{}};
  b.data()[0] = 1234567890123456789;
  write_safetensors(folder / "file", {tensor_record("a", a), tensor_record("b", b)}, {{"k", "\"v\n\x01é"}});
  CHECK(get(folder / "file") == expected);
  CHECK(expected.size() == 192 + 16);

  const SafeTensors file = SafeTensors::read(folder / "file");
  CHECK(file.metadata().at("k") == "\"v\n\x01é");
  Tensor<std::int64_t, 0> out{slm::Shape<0>{}};
  file.copy_into("b", out);
  CHECK(out.data()[0] == 1234567890123456789);
}

TEST_CASE("a header of other writers is understood: any order of keys, white space, escapes") {
  const TemporaryFolder folder;
  const std::string header =
      "{ \"\\u0061\\/\\uD83D\\ude00\" :\r\n{\"data_offsets\":[ 4 , 8 ],\"shape\":[1 ],\t\"dtype\":\"F32\"} ,"
      "\"b\":{\"shape\":[],\"dtype\":\"F32\",\"data_offsets\":[0,4]}, \"__metadata__\":{} } \n";
  put(folder / "file", std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header +
                           std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8));
  const SafeTensors file = SafeTensors::read(folder / "file");
  CHECK(file.names() == std::vector<std::string>{"a/😀", "b"});
  Tensor<float, 1> out(slm::Shape<1>{1});
  file.copy_into("a/😀", out);
  CHECK(out(0) == -2);
}

TEST_CASE("real numbers convert") {
  const auto bytes = [](auto value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  CHECK(read_one<float>(DType::F64, bytes(0.1)) == 0.1f);
  CHECK(read_one<double>(DType::F32, bytes(0.1f)) == static_cast<double>(0.1f));
  CHECK(read_one<float>(DType::F16, std::string("\x00\xc1", 2)) == -2.5f);
  CHECK(read_one<double>(DType::BF16, std::string("\x20\xc0", 2)) == -2.5);
  CHECK(std::isinf(read_one<float>(DType::F64, bytes(std::numeric_limits<double>::infinity()))));
  CHECK(std::isnan(read_one<float>(DType::F64, bytes(std::numeric_limits<double>::quiet_NaN()))));
  CHECK(has(message_of<slm::DataError>([&] { read_one<float>(DType::F64, bytes(-1e300)); }),
            "tensor 'x': expected numbers of F32, got -1e+300 at element 0"));
}

TEST_CASE("a tensor of another type or shape is refused before anything is written") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  Tensor<std::int64_t, 1> numbers(slm::Shape<1>{2});
  Tensor<double, 1> reals(slm::Shape<1>{2});
  reals(1) = 1e300;
  write_safetensors(path, {tensor_record("numbers", numbers), tensor_record("reals", reals)});
  const SafeTensors file = SafeTensors::read(path);
  const std::string start = "cannot read '" + path + "': tensor ";

  Tensor<float, 1> out(slm::Shape<1>{2});
  out(0) = 5;
  CHECK(message_of<slm::DataError>([&] { file.copy_into("none", out); }) ==
        start + "'none': the file has no such tensor");
  CHECK(message_of<slm::DataError>([&] { file.find("none"); }) ==
        start + "'none': the file has no such tensor");
  CHECK(message_of<slm::DataError>([&] { file.copy_into("numbers", out); }) ==
        start + "'numbers': expected F64, F32, F16 or BF16, got I64");
  CHECK(has(message_of<slm::DataError>([&] { file.copy_into("reals", out); }), "got 1e+300 at element 1"));
  Tensor<float, 2> square(slm::Shape<2>{1, 2});
  CHECK(message_of<slm::DataError>([&] { file.copy_into("reals", square); }) ==
        start + "'reals': expected shape (1, 2), got (2)");
  Tensor<std::int32_t, 1> narrow(slm::Shape<1>{2});
  CHECK(message_of<slm::DataError>([&] { file.copy_into("numbers", narrow); }) ==
        start + "'numbers': expected I32, got I64");
  CHECK(out(0) == 5);
}

TEST_CASE("what could not be read again is not written") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  put(path, "old");
  const Tensor<float, 1> a(slm::Shape<1>{2});
  const auto written = [&](const std::vector<TensorRecord>& records, const slm::Metadata& metadata = {}) {
    return message_of<slm::DataError>([&] { write_safetensors(path, records, metadata); });
  };
  CHECK(has(written({tensor_record("a", a), tensor_record("a", a)}), "the name 'a' is taken twice"));
  CHECK(has(written({tensor_record("__metadata__", a)}), "the name '__metadata__' is taken twice"));
  CHECK(has(written({tensor_record("\xff", a)}), "expected UTF-8 without NUL, got '\\xff'"));
  CHECK(has(written({tensor_record(std::string("a\0b", 3), a)}), "expected UTF-8 without NUL, got 'a\\x00b'"));
  CHECK(has(written({}, {{"key", "\xed\xa0\x80"}}), "expected UTF-8"));
  CHECK(has(written({}, {{"\xc0\x80", "text"}}), "expected UTF-8"));
  CHECK(has(written({record_of(DType::F32, {2}, "1234567")}), "tensor 'x': got 7 bytes for shape (2) of F32"));
  CHECK(has(written({record_of(DType::U8, {-1, 0}, "")}), "got 0 bytes for shape (-1, 0) of U8"));
  CHECK(has(written({record_of(DType::U8, std::vector<slm::Index>(65, 1), "1")}),
            "tensor 'x': expected at most 64 axes, got 65"));
  CHECK(has(written({}, {{"key", std::string(100'000'000, 'x')}}), "readers take 100000000"));
  CHECK(get(path) == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a tensor of as many axes as can be read is written") {
  const TemporaryFolder folder;
  const std::vector<slm::Index> ones(64, 1);
  write_safetensors(folder / "file", {record_of(DType::U8, ones, "1")});
  CHECK(SafeTensors::read(folder / "file").find("x").shape == ones);
}

TEST_CASE("a file without tensors is a file") {
  const TemporaryFolder folder;
  write_safetensors(folder / "file", {});
  CHECK(get(folder / "file") == std::string("\x38\0\0\0\0\0\0\0", 8) + "{}" + std::string(54, ' '));
  CHECK(SafeTensors::read(folder / "file").names().empty());
}
