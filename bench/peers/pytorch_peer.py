"""A Python that has PyTorch, perhaps one inside another root folder, with the best settings known for it."""
import glob
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
SETTINGS = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "20000000000", "MALLOC_ARENA_MAX": "1"}


class PyTorchPeer:
    """Its environment is its own but for `settings`: a malloc that keeps its memory and, where PyTorch takes the
    distribution's libraries (Debian's packages do, PyPI's bring their own), OpenBLAS for OpenMP and, for what
    torch.compile makes, the Sleef that PyTorch has loaded, too: what was compiled finds it only where it was loaded
    first, and else nothing is compiled for vector registers.

    `about` is what pytorch_about.py says of it. `folder` is a temporary one that both sides can read, `inside` the
    name of a file of it to the Python.
    """

    def __init__(self, pythons, root, openblas, threads):
        """The first of `pythons` that has PyTorch; `openblas` is a folder as that Python sees it, or None."""
        self.root = root and os.path.realpath(root)
        self.settings = SETTINGS | {"OMP_NUM_THREADS": str(threads)}
        if self.root and not os.path.isdir(os.path.join(self.root, "tmp")):
            sys.exit(f"compare.py: {root} is no root folder: it has no folder tmp")
        self.temporary = tempfile.TemporaryDirectory(prefix="slm-peers-",
                                                     dir=self.root and os.path.join(self.root, "tmp"))
        try:
            self.folder = self.temporary.name
            self.programs = self.copy_programs() if self.root else str(HERE)
            self.python, self.about = self.choose(pythons)
            self.openblas = None
            if openblas or self.about["system_blas"]:
                self.take_libraries(openblas)
        except BaseException:
            self.temporary.cleanup()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def copy_programs(self):
        """Copies what its Python must read into the root folder: the folder of the programs, as seen from there."""
        for part in ("bench/peers", "tests/golden"):
            shutil.copytree(TOP / part, os.path.join(self.folder, part), ignore=lambda folder, names: [
                name for name in names if not name.endswith(".py")])
        return self.inside("bench/peers")

    def inside(self, name):
        path = os.path.join(self.folder, name)
        return "/" + os.path.relpath(path, self.root) if self.root else path

    def command(self, program, *arguments, python=None):
        enter = [str(TOP / "scripts" / "in_root.sh"), self.root] if self.root else []
        settings = [f"{name}={value}" for name, value in self.settings.items()]
        return [*enter, "/usr/bin/env", *settings, python or self.python, os.path.join(self.programs, program),
                *arguments]

    def choose(self, pythons):
        reasons = []
        for python in pythons:
            answer = subprocess.run(self.command("pytorch_about.py", python=python), text=True, capture_output=True)
            if answer.returncode == 0:
                return python, json.loads(answer.stdout)
            reasons.append(f"{python}: {(answer.stderr.strip() or 'it said nothing').splitlines()[-1]}")
        sys.exit("compare.py: found no Python with PyTorch; apt-get install python3-torch, or name one with --python\n"
                 + "\n".join(reasons))

    def take_libraries(self, openblas):
        self.openblas = openblas or self.system_file("openblas-openmp")
        sleef = self.system_file("libsleef.so.3")
        if self.openblas:
            self.prepend("LD_LIBRARY_PATH", self.openblas)
        if sleef and self.about["system_blas"] and not self.about["variants"]["compiled"]:
            self.prepend("LD_PRELOAD", sleef)
        _, self.about = self.choose([self.python])

    def system_file(self, name):
        """A file among the distribution's libraries as the Python sees it, or None."""
        found = glob.glob(f"{self.root or ''}/usr/lib/*/{name}")
        return "/" + os.path.relpath(found[0], self.root or "/") if found else None

    def prepend(self, variable, path):
        inherited = None if self.root else os.environ.get(variable)
        self.settings[variable] = path + (":" + inherited if inherited else "")

    def name(self):
        libraries = [text for text in (self.about["blas"], self.about["onednn"]) if text]
        where = f"{self.python} in {self.root}" if self.root else self.python
        return f"PyTorch {self.about['version']} of {where}: {', '.join(libraries)}, {self.about['instructions']}"
