#!/usr/bin/env bash
# A study as a Slurm job array, of which a task is killed in the middle and requeued, has the losses of one program,
# bit for bit: slurm_test.sh FOLDER, of the built studies. Starts munged, slurmctld and slurmd of its own, with their
# configuration in a temporary folder, and ends them. Skipped, with exit code 77, where they are not or cannot start.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/support.sh"

[[ $EUID -eq 0 ]] || skip "only root can start Slurm's daemons"
for command in munged slurmctld slurmd sbatch scontrol squeue python3; do
  command -v "$command" >/dev/null || skip "no $command (Debian: slurmctld, slurmd, slurm-client, munge)"
done

daemons=()
clean_up() {
  trap '' INT TERM HUP
  if [[ ${#daemons[@]} -gt 0 ]]; then
    scancel --quiet --user=root 2>/dev/null || true
    within 10 sh -c '! squeue --noheader | grep -q .' || true # or their programs would outlive slurmd
    kill "${daemons[@]}" 2>/dev/null || true
    wait "${daemons[@]}" 2>/dev/null || true
  fi
  rm -rf "$folder"
}

chmod 755 "$folder"
mkdir -p "$folder"/{state,spool}
mkdir -m 700 "$folder/munge"
head -c 1024 /dev/urandom >"$folder/munge/key"
chmod 600 "$folder/munge/key"
munged --foreground --force --key-file="$folder/munge/key" --socket="$folder/munge.socket" \
  --pid-file="$folder/munge/pid" --seed-file="$folder/munge/seed" --log-file="$folder/munge/log" \
  >"$folder/munged.log" 2>&1 &
daemons+=($!)
within 10 test -S "$folder/munge.socket" || skip "munged does not start: $(tail -n 1 "$folder/munged.log")"

# Two ports that nobody listens at.
read -r controller node < <(python3 - <<'END'
import socket
sockets = [socket.socket() for _ in range(2)]
for one in sockets:
    one.bind(("", 0))
print(*(one.getsockname()[1] for one in sockets))
END
)
host=$(hostname -s)
cat >"$folder/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller
SlurmdPort=$node
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
KillWait=1
MinJobAge=300
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$folder/slurm.conf
slurmctld -D -i >"$folder/slurmctld.log" 2>&1 &
daemons+=($!)
slurmd -D >"$folder/slurmd.log" 2>&1 &
daemons+=($!)
within 20 sh -c 'sinfo --noheader --format=%t | grep -q "^idle"' ||
  skip "Slurm does not start: $(tail -qn 1 "$folder/slurmctld.log" "$folder/slurmd.log")"

make_alone
job_state() { squeue --noheader --states=all --jobs="$1" --format=%T; }
has_state() { [[ $(job_state "$1") == "$2" ]]; }

# array RESULTS OPTION…: submits the request, sets `job` and `last` to the numbers of the array and of the last job.
array() {
  local results=$1
  shift
  scripts/cluster/slurm.sh --tasks 3 --threads 1 --time 10 --programs "$programs" --results "$results" "$@" \
    "${request[@]}" >"$folder/submitted.log" || fail "slurm.sh ended with exit code $?"
  read -r job last < <(sed -n 's/^slurm.sh: job \([0-9]*\) has 3 tasks.*; job \([0-9]*\) .*/\1 \2/p' \
    "$folder/submitted.log")
  [[ -n $last ]] || fail "slurm.sh named no jobs"
}
# ended RESULTS: waits for the last job, and compares.
ended() {
  within 100 has_state "$last" COMPLETED || fail "the last job is $(job_state "$last")"
  grep -q '±' "$1/logs/tiny_shakespeare-table.txt" || fail "no table"
  same_as_alone "$1"
}

# Killed without warning, as by a node that dies, and requeued while others are under way.
array "$folder/results"
log=$folder/results/logs/tiny_shakespeare-${job}_1.txt
within 60 grep -q 'epoch 1/5  train' "$log" || fail "no first epoch of task 1"
kill_first "$folder/results"
within 10 has_state "${job}_1" FAILED || fail "task 1 was not killed"
scontrol requeue "${job}_1" || fail "task 1 cannot be requeued"
ended "$folder/results"
[[ $(grep -c '^shard 1/3 on ' "$log") -eq 2 ]] || fail "task 1 was not started twice"
grep -q 'going on after epoch' "$log" || fail "task 1 did not go on from its checkpoint"

array "$folder/separate" --separate
ended "$folder/separate"
grep -q '6 runs added' "$folder/separate/logs/tiny_shakespeare-table.txt" || fail "nothing was merged"
echo "the losses of two job arrays, with a task killed and requeued, are those of one program"
