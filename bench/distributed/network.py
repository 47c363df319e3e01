#!/usr/bin/env python3
"""Measures training steps between ranks on links that are throttled, and holds model.py against them.

Each rank gets a network namespace with an address of its own; a bridge joins them. Bandwidth is limited by tc's tbf at
both ends of each link; frames wait for the latency in `relay`, half of it at either end. As many ranks as there are cores
compute; where there are more, they sleep for as long as computing took, and send what they would. Needs root, iproute2
and OpenMPI, and a machine with nothing else to do.

    bench/distributed/network.py [--build build/release] [--out FILE.json]
"""
import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "peers"))
sys.path.insert(0, str(HERE))
import model  # noqa: E402
from program import Failed, Program  # noqa: E402

PARTS = 8
BURST = 70_000  # bytes that a link lets through at once: no less than the kernel gives it, 64 KB
STEPS = {"transformer": 12, "mlp": 6}
NETWORKS = [model.Network("100 Mbit/s", 1e8, 0), model.Network("1 Gbit/s", 1e9, 0),
            model.Network("1 Gbit/s, 1 ms", 1e9, 1e-3), model.Network("1 Gbit/s, 5 ms", 1e9, 5e-3)]
CASES = [("transformer", network) for network in NETWORKS] + [("mlp", NETWORKS[1]), ("mlp", NETWORKS[3])]


def sh(command):
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)


class Links(contextlib.AbstractContextManager):
    """Namespaces NAME0, NAME1, … with addresses 10.77.0.1 …, joined by a bridge; unlimited without a network."""

    def __init__(self, count, network, relay):
        self.count, self.name, self.relay = count, f"slm{os.getpid()}", None
        self.made = []
        try:
            self.make(network, relay)
        except BaseException:
            self.__exit__()
            raise

    def add_namespace(self, name):
        sh(f"ip netns add {name}")
        self.made.append(name)
        sh(f"ip -n {name} link set lo up")
        # A connection that was idle for a step does not begin slowly again.
        sh(f"ip netns exec {name} sysctl -q net.ipv4.tcp_slow_start_after_idle=0")

    def make(self, network, relay):
        middle = f"{self.name}m"
        self.add_namespace(middle)
        sh(f"ip -n {middle} link add bridge type bridge")
        sh(f"ip -n {middle} link set bridge up")
        relayed = []
        for i in range(self.count):
            self.add_namespace(f"{self.name}{i}")
            far = f"far{i}" if network and network.latency > 0 else f"port{i}"
            self.link(f"{self.name}{i}", "e", middle, far)
            sh(f"ip -n {self.name}{i} address add {self.address(i)}/24 dev e")
            if network and network.latency > 0:  # e – far – relay – near – port
                self.link(middle, f"near{i}", middle, f"port{i}")
                relayed += [far, f"near{i}"]
            if network:
                self.limit(f"{self.name}{i}", "e", network)
                self.limit(middle, f"port{i}", network)
            sh(f"ip -n {middle} link set port{i} master bridge")
        if relayed:
            self.relay = subprocess.Popen(["ip", "netns", "exec", middle, relay, str(network.latency / 2), *relayed],
                                          stdout=subprocess.PIPE, text=True)
            if self.relay.stdout.readline().strip() != "ready":
                raise RuntimeError("network.py: the relay did not start")

    @staticmethod
    def link(space, name, other_space, other_name):
        sh(f"ip link add name {name} netns {space} type veth peer name {other_name} netns {other_space}")
        sh(f"ip -n {space} link set {name} up")
        sh(f"ip -n {other_space} link set {other_name} up")

    @staticmethod
    def limit(space, name, network):
        sh(f"ip netns exec {space} tc qdisc add dev {name} root tbf rate {network.bandwidth:.0f}bit burst {BURST} "
           "latency 1s")

    @staticmethod
    def address(i):
        return f"10.77.0.{i + 1}"

    def mpirun(self, folder):
        """The beginning of a command that starts a rank in each of them."""
        enter = pathlib.Path(folder) / "enter"
        # What mpirun takes for ssh: a host's address, then a command.
        enter.write_text("#!/usr/bin/env bash\nhost=$1\nshift\nside=$((${host##*.} - 1))\n"
                         f'exec ip netns exec {self.name}$side unshare --uts sh -c "hostname {self.name}$side; $*"\n')
        enter.chmod(0o755)
        hosts = ",".join(f"{self.address(i)}:1" for i in range(self.count))
        options = {"plm_rsh_agent": enter, "plm_rsh_no_tree_spawn": 1, "btl": "tcp,self",
                   "btl_tcp_if_include": "10.77.0.0/24", "oob_tcp_if_include": "10.77.0.0/24"}
        return [str(enter), self.address(0), "env", f"PATH={os.environ['PATH']}",
                str(HERE.parents[1] / "tests" / "distributed" / "mpirun.sh"), str(self.count), "--host", hosts,
                *(str(word) for key, value in options.items() for word in ("--mca", key, value)),
                "-x", "OMP_NUM_THREADS", "-x", "OMP_WAIT_POLICY"]

    def __exit__(self, *_):
        if self.relay:
            self.relay.kill()
            self.relay.wait()
        for name in self.made:
            subprocess.run(["ip", "netns", "del", name], check=False)


@contextlib.contextmanager
def ranks_step(build, name, links=None, *options):
    """The program of step.cpp, alone or on links."""
    command = [str(build / "bench" / "distributed" / "ranks_step"), "--model", name, *options]
    with tempfile.TemporaryDirectory() as folder:
        with Program(f"ranks_step of {name}", (links.mpirun(folder) if links else []) + command, patience=300) as program:
            yield program


def machine_of(build, name):
    """What two ranks take that compute at once, and that exchange without a limit."""
    with Links(2, None, None) as links, ranks_step(build, name, links, "--parts", str(PARTS)) as two:
        two.ask(f"train {2 * STEPS[name]}")
        part, update, size = two.ask("part"), two.ask("update"), two.ask("message")
        two.ask(f"replace {part} {update}")
        two.ask(f"train {2 * STEPS[name]}")
        return part, update, size, two.ask("sum")


def machines(build, names):
    """By model: the machine and the bytes of a sum. What a message and what a byte costs follow from the exchanges of
    the smallest and the largest model."""
    measured = {name: machine_of(build, name) for name in names}
    (_, _, small, quick), (_, _, large, slow) = sorted(measured.values(), key=lambda its: its[2])[::len(names) - 1]
    byte = (slow - quick) / 2 / (large - small)
    message = max(quick / 2 - byte * small, 0)
    return {name: (model.Machine(part, update, message, byte), size)
            for name, (part, update, size, _) in measured.items()}


def measure(build, name, network, ranks, machine):
    relay = str(build / "bench" / "distributed" / "relay")
    with Links(ranks, network, relay) as links, ranks_step(build, name, links, "--parts", str(PARTS)) as program:
        if ranks > os.cpu_count():
            program.ask(f"replace {machine.part} {machine.update}")
        program.ask("train 2")
        return statistics.median(program.ask(f"train {STEPS[name]}") for _ in range(3)), program.ask("sum")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build" / "release")
    parser.add_argument("--out", type=pathlib.Path, help="a JSON file of what was measured")
    parser.add_argument("--ranks", default="2,4,8")
    options = parser.parse_args()
    build = options.build.resolve()
    os.environ["OMP_NUM_THREADS"] = "1"
    known = machines(build, list(STEPS))
    for name, (machine, size) in known.items():
        print(f"{name}: a part {machine.part * 1e3:.1f} ms, update {machine.update * 1e3:.2f} ms, a message of "
              f"{size / 1e6:.2f} MB {(machine.message + machine.byte * size) * 1e3:.2f} ms beside the network")
    print("\n| model | network | ranks | step, ms | predicted | by | of it the exchange |\n|---|---|---|---|---|---|---|")
    lines = []
    for name, network in CASES:
        machine, size = known[name]
        for ranks in map(int, options.ranks.split(",")):
            step, exchange = measure(build, name, network, ranks, machine)
            predicted = model.step_seconds(ranks, PARTS, size, machine, network)
            print(f"| {name} | {network.name} | {ranks} | {step * 1e3:.0f} | {predicted * 1e3:.0f} | "
                  f"{(predicted / step - 1) * 100:+.0f} % | {exchange / step * 100:.0f} % |", flush=True)
            lines.append({"model": name, "network": vars(network), "ranks": ranks, "seconds": step,
                          "predicted": predicted, "exchange": exchange})
    if options.out:
        machine_lines = {name: vars(machine) | {"bytes": size} for name, (machine, size) in known.items()}
        options.out.write_text(json.dumps({"machines": machine_lines, "steps": lines}, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"network.py: {failure}")
