#include "slm/io/weights.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "io_test_support.hpp"
#include "nn/module_test_support.hpp"

using namespace io_test;
using slm::load_weights;
using slm::Parameter;
using slm::save_weights;
using slm::tensor_record;

namespace {

template <class Real>
struct Layer {
  Parameter<Real, 2> weight;
  Parameter<Real, 1> bias;
  Layer(slm::Index inputs, slm::Index outputs) : weight({outputs, inputs}), bias({outputs}) {}
  static void fields(auto& self, auto&& f) { f("weight", self.weight), f("bias", self.bias); }
};

template <class Real>
struct Model {
  std::vector<Layer<Real>> layers;
  std::optional<Layer<Real>> head;
  Parameter<Real, 0> scale{slm::Shape<0>{}};
  static void fields(auto& self, auto&& f) {
    f("layers", self.layers), f("head", self.head), f("scale", self.scale);
  }
};

struct Twins {
  Parameter<float, 1> first{slm::Shape<1>{1}}, second{slm::Shape<1>{1}};
  static void fields(auto& self, auto&& f) { f("same", self.first), f("same", self.second); }
};

/// A model of `depth` layers whose weights count up from `start` in steps of 0.1.
template <class Real>
Model<Real> model_of(int depth, double start, slm::Index width = 3) {
  Model<Real> model;
  for (int i = 0; i < depth; ++i) model.layers.emplace_back(2, width);
  model.head.emplace(3, 4);
  slm::for_each_parameter(model, [&](const std::string&, auto& parameter) {
    for (Real& weight : parameter.value) weight = static_cast<Real>(start += 0.1);
  });
  return model;
}

template <class Real>
std::vector<Real> weights_of(const Model<Real>& model) {
  std::vector<Real> weights;
  slm::for_each_parameter(model, [&](const std::string&, const auto& parameter) {
    weights.insert(weights.end(), parameter.value.begin(), parameter.value.end());
  });
  return weights;
}

/// What loading the file into `model` says; the weights have to be as before if it says anything.
template <class Real>
std::string loading(Model<Real>& model, const std::string& path) {
  const auto before = weights_of(model);
  const std::string message = message_of<slm::DataError>([&] { load_weights(model, path); });
  if (message != "no error") CHECK(weights_of(model) == before);
  return message;
}

}  // namespace

TEST_CASE_TEMPLATE("weights come back by bits", Real, float, double) {
  const TemporaryFolder folder;
  const auto saved = model_of<Real>(2, 0);
  save_weights(saved, folder / "weights", {{"vocabulary", "abc"}});
  auto loaded = model_of<Real>(2, 100);
  CHECK(loading(loaded, folder / "weights") == "no error");
  CHECK(weights_of(loaded) == weights_of(saved));

  const auto file = slm::SafeTensors::read(folder / "weights");
  CHECK(file.names() == std::vector<std::string>{"layers.0.weight", "layers.0.bias", "layers.1.weight",
                                                 "layers.1.bias", "head.weight", "head.bias", "scale"});
  CHECK(file.metadata().at("vocabulary") == "abc");
}

TEST_CASE("float loads into double and double into float") {
  const TemporaryFolder folder;
  const auto singles = model_of<float>(1, 0);
  const auto doubles = model_of<double>(1, 0);
  save_weights(singles, folder / "float");
  save_weights(doubles, folder / "double");
  auto as_double = model_of<double>(1, 7);
  auto as_float = model_of<float>(1, 7);
  load_weights(as_double, folder / "float");
  load_weights(as_float, folder / "double");
  CHECK(weights_of(as_float) == weights_of(singles));
  const auto wide = weights_of(as_double);
  const auto narrow = weights_of(singles);
  CHECK(std::equal(wide.begin(), wide.end(), narrow.begin(), narrow.end(),
                   [](double a, float b) { return a == static_cast<double>(b); }));
}

TEST_CASE("names and shapes that differ are listed, and nothing is loaded") {
  const TemporaryFolder folder;
  const std::string path = folder / "weights";
  const std::string start = "load_weights '" + path + "': the tensors are not those of the model:";
  auto model = model_of<float>(1, 0);

  save_weights(model_of<float>(2, 5), path);
  CHECK(loading(model, path) == start + " 2 unexpected: 'layers.1.weight', 'layers.1.bias'.");

  save_weights(model_of<float>(0, 5), path);
  CHECK(loading(model, path) == start + " 2 missing: 'layers.0.weight', 'layers.0.bias'.");

  save_weights(model_of<float>(1, 5, 4), path);
  CHECK(loading(model, path) == start +
                                    " 2 of another shape: 'layers.0.weight' (expected (3, 2), got (4, 2)), "
                                    "'layers.0.bias' (expected (3), got (4)).");

  auto deep = model_of<float>(5, 0);
  CHECK(loading(deep, path) == start +
                                   " 8 missing: 'layers.1.weight', 'layers.1.bias', 'layers.2.weight', "
                                   "'layers.2.bias', 'layers.3.weight', …."
                                   " 2 of another shape: 'layers.0.weight' (expected (3, 2), got (4, 2)), "
                                   "'layers.0.bias' (expected (3), got (4)).");

  slm::write_safetensors(path, {});
  CHECK(has(loading(model, path), "5 missing: 'layers.0.weight'"));
}

TEST_CASE("a tensor of integers is no weight") {
  const TemporaryFolder folder;
  Model<float> model;
  const slm::Tensor<std::int32_t, 0> scale{slm::Shape<0>{}};
  slm::write_safetensors(folder / "weights", {tensor_record("scale", scale)});
  CHECK(has(loading(model, folder / "weights"), "tensor 'scale': expected F64, F32, F16 or BF16, got I32"));
}

TEST_CASE("numbers that are not finite or too large in the last tensor leave the first as it was") {
  const TemporaryFolder folder;
  const std::string path = folder / "weights";
  auto model = model_of<float>(1, 0);
  auto diverged = model_of<double>(1, 5);
  diverged.scale.value.data()[0] = std::numeric_limits<double>::quiet_NaN();
  save_weights(diverged, path);
  CHECK(loading(model, path) ==
        "load_weights '" + path + "': tensor 'scale': expected finite numbers, got nan at element 0");
  diverged.scale.value.data()[0] = -std::numeric_limits<double>::infinity();
  save_weights(diverged, path);
  CHECK(has(loading(model, path), "got -inf at element 0"));
  diverged.scale.value.data()[0] = 1e39;
  save_weights(diverged, path);
  CHECK(has(loading(model, path), "tensor 'scale': expected numbers of F32, got 1e+39 at element 0"));
}

TEST_CASE("a truncated file of weights is refused at every size") {
  const TemporaryFolder folder;
  const std::string path = folder / "weights";
  auto model = model_of<float>(1, 0);
  save_weights(model_of<float>(1, 5), path);
  const std::string whole = get(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    put(path, whole.substr(0, size));
    CHECK(loading(model, path) != "no error");
  }
  put(path, whole);
  CHECK(loading(model, path) == "no error");
}

TEST_CASE("no more is read than the model can need") {
  const TemporaryFolder folder;
  const std::string path = folder / "weights";
  Model<float> model;
  save_weights(model, path);
  CHECK(loading(model, path) == "no error");
  std::filesystem::resize_file(path, 100'000'000 + 8 + 8 + 1);
  CHECK(has(loading(model, path), "expected at most 100000016 bytes, got 100000017"));
}

TEST_CASE("two parameters of one name are not saved") {
  const TemporaryFolder folder;
  CHECK(has(message_of<slm::DataError>([&] { save_weights(Twins{}, folder / "weights"); }),
            "the name 'same' is taken twice"));
  CHECK(folder.entries() == 0);
}

TEST_CASE("tied weights are saved once, and read under either name") {
  using module_test::Tied;
  const TemporaryFolder folder;
  const std::string path = folder / "weights";
  const Tied<float> saved(5, 3, slm::Random(1));
  save_weights(saved, path);
  const auto whole = slm::SafeTensors::read(path);
  CHECK(whole.names() == std::vector<std::string>{"embedding.weight", "hidden.weight", "hidden.bias"});

  const auto loading_of = [&](const std::vector<slm::TensorRecord>& records) {
    Tied<float> model(5, 3, slm::Random(2));
    slm::write_safetensors(path, records);
    const std::string message = message_of<slm::DataError>([&] { load_weights(model, path); });
    CHECK((message == "no error") == (module_test::weights_of(model) == module_test::weights_of(saved)));
    return message;
  };
  const auto& records = whole.records();
  const auto renamed = [&](const std::string& name) {
    slm::TensorRecord record = records[0];
    record.name = name;
    return record;
  };
  CHECK(loading_of({records[0], records[1], records[2]}) == "no error");
  CHECK(loading_of({records[1], records[2], renamed("head.weight")}) == "no error");
  CHECK(loading_of({records[1], renamed("again.weight"), records[2]}) == "no error");
  CHECK(loading_of({records[0], records[1], records[2], renamed("head.weight"), renamed("again.weight")}) ==
        "no error");
  CHECK(has(loading_of({records[1], records[2]}), "1 missing: 'embedding.weight'."));
  CHECK(has(loading_of({records[0], records[1], records[2], renamed("other.weight")}),
            "1 unexpected: 'other.weight'."));

  slm::Tensor<float, 2> other({5, 3});
  CHECK(has(loading_of({records[0], records[1], records[2], tensor_record("head.weight", other)}),
            " 1 unlike another name of the same parameter: 'head.weight' from 'embedding.weight'."));
  const slm::Tensor<float, 2> wide({3, 5});
  CHECK(has(loading_of({records[0], records[1], records[2], tensor_record("again.weight", wide)}),
            "1 of another shape: 'again.weight' (expected (5, 3), got (3, 5))"));
}
