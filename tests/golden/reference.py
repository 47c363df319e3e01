"""The study's models in PyTorch, the reference that slm's golden numbers come from.

A model maps tokens (B, T) to logits: of the last position (B, V), or of all of them (B, T, V) with
last=False. Parameter names are those of slm. Attention is written out, so that every step of it can be
compared; make_golden.py checks it against PyTorch's own layers.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F


def rotary_table(context, head_width):
    """Cosines and sines (T, d/2) of angle = position / 10000^(i / (d/2)), for pair i of a head of width d."""
    half = head_width // 2
    frequency = 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.outer(torch.arange(context, dtype=torch.float64), frequency)
    return angle.cos(), angle.sin()


def rotate(x, cosine, sine):
    """Turns the pairs (i, i + d/2) of x (…, T, d) by the angle of their position."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


class CausalSelfAttention(nn.Module):
    """Causal multi-head self-attention, (B, T, C) → (B, T, C), with queries, keys and values packed in qkv."""

    def __init__(self, context, width, heads, *, rotary=False, dropout=0.0, packed_init=True):
        super().__init__()
        if width % heads != 0:
            raise ValueError(f"CausalSelfAttention: width {width} is not a multiple of {heads} heads")
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        if packed_init:  # as nn.MultiheadAttention; otherwise q, k, v and proj are ordinary linear layers
            nn.init.xavier_uniform_(self.qkv.weight)
            nn.init.zeros_(self.qkv.bias)
            nn.init.zeros_(self.proj.bias)
        future = torch.ones(context, context, dtype=torch.bool).triu(1)
        self.register_buffer("future", future, persistent=False)
        self.rotary = rotary
        if rotary:
            cosine, sine = rotary_table(context, width // heads)
            self.register_buffer("cosine", cosine.to(torch.get_default_dtype()), persistent=False)
            self.register_buffer("sine", sine.to(torch.get_default_dtype()), persistent=False)

    def forward(self, x):
        B, T, C = x.shape
        qkv = self.qkv(x).view(B, T, 3, self.heads, C // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, d) each
        if self.rotary:
            q = rotate(q, self.cosine[:T], self.sine[:T])
            k = rotate(k, self.cosine[:T], self.sine[:T])
        scores = (q @ k.transpose(-2, -1)) / math.sqrt(C // self.heads)
        weights = scores.masked_fill(self.future[:T, :T], -math.inf).softmax(dim=-1)
        weights = F.dropout(weights, self.dropout, self.training)
        return self.proj((weights @ v).transpose(1, 2).reshape(B, T, C))


ACTIVATIONS = {
    "relu": F.relu,
    "gelu": F.gelu,
    "swiglu": F.silu,
}


class FeedForward(nn.Module):
    """down(f(up(x))), or SwiGLU: down(up(x) * silu(gate(x))); then dropout."""

    def __init__(self, width, hidden, *, activation="relu", dropout=0.0):
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.dropout = dropout
        self.up = nn.Linear(width, hidden)
        self.gate = nn.Linear(width, hidden) if activation == "swiglu" else None
        self.down = nn.Linear(hidden, width)

    def forward(self, x):
        if self.gate is None:
            hidden = self.activation(self.up(x))
        else:
            hidden = self.up(x) * self.activation(self.gate(x))
        return F.dropout(self.down(hidden), self.dropout, self.training)


class Block(nn.Module):
    """Post-norm as in the baselines (dropout on the attention weights), or pre-norm as in the position study
    (dropout on both branches instead)."""

    def __init__(self, context, width, heads, hidden, *, pre_norm, rotary, activation, dropout):
        super().__init__()
        self.pre_norm = pre_norm
        self.dropout = dropout
        self.attention = CausalSelfAttention(context, width, heads, rotary=rotary, packed_init=not pre_norm,
                                             dropout=0.0 if pre_norm else dropout)
        self.norm1 = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, hidden, activation=activation, dropout=dropout)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, x):
        if self.pre_norm:
            x = x + F.dropout(self.attention(self.norm1(x)), self.dropout, self.training)
            return x + F.dropout(self.feed_forward(self.norm2(x)), self.dropout, self.training)
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.feed_forward(x))


class TransformerLM(nn.Module):
    """Decoder of `layers` blocks. position is "learned", "rotary" or "none". The paper's self-attention model
    is the one of a single layer."""

    def __init__(self, vocab, context, width, layers, heads, hidden, *, pre_norm=False, position="learned",
                 activation="relu", dropout=0.0):
        super().__init__()
        if position not in ("learned", "rotary", "none"):
            raise ValueError(f'TransformerLM: position is "learned", "rotary" or "none", not "{position}"')
        self.embedding = nn.Embedding(vocab, width)
        self.positions = nn.Embedding(context, width) if position == "learned" else None
        self.blocks = nn.ModuleList(
            Block(context, width, heads, hidden, pre_norm=pre_norm, rotary=position == "rotary",
                  activation=activation, dropout=dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocab)

    def forward(self, tokens, last=True):
        x = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions.weight[:tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, -1] if last else x))


class MlpLM(nn.Module):
    """The T embeddings side by side, two hidden layers of h with ReLU and dropout, and the head."""

    def __init__(self, vocab, context, width, hidden, *, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        self.embedding = nn.Embedding(vocab, width)
        self.hidden = nn.ModuleList([nn.Linear(context * width, hidden), nn.Linear(hidden, hidden)])
        self.head = nn.Linear(hidden, vocab)

    def forward(self, tokens):
        x = self.embedding(tokens).flatten(1)
        for layer in self.hidden:
            x = F.dropout(F.relu(layer(x)), self.dropout, self.training)
        return self.head(x)


class LinearLM(nn.Module):
    """The T embeddings side by side and one linear layer."""

    def __init__(self, vocab, context, width):
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.head = nn.Linear(context * width, vocab)

    def forward(self, tokens):
        return self.head(self.embedding(tokens).flatten(1))
