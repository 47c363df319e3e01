#!/usr/bin/env bash
# One task of a study, as slurm.sh and mpi.sh start it:
#   task.sh slurm|mpi TASKS RESULTS SEPARATE PROGRAM OPTION…
# Which task it is the launcher says in the environment. With SEPARATE not empty it has a results folder of its own.
set -euo pipefail
launcher=$1 tasks=$2 results=$3 separate=$4
shift 4

case $launcher in
  slurm) number=$SLURM_ARRAY_TASK_ID ;;
  mpi)
    rank=${OMPI_COMM_WORLD_RANK-${PMI_RANK-${PMIX_RANK-}}} # OpenMPI, MPICH and those like it, others
    if [[ -z $rank ]]; then
      echo "task.sh: no OMPI_COMM_WORLD_RANK, PMI_RANK or PMIX_RANK: expected to be started by mpirun" >&2
      exit 2
    fi
    number=$((rank + 1))
    ;;
esac
logs=$results/logs
if [[ -n $separate ]]; then results=$results/tasks/$number-of-$tasks; fi
request=("$@" --out "$results" --shard "$number/$tasks")
if [[ $launcher == slurm ]]; then
  echo "shard $number/$tasks on $(hostname)"
  exec "${request[@]}"
fi

# mpirun ends all tasks when one of them fails: the others have runs of their own.
code=0
log=$logs/$(basename "$1")-$number-of-$tasks.txt
mkdir -p "$logs"
echo "shard $number/$tasks on $(hostname) writes $log"
"${request[@]}" >>"$log" 2>&1 || code=$?
if [[ $code -ne 0 ]]; then echo "shard $number/$tasks on $(hostname) ended with exit code $code" >&2; fi
