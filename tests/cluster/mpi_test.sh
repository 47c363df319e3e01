#!/usr/bin/env bash
# A study by mpirun, of OpenMPI and of MPICH, has the losses of one program, bit for bit, also where one of its
# processes is killed and the command given again: mpi_test.sh FOLDER, of the built studies. Skipped, with exit code 77,
# where there is neither.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/support.sh"

launchers=()
for launcher in mpirun.openmpi mpirun.mpich; do # as Debian names them
  if command -v "$launcher" >/dev/null; then launchers+=("$launcher"); fi
done
if [[ ${#launchers[@]} -eq 0 ]] && command -v mpirun >/dev/null; then launchers=(mpirun); fi
[[ ${#launchers[@]} -gt 0 ]] || skip "no mpirun (Debian: openmpi-bin or mpich)"
command -v python3 >/dev/null || skip "no python3"
# More processes than cores, and root: what only OpenMPI minds.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
make_alone

# together RESULTS OPTION…
together() {
  local results=$1
  shift
  scripts/cluster/mpi.sh --tasks 3 --threads 1 --programs "$programs" --results "$results" "$@" "${request[@]}"
}

for MPIRUN in "${launchers[@]}"; do
  export MPIRUN
  results=$folder/$MPIRUN log=$folder/$MPIRUN.log
  together "$results" >"$log" 2>&1 &
  first=$results/logs/tiny_shakespeare-1-of-3.txt
  within 60 grep -q 'epoch 1/5  train' "$first" || fail "no first epoch of shard 1"
  kill_first "$results"
  code=0
  wait $! || code=$?
  [[ $code -eq 1 ]] || fail "expected exit code 1 where runs are missing, got $code"
  grep -q 'shard 1/3 on .* ended with exit code 137' "$log" || fail "the process that was killed is not named"
  grep -q '^Missing in .*: 2 of 6 runs' "$log" || fail "the runs that are missing are not named"
  together "$results" >"$log" 2>&1 || fail "the same command ended with exit code $?"
  grep -q 'going on after epoch' "$first" || fail "nothing went on from its checkpoint"
  same_as_alone "$results"

  together "$results-separate" --separate >"$log" 2>&1 || fail "separate folders ended with exit code $?"
  grep -q '6 runs added' "$log" || fail "nothing was merged"
  same_as_alone "$results-separate"
  echo "$MPIRUN: the losses of three processes, one of them killed and started again, are those of one program"
done
