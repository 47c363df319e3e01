"""How long a step takes on many machines, and where more of them stop paying."""
import dataclasses
import math

FRAME = 1514 / 1448  # bytes on the wire for each that TCP carries


@dataclasses.dataclass(frozen=True)
class Network:
    name: str
    bandwidth: float  # bits a second
    latency: float  # seconds, one way

    def seconds(self, size):
        """Of a message of so many bytes from one machine to another."""
        return size * 8 * FRAME / self.bandwidth + self.latency


@dataclasses.dataclass(frozen=True)
class Machine:
    part: float  # seconds that a part takes forward and backward
    update: float  # seconds of the optimizer's step
    message: float  # seconds that a message takes beside the network: noticing it, ...
    byte: float  # ... and for each of its bytes packing, copying, folding


def hops(ranks):
    """Of the tree from the farthest rank to rank 0."""
    return math.ceil(math.log2(ranks))


def exchange_seconds(ranks, size, machine, network):
    """Of summing gradients of so many bytes: up the tree and down again, a whole message each hop."""
    return 2 * hops(ranks) * (network.seconds(size) + machine.message + machine.byte * size)


def step_seconds(ranks, parts, size, machine, network):
    """Of a step of so many parts, of which the first rank has most. Ranks are a power of two."""
    exchange = exchange_seconds(ranks, size, machine, network) if ranks > 1 else 0
    return math.ceil(parts / ranks) * machine.part + machine.update + exchange


def smallest_batch(ranks, size, machine, network):
    """In parts: the fewest with which ranks compute for at least half of a step. With fewer, more machines hardly pay:
    twice as many would make no step 1.5 times as fast."""
    each = (exchange_seconds(ranks, size, machine, network) - machine.update) / machine.part
    return ranks * max(1, math.ceil(each))
