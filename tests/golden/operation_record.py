"""What a golden file has of one operation."""
import torch


def record(tensors, name, function, **inputs):
    """Enters NAME.x and other inputs, NAME.y, a gradient NAME.dy that arrives, and NAME.dx that PyTorch makes of it."""
    leaves = {key: value.requires_grad_() for key, value in inputs.items()}
    y = function(*leaves.values())
    dy = torch.randn_like(y)
    y.backward(dy)
    tensors.update({f"{name}.y": y, f"{name}.dy": dy})
    for key, value in leaves.items():
        tensors.update({f"{name}.{key}": value, f"{name}.d{key}": value.grad})
