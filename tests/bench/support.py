"""What the tests share: the scripts' folder on the path, and results of benchmarks."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
SCRIPTS = TOP / "scripts" / "bench"
sys.path.insert(0, str(SCRIPTS))

CONTEXT = {"date": "2026-01-02T03:04:05+00:00", "cpu": "a processor", "compiler": "g++ 12.2.0", "flags": "-O3 ",
           "eigen": "3.4.0", "gemm": "slm", "threads": "2", "peak_gflops": "200", "core_gflops": "110",
           "memory_gbytes": "20", "cache_gbytes": "100"}


def benchmark(name, milliseconds, family, **counters):
    return [{"name": name, "run_name": name, "run_type": "iteration", "family_index": family,
             "per_family_instance_index": 0, "real_time": time, "time_unit": "ms", **counters}
            for time in milliseconds]
