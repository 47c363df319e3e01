#!/usr/bin/env bash
# Reproduces studies of the paper from nothing: installs what is missing, builds, gets the data, trains, and
# draws the figures.
#
#   scripts/reproduce.sh [STUDY… | all] [--quick] [--seeds K] [--shard I/N] [OPTION…]
#
#   STUDY    a program of examples/studies: tiny_shakespeare (the default), sweeps, word_level, positions, ngrams, or
#            frontier, which is no study of the paper and no part of all: it takes a day
#   OPTION   goes to each program: build/release/examples/studies/STUDY --help lists them all
#
# Runs are added to results/runs.jsonl, figures go to results/figures and tables with verdicts to results/results.md
# (or where --out says). A run that is there already is not made again. Paths are relative to the repository's folder.
# With --shard I/N every N-th of the runs is made, on this machine or as one of several programs in one folder, and
# nothing is drawn: the same command without it draws when all runs are there. docs/cluster.md has more.
# After a study that failed the others are still made, and the script ends with its exit code.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1-}" in
  -h | --help) sed -n '2,16s/^# \{0,1\}//p' "scripts/${0##*/}"; exit 0 ;;
esac
studies=()
while [[ $# -gt 0 && $1 != -* ]]; do
  case $1 in
    all) studies+=(tiny_shakespeare sweeps word_level positions ngrams) ;;
    *)
      if [[ ! -e examples/studies/$1.cpp ]]; then
        echo "reproduce.sh: no study $1 in examples/studies" >&2
        exit 2
      fi
      studies+=("$1")
      ;;
  esac
  shift
done
[[ ${#studies[@]} -gt 0 ]] || studies=(tiny_shakespeare)

data= out=results quick= dry= shard= previous=
for argument in "$@"; do
  case $previous in
    --data) data=$argument ;;
    --out) out=$argument ;;
    --shard) shard=$argument ;;
  esac
  case $argument in
    --data=*) data=${argument#*=} ;;
    --out=*) out=${argument#*=} ;;
    --shard=*) shard=${argument#*=} ;;
    --quick) quick=yes ;;
    -h | --help | --version | --dry-run | --table) dry=yes ;;
  esac
  previous=$argument
done

scripts/build_studies.sh "${studies[@]}"

corpora_of() {
  case $1 in
    ngrams | frontier) echo tiny_shakespeare ptb wikitext-2 ;;
    word_level) echo ptb wikitext-2 ;;
    *) echo tiny_shakespeare ;;
  esac
}

# Whether corpus $1 is whole in one of the places where the studies look for it: see examples/studies/harness/find_data.hpp.
found() {
  local place
  for place in ${SLM_DATA:+"$SLM_DATA/$1" "$SLM_DATA"} "../shared/data/$1" "data/$1"; do
    if [[ -e $place/train.txt && -e $place/valid.txt && -e $place/test.txt ]]; then return; fi
  done
  return 1
}
if [[ -z $data ]]; then
  for study in "${studies[@]}"; do
    for corpus in $(corpora_of "$study"); do
      if ! found "$corpus"; then
        scripts/fetch_data.sh "$corpus" || echo "reproduce.sh: no $corpus, going on without" >&2
      fi
    done
  done
fi

interrupted=130 # as in harness/signals.hpp
failure=0
for study in "${studies[@]}"; do
  code=0
  "build/release/examples/studies/$study" "$@" || code=$?
  if [[ $code -eq $interrupted ]]; then exit "$code"; fi
  if [[ $code -ne 0 ]]; then
    echo "reproduce.sh: $study failed with exit code $code" >&2
    failure=$code
  fi
done

python_with_matplotlib() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import matplotlib' 2>/dev/null; then echo "$python" && return; fi
  done
}
if [[ -z $dry && -z $quick && -z $shard && " ${studies[*]} " == *" frontier "* && -s $out/frontier.jsonl ]]; then
  python=$(python_with_matplotlib)
  "${python:-python3}" scripts/frontier.py "$out/frontier.jsonl" --out "$out/frontier.md" || true
fi

runs=$out
if [[ -d $out ]]; then runs=$out/runs.jsonl; fi
if [[ -n $dry || ! -s $runs ]]; then exit "$failure"; fi
if [[ -n $shard && $shard != 1/1 ]]; then
  echo "reproduce.sh: nothing drawn of shard $shard: the same command without --shard does when all runs are there"
  exit "$failure"
fi
results=$(dirname "$runs")
python=$(python_with_matplotlib)
if [[ -n $python ]]; then
  "$python" scripts/plot.py "$runs" --out "$results/figures"
  "$python" scripts/plot_architectures.py --out "$results/figures"
else
  echo "reproduce.sh: no figures, as no Python here has matplotlib (Debian: python3-matplotlib)" >&2
fi
# The report is of runs with the paper's settings only, and there may be none.
if [[ -z $quick ]] && command -v python3 >/dev/null; then
  python3 scripts/report.py "$runs" --out "$results/results.md" || true
fi
exit "$failure"
