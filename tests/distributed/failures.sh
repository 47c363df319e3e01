#!/usr/bin/env bash
# failures.sh PROGRAM: whatever happens to one of four ranks of long_training.cpp, all end within seconds, say why,
# and name the rank; what was saved before is whole.
set -euo pipefail
program=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
mounted=
trap '[[ -z $mounted ]] || umount "$mounted"; rm -rf "$folder"' EXIT
cd "$folder"

fail() {
  echo "failures.sh: $*" >&2
  tail -n 40 message errors >&2 || true
  exit 1
}
# expect FILE EVENT MESSAGE COUNT: the message comes from so many ranks or more, before 15 seconds are over.
expect() {
  local code=0
  timeout --kill-after 1 15 "$here/mpirun.sh" 4 "$here/../../scripts/rank.sh" "$program" "$1" "$2" >output 2>errors || code=$?
  ((code != 0 && code != 124 && code != 137)) || fail "after '$2' mpirun ended with $code"
  (($(grep -c "$3" errors) >= $4)) || fail "after '$2' expected '$3' from $4 ranks"
  mv errors message
  for process in $(sed -n 's/^rank [0-9]* is process //p' message); do
    for ((tries = 0; tries < 100; ++tries)); do
      kill -0 "$process" 2>/dev/null || break
      sleep 0.05
    done
    ((tries < 100)) || fail "after '$2' process $process is still there"
  done
  echo "$2: $(grep -m 1 "$3" message)"
}

expected=$("$here/mpirun.sh" 1 "$program" undisturbed 2>errors) || fail "the undisturbed training failed"
expect a 'throw' '^error: rank 3: as the test asked for$' 1
expect b 'first throw' '^error: rank 0: as the test asked for$' 1
expect c 'exit' '^rank 3 on .* ended: exit code 3$' 1
# Rank 0 waits for rank 2, which waits for rank 3: this one is named, also where rank 2 is late.
expect d 'stop' '^error: rank 2: rank 3 makes no progress: waited 3 s for it$' 1
expect e 'slow stop' '^error: rank 2: rank 3 makes no progress: waited 3 s for it$' 1
expect f 'first stop' '^error: rank [12]: rank 0 makes no progress: waited 3 s for it$' 1
for file in a c d; do
  [[ $("$here/mpirun.sh" 2 "$program" "$file" 2>errors) == "$expected" ]] || fail "$file does not go on to $expected"
done

mkdir small
if mount -t tmpfs -o size=100k tmpfs small 2>/dev/null; then
  mounted=$folder/small
  code=0
  timeout --kill-after 1 15 "$here/mpirun.sh" 3 "$program" small/file >output 2>errors || code=$?
  ((code != 0 && code != 124 && code != 137)) || fail "with a full disk mpirun ended with $code"
  grep -m 1 '^error: rank 0: save_checkpoint: .*No space left on device$' errors || fail "no word of the full disk"
  cp small/file whole
  [[ $("$here/mpirun.sh" 2 "$program" whole 2>errors) == "$expected" ]] || fail "what was saved before is not whole"
else
  echo "not tested: what a full disk does needs root, who may mount a small one"
fi
