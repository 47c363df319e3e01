"""Recurrent language models in PyTorch, the reference for slm's GruLM, LstmLM and MinGruLM.

A model maps tokens (B, T) to the logits of all positions (B, T, V), or of the last one (B, V). Its GRU and LSTM are
PyTorch's nn.GRU and nn.LSTM, a module for each layer; the minimal GRU is written out. `slm_name` is a parameter's
name in slm: PyTorch's but for the number of the layer, "_l0".
"""
import torch
from torch import nn


class MinGru(nn.Module):
    """z = sigmoid(linear_z(x)), h' = (1 - z) h + z linear_h(x): arXiv 2410.01201, section 3.1, the plain version."""

    def __init__(self, width):
        super().__init__()
        self.gates = nn.Linear(width, 2 * width)  # z, then the candidate

    def forward(self, x):
        z, candidate = self.gates(x).chunk(2, dim=-1)
        z = z.sigmoid()
        h = torch.zeros_like(x[:, 0])
        states = []
        for t in range(x.shape[1]):
            h = (1 - z[:, t]) * h + z[:, t] * candidate[:, t]
            states.append(h)
        return torch.stack(states, dim=1)


def make_layer(cell, width):
    if cell == "min_gru":
        return MinGru(width)
    return {"gru": nn.GRU, "lstm": nn.LSTM}[cell](width, width, batch_first=True)


class RecurrentLM(nn.Module):
    def __init__(self, cell, vocab, width, layers, residual=False):
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(layers if residual else 0)])
        self.layers = nn.ModuleList([make_layer(cell, width) for _ in range(layers)])
        self.norm = nn.LayerNorm(width) if residual else nn.Identity()
        self.head = nn.Linear(width, vocab)

    def forward(self, tokens, last=True):
        x = self.embedding(tokens)
        for i, layer in enumerate(self.layers):
            h = layer(self.norms[i](x) if self.norms else x)
            h = h[0] if isinstance(h, tuple) else h  # nn.GRU and nn.LSTM give their last states, too
            x = x + h if self.norms else h
        return self.head(self.norm(x[:, -1] if last else x))


def slm_name(name):
    return name.removesuffix("_l0")


def parameters_of(model):
    """The parameters by slm's names."""
    return {slm_name(name): parameter for name, parameter in model.named_parameters()}
