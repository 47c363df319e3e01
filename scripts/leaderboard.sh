#!/usr/bin/env bash
# Checks entries of the leaderboard: builds them, counts their FLOPs anew, trains them anew and compares both with
# docs/results/leaderboard.jsonl.
#
#   scripts/leaderboard.sh [ENTRY…] [OPTION…]            checks; ends with code 1 where something is not as recorded
#   scripts/leaderboard.sh --record [ENTRY…] [OPTION…]   trains what is not recorded and writes docs/leaderboard.md
#   scripts/leaderboard.sh --page                        writes docs/leaderboard.md from what is recorded
#
#   ENTRY    a file of examples/leaderboard, without .cpp; by default all of them
#   OPTION   goes to each program: build/release/examples/leaderboard/ENTRY --help lists them all
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

action=--check
case "${1-}" in
  -h | --help) sed -n '2,11s/^# \{0,1\}//p' "scripts/${0##*/}"; exit 0 ;;
  --record) action= && shift ;;
  --page) exec python3 scripts/leaderboard.py ;;
esac
entries=()
while [[ $# -gt 0 && $1 != -* ]]; do
  if [[ ! -e examples/leaderboard/$1.cpp ]]; then
    echo "leaderboard.sh: no entry $1 in examples/leaderboard" >&2
    exit 2
  fi
  entries+=("$1")
  shift
done
if [[ ${#entries[@]} -eq 0 ]]; then
  for file in examples/leaderboard/*.cpp; do entries+=("$(basename "$file" .cpp)"); done
fi

scripts/setup.sh
cmake --preset release
cmake --build --preset release --target "${entries[@]/#/leaderboard_}"

interrupted=130 # as in harness/signals.hpp
failure=0
for entry in "${entries[@]}"; do
  code=0
  "build/release/examples/leaderboard/$entry" --out docs/results $action "$@" || code=$?
  if [[ $code -eq $interrupted ]]; then exit "$code"; fi
  if [[ $code -ne 0 ]]; then failure=$code; fi
done
if [[ -z $action ]]; then python3 scripts/leaderboard.py; fi
exit "$failure"
