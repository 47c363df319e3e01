"""What the advisor's predictions are worth: which cases count, and what the page says of them."""
import json
import math
import pathlib
import tempfile
import unittest

import support  # noqa: F401  (finds the scripts)
from advise import CASES, behind, best, command, document, inside, made, off_text, read_cases


def offer(family="gru", nll=1.7, low=1.6, high=1.8, trained=1.75):
    return {"family": family, "size": "1 x 96", "parameters": 42_000, "nll": nll, "low": low, "high": high,
            "trained_nll": trained, "flops": 3e11}


def case(text="ptb", budget=1e12, offers=None):
    advice = {"text": {"name": f"{text}.txt", "sha256": "0"}, "counting": {"nll": 1.9}, "trials": [],
              "offers": [{**one, "seconds": 3} for one in offers or [offer()]]}
    return made(advice, text, budget)


class CasesTest(unittest.TestCase):
    def test_a_case_that_is_there_twice_counts_as_its_last_and_others_are_left_out(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "advise.jsonl"
            self.assertEqual(read_cases(path), [])
            of_other_laws = {**case(), "laws": "0"}
            lines = [case("ptb", 1e13), case(), case(offers=[offer(nll=1.5)]), of_other_laws, case(budget=7e7)]
            path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "half a li", encoding="utf-8")
            found = read_cases(path)
        self.assertEqual([(line["case"], line["budget"]) for line in found], [("ptb", 1e12), ("ptb", 1e13)])
        self.assertEqual(found[0]["offers"][0]["nll"], 1.5)
        self.assertNotIn("seconds", found[0]["offers"][0])

    def test_what_was_taken_is_compared_with_the_best_of_the_offers(self):
        line = case(offers=[offer(), offer("transformer", nll=1.8, trained=1.7)])
        self.assertEqual(best(line)["family"], "transformer")
        self.assertAlmostEqual(behind(line), 0.05)
        self.assertTrue(inside(line["offers"][0]))
        self.assertFalse(inside(offer(trained=1.81)))
        self.assertFalse(inside(offer(trained=1.59)))

    def test_what_diverged_is_outside_and_behind_all_others(self):
        diverged = offer("transformer", nll=1.8)
        del diverged["trained_nll"]
        line = case(offers=[diverged, offer()])
        self.assertEqual(best(line)["family"], "gru")
        self.assertFalse(inside(line["offers"][0]))
        self.assertEqual(behind(line), math.inf)
        self.assertEqual(off_text([diverged | {"trained_nll": None}]), "All offers diverged.")
        page = document([line], "2026-11-30")
        self.assertIn("| 1.600 – 1.800 | diverged | – | **outside** |", page)
        self.assertIn("In 0 of 1 cases it is within", page)

    def test_threads_are_named_to_the_advisor_only_where_they_were_given(self):
        self.assertNotIn("--threads", command("my.txt", 1e12, None))
        self.assertEqual(command("my.txt", 1e12, 2)[-2:], ["--threads", "2"])

    def test_the_page_counts_what_came_true(self):
        cases = [case(offers=[offer(), offer("mlp", nll=1.9, low=1.85, high=1.95)]), case("code", 3e12)]
        page = document(cases, "2026-11-30")
        self.assertIn("**Of 2 cases the model that is taken ends within its 90 % interval in 2**", page)
        self.assertIn("of all 3 offers 2. In 2 of 2 cases", page)
        self.assertIn("off by 0.096 nats in the root mean square; intervals reach 0.083 nats", page)
        self.assertIn("| PTB as characters | 1e12 | gru 1 x 96 | 1.700 | 1.600 – 1.800 | 1.750 | +0.050 | inside |", page)
        self.assertEqual(len(set(CASES)), 10)


if __name__ == "__main__":
    unittest.main()
