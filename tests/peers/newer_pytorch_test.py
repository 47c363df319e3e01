"""bench/peers/newer_pytorch.sh where it must not succeed: that it says why, and leaves what was there."""
import os
import pathlib
import subprocess
import tempfile
import unittest

from support import PEERS


def run(*arguments, **environment):
    return subprocess.run([str(PEERS / "newer_pytorch.sh"), *arguments], text=True, capture_output=True,
                          env=os.environ | environment)


class NewerPyTorch(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)

    def test_a_folder_of_something_else_is_left_alone(self):
        (self.folder / "file").touch()
        ended = run(str(self.folder))
        self.assertEqual(ended.returncode, 2)
        self.assertIn("neither empty nor of an earlier run", ended.stderr)
        self.assertEqual(os.listdir(self.folder), ["file"])

    def test_a_failure_leaves_no_half_made_environment(self):
        # A python3 whose environments have a pip that fails, and a debootstrap that does.
        tools = self.folder / "tools"
        tools.mkdir()
        for name, text in (("pip", 'echo "$SAYS"; exit 1'),
                           ("python3", f'mkdir -p "$3/bin" && touch "$3/pyvenv.cfg" && cp {tools}/pip "$3/bin/python"'),
                           ("debootstrap", 'touch "$3/half"; exit 1')):
            (tools / name).write_text("#!/bin/sh\n" + text + "\n")
            (tools / name).chmod(0o755)
        path = f"{tools}:{os.environ['PATH']}"
        made = self.folder / "made"

        ended = run(str(made), PATH=path, SAYS="disk full")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("pip failed", ended.stderr)
        self.assertFalse(made.exists())

        ended = run(str(made), PATH=path, SAYS="No matching distribution found for torch")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("taking Debian 13's instead", ended.stdout)
        self.assertFalse((made / "half").exists())
        self.assertFalse((made / "pyvenv.cfg").exists())


if __name__ == "__main__":
    unittest.main()
