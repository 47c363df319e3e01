"""Losses and their gradients by PyTorch, for the examples of tests/operations/loss.hpp."""
from functools import partial

import torch
from torch.nn import functional as F

from operation_record import record as record_into

ALL_TERMS = dict(label_smoothing=0.125, ignore_index=-100, z_loss=0.25)


def example_targets(shape, vocabulary, ignore_index=None):
    """As `example_targets` of tests/operations/loss.hpp."""
    tokens = [(i * i + 3 * i + 1) % vocabulary for i in range(torch.Size(shape).numel())]
    if ignore_index is not None:
        tokens[1::3] = [ignore_index] * len(tokens[1::3])
    return torch.tensor(tokens).reshape(shape)


def token_losses(logits, targets, label_smoothing=0.0, ignore_index=None, z_loss=0.0):
    losses = F.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none",
                             ignore_index=-100 if ignore_index is None else ignore_index,
                             label_smoothing=label_smoothing).reshape(targets.shape)
    counted = torch.ones_like(losses) if ignore_index is None else (targets != ignore_index).to(losses)
    return losses + z_loss * counted * logits.logsumexp(dim=-1).square()


def cross_entropy(logits, targets, label_smoothing=0.0, ignore_index=None, z_loss=0.0):
    """PyTorch's own mean, and that of the z-loss over the same targets."""
    ignored = -100 if ignore_index is None else ignore_index
    loss = F.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=ignored,
                           label_smoothing=label_smoothing)
    return loss + z_loss * logits.logsumexp(dim=-1)[targets != ignored].square().mean()


def make_losses():
    tensors = {}
    record = partial(record_into, tensors)

    def record_tokens(name, function, shape, vocabulary, **config):
        targets = example_targets(shape, vocabulary, config.get("ignore_index"))
        record(name, lambda logits: function(logits, targets, **config), logits=2 * torch.randn(*shape, vocabulary))

    record_tokens("token_losses", token_losses, (4,), 7, **ALL_TERMS)
    record_tokens("token_losses (plain, rank 3)", token_losses, (2, 3), 20)
    record_tokens("cross_entropy", cross_entropy, (4,), 7)
    record_tokens("cross_entropy (rank 3)", cross_entropy, (2, 3), 7)
    record_tokens("cross_entropy (ignored targets)", cross_entropy, (2, 3), 7, ignore_index=-100)
    record_tokens("cross_entropy (label smoothing)", cross_entropy, (4,), 7, label_smoothing=0.125)
    record_tokens("cross_entropy (z-loss)", cross_entropy, (4,), 7, z_loss=0.25)
    record_tokens("cross_entropy (all terms)", cross_entropy, (4,), 7, **ALL_TERMS)
    record("mean_squared_error", F.mse_loss, prediction=torch.randn(2, 3, 4), target=torch.randn(2, 3, 4))
    return tensors, {}
