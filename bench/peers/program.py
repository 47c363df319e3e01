"""A process that answers one line for each line it is sent: slm_step and pytorch_step.py."""
import os
import select
import signal
import subprocess
import tempfile


class Failed(Exception):
    """What went wrong with a program, in one line."""

    def __init__(self, program, text):
        super().__init__(text)
        self.program = program


class Program:
    def __init__(self, name, command, patience):
        """Starts it; an answer may take `patience` seconds."""
        self.name, self.patience = name, patience
        self.errors = tempfile.TemporaryFile("w+", errors="replace")
        try:  # in a group of its own: a compiler that it started ends with it
            self.process = subprocess.Popen(command, text=True, bufsize=1, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True)
        except OSError as error:
            raise Failed(self, f"cannot start {command[0]}: {error.strerror}") from None

    def last_words(self):
        self.errors.seek(0)
        lines = self.errors.read().split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    def read(self, expected):
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            self.kill(signal.SIGKILL)
            raise Failed(self, f"{self.name} took more than {self.patience:g} s for {expected}")
        line = self.process.stdout.readline().strip()
        if not line:
            raise Failed(self, f"{self.name} ended (exit code {self.process.wait()}) where {expected} was expected: "
                               f"{self.last_words()}")
        return line

    def wait_until_ready(self):
        line = self.read('"ready"')
        if line != "ready":
            raise Failed(self, f'{self.name} said "{line}" where "ready" was expected')

    def ask(self, command):
        try:
            self.process.stdin.write(command + "\n")
        except BrokenPipeError:
            pass  # it ended: reading its answer tells
        line = self.read(f'the answer to "{command}"')
        try:
            return float(line)
        except ValueError:
            raise Failed(self, f'{self.name} answered "{line}" to "{command}" where a number was expected') from None

    def __enter__(self):
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it and what it started: it ends by itself where its input does, and is made to where it is busy."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # what it was asked last never reached it
        self.ended()
        self.kill(signal.SIGTERM)
        self.ended()
        self.kill(signal.SIGKILL)
        self.ended()
        self.process.stdout.close()
        self.errors.close()

    def kill(self, how):
        try:
            os.killpg(self.process.pid, how)
        except ProcessLookupError:
            pass

    def ended(self):
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass
