#pragma once
// slm: small language models on a CPU.
//
//   #include <slm/slm.hpp>
//   using namespace slm;
//
//   const auto corpus = corpus_from_text("own", read_text("book.txt"));  // or load_corpus(name, folder)
//   TransformerLM<float> model({.vocabulary = corpus.vocabulary_size(), .context = 64}, Random(1, "init"));
//   Adam optimizer(model, {.learning_rate = 1e-3});
//   RandomWindows<SequenceBatch> batches(corpus.train, 64, 16, Random(1, "data"));
//   Tape<float> tape;                                                    // keeps its memory between steps
//   for (int step = 0; step < 500; ++step) {
//     tape.reset(Random(1, "dropout").child(step));
//     auto loss = batch_loss(model, tape, batches.next());               // mean nats per token
//     tape.backward(loss);
//     optimizer.step();                                                  // applies the gradients, clears them
//   }
//
// Data flows one way: core (memory, random streams, threads, products) -> kernels (numbers only) ->
// autograd (tape and operations) -> nn -> models -> optim, data, io, train, generate -> flops (what it all
// costs). Each folder's headers can be included alone.
#if __cplusplus < 202002L
#error "slm is written in C++20: compile with -std=c++20 (CMake: target_link_libraries(program slm::slm) does)"
#else
#include "slm/autograd/grad_check.hpp"
#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops.hpp"
#include "slm/core/tensor_text.hpp"
#include "slm/data/batches.hpp"
#include "slm/data/corpus.hpp"
#include "slm/flops/run_cost.hpp"
#include "slm/generate/generate_texts.hpp"
#include "slm/io/model_file.hpp"
#include "slm/io/weights.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/models/ngram_lm.hpp"
#include "slm/models/recurrent_lm.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/nn/round_weights.hpp"
#include "slm/optim/adam.hpp"
#include "slm/optim/average.hpp"
#include "slm/optim/muon.hpp"
#include "slm/optim/schedule.hpp"
#include "slm/optim/sgd.hpp"
#include "slm/train/checkpoint.hpp"
#include "slm/train/evaluate_text.hpp"
#include "slm/train/fit.hpp"
#include "slm/train/gradient_tree.hpp"
#include "slm/train/profile.hpp"
#include "slm/train/stop_on_signal.hpp"
#include "slm/version.hpp"
#ifdef SLM_COMPILED
#include "slm/compiled.hpp"
#endif
#endif
