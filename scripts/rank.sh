#!/bin/sh
# mpirun -n 4 scripts/rank.sh PROGRAM [arguments]: runs a rank's program, and says which rank on which machine it was
# that failed or was killed. OpenMPI's mpirun says so itself; MPICH's names a process, and not always the first one.
# Who ends this ends the program: a signal that asks for it is passed on, and one that does not ask (setpriv) kills it.
if command -v setpriv >/dev/null; then set -- setpriv --pdeathsig KILL -- "$@"; fi
"$@" &
program=$!
trap 'kill -TERM "$program"' TERM INT
while
  wait "$program"
  code=$?
  kill -0 "$program" 2>/dev/null  # true where it was a signal that ended the waiting
do :; done
if [ "$code" -ne 0 ]; then
  how="exit code $code"
  if [ "$code" -gt 128 ]; then how="signal $((code - 128))"; fi
  echo "rank ${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-${SLURM_PROCID:-?}}} on $(uname -n) ended: $how" >&2
fi
exit "$code"
