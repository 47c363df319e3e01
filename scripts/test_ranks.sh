#!/usr/bin/env bash
# What takes too long for ctest of training on several ranks, in about ten minutes: every number of ranks with 1 and
# with 2 threads, two network namespaces with a link between them (as root), and KILLS ranks that are killed at random
# moments (100). Builds what it needs.
#   scripts/test_ranks.sh [KILLS] [cmake options]
#   scripts/test_ranks.sh 100 -B build/mpich -DMPI_CXX_COMPILER=mpicxx.mpich -DMPIEXEC_EXECUTABLE=/usr/bin/mpiexec.mpich
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kills=${1:-100}
shift || true
build=build/release
if [[ ${1-} == -B ]]; then build=$2 && shift 2; fi

cmake --preset release -B "$build" -DSLM_MPI=ON "$@" >/dev/null
cmake --build "$build" --target slm_rank_trainings slm_rank_training
MPIEXEC=$(sed -n 's/^MPIEXEC_EXECUTABLE:[A-Z]*=//p' "$build/CMakeCache.txt")
export MPIEXEC
tests=tests/distributed programs=$PWD/$build/tests/distributed

for ranks in 1 2 3 4 5 6 7 8; do
  for threads in 1 2; do
    echo "$ranks ranks of $threads threads"
    cmake -DPROGRAM="$programs/slm_rank_trainings" -DMPIRUN="$PWD/$tests/mpirun.sh" -DRANKS_OF_THREADS="$ranks $threads" \
      -P $tests/compare.cmake
  done
done
"$tests/namespaces.sh" "$programs/slm_rank_trainings" || [[ $? -eq 77 ]]
"$tests/failures.sh" "$programs/slm_rank_training"
"$tests/kill.sh" "$programs/slm_rank_training" "$kills"
