"""What the tests share: bench/peers on the path, and what a PyTorch says of itself."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
PEERS = TOP / "bench" / "peers"
sys.path.insert(0, str(PEERS))

ABOUT = {"version": "9.9", "onednn": None, "instructions": "AVX2", "system_blas": False, "compiled_for": "avx2",
         "attention": ["gpt"],
         "variants": {"plain": None, "fused": None, "compiled": None, "compiled+fused": None}}
