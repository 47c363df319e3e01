"""scripts/bench/plot.py draws the figures that docs/benchmarks.md shows."""
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from support import CONTEXT, SCRIPTS, TOP, benchmark

COUNTERS = {"FLOP/B": 2.0, "FLOP/s": 5e10, "%peak": 50.0, "%core": 60.0, "tokens": 512.0, "tape bytes": 2.0**20,
            "parameter bytes": 2.0**19}
NAMES = {
    "operations": [f"gelu/{direction}/B:64/C:128" for direction in ("forward", "forward+backward")],
    "attention_mlp": [f"{layer}/T:128/C:128/forward+backward"
                      for layer in ("attention", "mlp_equal_flops", "mlp_equal_parameters")],
    "gemm": ["head/64x65x128/assign/slm"],
    "scaling": [f"{sweep}:128/threads:{count}" for sweep in ("window/T", "width/C", "depth/L", "batch/B")
                for count in (1, 2)],
}


def results(names):
    entries = [benchmark(name, [1, 2, 3], family, **COUNTERS) for family, name in enumerate(names)]
    return json.dumps({"context": CONTEXT, "benchmarks": sum(entries, [])})


@unittest.skipUnless(importlib.util.find_spec("matplotlib"), "no matplotlib")
class Plotting(unittest.TestCase):
    def test_the_figures_are_those_of_the_documentation(self):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as out:
            for program, names in NAMES.items():
                (pathlib.Path(folder) / f"{program}.json").write_text(results(names))
            answer = subprocess.run([sys.executable, str(SCRIPTS / "plot.py"), folder, "--out", out], text=True,
                                    capture_output=True)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            drawn = sorted(path.name for path in pathlib.Path(out).iterdir())
        page = (TOP / "docs" / "benchmarks.md").read_text(encoding="utf-8")
        shown = re.findall(r"\(figures/(\w+)\.png\)", page)
        self.assertEqual(len(shown), 4)
        self.assertEqual(drawn, sorted(f"{name}.{kind}" for name in shown for kind in ("png", "svg")))


if __name__ == "__main__":
    unittest.main()
