"""Ten steps of PyTorch's optimizers on given gradients, for optimizers.safetensors.

start.NAME are the weights before the first step, grad.NAME (10, …) the gradients of each step, and
CASE.NAME (10, …) the weights after each step of a case. What a case was made with is metadata.

PyTorch 1.13 has no Muon: it is written here from its authors' description (Jordan et al. 2024).
"""
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

STEPS = 10
SHAPES = {"tall": (7, 3), "wide": (3, 5), "square": (4, 4), "vector": (6,), "table": (9, 3)}
MATRICES = ("tall", "wide", "square")
FROZEN_STEPS = range(2, 6)  # of "tall", in the case that freezes
FACTORS = [1 / (1 + 0.1 * step) for step in range(STEPS)]  # of the rates, where they have a schedule


class Net(nn.Module):
    def __init__(self, start):
        super().__init__()
        for name, value in start.items():
            setattr(self, name, nn.Parameter(value.clone()))


def newton_schulz(matrix, rounds=5):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    if matrix.shape[0] > matrix.shape[1]:
        x = x.T
    for _ in range(rounds):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum, weight_decay):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                buffer = self.state[w].setdefault("momentum", torch.zeros_like(w))
                buffer.mul_(group["momentum"]).add_(w.grad)
                update = newton_schulz(w.grad + group["momentum"] * buffer)
                w.mul_(1 - group["lr"] * group["weight_decay"])
                w.sub_(update, alpha=group["lr"] * max(1, w.shape[0] / w.shape[1]) ** 0.5)


def make_optimizers():
    start = {name: torch.randn(shape) for name, shape in SHAPES.items()}
    grads = {name: torch.randn(STEPS, *shape) for name, shape in SHAPES.items()}
    for step in range(STEPS):  # rows that a step does not see, and one that none ever sees
        unseen = torch.randperm(SHAPES["table"][0] - 1)[:5] + 1
        grads["table"][step, unseen] = 0
        grads["table"][step, 0] = 0
    tensors = {"start." + name: value for name, value in start.items()}
    tensors |= {"grad." + name: value for name, value in grads.items()}

    def run(case, make, names=tuple(SHAPES), factors=None, sparse=(), frozen=(), look=lambda net: net):
        net = Net({name: start[name] for name in names})
        optimizers = make(net)
        schedules = [torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: factors[step])
                     for optimizer in optimizers] if factors else []
        seen = look(net)
        after = {name: [] for name in names}
        for step in range(STEPS):
            for name, parameter in net.named_parameters():
                grad = grads[name][step]
                if name in sparse:
                    grad = grad.to_sparse(1)
                parameter.grad = None if name in frozen and step in FROZEN_STEPS else grad.clone()
            for optimizer in optimizers:
                optimizer.step()
            for schedule in schedules:
                if step + 1 < STEPS:
                    schedule.step()
            if seen is not net:
                seen.update_parameters(net)
            for name, value in (seen if seen is net else seen.module).named_parameters():
                after[name].append(value.detach().clone())
        tensors.update({f"{case}.{name}": torch.stack(values) for name, values in after.items()})

    def adamw(params, lr=0.02, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0):
        return dict(params=params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def matrices(net):
        return [getattr(net, name) for name in MATRICES]

    def others(net):
        return [net.vector, net.table]

    def grouped_adam(net):
        return [torch.optim.AdamW([adamw(matrices(net), weight_decay=0.1),
                                   adamw(others(net), lr=0.005, betas=(0.8, 0.9), eps=1e-3)])]

    def grouped_sgd(net):
        return [torch.optim.SGD([dict(params=matrices(net), lr=0.05, momentum=0.9, weight_decay=0.1),
                                 dict(params=others(net), lr=0.01)], lr=1.0)]

    def one_adam(net):
        return [torch.optim.AdamW([adamw(list(net.parameters()), weight_decay=0.1)])]

    run("adam_groups", grouped_adam)
    run("adam_schedule", grouped_adam, factors=FACTORS)
    run("sgd_groups", grouped_sgd)
    run("adam_frozen", one_adam, frozen=("tall",))
    run("sgd_frozen", grouped_sgd, frozen=("tall",))
    run("sparse_adam", lambda net: [torch.optim.SparseAdam([net.table], lr=0.02, betas=(0.9, 0.95), eps=1e-3)],
        names=("table",), sparse=("table",))
    run("muon", lambda net: [Muon(matrices(net), lr=0.03, momentum=0.95, weight_decay=0.2),
                             torch.optim.AdamW([adamw(others(net), weight_decay=0.1)])])
    run("muon_schedule", lambda net: [Muon(matrices(net), lr=0.03, momentum=0.95, weight_decay=0.2),
                                      torch.optim.AdamW([adamw(others(net), weight_decay=0.1)])], factors=FACTORS)
    run("average", one_adam, look=lambda net: AveragedModel(net, avg_fn=lambda a, w, n: 0.7 * a + 0.3 * w))
    return tensors, {"torch": torch.__version__.split("+")[0], "steps": str(STEPS)}
