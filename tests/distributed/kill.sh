#!/usr/bin/env bash
# kill.sh PROGRAM KILLS [SEED]: trains with long_training.cpp, kills a random rank at a random moment, again and again,
# and lets the training go on from its last checkpoint with another number of ranks. It has to end with the weights of
# a training that nobody disturbed; whenever a rank dies, all have to be gone within seconds, and a message has to name
# it.
set -euo pipefail
program=$1 kills=$2
RANDOM=${3:-$$}
echo "seed ${3:-$$}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
  echo "kill.sh: $*" >&2
  tail -n 40 "$folder"/errors >&2
  exit 1
}
run() { "$here/mpirun.sh" "$1" "$here/../../scripts/rank.sh" "$program" "$2"; }

expected=$(run 1 undisturbed 2>errors) || fail "the undisturbed training failed"
killed=0 trainings=0
while ((killed < kills)); do
  ranks=$((RANDOM % 5 + 1)) victim=
  run "$ranks" checkpoint >output 2>errors &
  mpirun=$!
  for ((tries = 0; tries < 3000; ++tries)); do  # until all have said which process they are
    (($(grep -c ' is process ' errors) < ranks)) || break
    sleep 0.01
  done
  sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
  rank=$((RANDOM % ranks))
  victim=$(sed -n "s/^rank $rank is process //p" errors)
  mapfile -t processes < <(sed -n 's/^rank [0-9]* is process //p' errors)
  kill -KILL "$victim" 2>/dev/null || victim=
  start=$SECONDS code=0
  wait "$mpirun" || code=$?
  if ((code == 0)); then  # it was done before
    [[ $(cat output) == "$expected" ]] || fail "expected $expected, got $(cat output)"
    trainings=$((trainings + 1))
    rm -f checkpoint
    continue
  fi
  [[ -n $victim ]] || fail "mpirun ended with $code, but nobody was killed"
  killed=$((killed + 1))
  for process in "${processes[@]}"; do
    while kill -0 "$process" 2>/dev/null; do
      ((SECONDS - start < 10)) || fail "process $process is there 10 s after rank $rank was killed"
      sleep 0.05
    done
  done
  ((SECONDS - start < 10)) || fail "mpirun was there 10 s after rank $rank was killed"
  grep -q "^rank $rank on .* ended: signal 9$" errors || fail "no message names rank $rank"
done
[[ $(run 2 checkpoint 2>errors) == "$expected" ]] || fail "the last training ended with other weights"
echo "$killed ranks killed, $((trainings + 1)) trainings, each ended with $expected"
