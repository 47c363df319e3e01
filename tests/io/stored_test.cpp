// Parts that are saved and not trained, of whatever shape the file has.
#include <doctest/doctest.h>

#include <numeric>
#include <string>

#include "io_test_support.hpp"
#include "slm/io/weights.hpp"

using namespace io_test;
using namespace slm;

namespace {

/// Numbers above zero, and what follows from them.
struct Positive {
  Tensor<std::int64_t, 1> list{{0}};
  Index sum = 0;

  static void tensors(auto& self, auto&& f) { f("list", self.list); }
  void restore() {
    for (const Index number : list) {
      if (number < 1) throw DataError(make_text({"expected positive numbers, got ", number}));
    }
    sum = std::accumulate(list.begin(), list.end(), Index(0));
  }
};

struct Model {
  Parameter<float, 1> weight{{2}};
  std::vector<Positive> parts{2};
  static void fields(auto& self, auto&& f) { f("weight", self.weight), f("parts", self.parts); }
};

template <class T>
Tensor<T, 1> tensor(std::initializer_list<T> list) {
  Tensor<T, 1> made({static_cast<Index>(list.size())});
  std::copy(list.begin(), list.end(), made.begin());
  return made;
}

Model example() {
  Model model;
  model.weight.value = tensor({1.5F, -2.0F});
  model.parts[0].list = tensor<std::int64_t>({3, 4, 5});
  model.parts[1].list = tensor<std::int64_t>({7});
  return model;
}

/// Writes `first` in the place of the first part's numbers and loads that into a model that has others.
std::string loading(const TensorRecord& first, Model& into) {
  const TemporaryFolder folder;
  const Model model = example();
  write_safetensors(folder / "file", {tensor_record("weight", model.weight.value), first,
                                      tensor_record("parts.1.list", model.parts[1].list)});
  return message_of<DataError>([&] { load_weights(into, folder / "file"); });
}

}  // namespace

TEST_CASE("a stored part comes back in the shape that it was saved in, and is restored") {
  const TemporaryFolder folder;
  save_weights(example(), folder / "file");
  Model loaded;
  load_weights(loaded, folder / "file");
  CHECK(loaded.weight.value(1) == -2.0F);
  CHECK(loaded.parts[0].list.extent(0) == 3);
  CHECK(loaded.parts[0].sum == 12);
  CHECK(loaded.parts[1].sum == 7);
  CHECK(parameter_count(loaded) == 2);
}

TEST_CASE("a stored part that makes no sense is refused before anything changes") {
  Model model = example();
  model.weight.value = tensor({8.0F, 9.0F});
  model.parts[0].list = tensor<std::int64_t>({1});
  const auto refused = [&](const TensorRecord& record, const char* why) {
    const std::string message = loading(record, model);
    CAPTURE(message);
    CHECK(has(message, "load_weights '"));
    CHECK(has(message, why));
    CHECK(model.weight.value(0) == 8);
    CHECK(model.parts[0].list.extent(0) == 1);
    CHECK(model.parts[1].list(0) == 7);
  };
  const auto negative = tensor<std::int64_t>({3, -4});
  refused(tensor_record("parts.0.list", negative), "'parts.0': expected positive numbers, got -4");
  const auto narrow = tensor<std::int32_t>({3, 4});
  refused(tensor_record("parts.0.list", narrow), "tensor 'parts.0.list': expected I64, got I32");
  const Tensor<std::int64_t, 2> wide({1, 2});
  refused(tensor_record("parts.0.list", wide), "tensor 'parts.0.list': expected 1 axes, got (1, 2)");
  const auto good = tensor<std::int64_t>({3});
  refused(tensor_record("parts.2.list", good), "1 missing: 'parts.0.list'. 1 unexpected: 'parts.2.list'.");
  CHECK(loading(tensor_record("parts.0.list", good), model) == "no error");
  CHECK(model.parts[0].sum == 3);
}

TEST_CASE("a stored part that was moved from is not saved") {
  const TemporaryFolder folder;
  Model model = example();
  const Positive taken = std::move(model.parts[0]);
  CHECK(message_of<DataError>([&] { save_weights(model, folder / "file"); }) ==
        "save_weights: 'parts.0.list' was moved from or never made");
  CHECK(folder.entries() == 0);
}
