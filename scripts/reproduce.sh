#!/usr/bin/env bash
# Reproduces a study of the paper from nothing: installs what is missing, builds, gets the data, trains,
# and draws the figures.
#
#   scripts/reproduce.sh [STUDY] [--quick] [OPTION…]
#
#   STUDY    a program of examples/studies (default: tiny_shakespeare)
#   OPTION   goes to that program: build/release/examples/studies/STUDY --help lists them all
#
# Runs are added to results/runs.jsonl, figures go to results/figures (or where --out says). Paths are
# relative to the repository's folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

study=tiny_shakespeare
case "${1-}" in
  -h | --help) sed -n '2,11s/^# \{0,1\}//p' "scripts/${0##*/}"; exit 0 ;;
  '' | -*) ;;
  *) study=$1; shift ;;
esac
if [[ ! -e examples/studies/$study.cpp ]]; then
  echo "reproduce.sh: no study $study in examples/studies" >&2
  exit 2
fi

data=${SLM_DATA-} out=results previous=
for argument in "$@"; do
  case $previous in
    --data) data=$argument ;;
    --out) out=$argument ;;
  esac
  case $argument in
    --data=*) data=${argument#*=} ;;
    --out=*) out=${argument#*=} ;;
  esac
  previous=$argument
done

scripts/setup.sh
cmake --preset release
cmake --build --preset release --target "study_$study"

if [[ -z $data && ! -d ../shared/data/tiny_shakespeare && ! -d data/tiny_shakespeare ]]; then
  scripts/fetch_data.sh tiny_shakespeare || echo "reproduce.sh: no data, going on without" >&2
fi

start=$(mktemp)
trap 'rm -f "$start"' EXIT
"build/release/examples/studies/$study" "$@"

runs=$out
if [[ -d $out ]]; then runs=$out/runs.jsonl; fi
if [[ ! $runs -nt $start ]]; then exit 0; fi # a dry run, for example, leaves nothing to draw
for python in python3 /usr/bin/python3; do
  if "$python" -c 'import matplotlib' 2>/dev/null; then
    "$python" scripts/plot.py "$runs" --out "$(dirname "$runs")/figures"
    exit
  fi
done
echo "reproduce.sh: no figures, as no Python here has matplotlib (Debian: python3-matplotlib)" >&2
