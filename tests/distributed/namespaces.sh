#!/usr/bin/env bash
# namespaces.sh PROGRAM: trains with trainings.cpp on 2 and on 4 ranks in two network namespaces with addresses of their
# own, between which there is nothing but a link, over TCP; says how many bytes went over the link, and holds the
# output against that of one process. Needs root, iproute2 and OpenMPI; else it says so and ends with 77.
set -euo pipefail
program=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
skip() {
  echo "skipped: $*"
  exit 77
}
command -v ip >/dev/null || skip "there is no ip (Debian: iproute2)"
"${MPIEXEC:-mpirun}" --version | grep -qE "Open(RTE| MPI)" || skip "the options below are OpenMPI's"
name=slm$$
ip netns add "${name}a" 2>/dev/null || skip "making network namespaces needs root"
folder=$(mktemp -d)
trap 'ip netns del "${name}a"; ip netns del "${name}b" 2>/dev/null || true; rm -rf "$folder"' EXIT
ip netns add "${name}b"
ip link add name a netns "${name}a" type veth peer name b netns "${name}b"
for side in a b; do
  ip -n "$name$side" address add "10.77.0.$([[ $side == a ]] && echo 1 || echo 2)/24" dev "$side"
  ip -n "$name$side" link set dev "$side" up
  ip -n "$name$side" link set dev lo up
done

# What mpirun takes for ssh: a host's address, then a command.
cat >"$folder/enter" <<AGENT
#!/usr/bin/env bash
host=\$1
shift
side=\$([[ \$host == 10.77.0.1 ]] && echo a || echo b)
exec ip netns exec "$name\$side" unshare --uts sh -c "hostname $name\$side; \$*"
AGENT
chmod +x "$folder/enter"

OMP_WAIT_POLICY=passive "$program" alone >"$folder/alone"
for ranks in 1 2; do  # on each side
  before=$(ip netns exec "${name}a" cat /sys/class/net/a/statistics/rx_bytes)
  "$folder/enter" 10.77.0.1 env PATH="$PATH" MPIEXEC="${MPIEXEC:-mpirun}" "$here/mpirun.sh" $((2 * ranks)) \
    --host "10.77.0.1:$ranks,10.77.0.2:$ranks" --mca plm_rsh_agent "$folder/enter" --mca btl tcp,self \
    --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 \
    -x OMP_NUM_THREADS -x OMP_WAIT_POLICY "$program" >"$folder/together"
  cmp "$folder/alone" "$folder/together"
  after=$(ip netns exec "${name}a" cat /sys/class/net/a/statistics/rx_bytes)
  echo "$((2 * ranks)) ranks on two addresses: the same bits as alone, $(((after - before) / 1000)) kB came over the link"
  ((after - before > 1000000))
done
