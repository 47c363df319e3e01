"""What our seeds say to the paper's claims, in words."""
import unittest

import support  # noqa: F401
from analysis.budgets import AtBudget
from analysis.claim_tables import claims_table, line_table, paper_text
from analysis.claims import Claim, Line, Part
from analysis.crossed import Crossed
from analysis.judging import any_of
from analysis.verdicts import FEW_SEEDS, line_text, part_text, verdict_lines


def part(valid=0.2, test=0.1, p=0.001, name="part", **options):
    return Part(name, "a − b", {"valid": Crossed(valid, 0.05, p / 2, 5), "test": Crossed(test, 0.02, p, 5)}, **options)


def missing(name="part"):
    return Part(name, "a − b", {"valid": None, "test": None})


def line(*parts):
    return Line("line", "MLP − line", [(AtBudget(budget, None, {}, {}, []), one)
                                       for budget, one in zip((1e12, 2e12, 5e12, 1e13), parts)])


class PartTest(unittest.TestCase):
    def test_both_texts_and_both_ps(self):
        self.assertEqual(part_text(part()), "part: holds (validation +0.200 ± 0.050, test +0.100 ± 0.020, n = 5; "
                                            "p = 0.001, 0.005 corrected)")
        self.assertIn("part: not distinguishable (validation +0.200", part_text(part(p=0.011)))
        self.assertIn("part: contradicted (validation −0.200", part_text(part(-0.2, -0.1)))

    def test_texts_that_disagree(self):
        self.assertEqual(part_text(part(0.2, -0.1)), "part: not distinguishable (validation +0.200 ± 0.050, test "
                                                     "−0.100 ± 0.020, n = 5; the texts disagree)")

    def test_missing_runs(self):
        self.assertEqual(part_text(missing()), f"part: runs are missing ({FEW_SEEDS})")

    def test_fewer_seeds_than_planned(self):
        self.assertIn("part: runs are missing (validation +0.200 ± 0.050, test +0.100 ± 0.020, n = 5 of 10; p = 0.011",
                      part_text(part(p=0.011, planned=10)))
        self.assertIn("n = 5 of 10; the texts disagree)", part_text(part(0.2, -0.1, planned=10)))
        self.assertIn("part: holds (", part_text(part(planned=10)))
        self.assertIn("part: not distinguishable (", part_text(part(p=0.011, planned=5)))

    def test_the_papers_difference(self):
        self.assertEqual(paper_text(part(reported=0.05, ours=(0.1, -0.2, 0.3))),
                         "+0.0500; 2 of our 3 seeds have its sign")
        self.assertEqual(paper_text(part(reported=-0.05, ours=(0.1, 0.2, -0.2))),
                         "−0.0500; 1 of our 3 seeds has its sign")
        self.assertEqual(paper_text(part(reported=-0.05)), "−0.0500")
        self.assertEqual(paper_text(part()), "–")


class LineTest(unittest.TestCase):
    def test_neighbouring_budgets_with_one_outcome_are_together(self):
        text = line_text(line(part(-0.1, -0.1, p=0.004), part(p=0.2), part(), part()))
        self.assertEqual(text, "line: not distinguishable (MLP leads at 1.00e12; neither leads at 2.00e12; part leads "
                               "at 2 budgets from 5.00e12 to 1.00e13; p = 0.016, 0.08 corrected)")
        self.assertIn("line: contradicted (MLP leads at 1.00e12;", line_text(line(part(-0.1, -0.1, p=0.002), part())))

    def test_budgets_that_lack_runs(self):
        self.assertEqual(line_text(line(part(), missing())),
                         "line: runs are missing (part leads at 1.00e12; runs are missing at 2.00e12)")
        self.assertEqual(line_text(line()), "line: not distinguishable (no budget that both sides were trained for)")

    def test_table(self):
        rows = line_table([line(part(), missing())])
        self.assertEqual(rows[2:], ["| 1.00e12 | a − b | 5 | +0.2000 ± 0.0500 | +0.1000 ± 0.0200 | 0.001 |",
                                    "| 2.00e12 | a − b | – | – | – | – |"])
        self.assertEqual(line_table([line(missing(), missing())]), [])


class ClaimTest(unittest.TestCase):
    def claims(self):
        halves = [part(p=0.002), part(-0.1, -0.1, p=0.001)]
        return [Claim("2", "Text.", "either half is enough", halves, any_of([one.decision for one in halves])),
                Claim("1", "More text.", "it needs all", [line(part())], line(part()).decision)]

    def test_verdicts_with_their_parts(self):
        lines = verdict_lines(self.claims(), [missing("question")])
        self.assertEqual(lines[:2],
                         ["2. Text.", "   - **Verdict: holds** (either half is enough; p = 0.004 after Holm)"])
        self.assertEqual([text.split(" (")[0] for text in lines[2:4]], ["   - part: holds", "   - part: contradicted"])
        self.assertIn("   - **Verdict: holds** (it needs all; p = 0.002 after Holm)", lines)
        self.assertEqual(lines[-1], f"- question: runs are missing ({FEW_SEEDS})")

    def test_table(self):
        rows = claims_table(self.claims(), [missing()])[2:]
        self.assertEqual(rows, [
            "| 2 | a − b | 5 | +0.2000 ± 0.0500 | +0.1000 ± 0.0200 | 0.002 | 0.01 | holds | – |",
            "| 2 | a − b | 5 | −0.1000 ± 0.0500 | −0.1000 ± 0.0200 | 0.001 | 0.005 | contradicted | – |",
            "| 1 | MLP − line | 5 | +0.2000 to +0.2000 | +0.1000 to +0.1000 | 0.001 | 0.005 | holds | – |",
            "| – | a − b | – | – | – | – | – | runs are missing | – |"])


if __name__ == "__main__":
    unittest.main()
