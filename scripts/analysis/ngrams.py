"""n-gram models: what counting alone reaches on the same windows. Baselines, in no claim."""
from .runs import dataset_label

STUDY = "ngrams"


def smoothing_of(run):
    return run["variant"].rpartition(", n = ")[0]


def order_of(run):
    return int(run["variant"].rpartition(" = ")[2])


def name_of(run):
    return f"n-gram, {smoothing_of(run)} of order {order_of(run)}"


def texts_with_ngrams(results):
    return sorted({row.dataset for row in results.found if row.study == STUDY}, key=dataset_label)


def ngrams(results, dataset, cap=None):
    """On a text as the paper uses it or with another cap, by smoothing and order."""
    rows = [row for row in results.found if row.study == STUDY and row.dataset == dataset]
    runs = [run for row in rows for run in results.all(row) if run["config"].get("cap") == cap]
    return sorted(runs, key=lambda run: (smoothing_of(run), order_of(run)))


def nll_on(run, text):
    """Of the paper's windows of "valid" or "test"."""
    return run["test_nll"] if text == "test" else run["epochs"][-1]["valid_nll"]


def best_ngrams(results, dataset, cap=None):
    """Of each smoothing the order with the lowest validation NLL, the lowest first."""
    best = {}
    for run in sorted(ngrams(results, dataset, cap), key=lambda run: nll_on(run, "valid")):
        best.setdefault(smoothing_of(run), run)
    return list(best.values())
