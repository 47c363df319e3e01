// Weights in files of fewer bits: BF16, and I8 with a scale for each row.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "io_test_support.hpp"
#include "nn/module_test_support.hpp"
#include "slm/io/weights.hpp"

using namespace io_test;
using namespace slm;
using module_test::randomise;
using module_test::Tied;
using module_test::weights_of;

namespace {

constexpr WeightFormat fewer_bits[] = {WeightFormat::bfloat16, WeightFormat::int8};

struct Counts {
  Tensor<std::int64_t, 1> list{{3}};
  Tensor<float, 2> table{{1, 2}};
  static void tensors(auto& self, auto&& f) { f("list", self.list), f("table", self.table); }
  void restore() {}
};

/// A row of zeros and parameters of several ranks, and a part that is stored as it is.
template <Scalar Real>
struct Model {
  Parameter<Real, 2> weight{{4, 5}};
  Parameter<Real, 1> bias{{4}};
  Parameter<Real, 3> cube{{1, 2, 3}};
  Parameter<Real, 2> wide{{1, 7}};
  Counts counts;

  Model() {
    randomise(*this);
    for (Index j = 0; j < 5; ++j) weight.value(2, j) = 0;
    std::fill(counts.list.begin(), counts.list.end(), 5);
    std::fill(counts.table.begin(), counts.table.end(), 0.1F);
  }
  static void fields(auto& self, auto&& f) {
    f("weight", self.weight), f("bias", self.bias), f("cube", self.cube), f("wide", self.wide);
    f("counts", self.counts);
  }
};

/// A matrix alone: its numbers and its scales as a file may have them.
struct Lone {
  Parameter<float, 2> weight{{2, 3}};
  static void fields(auto& self, auto&& f) { f("weight", self.weight); }
};

/// Its second parameter is called as the scales of the first.
struct Colliding {
  Parameter<float, 2> weight{{2, 3}};
  Parameter<float, 1> scale{{2}};
  static void fields(auto& self, auto&& f) { f("weight", self.weight), f("weight.scale", self.scale); }
};

template <class T, std::size_t Rank>
Tensor<T, Rank> tensor(const Shape<Rank>& shape, std::initializer_list<T> numbers) {
  Tensor<T, Rank> made(shape);
  std::copy(numbers.begin(), numbers.end(), made.begin());
  return made;
}

/// Numbers of I8 for the matrix.
const Tensor<std::int8_t, 2>& integers() {
  static const auto made = tensor<std::int8_t, 2>({2, 3}, {127, -127, 1, 0, 5, -128});
  return made;
}
/// A file of `weight` as those, and of these tensors.
std::vector<TensorRecord> with_integers(std::vector<TensorRecord> others) {
  others.push_back(tensor_record("weight", integers()));
  return others;
}

/// What loading a file of these tensors into the model says; its weights stay where it says anything.
template <class AnyModel>
std::string loading(AnyModel& model, const std::vector<TensorRecord>& records) {
  const TemporaryFolder folder;
  const std::string path = folder / "file", start = "load_weights '" + path + "': ";
  write_safetensors(path, records);
  const auto before = weights_of(model);
  const std::string message = message_of<DataError>([&] { load_weights(model, path); });
  if (message == "no error") return message;
  CHECK(weights_of(model) == before);
  return message.starts_with(start) ? message.substr(start.size()) : message;
}

DType dtype_in(const SafeTensors& file, const std::string& name) { return file.find(name).dtype; }

}  // namespace

TEST_CASE_TEMPLATE("what is read are the weights that round_weights makes, bit for bit", Real, float, double) {
  const TemporaryFolder folder;
  const std::string path = folder / "weights";
  for (const WeightFormat format : fewer_bits) {
    CAPTURE(name_of(format));
    Model<Real> model;
    save_weights(model, path, {{"kind", "small"}}, format);
    round_weights(model, format);
    const auto expected = weights_of(model);

    const auto file = SafeTensors::read(path);
    const DType plain = std::is_same_v<Real, double> ? DType::F64 : DType::F32;
    const bool is_int8 = format == WeightFormat::int8;
    CHECK(file.metadata() == Metadata{{"kind", "small"}});
    CHECK(dtype_in(file, "weight") == (is_int8 ? DType::I8 : DType::BF16));
    CHECK(dtype_in(file, "bias") == plain);
    CHECK(dtype_in(file, "cube") == plain);
    CHECK(dtype_in(file, "counts.list") == DType::I64);
    CHECK(dtype_in(file, "counts.table") == DType::F32);
    CHECK(file.records().size() == (is_int8 ? 8 : 6));
    if (is_int8) {
      CHECK(dtype_in(file, "weight.scale") == DType::F32);
      CHECK(file.find("weight.scale").shape == std::vector<Index>{4});
      CHECK(file.find("wide.scale").shape == std::vector<Index>{1});
    }
    const std::byte* begin = file.records().front().bytes.data();
    for (const TensorRecord& record : file.records()) {
      CAPTURE(record.name);
      CHECK((record.bytes.data() - begin) % static_cast<Index>(byte_size(record.dtype)) == 0);
    }

    Model<float> as_float;
    Model<double> as_double;
    randomise(as_float), randomise(as_double);
    load_weights(as_float, path);
    load_weights(as_double, path);
    if (std::is_same_v<Real, float>) CHECK(weights_of(as_float) == expected);
    CHECK(weights_of(as_double) == expected);
    CHECK(as_float.counts.table(0, 1) == 0.1F);
    CHECK(as_float.counts.list(2) == 5);
  }
}

TEST_CASE("in full, which is the default, the file has the parameters as they are, in their order") {
  const TemporaryFolder folder;
  const Model<float> model;
  write_safetensors(
      folder / "by hand",
      {tensor_record("weight", model.weight.value), tensor_record("bias", model.bias.value),
       tensor_record("cube", model.cube.value), tensor_record("wide", model.wide.value),
       tensor_record("counts.list", model.counts.list), tensor_record("counts.table", model.counts.table)});
  save_weights(model, folder / "default");
  save_weights(model, folder / "full", {}, WeightFormat::full);
  CHECK(get(folder / "default") == get(folder / "by hand"));
  CHECK(get(folder / "full") == get(folder / "by hand"));
}

TEST_CASE_TEMPLATE("what was loaded is saved to the same bytes", Real, float, double) {
  const TemporaryFolder folder;
  for (const WeightFormat format : fewer_bits) {
    CAPTURE(name_of(format));
    Tied<Real> model(50, 33, Random(1)), loaded(50, 33, Random(2));
    randomise(model);
    save_weights(model, folder / "once", {}, format);
    load_weights(loaded, folder / "once");
    save_weights(loaded, folder / "twice", {}, format);
    CHECK(get(folder / "twice") == get(folder / "once"));
  }
}

TEST_CASE("matrices take a half or a quarter of the bytes") {
  const TemporaryFolder folder;
  const Tied<float> model(200, 100, Random(1));
  const auto bytes = [&](WeightFormat format) {
    save_weights(model, folder / "file", {}, format);
    const auto file = SafeTensors::read(folder / "file");
    std::size_t sum = 0;
    for (const TensorRecord& record : file.records()) sum += record.bytes.size();
    return sum;
  };
  CHECK(bytes(WeightFormat::full) == 4 * (30'000 + 100));
  CHECK(bytes(WeightFormat::bfloat16) == 2 * 30'000 + 4 * 100);
  CHECK(bytes(WeightFormat::int8) == 30'000 + 4 * 300 + 4 * 100);
}

TEST_CASE("weights that are no finite floats are named and not saved") {
  const TemporaryFolder folder;
  const std::string start = "save_weights: expected weights that are finite as floats, got ";
  for (const WeightFormat format : fewer_bits) {
    CAPTURE(name_of(format));
    Model<double> model;
    const auto saving = [&] {
      return message_of<NumericError>([&] { save_weights(model, folder / "file", {}, format); });
    };
    model.wide.value(0, 3) = std::numeric_limits<double>::quiet_NaN();
    CHECK(saving() == start + "nan at element 3 of 'wide'");
    model.wide.value(0, 3) = -1e39;
    CHECK(saving() == start + "-1e+39 at element 3 of 'wide'");
    CHECK(folder.entries() == 0);
  }
  CHECK(message_of<ConfigError>([&] {
          save_weights(Model<float>(), folder / "file", {}, static_cast<WeightFormat>(7));
        }) == "save_weights: the weight format is none that there is");
  CHECK(folder.entries() == 0);
}

TEST_CASE("whole numbers of other tools are read by their scales, -128 too") {
  Lone model;
  const auto scales = tensor<float, 1>({2}, {0.5F, 3.0F});
  CHECK(loading(model, with_integers({tensor_record("weight.scale", scales)})) == "no error");
  CHECK(weights_of(model) == std::vector<double>{63.5, -63.5, 0.5, 0, 15, -384});
  const auto zeros = tensor<float, 1>({2}, {0.0F, 1.0F});
  CHECK(loading(model, with_integers({tensor_record("weight.scale", zeros)})) == "no error");
  CHECK(weights_of(model) == std::vector<double>{0, 0, 0, 0, 5, -128});
}

TEST_CASE("scales that are missing, superfluous, of another shape or type are refused") {
  Lone model;
  randomise(model);
  const std::string start = "the tensors are not those of the model: ";
  const auto good = tensor<float, 1>({2}, {1, 1}), more = tensor<float, 1>({3}, {1, 1, 1});
  const auto column = tensor<float, 2>({2, 1}, {1, 1});
  const auto doubles = tensor<double, 1>({2}, {1, 1});
  const auto numbers = tensor<float, 2>({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(loading(model, with_integers({})) ==
        start + "1 missing: 'weight.scale' (F32 of shape (2), one for each row of the I8 in 'weight').");
  CHECK(loading(model, with_integers({tensor_record("weight_scale", good)})) ==
        start +
            "1 missing: 'weight.scale' (F32 of shape (2), one for each row of the I8 in 'weight'). 1 "
            "unexpected: 'weight_scale'.");
  CHECK(loading(model, with_integers({tensor_record("weight.scale", more)})) ==
        start + "1 of another shape: 'weight.scale' (expected (2), got (3)).");
  CHECK(loading(model, with_integers({tensor_record("weight.scale", column)})) ==
        start + "1 of another shape: 'weight.scale' (expected (2), got (2, 1)).");
  CHECK(loading(model, {tensor_record("weight", numbers), tensor_record("weight.scale", good)}) ==
        start + "1 unexpected: 'weight.scale'.");
  CHECK(loading(model, with_integers({tensor_record("weight.scale", doubles)})) ==
        "tensor 'weight.scale': expected scales of F32, got F64");
}

TEST_CASE("scales that are no scales are refused") {
  Lone model;
  randomise(model);
  const auto refused = [&](float scale) {
    const auto scales = tensor<float, 1>({2}, {1, scale});
    return loading(model, with_integers({tensor_record("weight.scale", scales)}));
  };
  const std::string start = "tensor 'weight.scale': expected finite scales of 0 or more, got ";
  CHECK(refused(-1) == start + "-1 at element 1");
  CHECK(refused(std::numeric_limits<float>::quiet_NaN()) == start + "nan at element 1");
  CHECK(refused(std::numeric_limits<float>::infinity()) == start + "inf at element 1");
  CHECK(refused(1e38F) == "tensor 'weight': expected finite numbers, got inf at element 4");
}

TEST_CASE("whole numbers that are no matrix of weights are refused") {
  Model<float> model;
  randomise(model);
  const auto bias = tensor<std::int8_t, 1>({4}, {1, 2, 3, 4});
  const auto scales = tensor<float, 1>({4}, {1, 1, 1, 1});
  const auto weight = tensor<std::uint8_t, 2>({4, 5}, {});
  const auto with = [&](const TensorRecord& other, std::vector<TensorRecord> more) {
    const Model<float> fresh;
    const TemporaryFolder folder;
    save_weights(fresh, folder / "file");
    const auto file = SafeTensors::read(folder / "file");
    for (const TensorRecord& record : file.records()) {
      more.push_back(record.name == other.name ? other : record);
    }
    return loading(model, more);
  };
  CHECK(has(with(tensor_record("bias", bias), {}), "tensor 'bias': expected F64, F32, F16 or BF16, got I8"));
  CHECK(has(with(tensor_record("bias", bias), {tensor_record("bias.scale", scales)}),
            "1 unexpected: 'bias.scale'."));
  CHECK(has(with(tensor_record("weight", weight), {}),
            "tensor 'weight': expected F64, F32, F16 or BF16, got U8"));
  CHECK(has(with(tensor_record("counts.table", integers()), {}),
            "tensor 'counts.table': expected F64, F32, F16 or BF16, got I8"));
  CHECK(has(with(tensor_record("weight", integers()), {tensor_record("weight.scale", scales)}),
            "1 unexpected: 'weight.scale'. 1 of another shape: 'weight' (expected (4, 5), got (2, 3))."));
}

TEST_CASE("tied weights have their scales under the same name, or under several with the same numbers") {
  const TemporaryFolder folder;
  Tied<float> saved(5, 3, Random(1));
  save_weights(saved, folder / "file", {}, WeightFormat::int8);
  round_weights(saved, WeightFormat::int8);
  const auto whole = SafeTensors::read(folder / "file");
  CHECK(whole.names() == std::vector<std::string>{"embedding.weight.scale", "hidden.weight.scale",
                                                  "hidden.bias", "embedding.weight", "hidden.weight"});
  const auto renamed = [&](std::size_t i, const std::string& name) {
    TensorRecord record = whole.records()[i];
    record.name = name;
    return record;
  };
  const auto loading_of = [&](std::vector<TensorRecord> records) {
    for (const std::size_t i : {1u, 2u, 4u}) records.push_back(whole.records()[i]);
    Tied<float> model(5, 3, Random(2));
    const std::string message = loading(model, records);
    CHECK((message == "no error") == (weights_of(model) == weights_of(saved)));
    return message;
  };
  const TensorRecord embedding = renamed(3, "embedding.weight"), head = renamed(3, "head.weight");
  const TensorRecord scales = renamed(0, "embedding.weight.scale"),
                     head_scales = renamed(0, "head.weight.scale");
  CHECK(loading_of({embedding, scales}) == "no error");
  CHECK(loading_of({head, head_scales}) == "no error");
  CHECK(loading_of({embedding, scales, head, head_scales}) == "no error");
  CHECK(has(loading_of({embedding, head_scales}),
            "1 missing: 'embedding.weight.scale' (F32 of shape (5), one for each row of the I8 in "
            "'embedding.weight'). 1 unexpected: 'head.weight.scale'."));
  CHECK(has(loading_of({embedding, scales, head}), "1 missing: 'head.weight.scale'"));
  const auto other = tensor<float, 1>({5}, {1, 1, 1, 1, 1});
  CHECK(
      has(loading_of({embedding, scales, head, tensor_record("head.weight.scale", other)}),
          " 1 unlike another name of the same parameter: 'head.weight.scale' from 'embedding.weight.scale'."));
  CHECK(has(loading_of({embedding, scales, tensor_record("head.weight", saved.embedding.weight.value)}),
            " 1 unlike another name of the same parameter: 'head.weight' from 'embedding.weight'."));
}

TEST_CASE("a parameter that is called as the scales of another is not saved with these") {
  const TemporaryFolder folder;
  CHECK(has(message_of<DataError>([&] { save_weights(Colliding(), folder / "file", {}, WeightFormat::int8); }),
            "the name 'weight.scale' is taken twice"));
  CHECK(folder.entries() == 0);
}

TEST_CASE(
    "a file in fewer bits with any byte missing or any bit of its header changed is refused or harmless") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  for (const WeightFormat format : fewer_bits) {
    save_weights(Model<float>(), path, {}, format);
    const std::string whole = get(path);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      put(path, whole.substr(0, size));
      Model<float> model;
      randomise(model);
      const auto before = weights_of(model);
      REQUIRE(message_of<DataError>([&] { load_weights(model, path); }) != "no error");
      REQUIRE(weights_of(model) == before);
    }
    std::uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, whole.data(), sizeof header_bytes);
    for (std::size_t i = 8; i < 8 + header_bytes; ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
        put(path, changed);
        Model<float> model;
        randomise(model);
        const auto before = weights_of(model);
        const bool loaded = message_of<DataError>([&] { load_weights(model, path); }) == "no error";
        REQUIRE((loaded || weights_of(model) == before));
      }
    }
  }
}
