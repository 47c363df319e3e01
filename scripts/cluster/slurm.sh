#!/usr/bin/env bash
# Makes the runs of a study as a Slurm job array, each task every N-th of them.
#
#   scripts/cluster/slurm.sh [OPTION…] STUDY [OPTION OF THE STUDY…]
#
#   STUDY              a program of examples/studies, which is built here, where the command is given
#   --tasks N          tasks of the array (default: 4)
#   --threads N        cores of a task (default: 2); they change no result
#   --partition NAME   (default: the cluster's)
#   --time LIMIT       of a task, as 8:00:00 (default: the partition's)
#   --results FOLDER   on a file system that the nodes share, as is the repository (default: results)
#   --separate         each task has a folder of its own, FOLDER/tasks/I-of-N, and the last job merges them: for a file
#                      system whose locks each node has for itself
#   --programs FOLDER  where the studies are built already (default: build/release/examples/studies, built first)
#   --sbatch OPTION    another option of sbatch, as --sbatch --account=NAME; it may be repeated
#
# Paths are relative to the repository's folder. A task that is killed and requeued goes on after its last finished
# epoch, as does the same command. When all tasks have ended, a last job prints the table of results, and which runs are
# missing, into FOLDER/logs/STUDY-table.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
case "${1-}" in
  -h | --help) sed -n '2,21s/^# \{0,1\}//p' "scripts/cluster/${0##*/}"; exit 0 ;;
esac
source scripts/cluster/options.sh

limits=()
launcher_option=--sbatch
own_option() {
  case $1 in
    --partition | --time)
      [[ -n ${2-} ]] || fail "$1 needs a value"
      limits+=("$1=$2") taken=2
      ;;
  esac
}
command -v sbatch >/dev/null || fail "no sbatch here: expected a machine of a Slurm cluster"
parse "$@"

common=(--parsable --chdir="$PWD" ${limits[@]+"${limits[@]}"} ${more[@]+"${more[@]}"})
request=("$programs/$study" ${options[@]+"${options[@]}"})
array=$(sbatch "${common[@]}" --job-name="$study" --array="1-$tasks" --cpus-per-task="$threads" --requeue \
  --open-mode=append --output="$results/logs/$study-%A_%a.txt" \
  scripts/cluster/task.sh slurm "$tasks" "$results" "$separate" "${request[@]}" --threads "$threads")
array=${array%%;*} # the name of a cluster may follow
table=$results/logs/$study-table.txt
last=$(sbatch "${common[@]}" --job-name="$study-table" --dependency="afterany:$array" --open-mode=truncate \
  --output="$table" scripts/cluster/finish.sh "$results" "$separate" "${request[@]}")
last=${last%%;*}
echo "slurm.sh: job $array has $tasks tasks, which write $results/logs/$study-${array}_I.txt; job $last writes $table"
