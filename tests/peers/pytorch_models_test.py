"""The variants of bench/peers/pytorch_models.py compute the same; skipped where there is no PyTorch."""
import unittest

import support  # noqa: F401  (puts bench/peers on the path)

try:
    import torch
except ImportError:
    raise unittest.SkipTest("no PyTorch") from None

import compare
from pytorch_models import (PEERS, VARIANTS, CausalSelfAttention, TransformerLM, forward_with_shortcut, fuse_attention,
                            missing)


def make_model(**options):
    torch.manual_seed(3)
    model = TransformerLM(7, 6, 8, 2, 2, 16, **options).eval()
    return model, torch.randint(7, (2, 6))


class Variants(unittest.TestCase):
    def test_the_driver_knows_them_by_the_same_names(self):
        self.assertEqual(compare.VARIANTS, VARIANTS)
        self.assertEqual(set(compare.MODELS + compare.LARGE), set(PEERS))
        self.assertIsNone(missing("plain"))

    def test_which_models_have_attention(self):
        for name, peer in PEERS.items():
            if name not in compare.LARGE:
                found = any(isinstance(module, CausalSelfAttention) for module in peer.model(None).modules())
                self.assertEqual(peer.attention, found, name)

    def test_the_last_position_alone_gives_the_same_logits(self):
        for options in ({}, {"pre_norm": True, "position": "rotary"}):
            model, tokens = make_model(**options)
            torch.testing.assert_close(forward_with_shortcut(model, tokens), model(tokens))

    @unittest.skipIf(missing("fused"), "no scaled_dot_product_attention")
    def test_fused_attention_gives_the_same_logits(self):
        for options in ({}, {"pre_norm": True, "position": "rotary"}):
            model, tokens = make_model(**options)
            expected = model(tokens, last=False)
            fuse_attention(model)
            torch.testing.assert_close(model(tokens, last=False), expected)
            torch.testing.assert_close(forward_with_shortcut(model, tokens), expected[:, -1])


if __name__ == "__main__":
    unittest.main()
