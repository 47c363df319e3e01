"""What the tests share: the scripts' folder on the path, runs, and the files of losses that belong to them."""
import array
import contextlib
import fcntl
import json
import os
import pathlib
import statistics
import struct
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / "scripts"
RUNS = HERE / "runs.jsonl"
sys.path.insert(0, str(SCRIPTS))


def run_of(row, seed=1, valid=(2.5, 2.4), test=2.4, flops=(90, 10), **changes):
    """A run as the protocol trains the row, but for `changes`."""
    from analysis.paper import protocol_setting
    config = {key: value for key, value in {**protocol_setting(row), **changes}.items() if value is not None}
    return {"study": row.study, "model": row.model, "variant": row.variant, "seed": seed, "config": config,
            "dataset": {"name": row.dataset, "sha256": "0f"}, "parameters": 1, "flops_2pn": 1e12,
            "best_epoch": 1, "test_nll": test, "seconds": 1.0,
            "flops": {"training": flops[0], "optimizer": flops[1]},
            "epochs": [{"train_nll": nll, "valid_nll": nll, "seconds": 1.0} for nll in valid]}


def diverged(run):
    """The same run, had its loss not been finite."""
    run = {**run, "diverged": "fit: the loss of step 3 is not finite"}
    del run["test_nll"]
    return run


def ngram(smoothing, order, valid, test, dataset="tiny_shakespeare", **changes):
    """An n-gram model, which has no seeds and no epochs."""
    return {"study": "ngrams", "model": "ngram", "variant": f"{smoothing}, n = {order}", "seed": 1, "config": changes,
            "dataset": {"name": dataset, "sha256": "0f"}, "parameters": 1000 * order, "best_epoch": 1, "seconds": 1.25,
            "test_nll": test, "flops": {"training": 0},
            "epochs": [{"valid_nll": valid, "spread_valid_nll": valid + 1, "spread_test_nll": test + 1}]}


def losses_file(path, tensors, about):
    """A safetensors file, written by its specification."""
    header, data = {"__metadata__": about}, b""
    for name, (code, label, shape, numbers) in tensors.items():
        packed = array.array(code, numbers).tobytes()
        header[name] = {"dtype": label, "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def with_losses(folder, run, valid, test):
    """The same run, with what it loses after each epoch on blocks of both texts, in a file beside its results."""
    name = f"losses/{len(list(folder.glob('losses/*')))}.safetensors"
    tensors = {f"epochs.{text}": ("f", "F32", [len(epochs), len(epochs[0])], sum(map(list, epochs), []))
               for text, epochs in (("valid", valid), ("test", test))}
    losses_file(folder / name, tensors, {"loss_step": "0.00048828125"})
    epochs = [{**epoch, "spread_valid_nll": statistics.fmean(a), "spread_test_nll": statistics.fmean(b)}
              for epoch, a, b in zip(run["epochs"], valid, test, strict=True)]
    return {**run, "epochs": epochs, "losses": name}


@contextlib.contextmanager
def appending(path, line):
    """Begins while another process holds the lock of a results file, with half of its line written, which it ends a
    little later."""
    reads, writes = os.pipe()
    if (child := os.fork()) == 0:
        with open(path, "ab", buffering=0) as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            file.write(line[:50].encode())
            os.write(writes, b"x")
            time.sleep(0.2)
            file.write(line[50:].encode())
        os._exit(0)
    os.read(reads, 1)
    yield
    os.waitpid(child, 0)
    os.close(reads)
    os.close(writes)
