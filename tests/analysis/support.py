"""What the tests share: the scripts' folder on the path, and runs."""
import pathlib
import sys

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
