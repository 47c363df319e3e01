"""What the scripts know of the paper: all of it from docs/results/protocol.json."""
import json
import unittest

from support import SCRIPTS
from analysis.paper import REPORTED, RUNS
from analysis.runs import row_of

PUBLISHED = SCRIPTS.parent / "docs" / "results" / "runs.jsonl"


class PaperTest(unittest.TestCase):
    def test_no_script_repeats_a_figure(self):
        scripts = {str(script.relative_to(SCRIPTS)): script.read_text(encoding="utf-8")
                   for script in SCRIPTS.rglob("*.py")}
        self.assertIn("analysis/paper.py", scripts)
        for reported in REPORTED.values():
            curves = [", ".join(map(str, curve[:2])) for curve in (reported.train_nll, reported.valid_nll) if curve]
            for figure in (str(reported.parameters), f"{reported.parameters:,}", str(reported.test_nll),
                           f"{reported.flops_2pn:.2e}".replace("+", ""), *curves):
                self.assertEqual([name for name, text in scripts.items() if figure in text], [], figure)

    def test_published_runs_with_the_protocols_config_executed_its_flops(self):
        compared = set()
        for line in PUBLISHED.read_text(encoding="utf-8").splitlines():
            run = json.loads(line)
            row = row_of(run)
            if row in RUNS and run["config"].items() <= RUNS[row]["config"].items():
                self.assertEqual(run["flops"]["training"], RUNS[row]["flops"]["training"], row)
                compared.add(row)
        self.assertEqual(compared, set(RUNS))


if __name__ == "__main__":
    unittest.main()
