"""scripts/bench/tables.py: how numbers are written, and a table from results that are known."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from support import CONTEXT, SCRIPTS, benchmark

from tables import duration, number, size_text


def step(name, threads, milliseconds, family):
    return benchmark(f"{name}/threads:{threads}/real_time", milliseconds, family,
                     **{"tokens/s": 12345.6, "FLOP/s": 1.5e11, "%peak": 75.4, "tape bytes": 3 * 2**20})


class Numbers(unittest.TestCase):
    def test_three_digits(self):
        for value, text in ((0, "0"), (None, "–"), (1.2345, "1.23"), (12.345, "12.3"), (123.45, "123"),
                            (123456, "123,000"), (0.01234, "0.0123"), (99.96, "100")):
            self.assertEqual(number(value), text)

    def test_times_and_sizes(self):
        self.assertEqual([duration(t) for t in (2, 0.0123, 4.56e-6, 7e-9)], ["2 s", "12.3 ms", "4.56 µs", "7 ns"])
        self.assertEqual([size_text(n) for n in (512, 2**20, 5 * 2**29)], ["0.5 KiB", "1 MiB", "2.5 GiB"])


class Tables(unittest.TestCase):
    def test_steps(self):
        # Repetitions ran in another order than the program's.
        entries = step("second/train", 1, [10, 10, 10], 2) + step("first/train", 1, [30, 10, 20], 0) \
            + step("first/train", 2, [10, 11, 12], 1) + step("second/train", 2, [5, 5, 5], 3)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "steps.json").write_text(json.dumps({"context": CONTEXT, "benchmarks": entries}))
            answer = subprocess.run([sys.executable, str(SCRIPTS / "tables.py"), folder], text=True,
                                    capture_output=True)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        lines = answer.stdout.splitlines()
        self.assertIn("### Training steps and evaluation batches", lines)
        first = lines.index("| first, train | 20 ms | 11 ms | 9% | 1.82 | 12,346 | 150 | 75 % | 3 MiB |")
        self.assertEqual(lines[first + 1],
                         "| second, train | 10 ms | 5 ms | 0% | 2 | 12,346 | 150 | 75 % | 3 MiB |")
        self.assertIn("a processor, 2 threads, g++ 12.2.0, `-O3`, Eigen 3.4.0", lines[0])

    def test_nothing_to_write(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "other.json").write_text(json.dumps({"context": CONTEXT, "benchmarks": []}))
            answer = subprocess.run([sys.executable, str(SCRIPTS / "tables.py"), folder], text=True,
                                    capture_output=True)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("has results of none of", answer.stderr)


if __name__ == "__main__":
    unittest.main()
