// The offer as a program.
#include <algorithm>

#include "advice.hpp"
#include "harness/fields_json.hpp"
#include "harness/text.hpp"

namespace slm::advise {

namespace {

const char* type_of(const LinearConfig&) { return "LinearLM"; }
const char* type_of(const MlpConfig&) { return "MlpLM"; }
const char* type_of(const TransformerConfig&) { return "TransformerLM"; }
const char* type_of(const GruConfig&) { return "GruLM"; }
const char* type_of(const MinGruConfig&) { return "MinGruLM"; }

std::string value_text(Position value) { return make_text({"Position::", name_of(value)}); }
std::string value_text(Layering value) { return make_text({"Layering::", name_of(value)}); }
std::string value_text(double value) { return studies::shortest(value); }
std::string value_text(Index value) { return std::to_string(value); }

/// A string as C++ writes it.
std::string literal(const std::string& text) {
  std::string quoted = "\"";
  for (const char one : text) {
    const auto byte = static_cast<unsigned char>(one);
    constexpr unsigned char first_printable = 0x20;
    if (byte < first_printable) {
      quoted += {'\\', static_cast<char>('0' + byte / 64), static_cast<char>('0' + byte / 8 % 8),
                 static_cast<char>('0' + byte % 8)};
      continue;
    }
    if (one == '"' || one == '\\') quoted += '\\';
    quoted += one;
  }
  return quoted + '"';
}

/// A line of a comment.
std::string in_one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char one) { return one == '\n' || one == '\r' || one == '\\'; }, ' ');
  return text;
}

/// A designated initializer of what is not the default.
template <class Config>
std::string initializer(const Config& config) {
  const auto changed = studies::changed_fields_json(config);
  std::string text = "{.vocabulary = corpus.vocabulary_size()";
  Config::fields(config, [&](const std::string& name, const auto& value) {
    if constexpr (requires { value_text(value); }) {
      if (name != "vocabulary" && changed.contains(name))
        text += make_text({", .", name, " = ", value_text(value)});
    }
  });
  return text + "}";
}

}  // namespace

std::string program_text(const Offer& offer, const std::string& path, TokenUnit unit) {
  const frontier::Trunk& trunk = offer.candidate.trunk;
  const frontier::Reading reading = frontier::readings(trunk).front();
  const bool everywhere = frontier::predicts_everywhere(trunk.config);
  const auto [type, config] = std::visit(
      [](const auto& one) { return std::pair(std::string(type_of(one)), initializer(one)); }, trunk.config);
  return make_text(
      {"// ",
       in_one_line(frontier::label(trunk)),
       ": about ",
       studies::fixed(offer.prediction.nll, 3),
       " nats a token.\n// g++ -std=c++20 -O3 -march=native -fopenmp -I INCLUDE THIS_FILE, with slm's "
       "include folder\n",
       "#include <slm/slm.hpp>\n\n#include <algorithm>\n#include <cstdio>\n\nint main() {\n  using namespace "
       "slm;\n",
       "  const Corpus corpus = corpus_from_text(\"own\", read_text(",
       literal(path),
       ")",
       unit == TokenUnit::byte ? ", {.unit = TokenUnit::byte}" : "",
       ");\n",
       "  require_writable(\"model.safetensors\");\n",
       "  ",
       type,
       "<float> model(",
       config,
       ",\n      Random(1, \"init\"));\n",
       "  const double rate = ",
       studies::shortest(trunk.rate),
       ";\n",
       "  const AdamConfig vectors{.learning_rate = rate, .beta2 = ",
       studies::shortest(frontier::beta2),
       "};\n",
       "  AdamConfig matrices = vectors;\n  matrices.weight_decay = ",
       studies::shortest(frontier::weight_decay),
       ";\n",
       "  const auto parts = split(parameters<float>(model), is_matrix);\n",
       "  Adam<float> optimizer({{parts.chosen, matrices}, {parts.others, vectors}});\n",
       "  RandomWindows<",
       everywhere ? "SequenceBatch" : "Batch",
       "> batches(corpus.train, model.config.context, ",
       trunk.batch,
       ", Random(1, \"data\"));\n",
       "  const Random dropout(1, \"dropout\");\n  Tape<float> tape;\n",
       "  const Index steps = ",
       reading.steps,
       ", warm_up = ",
       frontier::warmup_steps(trunk),
       ", falls_from = ",
       reading.trunk_steps,
       ";\n",
       "  for (Index step = 0; step < steps; ++step) {\n",
       "    tape.reset(dropout.child(static_cast<std::uint64_t>(step)));\n",
       "    const auto loss = batch_loss(model, tape, batches.next());\n    tape.backward(loss);\n",
       "    const double rises = static_cast<double>(step + 1) / static_cast<double>(warm_up);\n",
       "    const double falls = static_cast<double>(steps - step) / static_cast<double>(steps - "
       "falls_from);\n",
       "    optimizer.step(rate * std::min({1.0, rises, falls}));\n",
       "    if (step % 100 == 0)\n",
       "      std::printf(\"step %lld of %lld: %.3f\\n\", static_cast<long long>(step), static_cast<long "
       "long>(steps),\n",
       "                  static_cast<double>(loss.item()));\n  }\n",
       "  std::printf(\"validation: %.4f nats a token\\n\", evaluate(model, corpus.valid, {.stride = ",
       frontier::evaluation(trunk.config).stride,
       "}).nats_per_token);\n",
       "  save_model(model, corpus.tokenizer, \"model.safetensors\");\n}\n"});
}

}  // namespace slm::advise
