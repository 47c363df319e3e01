// Text from saved weights, and the program that makes it.
#include <doctest/doctest.h>

#include "harness/model_config.hpp"
#include "harness/models.hpp"
#include "harness/sample.hpp"
#include "slm/io/weights.hpp"
#include "slm/nn/round_weights.hpp"
#include "study_test_support.hpp"

using namespace slm::studies;
using namespace study_test;
using slm_test::message_of;

namespace {

constexpr const char* sampler = "../sample";  // from the folder of the studies

/// Of seven words, which the validation text has too.
slm::Corpus small_corpus() {
  slm::Corpus corpus;
  corpus.tokenizer = slm::WordTokenizer::from_text("the school announced that it has history");
  corpus.valid = corpus.tokenizer.encode("it has the history that it announced");
  return corpus;
}

slm::TransformerConfig small_transformer(slm::Index V) {
  return {.vocabulary = V, .context = 4, .width = 8, .layers = 1, .heads = 2};
}

}  // namespace

TEST_CASE("every config of the protocol comes back from its JSON") {
  std::vector<Run> all(runs.begin(), runs.end());
  all.insert(all.end(), unreported_runs.begin(), unreported_runs.end());
  for (const Run& run : all) {
    CAPTURE(run.variant);
    const auto json = model_json(run.config);
    const ModelConfig config = model_config(run.model, json);
    CHECK(config.index() == run.config.index());
    CHECK(model_json(config) == json);
  }
  auto json = model_json(runs[3].config);
  CHECK(has(message_of<slm::DataError>([&] { model_config("rnn", json); }), "got 'rnn'"));
  json["position"] = "absolute";
  CHECK(has(message_of<slm::DataError>([&] { model_config("transformer", json); }),
            "position must be one of learned, rotary, none, got 'absolute'"));
  json.erase("position");
  json.erase("feed_forward_dropout");
  const auto config = std::get<slm::TransformerConfig>(model_config("transformer", json));
  CHECK(config.position == slm::TransformerConfig{}.position);
  CHECK(config.feed_forward_dropout == 0);
  CHECK(config.attention_dropout == 0.1);
  json["heads"] = "four";
  CHECK(has(message_of<slm::DataError>([&] { model_config("transformer", json); }), "model_config: "));
}

TEST_CASE("every model continues a prompt; a word that it does not know is named with the nearest ones") {
  const TemporaryFolder folder;
  const std::string weights = folder / "weights.safetensors";
  const slm::Corpus corpus = small_corpus();
  const slm::Index V = corpus.vocabulary_size();
  const std::vector<ModelConfig> configs = {slm::LinearConfig{V, 4, 8}, slm::MlpConfig{V, 4, 8, 8, 0.1},
                                            small_transformer(V)};
  for (const ModelConfig& config : configs) {
    CAPTURE(config.index());
    std::visit([&](const auto& one) { save_weights(make_model(one, slm::Random(1, "init")), weights); },
               config);
    const auto text = [&](const std::string& prompt, std::uint64_t seed) {
      return continued(config, weights, corpus, prompt, 20, {.temperature = 1}, slm::Random(seed, "sampling"));
    };
    const std::string sample = text("the  school", 1);
    CHECK(sample.substr(0, 11) == "the school ");
    CHECK(corpus.tokenizer.encode(sample).size() == 22);
    CHECK(text("the school", 1) == sample);
    CHECK(text("the school", 2) != sample);
    const std::string unknown = message_of<slm::DataError>([&] { text("The scool announced", 1); });
    CHECK(has(unknown, "word 'The' at position 0 (in words) is not one of the 7 known; nearest: 'the'"));
    CHECK(has(message_of<slm::DataError>([&] { text("the scool announced", 1); }), "'scool' at position 1"));
    CHECK(has(message_of<slm::DataError>([&] { text(" ", 1); }), "at least one token"));
  }
  const auto wrong = [&] { continued(configs[0], weights, corpus, "the", 1, {}, slm::Random()); };
  CHECK(has(message_of<slm::DataError>(wrong), "the tensors are not those of the model"));
}

TEST_CASE("the validation text's first tokens fill the window in front of a prompt, and are not returned") {
  const TemporaryFolder folder;
  const std::string weights = folder / "weights.safetensors";
  slm::Corpus corpus = small_corpus();
  const slm::TransformerConfig config = small_transformer(corpus.vocabulary_size());
  const auto model = make_model(config, slm::Random(1, "init"));
  slm::save_weights(model, weights);
  const auto expected = [&](const std::string& seen, const std::string& prompt) {
    auto text = corpus.tokenizer.encode(prompt);
    const auto window = corpus.tokenizer.encode(seen);
    const auto added = slm::generate(model, std::span<const slm::Token>(window), 20, {.temperature = 1},
                                     slm::Random(1, "sampling"));
    text.insert(text.end(), added.begin(), added.end());
    return corpus.tokenizer.decode(text);
  };
  const auto text = [&](const std::string& prompt) {
    return continued(config, weights, corpus, prompt, 20, {.temperature = 1}, slm::Random(1, "sampling"));
  };
  CHECK(text("the school") == expected("it has the school", "the school"));
  CHECK(text("school") == expected("it has the school", "school"));
  CHECK(text("the school announced that") ==
        expected("the school announced that", "the school announced that"));
  CHECK(text("it the school announced that") ==
        expected("the school announced that", "it the school announced that"));
  corpus.valid.resize(1);
  CHECK(text("the school") == expected("it the school", "the school"));
}

TEST_CASE("in a format of fewer bits the text is that of the model as round_weights makes it") {
  const TemporaryFolder folder;
  const slm::Corpus corpus = small_corpus();
  const slm::TransformerConfig config = small_transformer(corpus.vocabulary_size());
  auto model = make_model(config, slm::Random(1, "init"));
  slm::save_weights(model, folder / "full");
  const auto text = [&](const char* weights, slm::WeightFormat format) {
    return continued(config, folder / weights, corpus, "the school", 3000, {.weights = format}, slm::Random(1));
  };
  const std::string int8 = text("full", slm::WeightFormat::int8);
  CHECK(int8 != text("full", slm::WeightFormat::full));
  slm::round_weights(model, slm::WeightFormat::int8);
  slm::save_weights(model, folder / "rounded");
  CHECK(int8 == text("rounded", slm::WeightFormat::full));
}

TEST_CASE("the sample program finds a run's weights, or takes a file, and continues prompts") {
  const TemporaryFolder folder;
  Program study(folder, tiny({"--model", "mlp,transformer", "--seeds", "2"}));
  REQUIRE(study.wait() == 0);
  CHECK(has(study.output(), "The transformer on synthetic of seed 1 continues \"The \""));

  const auto sample = [&](std::vector<std::string> options, int code = 0) {
    options.insert(options.end(), {"--count", "40"});
    Program program(folder, options, sampler);
    CHECK(program.wait() == code);
    return code == 0 ? program.output() : program.errors();
  };
  const std::string last = sample({"--prompt", "The ", "--prompt", "Then"});
  CHECK(has(last, "transformer of tiny_shakespeare on synthetic, seed 2, epoch "));
  CHECK(has(last, "\n\nThe "));
  CHECK(has(last, "\n\nThen"));
  CHECK(has(last, "not printed: the validation text's first tokens, up to a window of 8"));
  CHECK(sample({"--prompt", "The ", "--prompt", "Then"}) == last);
  CHECK(sample({"--prompt", "The ", "--prompt", "Then", "--seed", "2"}) != last);

  const std::string file = "results/weights/tiny_shakespeare-synthetic-mlp";
  std::string weights;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "results/weights")) {
    const std::string name = "results/weights/" + entry.path().filename().string();
    if (name.starts_with(file) && name.ends_with("seed1.safetensors")) weights = name;
  }
  const std::string greedy = sample({"--weights", weights, "--prompt", "The ", "--temperature", "0"});
  CHECK(has(greedy, "mlp of tiny_shakespeare on synthetic, seed 1"));
  CHECK(sample({"--weights", weights, "--prompt", "The ", "--top-k", "1", "--seed", "9"}) == greedy);
  CHECK(sample({"--weights", weights, "--prompt", "The ", "--top-p", "1e-9", "--seed", "9"}) == greedy);
  CHECK(sample({"--weights", weights, "--prompt", "The ", "--weight-format", "full"}) ==
        sample({"--weights", weights, "--prompt", "The "}));
  CHECK(has(sample({"--prompt", "The ", "--weight-format", "int4"}, 2), "--weight-format"));
  CHECK(has(
      sample({"--study", "ngrams", "--dataset", "synthetic", "--prompt", "The ", "--weight-format", "int8"}, 1),
      "no n-gram model"));
  CHECK(has(sample({"--model", "mlp", "--prompt", "The "}), "mlp of tiny_shakespeare on synthetic, seed 2"));

  CHECK(has(sample({"--prompt", "\x01"}, 1), "'\\x01' at position 0"));
  CHECK(has(sample({"--model", "linear", "--prompt", "The "}, 1), "none of the 4 runs in results/runs.jsonl"));
  CHECK(has(sample({"--weights", "nowhere", "--prompt", "The "}, 1), "nowhere"));
  CHECK(has(sample({"--weights", weights, "--model", "mlp", "--prompt", "The "}, 2), "--weights"));
  CHECK(has(sample({"--prompt", "The ", "--temperature", "-1"}, 2), "--temperature"));
  CHECK(has(sample({"--variant", "T=32"}, 2), "--prompt"));
  slm::write_safetensors(folder / "foreign.safetensors", {}, {{"study", "none"}});
  CHECK(has(sample({"--weights", "foreign.safetensors", "--prompt", "The "}, 1), "does not say its model"));
}

TEST_CASE("the sample program prefers the paper's settings, and says which others a run has") {
  const TemporaryFolder folder;
  const auto train = [&](const std::vector<std::string>& options) {
    auto all = tiny({"--model", "transformer", "--epochs", "1"});
    all.insert(all.end(), options.begin(), options.end());
    CHECK(Program(folder, all).wait() == 0);
  };
  train({"--learning-rate", "3e-4,1e-3"});
  train({"--quick"});
  const auto sample = [&](const std::vector<std::string>& options, int code = 0) {
    std::vector<std::string> all = {"--prompt", "The ", "--count", "1"};
    all.insert(all.end(), options.begin(), options.end());
    Program program(folder, all, sampler);
    CHECK(program.wait() == code);
    return code == 0 ? program.output() : program.errors();
  };
  // None has the paper's settings: the last one.
  const std::string quick = sample({});
  CHECK(has(quick, "seed 1, epoch 1, context 8, epochs 1, evaluation windows 64, windows 96, quick: results/"));
  CHECK_FALSE(has(quick, "rate"));
  const std::string tuned = sample({"--learning-rate", "0.001"});
  CHECK(has(tuned, ", learning rate 0.001, windows 96: results/"));
  CHECK(has(sample({"--learning-rate", "0.002"}, 1), "none of the 3 runs in results/runs.jsonl"));
  CHECK(has(sample({"--learning-rate", "fast"}, 2), "--learning-rate"));

  auto recorded = lines_of(folder / "results/runs.jsonl");
  REQUIRE(recorded.size() == 3);
  const auto sampled = [&] {
    std::string lines;
    for (const auto& run : recorded) lines += run.dump() + "\n";
    put(folder / "results/runs.jsonl", lines);
    return sample({});
  };
  const std::string first = recorded[0]["weights"].get<std::string>();
  recorded[0]["dataset"]["name"] = "tiny_shakespeare";
  recorded[0]["config"].update(
      {{"context", 128}, {"epochs", 4}, {"windows", 50'000}, {"evaluation_windows", 10'000}});
  CHECK(has(sampled(), first));
  const nlohmann::json others = {{"learning_rate", 1e-3}, {"evaluation_windows", 9'999}, {"cap", "none"}};
  for (const auto& changed : others.items()) {
    CAPTURE(changed.key());
    const auto before = recorded[0];
    recorded[0]["config"][changed.key()] = changed.value();
    CHECK_FALSE(has(sampled(), first));
    recorded[0] = before;
  }
  recorded[0]["quick"] = true;
  CHECK_FALSE(has(sampled(), first));
}

TEST_CASE("samples.sh writes texts and what is missing; other messages stay on standard error") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "scripts");
  std::filesystem::copy(SLM_TESTS_DIR "/../scripts/samples.sh", folder / "scripts");
  folder.put("build/release/examples/sample",
             "#!/bin/sh\n"
             "echo 'runs.jsonl:3: left alone, not a run' >&2\n"
             "case $* in *word_level*ptb*) echo 'sample: none of the runs' >&2; exit 1; esac\n"
             "case $* in *ngrams*) printf '5-gram: counted\\nfewer than 4\\n\\nHAMLET: no\\n'; exit; esac\n"
             "printf 'transformer, seed 1, quick: weights/a\\nin front of a prompt\\n\\nHAMLET: ay\\n'\n");
  std::filesystem::permissions(folder / "build/release/examples/sample", std::filesystem::perms::owner_all);
  const std::string run = "cd " + folder.path() + " && bash scripts/samples.sh >samples.md 2>errors";
  CHECK(std::system(run.c_str()) == 0);
  const std::string text = get(folder / "samples.md");
  const std::string counted = "\n5-gram:\n\n```text\nHAMLET: no\n```\n";
  CHECK(has(text, "## “HAMLET:”\n\ntransformer, seed 1, quick:\n\n```text\nHAMLET: ay\n```\n" + counted));
  CHECK(has(text, "## “the school announced that”\n\nNo text: none of the runs\n" + counted));
  CHECK_FALSE(has(text, "left alone"));
  CHECK(has(get(folder / "errors"), "runs.jsonl:3: left alone, not a run\n"));
  CHECK_FALSE(has(get(folder / "errors"), "none of the runs"));
}
