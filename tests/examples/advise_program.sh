#!/usr/bin/env bash
# The C++ program that the advisor writes compiles with the headers alone, and its model loses what `--train` says.
#
#   advise_program.sh ADVISOR COMPILER INCLUDE… -- TEXT
set -euo pipefail
advisor=$1 compiler=$2
shift 2
includes=()
while [[ $1 != -- ]]; do includes+=(-isystem "$1"); shift; done
text=$(realpath "$2")

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > law.json <<'LAW'
{"text": "a text", "vocabulary": 65, "train_tokens": 1e6, "counting": [3.3, 2.4, 2.0, 1.5], "settings": [],
 "families": {"gru": {"law": [1.2, 100, 300, 0.5, 0.45, 8], "residual": 0.01, "points": 20,
  "budgets": [1e10, 1e13], "epochs": 20, "reach": 5, "draws": []}}}
LAW
"$advisor" --data "$text" --law law.json --budget 1e10 --no-calibration --cpp program.cpp --train > said.txt
trained=$(sed -n 's/^Trained: \([0-9.]*\) nats.*/\1/p' said.txt)
"$compiler" -std=c++20 -O1 -march=native -fopenmp -Wall -Wextra -Werror "${includes[@]}" program.cpp -o program
./program | tail -n 1 | tee program.txt
grep -q "^validation: ${trained%??}" program.txt || {
  echo "advise_program.sh: the advisor's training had $trained" >&2
  exit 1
}
