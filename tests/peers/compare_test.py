"""bench/peers/compare.py with programs whose answers are known."""
import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

from support import ABOUT, HERE

import compare

FAKE = str(HERE / "fake_program.py")


def answers(train, eval, loss=1.5, **others):
    return {"train": train, "eval": eval, "loss": loss, **others}


SLM = answers(0.1, 0.1)
ALL = {"about": ABOUT, "slm": SLM, "plain": answers(0.4, 0.5), "fused": answers(0.5, 0.2),
       "compiled": answers(0.3, 0.6), "compiled+fused": answers(0.6, 0.3)}


class Run:
    """What compare.py says and writes."""

    def __init__(self, fake, *options, models="gpt"):
        output, errors = io.StringIO(), io.StringIO()
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.dict(os.environ, {"FAKE": json.dumps(fake)}), mock.patch.object(compare, "PAUSE", 0), \
                contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            path = pathlib.Path(folder) / "out.json"
            try:
                compare.main(["--slm", FAKE, "--python", FAKE, "--models", models, "--rounds", "2", "--threads", "1",
                              "--out", str(path), *options])
                self.code = 0
            except SystemExit as end:
                self.code = end.code
            self.report = json.loads(path.read_text()) if path.exists() else None
        self.output, self.errors = output.getvalue(), errors.getvalue()

    def best(self, model="gpt"):
        return {phase: self.report["models"][model][phase]["variant"] for phase in ("train", "eval")}


class Choosing(unittest.TestCase):
    def test_the_fastest_variant_of_each_phase_is_taken(self):
        run = Run(ALL)
        self.assertEqual(run.code, 0)
        self.assertEqual(run.best(), {"train": "compiled", "eval": "fused"})
        train = run.report["models"]["gpt"]["train"]
        self.assertEqual((train["slm"], train["PyTorch"]), ([0.1] * 2, [0.3] * 2))
        self.assertAlmostEqual(train["ratio"]["median"], 3)
        self.assertIn("| gpt | eval | 100.00 (100.00–100.00) | 200.00 (200.00–200.00) | fused | 2.00 (2.00–2.00) |",
                      run.output)
        self.assertIn("PyTorch 9.9 of " + FAKE, run.output)
        self.assertNotIn("Left out", run.output)

    def test_a_model_without_attention_has_no_fused_variants(self):
        run = Run(ALL, models="mlp")
        self.assertEqual(run.best("mlp"), {"train": "compiled", "eval": "plain"})
        self.assertEqual(set(run.report["models"]["mlp"]["trial"]["train"]), {"plain", "compiled"})

    def test_only_the_variants_asked_for_are_tried(self):
        self.assertEqual(Run(ALL, "--variants", "plain,fused").best(), {"train": "plain", "eval": "fused"})


class LeavingOut(unittest.TestCase):
    def left_out(self, fake, *options):
        run = Run(ALL | {"compiled": fake}, *options, models="mlp")
        self.assertEqual(run.code, 0)
        self.assertEqual(run.best("mlp"), {"train": "plain", "eval": "plain"})
        reason = run.report["models"]["mlp"]["left_out"]["compiled"]
        self.assertIn(f"Left out: compiled (mlp): {reason}", run.output)
        return reason

    def test_what_the_version_lacks(self):
        about = ABOUT | {"variants": ABOUT["variants"] | {"compiled": "no such thing", "compiled+fused": "nor this"}}
        run = Run(ALL | {"about": about}, models="mlp,gpt")
        self.assertEqual(run.best(), {"train": "plain", "eval": "fused"})
        self.assertIn("Left out: compiled (mlp, gpt): no such thing\nLeft out: compiled+fused (gpt): nor this\n",
                      run.output)

    def test_what_fails_by_its_last_words(self):
        self.assertIn("no compiler", self.left_out(answers(0.01, 0.01, fails="no compiler")))

    def test_what_dies_while_it_is_tried(self):
        self.assertIn("died of it", self.left_out(answers(0.01, 0.01, dies="eval")))

    def test_what_takes_too_long(self):
        reason = self.left_out(answers(0.01, 0.01, hangs=True), "--patience", "4")
        self.assertIn('took more than 4 s for "ready"', reason)

    def test_another_loss(self):
        self.assertIn("slm's loss is 1.5 and PyTorch's 1.6", self.left_out(answers(0.01, 0.01, loss=1.6)))

    def test_a_loss_that_is_no_number(self):
        self.left_out(answers(0.01, 0.01, loss=float("nan")))


class NotTiming(unittest.TestCase):
    def test_a_model_of_which_no_variant_is_left(self):
        wrong = answers(0.1, 0.1, loss=2)
        run = Run(ALL | {"plain": wrong, "compiled": wrong}, models="mlp,gpt")
        self.assertEqual(run.code, 1)
        self.assertIn("mlp: not timed: plain: not the same model", run.errors)
        self.assertEqual(run.best(), {"train": "fused", "eval": "fused"})

    def test_slm_that_dies_is_not_a_variants_failure(self):
        run = Run(ALL | {"slm": SLM | {"dies": "eval"}}, models="mlp")
        self.assertEqual(run.code, 1)
        self.assertRegex(run.errors, "mlp: not timed: slm ended .*died of it")
        self.assertEqual(run.report["models"], {})

    def test_a_python_without_pytorch(self):
        run = Run(ALL, "--python", sys.executable + "-that-is-missing")
        self.assertIn("found no Python with PyTorch", run.code)

    def test_an_unknown_variant(self):
        self.assertEqual(Run(ALL, "--variants", "faster").code, 2)


class Environment(unittest.TestCase):
    def test_a_pytorch_with_its_own_blas_is_given_no_other(self):
        with mock.patch.dict(os.environ):
            os.environ.pop("LD_LIBRARY_PATH", None)
            self.assertEqual(Run(ALL, models="mlp").report["pytorch"]["blas"], "its own")

    def run_with_libraries(self, found, **about):
        """With a PyTorch that takes the system's BLAS, on a system that has these libraries: {name: path}."""
        found = {f"/usr/lib/*/{name}": [path] for name, path in found.items()}
        with mock.patch("glob.glob", lambda pattern: found.get(pattern, [])):
            return Run(ALL | {"about": ABOUT | {"system_blas": True} | about}, models="mlp")

    def test_one_that_takes_the_systems_libraries_is_given_the_best(self):
        maps = pathlib.Path("/proc/self/maps").read_text().split()
        library = next(word for word in maps if "/libc.so" in word or "/libc-" in word)  # one that can be loaded
        found = {"openblas-openmp": "/usr/lib/x/openblas-openmp", "libsleef.so.3": library}
        report = self.run_with_libraries(found).report["pytorch"]
        self.assertEqual(report["openblas"], "/usr/lib/x/openblas-openmp")
        self.assertEqual(report["blas"].split(":")[0], "/usr/lib/x/openblas-openmp")
        self.assertEqual(report["settings"]["LD_PRELOAD"].split(":")[0], library)

    def test_without_openblas_for_openmp_it_says_so(self):
        self.assertIn("libopenblas0-openmp is not installed", self.run_with_libraries({}).errors)

    def test_without_vector_instructions_for_torch_compile_it_says_so(self):
        self.assertIn("torch.compile has no compiler", self.run_with_libraries({}, compiled_for=None).errors)
        self.assertNotIn("torch.compile has no compiler", self.run_with_libraries({}).errors)


if __name__ == "__main__":
    unittest.main()
