// Files that are damaged or made to do harm: each one is read as what it says or refused with a `DataError`.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "io_test_support.hpp"
#include "slm/io/safetensors.hpp"

using namespace io_test;
using slm::SafeTensors;

namespace {

std::string with_length(std::uint64_t header_bytes, const std::string& rest) {
  std::string file(8, '\0');
  std::memcpy(file.data(), &header_bytes, 8);
  return file + rest;
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  return with_length(header.size(), header + std::string(data_bytes, '\x01'));
}

/// What reading a file of this content says.
std::string reading(const std::string& content) {
  const TemporaryFolder folder;
  const std::string path = folder / "hostile";
  put(path, content);
  const std::string message = message_of<slm::DataError>([&] { SafeTensors::read(path); });
  const std::string start = "cannot read '" + path + "': ";
  if (message == "no error") return message;
  REQUIRE(message.substr(0, start.size()) == start);
  return message.substr(start.size());
}

std::string reading(const std::string& header, std::size_t data_bytes) {
  return reading(file_of(header, data_bytes));
}

/// The header's one tensor, 'x', with these values of its keys.
std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{\"x\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
}

const std::string two_tensors =
    R"({"__metadata__":{"k":"v\u00e9"},"a.b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
    R"("é\n":{"dtype":"U8","shape":[3],"data_offsets":[8,11]},"c":{"dtype":"F64","shape":[0],"data_offsets":[11,11]}})";

}  // namespace

TEST_CASE("a file cut off or extended at any byte is refused") {
  const std::string whole = file_of(two_tensors + "   ", 11);
  REQUIRE(reading(whole) == "no error");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(reading(whole.substr(0, size)) != "no error");
  }
  CHECK(reading(whole + '\0') == "expected 11 bytes of data, got 12");
}

TEST_CASE("a header with any one byte changed is read as a header or refused") {
  int refused = 0, accepted = 0;
  for (std::size_t position = 0; position < two_tensors.size(); ++position) {
    for (int value = 0; value < 256; ++value) {
      std::string header = two_tensors;
      header[position] = static_cast<char>(value);
      try {
        const auto read = slm::detail::read_header(header, 11, "test");
        std::uint64_t covered = 0;
        for (const auto& entry : read.entries) {
          covered += entry.end - entry.begin;
          if (slm::detail::byte_count(entry.tensor.shape, entry.tensor.dtype) != entry.end - entry.begin)
            covered = 99;
        }
        if (covered != 11 || read.entries.size() != 3) FAIL("position ", position, " value ", value);
        ++accepted;
      } catch (const slm::DataError&) {
        ++refused;
      }
    }
  }
  CHECK(refused > 200 * static_cast<int>(two_tensors.size()));
  CHECK(accepted > static_cast<int>(two_tensors.size()));
}

TEST_CASE("a file with any one byte changed is read or refused") {
  const std::string whole = file_of(two_tensors, 11);
  int accepted = 0;
  for (std::size_t position = 0; position < whole.size(); ++position) {
    for (const int flip : {1, 2, 16, 32, 128, 255}) {
      std::string changed = whole;
      changed[position] = static_cast<char>(static_cast<unsigned char>(changed[position]) ^ flip);
      if (reading(changed) == "no error") ++accepted;
    }
  }
  CHECK(accepted >= 11 * 6);                                 // the data
  CHECK(accepted < 6 * static_cast<int>(whole.size()) / 2);  // not the rest of it
}

TEST_CASE("the length of the header is held against the file and the format's limit") {
  CHECK(reading("") == "it is no safetensors file: expected 8 bytes of header length, the file has 0");
  CHECK(reading("1234567") == "it is no safetensors file: expected 8 bytes of header length, the file has 7");
  CHECK(reading(with_length(3, "{}")) ==
        "it is cut short: expected a header of at most 2 bytes, got a header length of 3");
  CHECK(reading(with_length(~std::uint64_t(0), "{}")) ==
        "it is cut short: expected a header of at most 2 bytes, got a header length of 18446744073709551615");
  CHECK(reading(with_length(~std::uint64_t(0) - 7, "{}")) ==
        "it is cut short: expected a header of at most 2 bytes, got a header length of 18446744073709551608");
  CHECK(reading(with_length(0, "{}")) ==
        "it is no safetensors file: expected a header that begins with '{', got ''");

  const TemporaryFolder folder;  // a file of holes: large, but on the disk nothing
  const std::string path = folder / "sparse";
  put(path, with_length(100'000'001, ""));
  std::filesystem::resize_file(path, 200'000'000);
  CHECK(has(message_of<slm::DataError>([&] { SafeTensors::read(path); }),
            "expected a header of at most 100000000 bytes, got a header length of 100000001"));
  std::filesystem::resize_file(path, std::uintmax_t(17) << 30);
  CHECK(has(message_of<slm::DataError>([&] { SafeTensors::read(path); }),
            "expected at most 17179869184 bytes, got 18253611008"));
  CHECK(has(message_of<slm::DataError>([&] { SafeTensors::read(path, 100); }), "expected at most 100 bytes"));
}

TEST_CASE("a file of another kind is said to be no safetensors file") {
  const auto is_none = [](const std::string& content) {
    return reading(content).starts_with("it is no safetensors file: ");
  };
  CHECK(is_none(""));
  CHECK(is_none("a line"));
  CHECK(is_none("It was the best of times, it was the worst of times.\n"));
  CHECK(
      is_none("\x08\x07\x12\x07pytorch\x1a\x05"
              "2.1.0:\x90\x01\n"));                               // ONNX
  CHECK(is_none(std::string("PK\x03\x04\0\0\0\0\x08\x08", 10)));  // PyTorch, zipped
  CHECK(is_none(std::string(100, '\0')));
  CHECK(is_none("{\"layers\": 3}"));
  CHECK_FALSE(is_none(with_length(20, "{\"a\":1")));
}

TEST_CASE("what is no safetensors header is refused") {
  CHECK(reading(" {}", 0) == "it is no safetensors file: expected a header that begins with '{', got ' '");
  CHECK(reading("[]", 0) == "it is no safetensors file: expected a header that begins with '{', got '['");
  CHECK(reading("{", 0) == "expected a string at byte 1 of the header, got its end");
  CHECK(reading("{}x", 0) == "expected the end at byte 2 of the header, got 'x'");
  CHECK(reading(std::string("{}\0", 3), 0) == "expected the end at byte 2 of the header, got '\\x00'");
  CHECK(reading("{,}", 0) == "expected a string at byte 1 of the header, got ','");
  CHECK(reading("{\"x\"}", 0) == "expected ':' at byte 4 of the header, got '}'");
  CHECK(reading("{\"x\":5}", 0) == "tensor 'x': expected '{' at byte 5 of the header, got '5'");
  CHECK(reading("{\"x\":null}", 0) == "tensor 'x': expected '{' at byte 5 of the header, got 'n'");
  CHECK(reading("{\"x\":{}}", 0) == "tensor 'x': 'dtype' is missing");
  CHECK(reading("{\"x\":{\"dtype\":\"F32\"}}", 0) == "tensor 'x': 'shape' is missing");
  CHECK(reading("{\"x\":{\"dtype\":\"F32\",\"shape\":[0]}}", 0) == "tensor 'x': 'data_offsets' is missing");
  CHECK(reading("{\"x\":{\"type\":\"F32\"}}", 0) ==
        "tensor 'x': expected 'dtype', 'shape' or 'data_offsets', got 'type'");
  CHECK(has(reading(tensor("\"F32\"", "[0]", "[0,0],"), 0), "tensor 'x': expected a string"));
  CHECK(has(reading(tensor("\"F32\"", "[0,]", "[0,0]"), 0), "expected a whole number, 0 or more"));
  CHECK(has(reading(tensor("\"F32\"", "[0 1]", "[0,0]"), 0), "expected ',' or ']'"));
  CHECK(has(reading(tensor("\"F32\"", "[0]", "[0,0]") + "}", 0), "expected the end"));
  CHECK(has(reading("{\"__metadata__\":[]}", 0), "__metadata__: expected '{'"));
  CHECK(has(reading("{\"__metadata__\":{\"a\":1}}", 0), "__metadata__: expected a string"));
  CHECK(has(reading("{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0), "__metadata__: expected a string"));
}

TEST_CASE("depth does not grow with the text") {
  const std::string deep(10'000'000, '['), objects = "{\"x\":";
  std::string nested;
  for (int i = 0; i < 1'000'000; ++i) nested += objects;
  CHECK(has(reading(tensor("\"F32\"", deep, "[0,0]"), 0), "expected a whole number"));
  CHECK(has(reading(tensor(deep, "[]", "[0,0]"), 0), "expected a string"));
  CHECK(has(reading(nested, 0), "expected 'dtype', 'shape' or 'data_offsets', got 'x'"));
}

TEST_CASE("names and keys given twice are refused") {
  const std::string body = R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  CHECK(reading("{\"x\":" + body + ",\"y\":" + body + ",\"x\":" + body + "}", 0) ==
        "tensor 'x' is given twice");
  CHECK(reading("{\"x\":" + body + ",\"\\u0078\":" + body + "}", 0) == "tensor 'x' is given twice");
  CHECK(reading(R"({"x":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}})", 0) ==
        "tensor 'x': 'dtype' is given twice");
  CHECK(reading(R"({"x":{"shape":[0],"shape":[0],"dtype":"F32","data_offsets":[0,0]}})", 0) ==
        "tensor 'x': 'shape' is given twice");
  CHECK(reading(R"({"x":{"shape":[],"data_offsets":[0,4],"data_offsets":[0,4],"dtype":"F32"}})", 4) ==
        "tensor 'x': 'data_offsets' is given twice");
  CHECK(reading(R"({"__metadata__":{},"__metadata__":{}})", 0) == "__metadata__: given twice");
  CHECK(reading(R"({"__metadata__":{"a":"","a":""}})", 0) == "__metadata__: key 'a' is given twice");
}

TEST_CASE("unknown types are refused") {
  CHECK(reading(tensor("\"F33\"", "[1]", "[0,4]"), 4) ==
        "tensor 'x': expected a dtype of F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, got "
        "'F33'");
  CHECK(has(reading(tensor("\"f32\"", "[1]", "[0,4]"), 4), "got 'f32'"));
  CHECK(has(reading(tensor("\"F32\\u0020\"", "[1]", "[0,4]"), 4), "got 'F32 '"));
  CHECK(has(reading(tensor("32", "[1]", "[0,4]"), 4), "expected a string"));
}

TEST_CASE("shapes are checked before they are multiplied") {
  CHECK(has(reading(tensor("\"F32\"", "[-1]", "[0,4]"), 4),
            "tensor 'x': expected a whole number, 0 or more at byte 29 of the header, got '-'"));
  for (const char* number : {"1.0", "1e0", "+1", "0x1", "\"1\"", "true", "[1]", "01", "", "1 1"}) {
    CAPTURE(number);
    CHECK(reading(tensor("\"F32\"", std::string("[1,") + number + "]", "[0,4]"), 4) != "no error");
  }
  CHECK(has(reading(tensor("\"F32\"", "[9223372036854775808]", "[0,4]"), 4),
            "tensor 'x': a number is over 2^63 - 1"));
  CHECK(has(reading(tensor("\"F32\"", "[18446744073709551617]", "[0,4]"), 4), "a number is over 2^63 - 1"));
  CHECK(has(reading(tensor("\"F32\"", "[" + std::string(400, '9') + "]", "[0,4]"), 4),
            "a number is over 2^63 - 1"));
  CHECK(reading(tensor("\"F32\"", "[9223372036854775807]", "[0,4]"), 4) ==
        "tensor 'x': shape (9223372036854775807) of F32 takes more bytes than 64 bits can count");
  // 2^62 + 1 elements of 4 bytes are 4 bytes, modulo 2^64
  CHECK(has(reading(tensor("\"F32\"", "[4611686018427387905]", "[0,4]"), 4),
            "takes more bytes than 64 bits can count"));
  CHECK(has(reading(tensor("\"U8\"", "[4294967296,4294967296]", "[0,0]"), 0), "takes more bytes"));
  CHECK(has(reading(tensor("\"F32\"", "[2]", "[0,4]"), 4),
            "tensor 'x': shape (2) of F32 takes 8 bytes, got data_offsets [0, 4]"));
  CHECK(has(reading(tensor("\"F32\"", "[]", "[0,0]"), 0),
            "shape () of F32 takes 4 bytes, got data_offsets [0, 0]"));

  std::string ones = "1";
  for (int i = 1; i < 64; ++i) ones += ",1";
  CHECK(reading(tensor("\"F32\"", "[" + ones + "]", "[0,4]"), 4) == "no error");
  CHECK(reading(tensor("\"F32\"", "[" + ones + ",1]", "[0,4]"), 4) ==
        "tensor 'x': expected at most 64 numbers in shape");
}

TEST_CASE("places outside the data are refused") {
  CHECK(reading(tensor("\"F32\"", "[1]", "[0,4]"), 3) ==
        "tensor 'x': expected a range within 3 bytes of data, got data_offsets [0, 4]");
  CHECK(reading(tensor("\"F32\"", "[1]", "[4,0]"), 4) ==
        "tensor 'x': expected a range within 4 bytes of data, got data_offsets [4, 0]");
  CHECK(has(reading(tensor("\"F32\"", "[1]", "[9223372036854775803,9223372036854775807]"), 4),
            "expected a range within 4 bytes of data"));
  CHECK(has(reading(tensor("\"F32\"", "[1]", "[-4,0]"), 4), "expected a whole number, 0 or more"));
  CHECK(
      has(reading(tensor("\"F32\"", "[1]", "[]"), 4), "tensor 'x': expected 2 numbers in data_offsets, got 0"));
  CHECK(has(reading(tensor("\"F32\"", "[1]", "[4]"), 4), "expected 2 numbers in data_offsets, got 1"));
  CHECK(has(reading(tensor("\"F32\"", "[1]", "[0,4,4]"), 4), "expected at most 2 numbers in data_offsets"));
}

TEST_CASE("gaps, overlaps and left-over bytes are refused") {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
  };
  CHECK(reading(two("[0,4]", "[4,8]"), 8) == "no error");
  CHECK(reading(two("[4,8]", "[0,4]"), 8) == "no error");
  CHECK(reading(two("[0,4]", "[3,7]"), 8) ==
        "tensor 'b': expected it to begin at byte 4 of the data (no gap, no overlap), got "
        "data_offsets [3, 7]");
  CHECK(has(reading(two("[0,4]", "[0,4]"), 4), "expected it to begin at byte 4"));
  CHECK(has(reading(two("[0,4]", "[5,9]"), 9), "tensor 'b': expected it to begin at byte 4"));
  CHECK(has(reading(two("[1,5]", "[5,9]"), 9), "tensor 'a': expected it to begin at byte 0"));
  CHECK(reading(two("[0,4]", "[4,8]"), 9) == "expected 8 bytes of data, got 9");
  CHECK(reading("{}", 1) == "expected 0 bytes of data, got 1");
  const std::string empty_inside =
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"e":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})";
  CHECK(has(reading(empty_inside, 4), "tensor 'e': expected it to begin at byte 4"));
}

TEST_CASE("names that are no text are refused") {
  const auto named = [](const std::string& name) {
    return "{\"" + name + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})";
  };
  CHECK(reading(named("é日😀\\u00e9\\ud83d\\ude00"), 0) == "no error");
  CHECK(reading(named("\xf4\x8f\xbf\xbf"), 0) == "no error");  // U+10FFFF, the last character
  for (const char* bytes : {"\xff", "\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
                            "\xed\xa0\x80", "\xed\xbf\xbf", "\xe6\x97", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
                            "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xf0\x9f\x98"}) {
    CAPTURE(std::string(bytes));
    CHECK(reading(named(bytes), 0) == "the header is not UTF-8");
  }
  CHECK(reading(named("a\\u0000b"), 0) == "a string holds a NUL character");
  CHECK(has(reading(named(std::string("a\0b", 3)), 0), "expected no control character in a string"));
  CHECK(has(reading(named("a\nb"), 0), "expected no control character in a string"));
  for (const char* half :
       {"\\ud800", "\\udc00", "\\ud800\\u0041", "\\ud800x", "\\ud800\\n", "\\ud800\\ud800"}) {
    CAPTURE(half);
    CHECK(reading(named(half), 0) == "a string holds half of a surrogate pair");
  }
  CHECK(has(reading(named("\\x41"), 0), "expected an escape of JSON"));
  CHECK(has(reading(named("\\u12G4"), 0), "expected a hexadecimal digit"));
  CHECK(has(reading("{\"x", 0), "expected the end of a string"));
  CHECK(has(reading("{\"x\\", 0), "expected an escape of JSON at byte 4 of the header, got its end"));
  CHECK(has(reading("{\"\\u12", 0), "expected a hexadecimal digit at byte 6 of the header, got its end"));
}

TEST_CASE("names in messages are short and without control characters") {
  // Variables, because g++ 12 with -O3 warns about "text" + std::string(1000, 'n') for no reason.
  const std::string long_name(1000, 'n'), shown(100, 'n');
  CHECK(has(reading("{\"" + long_name + "\":5}", 0), "tensor '" + shown + "…': expected '{'"));
  CHECK(has(reading("{\"\\u001b[2J\":5}", 0), "tensor '\\x1b[2J': expected '{'"));
}

TEST_CASE("what is no file is refused") {
  const TemporaryFolder folder;
  CHECK(has(message_of<slm::DataError>([&] { SafeTensors::read(folder.path()); }),
            "expected a file, got a folder"));
  CHECK(has(message_of<slm::DataError>([&] { SafeTensors::read(folder / "none"); }),
            "open: No such file or directory"));
}
