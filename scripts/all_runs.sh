#!/usr/bin/env bash
# Makes all runs that docs/results.md is about: n-grams, and those of the paper, with more seeds, and what its claims
# ask beside. They take some 16 hours on 2 cores with AVX-512. What is there already is not made again, and what was
# broken off goes on, so that the same command may be given as often as it takes.
#
#   scripts/all_runs.sh [OPTION…]
#
#   OPTION   goes to each program of examples/studies: --out FOLDER, --threads N, --shard I/N, --dry-run, --table,
#            --no-peak, --time
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1-}" in
  -h | --help) sed -n '2,10s/^# \{0,1\}//p' "scripts/${0##*/}"; exit 0 ;;
esac
studies=(ngrams tiny_shakespeare sweeps word_level positions)
scripts/build_studies.sh "${studies[@]}"

options=("$@")
# A training that diverges is recorded, and the others are made all the same; Ctrl-C ends them all.
run() {
  local code=0
  "build/release/examples/studies/$@" ${options[@]+"${options[@]}"} || code=$?
  [[ $code -le 1 ]] || exit "$code"
}

# After the n-grams, which take seconds, in the order in which they say most. Of the learning rates the middle one is
# both variants' best. No run is asked for twice: else two shards might make it.
run ngrams
run tiny_shakespeare --seeds 5
run tiny_shakespeare --model mlp,attention --epochs 10 --windows 5000 --seeds 5
run tiny_shakespeare --model transformer --epochs 6 --windows 5000 --seeds 3
run sweeps --seeds 5
run sweeps --variant "L = 3,L = 4" --seed 6 --seeds 5
run word_level --seeds 5
run tiny_shakespeare --model mlp,attention --epochs 41 --seeds 3
run positions --variant learned,RoPE --seeds 5
run positions --variant learned,RoPE --learning-rate 1e-3 --seeds 10
run positions --variant learned,RoPE --learning-rate 3e-3 --seeds 3
run tiny_shakespeare --model mlp,attention --epochs 41 --seed 4 --seeds 2
run positions --variant "no positions,SwiGLU" --seeds 5
run positions --variant learned,RoPE --learning-rate 3e-3 --seed 4 --seeds 2
