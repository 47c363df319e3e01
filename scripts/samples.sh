#!/usr/bin/env bash
# Writes the paper's three prompts, continued by the trained models and by 5-grams, as Markdown on standard output.
#
#   scripts/samples.sh [RESULTS] [OPTION…] >docs/samples.md
#
#   RESULTS  folder of runs.jsonl and of the weights (default: results)
#   OPTION   goes to build/release/examples/sample, for example --temperature 0.7 or --data FOLDER
set -euo pipefail
case "${1-}" in
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
results=results
if [[ $# -gt 0 && $1 != -* ]]; then
  results=$1
  shift
fi
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
sample=$(dirname "${BASH_SOURCE[0]}")/../build/release/examples/sample
if [[ ! -x $sample ]]; then
  echo "samples.sh: no $sample: cmake --build --preset release --target example_sample" >&2
  exit 1
fi

# continued PROMPT OPTION…: the text behind what wrote it, or what is missing for it. What else went to standard error
# stays there.
continued() {
  local prompt=$1 text
  shift
  if text=$("$sample" --out "$results" --prompt "$prompt" "$@" 2>"$errors"); then
    printf '\n%s:\n\n```text\n%s\n```\n' "$(sed -n '1s/: [^:]*$//p' <<<"$text")" "$(sed 1,3d <<<"$text")"
  else
    printf '\nNo text: %s\n' "$(sed -n '/^sample: /,$ { s/^sample: //; p }' "$errors")"
  fi
  sed '/^sample: /,$d' "$errors" >&2
}

# section PROMPT STUDY DATASET OPTION…: the transformer of the study, and the 5-gram of its text.
section() {
  local prompt=$1 study=$2 dataset=$3
  shift 3
  printf '\n## “%s”\n' "$prompt"
  continued "$prompt" --study "$study" --dataset "$dataset" --model transformer "$@"
  continued "$prompt" --study ngrams --dataset "$dataset" --variant 'Kneser-Ney, n = 5' "$@"
}

cat <<END
# Samples

The paper's three prompts, continued by transformers of studies 1 and 3 and by 5-grams of the same text, as
\`scripts/samples.sh\` writes them: temperature 0.8 unless an option says otherwise, no choice among several tries. The
transformers learned what follows a full window: in front of each prompt, and not shown, stand the first tokens of the
validation text. A 5-gram sees the last four tokens and nothing else.
END
section 'HAMLET:' tiny_shakespeare tiny_shakespeare "$@"
section 'the school announced that' word_level ptb "$@"
section 'The history of machine learning begins' word_level wikitext-2 "$@"
