"""The study's models at full size in PyTorch, as peers to time slm against.

They are the reference of tests/golden. Its plain attention is also PyTorch 1.13's best: of nn.MultiheadAttention
(need_weights=False), mask and scale fused (baddbmm) and masking in place, none trained faster (transformer, 2
threads, OpenMP OpenBLAS, medians in turn: plain 648, then 653, 669 and 652 ms a step; self-attention 210, then
220, 222 and, split before the transpose, 215), and Adam's foreach loops took the same time as its plain ones.
Later versions have two more ways, which compare.py tries: the variants below.
"""
import pathlib
import sys

import torch
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"))
from recurrent import RecurrentLM, slm_name  # noqa: E402
from reference import CausalSelfAttention, LinearLM, MlpLM, TransformerLM, rotate  # noqa: E402

WIDTH = 128
FUSED, COMPILED = "fused", "compiled"
VARIANTS = ["plain", FUSED, COMPILED, f"{COMPILED}+{FUSED}"]  # attention written out or fused, run as it is or compiled


def parts(variant):
    return variant.split("+")


def missing(variant):
    """What this PyTorch lacks for a variant, or None."""
    if FUSED in parts(variant) and not hasattr(F, "scaled_dot_product_attention"):
        return f"PyTorch {torch.__version__} has no scaled_dot_product_attention"
    if COMPILED in parts(variant) and not hasattr(torch, "compile"):
        return f"PyTorch {torch.__version__} has no torch.compile"
    return None


class FusedSelfAttention(CausalSelfAttention):
    """The same by PyTorch's own kernel for attention."""

    def attend(self, q, k, v):
        return F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0,
                                              is_causal=q.shape[-2] == k.shape[-2])


def fuse_attention(model):
    for module in model.modules():
        if isinstance(module, CausalSelfAttention):
            module.__class__ = FusedSelfAttention  # the blocks make their attention themselves


class Peer:
    """One model's sizes: batch B, context T, vocabulary V, whether every position is predicted, and whether it has
    attention."""

    def __init__(self, build, *, batch=64, context=128, vocab=65, dropout=0.1, all_positions=False, attention=True):
        self.build, self.batch, self.context, self.vocab = build, batch, context, vocab
        self.dropout, self.all_positions, self.attention = dropout, all_positions, attention

    def model(self, dropout):
        return self.build(self.vocab, self.context, self.dropout if dropout is None else dropout)

    def batches(self, count):
        """Random tokens (B, T) with the targets of the task, (B) or (B, T)."""
        for _ in range(count):
            text = torch.randint(self.vocab, (self.batch, self.context + 1))
            yield text[:, :-1].contiguous(), (text[:, 1:] if self.all_positions else text[:, -1]).contiguous()


def linear(V, T, p):
    return LinearLM(V, T, WIDTH)


def mlp(V, T, p):
    return MlpLM(V, T, WIDTH, 256, dropout=p)


def transformer(layers, hidden, width=WIDTH, heads=4, **options):
    return lambda V, T, p: TransformerLM(V, T, width, layers, heads, hidden, dropout=p, **options)


PEERS = {
    "linear": Peer(linear, dropout=0.0, attention=False),
    "mlp": Peer(mlp, attention=False),
    "attention": Peer(transformer(1, 512)),
    "transformer": Peer(transformer(3, 256)),
    "learned": Peer(transformer(3, 256, pre_norm=True)),
    "rope": Peer(transformer(3, 256, pre_norm=True, position="rotary")),
    "ptb": Peer(transformer(3, 256), batch=32, context=64, vocab=9999),
    "wikitext2": Peer(transformer(3, 256), batch=32, context=64, vocab=33277),
    "gpt": Peer(transformer(4, 512, pre_norm=True, activation="gelu"), batch=12, context=64, dropout=0.0,
                all_positions=True),
    # The shapes of GPT-2's smallest, 163 million parameters: the head has weights of its own.
    "gpt2": Peer(transformer(12, 3072, width=768, heads=12, pre_norm=True, activation="gelu"), batch=4, context=64,
                 vocab=50257, dropout=0.0, all_positions=True),
    "gru": Peer(lambda V, T, p: RecurrentLM("gru", V, WIDTH, 1), context=64, all_positions=True, attention=False),
    "lstm": Peer(lambda V, T, p: RecurrentLM("lstm", V, WIDTH, 1), context=64, all_positions=True, attention=False),
}


def attend_from_last(attention, x):
    """The attention's output at the last position alone, (B, T, C) → (B, 1, C): one query, all keys and values."""
    B, T, C = x.shape
    weight_q, weight_kv = attention.qkv.weight.split([C, 2 * C])
    bias_q, bias_kv = attention.qkv.bias.split([C, 2 * C])
    heads, d = attention.heads, C // attention.heads
    q = F.linear(x[:, -1:], weight_q, bias_q).view(B, 1, heads, d).transpose(1, 2)
    k, v = F.linear(x, weight_kv, bias_kv).view(B, T, 2, heads, d).permute(2, 0, 3, 1, 4)
    if attention.rotary:
        q = rotate(q, attention.cosine[T - 1:T], attention.sine[T - 1:T])
        k = rotate(k, attention.cosine[:T], attention.sine[:T])
    return attention.proj(attention.attend(q, k, v).transpose(1, 2).reshape(B, 1, C))


def forward_with_shortcut(model, tokens):
    """The same logits (B, V) of a TransformerLM, the last block computed for the last position alone, as slm
    does it."""
    x = model.embedding(tokens)
    if model.positions is not None:
        x = x + model.positions.weight
    for block in model.blocks[:-1]:
        x = block(x)
    block = model.blocks[-1]
    p, training = block.dropout, block.training
    if block.pre_norm:
        last = x[:, -1:] + F.dropout(attend_from_last(block.attention, block.norm1(x)), p, training)
        last = last + F.dropout(block.feed_forward(block.norm2(last)), p, training)
    else:
        last = block.norm1(x[:, -1:] + attend_from_last(block.attention, x))
        last = block.norm2(last + block.feed_forward(last))
    return model.head(model.norm(last[:, 0]))
