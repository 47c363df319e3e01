#!/usr/bin/env python3
"""Stands for slm_step, and for a Python with PyTorch: it answers as both do, with what the variable FAKE says.

FAKE is JSON: {"about": what pytorch_about.py prints, "slm" and each variant: {"train": seconds, "eval": seconds,
"loss": number, "fails": a reason to end with instead of being ready, "hangs": true, "dies": the command to end at}}.
"""
import json
import os
import sys
import time


def serve(answers):
    if "fails" in answers:
        sys.exit(f"a warning\n{answers['fails']}\n")
    if answers.get("hangs"):
        time.sleep(60)
    print("ready", flush=True)
    for line in sys.stdin:
        command = line.split()[0]
        if command == answers.get("dies"):
            sys.exit("died of it")
        print({"memory": 100, "tokens": 64}.get(command, answers.get(command)), flush=True)


def option(name, default=None):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def main():
    fake = json.loads(os.environ["FAKE"])
    program = os.path.basename(sys.argv[1])
    if program == "pytorch_about.py":
        print(json.dumps(fake["about"] | {"blas": os.environ.get("LD_LIBRARY_PATH", "its own")}))
    elif option("--make-weights"):
        open(option("--make-weights"), "w").close()
    else:
        serve(fake[option("--variant", "slm")])


main()
