"""Golden numbers of reductions and of operations that rearrange: NAME.x, the gradient NAME.dy that arrives, and what
PyTorch makes of them. Names, indices and the mask are those of the examples in tests/operations/."""
import torch

from operation_record import record as record_into


def example_tokens(vocabulary, *shape):
    i = torch.arange(torch.Size(shape).numel())
    return ((i * i + 3 * i + 1) % vocabulary).reshape(shape)


def make_arrangement():
    tensors = {}

    def record(name, function, **shapes):
        inputs = {key: torch.randn(shape) for key, shape in shapes.items()}
        record_into(tensors, name, function, **inputs)

    record("sum (last axis)", lambda x: x.sum(-1), x=(2, 3, 20))
    record("mean (last axis)", lambda x: x.mean(-1), x=(2, 3, 20))
    record("max (last axis)", lambda x: x.max(-1).values, x=(2, 3, 20))
    record("logsumexp (last axis)", lambda x: x.logsumexp(-1), x=(2, 3, 20))
    record("log_softmax", lambda x: x.log_softmax(-1), x=(4, 7))
    record("transpose (heads)", lambda x: x.transpose(1, 2), x=(2, 3, 2, 4))
    record("slice", lambda x: x[:, 1:3], x=(2, 4, 3))
    record("select", lambda x: x.select(1, 2), x=(2, 4, 3))
    record("concatenate", lambda a, b: torch.cat([a, b], 1), a=(2, 3, 2), b=(2, 1, 2))
    record("stack", lambda a, b, c: torch.stack([a, b, c], 1), a=(2, 3), b=(2, 3), c=(2, 3))
    record("gather_rows", lambda x: x[example_tokens(5, 7)], x=(5, 3))
    record("gather", lambda x: x.gather(-1, example_tokens(5, 2, 3)[..., None]).squeeze(-1), x=(2, 3, 5))
    mask = (torch.arange(12) ** 2 % 3 == 1).reshape(3, 4)
    record("masked_fill (trailing axes)", lambda x: x.masked_fill(mask, -2.5), x=(2, 3, 4))
    return tensors, {}
