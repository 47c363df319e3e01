#pragma once
// The public corpora that studies compare on, and how to recognise them.
#include <array>
#include <string>
#include <string_view>

#include "slm/core/check.hpp"
#include "slm/data/tokenizer.hpp"

namespace slm {

/// The three files of every corpus folder.
inline constexpr std::array<std::string_view, 3> split_files = {"train.txt", "valid.txt", "test.txt"};

/// A corpus in its public form; `sha256` are the digests of its files in the order of `split_files`.
struct KnownCorpus {
  std::string_view name;
  TokenUnit unit;
  std::array<std::string_view, 3> sha256;
};

/// The corpora of the studies.
inline constexpr std::array<KnownCorpus, 3> known_corpora = {{
    // Shakespeare as of char-rnn (A. Karpathy, 2015), cut into 892,117 / 111,669 / 111,606 characters.
    {"tiny_shakespeare",
     TokenUnit::character,
     {"7436ae30e82d83b97ec819969574a50191c9145f115de04cb536c299bdfb8dc3",
      "3f158d271cbc05f7b02a9bb210f4852a05d6f92adbbe27d51155d6d49a263f12",
      "7d8726b1c06bd2f335ab532f7e69d5b84ddb27d771320734b45eea877ad41733"}},
    // Penn Treebank as preprocessed by T. Mikolov (2010).
    {"ptb",
     TokenUnit::word,
     {"fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
      "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
      "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"}},
    // WikiText-2, word level (S. Merity and others, 2016).
    {"wikitext-2",
     TokenUnit::word,
     {"9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f",
      "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
      "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0"}},
}};

/// The entry of this name. Throws `ConfigError` with the names there are.
inline const KnownCorpus& known_corpus(std::string_view name) {
  std::string names;
  for (const KnownCorpus& corpus : known_corpora) {
    if (corpus.name == name) return corpus;
    names += (names.empty() ? "" : ", ") + std::string(corpus.name);
  }
  throw_error<ConfigError>({"known_corpus: no corpus is called '", name, "'; known are ", names,
                            "; load_own_corpus and corpus_from_text take others"});
}

}  // namespace slm
