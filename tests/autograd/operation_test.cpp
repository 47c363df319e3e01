// What must hold for every operation, asked of the table of operations.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <numeric>
#include <set>

#include "operation_test_support.hpp"
#include "slm/autograd/grad_check.hpp"
#include "slm/data/text_file.hpp"
#include "slm/io/safetensors.hpp"
#include "threads.hpp"

using namespace slm;
using namespace autograd_test;

namespace {

using Entry = OperationEntry<double>;
using Example = OperationExample<double>;

/// What every call of operation( or unary( in the headers of autograd gives as the operation's name: the texts
/// in its first two arguments, several where it chooses, none where it is itself given the name.
std::set<std::string> recorded_names() {
  std::set<std::string> names;
  const std::string folder = SLM_TESTS_DIR "/../include/slm/autograd/ops";
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string text = read_text(file.path().string());
    for (const std::string call : {"return operation(", "return detail::unary(", "return detail::gated<"}) {
      for (auto at = text.find(call); at != std::string::npos; at = text.find(call, at + 1)) {
        const auto end = text.find(',', text.find(',', at) + 1);
        for (auto quote = text.find('"', at); quote < end; quote = text.find('"', quote + 1)) {
          const auto begin = quote + 1;
          quote = text.find('"', begin);
          names.insert(text.substr(begin, quote - begin));
        }
      }
    }
  }
  return names;
}

/// Σ wᵢ yᵢ of the example's output.
double loss_of(Tape<double>& tape, const Example& example, const Values<double>& inputs,
               const Tensor<double, 1>& weights) {
  const auto y = example.apply(start(tape, inputs));
  return sum_over<double>(y.size(), [&](Index i) { return weights(i) * y.value()[i]; });
}

/// Holds every example that the file has against it, and enters their names.
void compare(const SafeTensors& golden, std::set<std::string>& compared) {
  const auto load = [&](const std::string& name) {
    const TensorRecord& record = golden.find(name);
    REQUIRE(record.dtype == DType::F64);
    Tensor<double, 1> x({static_cast<Index>(record.bytes.size() / sizeof(double))});
    std::memcpy(x.data(), record.bytes.data(), record.bytes.size());
    return x;
  };
  for_each_example(&Entry::small, [&](const Example& example, const std::string& name) {
    if (!golden.contains(name + ".y")) return;
    INFO(name);
    CHECK(compared.insert(name).second);
    Values<double> inputs;
    for (const auto& input : example.inputs) {
      const std::string key = name + "." + input.name;
      REQUIRE(golden.find(key).shape == input.shape);
      inputs.push_back(load(key));
    }
    const auto results = run(example, inputs, load(name + ".dy"));
    CHECK(relative_error(in_double(results.y), in_double(load(name + ".y"))) <= 1e-14);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      INFO("input ", example.inputs[i].name);
      const auto expected = load(name + ".d" + example.inputs[i].name);
      CHECK(relative_error(in_double(results.gradients[i]), in_double(expected)) <= 1e-14);
    }
  });
}

}  // namespace

TEST_CASE("the table has every operation once, with examples of both sizes") {
  std::set<std::string> names;
  for (const Entry& entry : operation_table<double>()) {
    INFO(entry.name);
    CHECK(names.insert(entry.name).second);
    CHECK_FALSE(entry.formula.empty());
    CHECK_FALSE(entry.small.empty());
    CHECK_FALSE(entry.large.empty());
    const bool shapes_can_disagree = !entry.small.empty() && entry.small.front().inputs.size() > 1;
    if (shapes_can_disagree) CHECK_FALSE(entry.refused.empty());
  }
}

TEST_CASE("every operation is in the table under the name that it is recorded by") {
  std::set<std::string> in_table;
  for (const Entry& entry : operation_table<double>()) in_table.insert(entry.name);
  auto recorded = recorded_names();
  CHECK(recorded.size() > 30);
  recorded.insert(
      {Tape<double>::nested_operation, "concat_window", "reshape"});  // which compute nothing themselves
  recorded.insert("elementwise");                                     // whose caller gives the name
  for (const auto& name : recorded) CHECK_MESSAGE(in_table.contains(name), name, " is not in the table");
  for (const auto& name : in_table) CHECK_MESSAGE(recorded.contains(name), name, " is recorded nowhere");
}

TEST_CASE("gradients equal central differences") {
  for_each_example(&Entry::small, [](const Example& example, const std::string& name) {
    auto inputs = make_inputs(example);
    const auto weights = loss_weights<double>(output_size(example, inputs));
    const auto gradients = run(example, inputs, weights).gradients;
    Tape<double> tape;
    const auto loss = [&] { return loss_of(tape, example, inputs, weights); };
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      INFO(name, ", input ", example.inputs[i].name);
      const auto differences = numeric_gradient({inputs[i].begin(), inputs[i].end()}, loss, 1e-6);
      const auto gradient = in_double(gradients[i]);
      CHECK(std::any_of(gradient.begin(), gradient.end(), [](double g) { return g != 0; }));
      CHECK(relative_error(gradient, differences) <= 1e-6);
    }
  });
}

TEST_CASE("gradients of large inputs equal a central difference along one direction") {
  for_each_example(&Entry::large, [](const Example& example, const std::string& name) {
    const auto inputs = make_inputs(example);
    const auto weights = loss_weights<double>(output_size(example, inputs));
    const auto gradients = run(example, inputs, weights).gradients;
    Tape<double> tape;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      INFO(name, ", input ", example.inputs[i].name);
      const auto direction = example_values<double>(inputs[i].size(), Random(4, "direction").child(i));
      auto moved = inputs;
      double distance = 0;
      const auto loss = [&] {
        for (Index n = 0; n < direction.size(); ++n) moved[i](n) = inputs[i](n) + distance * direction(n);
        return loss_of(tape, example, moved, weights);
      };
      const double expected = numeric_gradient({&distance, 1}, loss, 1e-5).front();
      const double slope = std::inner_product(direction.begin(), direction.end(), gradients[i].begin(), 0.0);
      // A step of 1e-5 leaves up to some 1e-9 of rounding and of the third derivative. One forgotten element of
      // 50,000 is 2e-5.
      CHECK(std::abs(slope - expected) <= 1e-7 * std::abs(expected));
    }
  });
}

TEST_CASE("gradients are added to what another use of an input gave") {
  for_each_example(&Entry::small, [](const Example& example, const std::string& name) {
    const auto inputs = make_inputs(example);
    const auto weights = loss_weights<double>(output_size(example, inputs));
    const auto once = run(example, inputs, weights).gradients;

    // The other use comes later, so that its gradient is there before the operation's.
    Tape<double> tape;
    const auto x = start(tape, inputs);
    const auto y = example.apply(x);
    for (std::size_t i = 0; i < x.size(); ++i) add_gradient(scale(x[i], 1.0), once[i]);
    add_gradient(y, weights);
    tape.backward();
    const auto twice = copy_gradients(x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      INFO(name, ", input ", example.inputs[i].name);
      Tensor<double, 1> doubled = once[i];
      for (double& g : doubled) g *= 2;
      CHECK(relative_error(in_double(twice[i]), in_double(doubled)) <= 1e-14);
    }
  });
}

TEST_CASE("an input's gradient does not depend on which others want one") {
  for_each_example(&Entry::small, [](const Example& example, const std::string& name) {
    const auto inputs = make_inputs(example);
    const auto weights = loss_weights<double>(output_size(example, inputs));
    const auto all = run(example, inputs, weights).gradients;
    for (std::size_t wanted = 0; inputs.size() > 1 && wanted < inputs.size(); ++wanted) {
      INFO(name, ", input ", example.inputs[wanted].name);
      Tape<double> tape;
      auto x = start(tape, inputs);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = tape.input(inputs[i], i == wanted);
      const auto y = example.apply(x);
      CHECK(y.wants_grad());
      add_gradient(y, weights);
      tape.backward();
      CHECK(same_bits(copy_gradients<double>({x[wanted]}).front(), all[wanted]));
    }
  });
}

TEST_CASE("an output whose inputs want no gradient wants none") {
  for_each_example(&Entry::small, [](const Example& example, const std::string& name) {
    if (name.starts_with(Tape<double>::nested_operation)) return;  // its function may use parameters
    INFO(name);
    Tape<double> tape;
    const auto inputs = make_inputs(example);
    auto x = start(tape, inputs);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = tape.input(inputs[i]);
    CHECK_FALSE(example.apply(x).wants_grad());
  });
}

TEST_CASE("float follows double: outputs and gradients differ by at most 1e-6 relative") {
  for (const auto size : {0, 1}) {
    const auto in_float = operation_table<float>();
    const auto reference = operation_table<double>();
    for (std::size_t e = 0; e < reference.size(); ++e) {
      const auto& examples = size == 0 ? reference[e].small : reference[e].large;
      const auto& float_examples = size == 0 ? in_float[e].small : in_float[e].large;
      for (std::size_t i = 0; i < examples.size(); ++i) {
        INFO(label(reference[e], examples[i]), size == 0 ? ", small" : ", large");
        const auto expected = run(examples[i]);
        const auto actual = run(float_examples[i]);
        CHECK(relative_error(in_double(actual.y), in_double(expected.y)) <= 1e-6);
        for (std::size_t n = 0; n < expected.gradients.size(); ++n) {
          CHECK(relative_error(in_double(actual.gradients[n]), in_double(expected.gradients[n])) <= 1e-6);
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("1, 2 and 3 threads give the same bits", Real, float, double) {
  const slm_test::Threads restored;
  for_each_example(&OperationEntry<Real>::large,
                   [](const OperationExample<Real>& example, const std::string& name) {
                     INFO(name);
                     set_threads(1);
                     const auto expected = run(example);
                     for (const int count : {2, 3}) {
                       INFO(count, " threads");
                       set_threads(count);
                       const auto actual = run(example);
                       CHECK(same_bits(actual.y, expected.y));
                       CHECK(same_bits(actual.gradients, expected.gradients));
                     }
                   });
}

TEST_CASE("wrong input is refused by an error that names the operation and what does not fit") {
  for (const Entry& entry : operation_table<double>()) {
    for (const auto& refusal : entry.refused) {
      const Example& example = refusal.example;
      INFO(label(entry, example));
      const auto inputs = make_inputs(example);
      Tape<double> tape;
      std::string message;
      try {
        example.apply(start(tape, inputs));
      } catch (const Error& error) {
        message = error.what();
      }
      INFO("message: ", message);
      CHECK(message.starts_with(entry.name + ": "));
      for (const auto& part : refusal.message_parts)
        CHECK_MESSAGE(message.find(part) != std::string::npos, part);
    }
  }
}

TEST_CASE("operations give PyTorch's numbers") {
  std::set<std::string> compared;
  for (const char* file : {"operations", "elementwise", "arrangement", "losses"}) {
    const auto golden = SafeTensors::read(make_text({SLM_TESTS_DIR, "/golden/", file, ".safetensors"}));
    for (const std::string norm : {"layer_norm", "rms_norm"}) {  // what the examples leave at its default
      if (golden.contains(norm + ".y")) CHECK(golden.metadata().at(norm + ".eps") == "1e-05");
    }
    compare(golden, compared);
  }
  CHECK(compared == std::set<std::string>{"abs",
                                          "broadcast",
                                          "concatenate",
                                          "cross_entropy",
                                          "cross_entropy (all terms)",
                                          "cross_entropy (ignored targets)",
                                          "cross_entropy (label smoothing)",
                                          "cross_entropy (rank 3)",
                                          "cross_entropy (z-loss)",
                                          "divide",
                                          "elementwise",
                                          "exp",
                                          "gather",
                                          "gather_rows",
                                          "gelu",
                                          "gelu_tanh",
                                          "layer_norm",
                                          "log",
                                          "log_softmax",
                                          "logsumexp (last axis)",
                                          "masked_fill (trailing axes)",
                                          "max (last axis)",
                                          "maximum",
                                          "mean (last axis)",
                                          "mean_squared_error",
                                          "minimum",
                                          "negate",
                                          "relu",
                                          "relu_squared",
                                          "rms_norm",
                                          "select",
                                          "shift",
                                          "sigmoid",
                                          "silu",
                                          "slice",
                                          "softmax",
                                          "softplus",
                                          "sqrt",
                                          "square",
                                          "stack",
                                          "subtract",
                                          "sum (last axis)",
                                          "tanh",
                                          "token_losses",
                                          "token_losses (plain, rank 3)",
                                          "transpose (heads)"});
}
