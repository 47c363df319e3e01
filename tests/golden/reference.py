"""The study's models in PyTorch, the reference that slm's golden numbers come from.

A model maps tokens (B, T) to logits: of the last position (B, V), or of all of them (B, T, V) with
last=False. Parameter names are those of slm. Attention is written out, so that every step of it can be
compared; make_golden.py checks it against PyTorch's own layers.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F


def rotary_table(context, head_width, base=10000.0):
    """Cosines and sines (T, d/2) of angle = position / base^(i / (d/2)), for pair i of a head of width d."""
    half = head_width // 2
    frequency = base ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.outer(torch.arange(context, dtype=torch.float64), frequency)
    return angle.cos(), angle.sin()


def rotate(x, cosine, sine):
    """Turns the pairs (i, i + d/2) of x (…, T, d) by the angle of their position."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


class RMSNorm(nn.Module):
    """x / sqrt(mean(x²) + eps) * weight over the last axis."""

    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return x / (x.square().mean(dim=-1, keepdim=True) + self.eps).sqrt() * self.weight


class ShiftlessLayerNorm(nn.Module):
    """nn.LayerNorm without its bias."""

    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, None, self.eps)


def make_norm(width, normalization, biases, eps):
    if normalization == "rms":
        return RMSNorm(width, eps)
    return nn.LayerNorm(width, eps) if biases else ShiftlessLayerNorm(width, eps)


class CausalSelfAttention(nn.Module):
    """Causal multi-head self-attention, (B, T, C) → (B, T, C), with queries, keys and values packed in qkv.

    There may be fewer heads of keys and values, each of which serves as many consecutive heads of queries; the
    width of a head may be another than width / heads; and queries and keys may be normalised head by head."""

    def __init__(self, context, width, heads, *, rotary=False, dropout=0.0, packed_init=True, key_value_heads=0,
                 head_width=0, biases=True, query_key_norm=False, norm_epsilon=1e-5, rotary_base=10000.0):
        super().__init__()
        if head_width == 0 and width % heads != 0:
            raise ValueError(f"CausalSelfAttention: width {width} is not a multiple of {heads} heads")
        self.heads = heads
        self.key_value_heads = key_value_heads or heads
        self.head_width = head_width or width // heads
        self.dropout = dropout
        self.qkv = nn.Linear(width, (heads + 2 * self.key_value_heads) * self.head_width, bias=biases)
        self.proj = nn.Linear(heads * self.head_width, width, bias=biases)
        self.query_norm = RMSNorm(self.head_width, norm_epsilon) if query_key_norm else None
        self.key_norm = RMSNorm(self.head_width, norm_epsilon) if query_key_norm else None
        if packed_init:  # as nn.MultiheadAttention; otherwise q, k, v and proj are ordinary linear layers
            nn.init.xavier_uniform_(self.qkv.weight)
            if biases:
                nn.init.zeros_(self.qkv.bias)
                nn.init.zeros_(self.proj.bias)
        future = torch.ones(context, context, dtype=torch.bool).triu(1)
        self.register_buffer("future", future, persistent=False)
        self.rotary = rotary
        if rotary:
            cosine, sine = rotary_table(context, self.head_width, rotary_base)
            self.register_buffer("cosine", cosine.to(torch.get_default_dtype()), persistent=False)
            self.register_buffer("sine", sine.to(torch.get_default_dtype()), persistent=False)

    def forward(self, x):
        B, T, _ = x.shape
        shared = self.key_value_heads
        qkv = self.qkv(x).view(B, T, self.heads + 2 * shared, self.head_width).transpose(1, 2)
        q, k, v = qkv.split([self.heads, shared, shared], dim=1)  # (B, H, T, d), and (B, G, T, d) of both
        if self.query_norm is not None:
            q, k = self.query_norm(q), self.key_norm(k)
        if self.rotary:
            q = rotate(q, self.cosine[:T], self.sine[:T])
            k = rotate(k, self.cosine[:T], self.sine[:T])
        k, v = (x.repeat_interleave(self.heads // shared, dim=1) for x in (k, v))
        return self.proj(self.attend(q, k, v).transpose(1, 2).reshape(B, T, self.heads * self.head_width))

    def attend(self, q, k, v):
        """Values (B, H, T, d) averaged for each query by its attention to the positions up to its own, as
        q (B, H, Q, d); the queries are those of the last Q positions."""
        T, first = k.shape[-2], k.shape[-2] - q.shape[-2]
        scores = (q @ k.transpose(-2, -1)) / math.sqrt(self.head_width)
        weights = scores.masked_fill(self.future[first:T, :T], -math.inf).softmax(dim=-1)
        return F.dropout(weights, self.dropout, self.training) @ v


ACTIVATIONS = {
    "relu": F.relu,
    "gelu": F.gelu,
    "swiglu": F.silu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu_squared": lambda x: F.relu(x).square(),
}


class FeedForward(nn.Module):
    """down(f(up(x))), or SwiGLU: down(up(x) * silu(gate(x))); then dropout."""

    def __init__(self, width, hidden, *, activation="relu", dropout=0.0, biases=True):
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.dropout = dropout
        self.up = nn.Linear(width, hidden, bias=biases)
        self.gate = nn.Linear(width, hidden, bias=biases) if activation == "swiglu" else None
        self.down = nn.Linear(hidden, width, bias=biases)

    def forward(self, x):
        if self.gate is None:
            hidden = self.activation(self.up(x))
        else:
            hidden = self.up(x) * self.activation(self.gate(x))
        return F.dropout(self.down(hidden), self.dropout, self.training)


class Block(nn.Module):
    """Post-norm as in the baselines (dropout on the attention weights), or pre-norm as in the position study
    (dropout on both branches instead)."""

    def __init__(self, context, width, heads, hidden, *, pre_norm, rotary, activation, dropout,
                 normalization="layer", norm_epsilon=1e-5, biases=True, **attention):
        super().__init__()
        self.pre_norm = pre_norm
        self.dropout = dropout
        self.attention = CausalSelfAttention(context, width, heads, rotary=rotary, packed_init=not pre_norm,
                                             dropout=0.0 if pre_norm else dropout, biases=biases,
                                             norm_epsilon=norm_epsilon, **attention)
        self.norm1 = make_norm(width, normalization, biases, norm_epsilon)
        self.feed_forward = FeedForward(width, hidden, activation=activation, dropout=dropout, biases=biases)
        self.norm2 = make_norm(width, normalization, biases, norm_epsilon)

    def forward(self, x):
        if self.pre_norm:
            x = x + F.dropout(self.attention(self.norm1(x)), self.dropout, self.training)
            return x + F.dropout(self.feed_forward(self.norm2(x)), self.dropout, self.training)
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.feed_forward(x))


class TransformerLM(nn.Module):
    """Decoder of `layers` blocks. position is "learned", "rotary" or "none". The paper's self-attention model
    is the one of a single layer. `attention` are options of CausalSelfAttention; with `tied`, the head's matrix is
    the embedding's."""

    def __init__(self, vocab, context, width, layers, heads, hidden, *, pre_norm=False, position="learned",
                 activation="relu", dropout=0.0, normalization="layer", norm_epsilon=1e-5, biases=True, tied=False,
                 **attention):
        super().__init__()
        if position not in ("learned", "rotary", "none"):
            raise ValueError(f'TransformerLM: position is "learned", "rotary" or "none", not "{position}"')
        self.embedding = nn.Embedding(vocab, width)
        self.positions = nn.Embedding(context, width) if position == "learned" else None
        self.blocks = nn.ModuleList(
            Block(context, width, heads, hidden, pre_norm=pre_norm, rotary=position == "rotary",
                  activation=activation, dropout=dropout, normalization=normalization,
                  norm_epsilon=norm_epsilon, biases=biases, **attention) for _ in range(layers))
        self.norm = make_norm(width, normalization, biases, norm_epsilon)
        self.head = nn.Linear(width, vocab, bias=biases)
        if tied:
            self.head.weight = self.embedding.weight

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
