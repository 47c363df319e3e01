"""How long a step on ranks takes, as bench/distributed/model.py says it."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "distributed"))
import model  # noqa: E402

NETWORK = model.Network("8 Mbit/s on the wire", 8e6 * model.FRAME, 0.5)  # a million bytes a second
MACHINE = model.Machine(part=3, update=1, message=0.25, byte=1e-7)


class StepSeconds(unittest.TestCase):
    def test_one_rank_exchanges_nothing(self):
        self.assertEqual(model.step_seconds(1, 8, 1_000_000, MACHINE, NETWORK), 8 * 3 + 1)

    def test_each_doubling_is_one_message_up_and_one_down(self):
        message = 1 + 0.5 + 0.25 + 0.1
        for ranks, hops, parts in ((2, 1, 4), (4, 2, 2), (8, 3, 1)):
            self.assertAlmostEqual(model.step_seconds(ranks, 8, 1_000_000, MACHINE, NETWORK),
                                   parts * 3 + 1 + 2 * hops * message)

    def test_the_rank_with_most_parts_counts(self):
        self.assertAlmostEqual(model.step_seconds(4, 9, 0, MACHINE, NETWORK) - model.step_seconds(4, 8, 0, MACHINE, NETWORK),
                               3)

    def test_the_smallest_batch_computes_half_of_the_time(self):
        for ranks in (2, 8, 64):
            parts = model.smallest_batch(ranks, 5_000_000, MACHINE, NETWORK)
            exchange = model.exchange_seconds(ranks, 5_000_000, MACHINE, NETWORK)
            computing = model.step_seconds(ranks, parts, 5_000_000, MACHINE, NETWORK) - exchange
            self.assertGreaterEqual(computing, exchange)
            self.assertLess(computing - MACHINE.part, exchange)


if __name__ == "__main__":
    unittest.main()
