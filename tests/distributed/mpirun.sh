#!/usr/bin/env bash
# mpirun.sh COUNT PROGRAM [arguments]: as many ranks on this machine, whoever asks for them and however few cores it
# has. $MPIEXEC says which mpirun; MPICH's takes no notice of what OpenMPI's is told here.
set -euo pipefail
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMP_WAIT_POLICY=passive OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec "${MPIEXEC:-mpirun}" -n "$@"
