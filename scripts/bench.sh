#!/usr/bin/env bash
# Runs the benchmarks, draws what they say and writes it as tables. Let nothing else run meanwhile.
#
#   scripts/bench.sh [--full] [--only NAMES] [--out DIR] [--compare OLD]
#
#   --full      all points of every sweep, longer and more often, for figures to publish: some 40 minutes;
#               without it under three minutes
#   --only      programs of bench/, separated by commas: operations,gemm (default: all)
#   --out       folder of the JSON files, figures and tables.md (default: results/bench)
#   --compare   the JSON file or the folder of an earlier run: says what became slower or faster beyond noise
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=results/bench seconds=0.01 repetitions=5 full=() old= programs=()
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "scripts/${0##*/}"; exit 0 ;;
    --full) seconds=0.05 repetitions=7 full=(--full) ;;
    --only) IFS=, read -ra programs <<<"${2:?--only needs names}"; shift ;;
    --out) out=${2:?--out needs a folder}; shift ;;
    --compare) old=${2:?--compare needs a file or a folder}; shift ;;
    *) echo "bench.sh: unknown option $1 (there is --help)" >&2; exit 2 ;;
  esac
  shift
done
if [[ -n $old && ! -e $old ]]; then
  echo "bench.sh: there is no $old to compare with" >&2
  exit 2
fi
if [[ ${#programs[@]} -eq 0 ]]; then
  for source in bench/*.cpp; do
    program=$(basename "$source" .cpp)
    if [[ $program != main ]]; then programs+=("$program"); fi
  done
fi

scripts/setup.sh
cmake --preset release
cmake --build --preset release --target "${programs[@]/#/bench_}"
mkdir -p "$out"
for program in "${programs[@]}"; do
  started=$SECONDS
  # Repetitions of different benchmarks run in turn: a slow minute then shows in the spread, not in a few results.
  "build/release/bench/$program" ${full[@]+"${full[@]}"} --benchmark_min_time="$seconds" \
    --benchmark_repetitions="$repetitions" --benchmark_enable_random_interleaving=true \
    --benchmark_report_aggregates_only=false --benchmark_out="$out/$program.json" \
    --benchmark_out_format=json >"$out/$program.txt" 2>&1 || { cat "$out/$program.txt" >&2; exit 1; }
  echo "$program: $((SECONDS - started)) s"
done

python=
for candidate in python3 /usr/bin/python3; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    python=${python:-$candidate}
    if "$candidate" -c 'import matplotlib' 2>/dev/null; then
      "$candidate" scripts/bench/plot.py "$out"
      python=$candidate drawn=yes
      break
    fi
  fi
done
if [[ -z ${drawn-} ]]; then
  echo "bench.sh: no figures, as no Python here has matplotlib (Debian: python3-matplotlib)" >&2
fi
if [[ -z $python ]]; then
  echo "bench.sh: no tables${old:+ and no comparison}, as there is no Python 3.9 or later" >&2
  if [[ -n $old ]]; then exit 1; else exit 0; fi
fi
"$python" scripts/bench/tables.py "$out" >"$out/tables.md"
echo "$out/tables.md"
if [[ -n $old ]]; then "$python" scripts/bench/compare.py "$old" "$out"; fi
