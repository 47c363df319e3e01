#include "board/text.hpp"

#include "board/words.hpp"
#include "frontier/corpora.hpp"
#include "protocol.hpp"

namespace slm::leaderboard {

namespace {

constexpr std::size_t quick_tokens = 4000;
constexpr Index paper_window = 128;

/// The tokens of the paper's windows, and the one after the last.
void keep_paper_windows(Text& text) {
  const auto tokens = static_cast<std::size_t>(paper_window + studies::baseline(1).evaluation_windows);
  if (text.scored.size() > tokens) text.scored.resize(tokens);
  text.first_scored = text.longest_window = paper_window;
}

Text read_characters(const std::string& data, Target target) {
  const frontier::Part part = target == Target::board ? frontier::Part::score : frontier::Part::selection;
  const frontier::Text found = frontier::Texts(data, false).get(frontier::characters, part);
  Text text{.train = found.train,
            .scored = found.scored,
            .vocabulary = found.vocabulary,
            .sha256 = found.sha256,
            .origin = found.origin,
            .is_embedded = found.name == synthetic::corpus_name};
  if (target == Target::paper) {
    studies::Datasets datasets(data, false);
    text.scored = datasets.get(frontier::characters).corpus.test;
    keep_paper_windows(text);
  }
  return text;
}

Text read_target(const std::string& data, Target target) {
  switch (target) {
    case Target::board:
    case Target::selection:
    case Target::paper:
      return read_characters(data, target);
    case Target::ptb:
    case Target::ptb_selection:
      return read_words(data, "ptb", target == Target::ptb_selection);
    case Target::wikitext_2:
    case Target::wikitext_2_selection:
      return read_words(data, "wikitext-2", target == Target::wikitext_2_selection);
  }
  throw Error("leaderboard: the target is none that there is");
}

}  // namespace

Text read_text(const std::string& data, Target target, bool quick) {
  Text text = read_target(data, target);
  if (text.is_embedded && data != synthetic::corpus_name) {
    throw_error<DataError>({"no data for the target ", name_of(target),
                            ": scripts/fetch_data.sh downloads them, --data ", "names their folder, --data ",
                            synthetic::corpus_name, " asks for the embedded corpus"});
  }
  text.target = target;
  if (quick && text.scored.size() > quick_tokens) text.scored.resize(quick_tokens);
  return text;
}

}  // namespace slm::leaderboard
