"""Reads what a study keeps of a trained model's losses by window: safetensors files that its results file names."""
import array
import json
import struct
import sys

BLOCKS = 100  # of neighbouring windows: what a passage does to a loss
TYPES = {"U16": "H", "F32": "f"}  # those that the studies write


def read_tensors(path):
    """Metadata, and by name shape and numbers, of a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    about = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        numbers = array.array(TYPES[entry["dtype"]], data[8 + length + begin:8 + length + end])
        if sys.byteorder == "big":
            numbers.byteswap()
        tensors[name] = entry["shape"], numbers
    return about, tensors


class Losses:
    """Of a run whose results file is in `folder`, in nats."""

    def __init__(self, folder, run):
        about, self.tensors = read_tensors(folder / run["losses"])
        self.step = float(about["loss_step"])

    def windows(self, name):
        """By window, with the weights that the run ended with, of "paper.valid", "paper.test", "spread.valid" or
        "spread.test"."""
        return [self.step * count for count in self.tensors[name][1]]

    def blocks(self, text):
        """Means of blocks of windows spread over "valid" or "test", with the weights that the run ended with."""
        return block_means(self.windows(f"spread.{text}"))

    def epochs(self, text):
        """The same after each epoch."""
        (epochs, blocks), numbers = self.tensors[f"epochs.{text}"]
        return [list(numbers[epoch * blocks:(epoch + 1) * blocks]) for epoch in range(epochs)]


def block_means(losses):
    """As the studies cut them: block b of n windows begins at b n / BLOCKS."""
    blocks = min(BLOCKS, len(losses))
    ends = [block * len(losses) // blocks for block in range(blocks + 1)]
    return [sum(losses[begin:end]) / (end - begin) for begin, end in zip(ends, ends[1:])]
