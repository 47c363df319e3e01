"""Golden numbers of operations that work element by element, as make_golden.py writes them:
elementwise.safetensors has NAME.x and other inputs, the gradient NAME.dy that arrives, and what PyTorch makes of
them. Numbers that an operation takes beside its inputs are those of the table of operations."""
from functools import partial

import torch
from torch.nn import functional as F

from operation_record import record as record_into


def make_elementwise():
    torch.manual_seed(1616)
    tensors = {}
    record = partial(record_into, tensors)

    # From -6 to 6 with 0 and 0.5 among them, where slopes jump.
    line = torch.linspace(-6, 6, 25)
    for name, function in {
        "negate": torch.neg,
        "shift": lambda x: x + 0.5,
        "exp": torch.exp,
        "square": torch.square,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "softplus": F.softplus,
        "abs": torch.abs,
        "minimum": lambda x: torch.clamp(x, max=0.5),
        "maximum": lambda x: torch.clamp(x, min=0.5),
        "elementwise": F.softplus,
        "relu_squared": lambda x: F.relu(x).square(),
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    }.items():
        record(name, function, x=line.clone())
    for name, function in {"log": torch.log, "sqrt": torch.sqrt}.items():
        record(name, function, x=torch.linspace(0.25, 6.25, 25))
    record("subtract", torch.sub, a=torch.randn(2, 3, 4), b=torch.randn(2, 3, 4))
    record("divide", torch.div, a=torch.randn(2, 3, 4), b=torch.randn(2, 3, 4))
    record("broadcast", lambda x: x.expand(2, 3, 4), x=torch.randn(3, 4))
    return tensors, {}
