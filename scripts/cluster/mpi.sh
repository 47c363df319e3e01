#!/usr/bin/env bash
# Makes the runs of a study as processes that mpirun starts, each every N-th of them: of OpenMPI or of MPICH.
#
#   scripts/cluster/mpi.sh [OPTION…] STUDY [OPTION OF THE STUDY…]
#
#   STUDY              a program of examples/studies, which is built here, where the command is given
#   --tasks N          processes (default: 4)
#   --threads N        threads of each (default: 2); they change no result
#   --results FOLDER   on a file system that all machines share, as is the repository (default: results)
#   --separate         each process has a folder of its own, FOLDER/tasks/I-of-N, merged at the end: for a file system
#                      whose locks each machine has for itself
#   --programs FOLDER  where the studies are built already (default: build/release/examples/studies, built first)
#   --mpirun OPTION    another option of mpirun, as --mpirun --hostfile=hosts; it may be repeated. The environment's
#                      MPIRUN names another program than mpirun
#
# Paths are relative to the repository's folder. The studies themselves do without MPI: mpirun starts them and says
# which is which. Each writes FOLDER/logs/STUDY-I-of-N.txt; one that fails ends none of the others. At the end come the
# table of results and which runs are missing, with exit code 1 if there are any; the same command makes those, going on
# after the last finished epoch.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
case "${1-}" in
  -h | --help) sed -n '2,20s/^# \{0,1\}//p' "scripts/cluster/${0##*/}"; exit 0 ;;
esac
source scripts/cluster/options.sh

launcher_option=--mpirun
own_option() { :; }
mpirun=${MPIRUN:-mpirun}
command -v "$mpirun" >/dev/null || fail "no $mpirun here: expected OpenMPI (Debian: openmpi-bin) or MPICH (mpich)"
parse "$@"

request=("$programs/$study" ${options[@]+"${options[@]}"})
# OpenMPI would keep each process, with all of its threads, to one core: version 4 reads the first, 5 the second.
export OMPI_MCA_hwloc_base_binding_policy=none PRTE_MCA_hwloc_default_binding_policy=none
code=0
"$mpirun" -n "$tasks" ${more[@]+"${more[@]}"} \
  scripts/cluster/task.sh mpi "$tasks" "$results" "$separate" "${request[@]}" --threads "$threads" || code=$?
if [[ $code -ne 0 ]]; then echo "mpi.sh: $mpirun ended with exit code $code" >&2; fi
scripts/cluster/finish.sh "$results" "$separate" "${request[@]}"
exit "$code"
