#!/usr/bin/env bash
# Runs the benchmarks and draws what they say. Let nothing else run meanwhile.
#
#   scripts/bench.sh [--full] [--out DIR] [--compare OLD.json]
#
#   --full      longer, for figures to publish; without it under three minutes
#   --out       folder of the JSON files and figures (default: results/bench)
#   --compare   a JSON file of an earlier run, of one program: says what became slower or faster since
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=results/bench seconds=0.02 repetitions=3 old=
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "scripts/${0##*/}"; exit 0 ;;
    --full) seconds=0.2 repetitions=9 ;;
    --out) out=${2:?--out needs a folder}; shift ;;
    --compare) old=${2:?--compare needs a file}; shift ;;
    *) echo "bench.sh: unknown option $1 (there is --help)" >&2; exit 2 ;;
  esac
  shift
done

programs=(operations attention_mlp)
scripts/setup.sh
cmake --preset release
cmake --build --preset release --target "${programs[@]/#/bench_}"
mkdir -p "$out"
for program in "${programs[@]}"; do
  echo "$program"
  "build/release/bench/$program" --benchmark_min_time="$seconds" --benchmark_repetitions="$repetitions" \
    --benchmark_enable_random_interleaving=true --benchmark_report_aggregates_only=true \
    --benchmark_out="$out/$program.json" --benchmark_out_format=json >"$out/$program.txt" 2>&1 ||
    { cat "$out/$program.txt" >&2; exit 1; }
done

for python in python3 /usr/bin/python3; do
  if "$python" -c 'import matplotlib' 2>/dev/null; then
    "$python" scripts/plot_bench.py "$out" ${old:+--compare "$old"}
    exit
  fi
done
echo "bench.sh: no figures, as no Python here has matplotlib (Debian: python3-matplotlib)" >&2
