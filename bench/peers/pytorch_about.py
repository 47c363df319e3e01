#!/usr/bin/env python3
"""Prints what the PyTorch of this Python is, as JSON: version, libraries, and what it lacks for each variant."""
import json
import pathlib
import re

import torch

from pytorch_models import PEERS, VARIANTS, missing


def loaded_libraries():
    """Files of shared libraries in this process whose names speak of BLAS; numpy's own is not PyTorch's."""
    try:
        lines = pathlib.Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    files = {line.split()[-1] for line in lines if "/" in line}
    return sorted(file for file in files if "blas" in pathlib.Path(file).name and "numpy.libs" not in file)


def compiled_for():
    """The vector instructions that torch.compile would use, after trying to compile with them; None without any."""
    try:
        try:
            from torch._inductor.cpu_vec_isa import pick_vec_isa
        except ImportError:  # before 2.5
            from torch._inductor.codecache import pick_vec_isa
        return str(pick_vec_isa() or "") or None
    except Exception:  # no torch.compile, or whatever its compiler raises
        return None


def about():
    config = torch.__config__.show()
    libraries = loaded_libraries()

    def found(pattern, name):
        match = re.search(pattern, config)
        return f"{name} {match[1]}" if match else None

    mkl = found(r"Math Kernel Library Version ([0-9.]+)", "MKL")
    return {
        "version": torch.__version__,
        "blas": mkl or ", ".join(libraries) or "unknown",
        # The distribution's library behind the name libblas.so.3, which LD_LIBRARY_PATH chooses.
        "system_blas": not mkl and any(pathlib.Path(file).name == "libblas.so.3" for file in libraries),
        "onednn": found(r"(?:MKL-DNN|oneDNN) v(\S+)", "oneDNN"),
        "instructions": (found(r"CPU capability usage: (\S+)", "") or "unknown").strip(),
        "compiled_for": compiled_for(),
        "variants": {variant: missing(variant) for variant in VARIANTS},
        "attention": [name for name, peer in PEERS.items() if peer.attention],
    }


if __name__ == "__main__":
    print(json.dumps(about()))
