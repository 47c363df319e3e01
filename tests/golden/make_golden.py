#!/usr/bin/env python3
"""Writes the golden numbers that slm is tested against: tests/golden/*.safetensors, in double precision.

    /usr/bin/python3 tests/golden/make_golden.py [FOLDER]

A model's file has its configuration as metadata and, as tensors: tokens (B, T), targets (B) or (B, T),
weight.NAME, logits, loss, grad.NAME, and, but for recurrent models, adam_losses: the loss before each of ten steps
of Adam. No dropout. operations.safetensors, elementwise.safetensors, arrangement.safetensors and losses.safetensors
have single operations: NAME.x, the gradient NAME.dy that arrives, and what PyTorch makes of them;
optimizers.safetensors has ten steps of each optimizer. Before anything is written, the reference is checked against
PyTorch's own layers.
"""
import pathlib
import sys
from functools import partial

try:
    import torch
except ImportError:
    sys.exit("make_golden.py needs PyTorch: apt-get install python3-torch, then run it with /usr/bin/python3")
from torch import nn
from torch.nn import functional as F

from arrangement import make_arrangement
from elementwise import make_elementwise
from losses import make_losses
from operation_record import record as record_into
from optimizers import make_optimizers
from reference import CausalSelfAttention, LinearLM, MlpLM, TransformerLM, rotary_table, rotate
from safetensors_file import save
import recurrent

VOCAB, CONTEXT, WIDTH, HEADS, BATCH = 11, 6, 8, 2, 3
LEARNING_RATE = 0.01

CASES = {
    "linear": dict(model="linear"),
    "mlp": dict(model="mlp", hidden=5),
    "attention": dict(model="transformer", layers=1, hidden=16),
    "transformer": dict(model="transformer", layers=3, hidden=12),
    "learned": dict(model="transformer", layers=2, hidden=12, pre_norm=True),
    "rope": dict(model="transformer", layers=2, hidden=12, pre_norm=True, position="rotary"),
    "swiglu": dict(model="transformer", layers=2, hidden=12, pre_norm=True, position="none", activation="swiglu"),
    "gelu": dict(model="transformer", layers=2, hidden=12, pre_norm=True, activation="gelu", predict="all"),
}
# The transformer's other options, in combinations in which each has an effect. Their seeds are counted apart, so
# that a case more changes no other file.
OPTION_CASES = {
    "options_rms": dict(model="transformer", layers=2, hidden=12, pre_norm=True, position="rotary",
                        activation="swiglu", predict="all", normalization="rms", norm_epsilon=0.01, biases=False,
                        key_value_heads=1, rotary_base=100.0),
    "options_tied": dict(model="transformer", layers=1, hidden=12, pre_norm=True, activation="gelu_tanh",
                         tied=True),
    "options_normed": dict(model="transformer", layers=1, heads=4, hidden=12, pre_norm=True, position="rotary",
                           activation="relu_squared", predict="all", norm_epsilon=0.02, key_value_heads=2,
                           head_width=6, query_key_norm=True),
    "options_shiftless": dict(model="transformer", layers=1, hidden=12, activation="relu_squared", biases=False,
                              query_key_norm=True, tied=True, norm_epsilon=0.05),
    "options_wide": dict(model="transformer", layers=1, hidden=12, position="none", activation="gelu_tanh",
                         predict="all", normalization="rms", head_width=5, key_value_heads=1),
}
RECURRENT_CASES = {
    "gru": dict(model="gru", layers=2),
    "lstm": dict(model="lstm", layers=2),
    "min_gru": dict(model="min_gru", layers=3, residual=True),
}
TRANSFORMER_DEFAULTS = dict(heads=HEADS, pre_norm=False, position="learned", activation="relu")


def assert_close(name, actual, expected, tolerance=1e-12):
    error = (actual - expected).norm() / expected.norm()
    if not error <= tolerance:
        sys.exit(f"make_golden.py: {name} differs from PyTorch's by {error:.3g} relative, more than {tolerance:.3g}")


def check_reference():
    """The reference's attention and blocks against nn.MultiheadAttention and nn.TransformerEncoderLayer."""
    x = torch.randn(BATCH, CONTEXT, WIDTH)
    future = torch.ones(CONTEXT, CONTEXT, dtype=torch.bool).triu(1)

    ours = randomise(CausalSelfAttention(CONTEXT, WIDTH, HEADS))
    theirs = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    theirs.load_state_dict({"in_proj_weight": ours.qkv.weight, "in_proj_bias": ours.qkv.bias,
                            "out_proj.weight": ours.proj.weight, "out_proj.bias": ours.proj.bias})
    assert_close("attention", ours(x), theirs(x, x, x, attn_mask=future)[0])

    for pre_norm in (False, True):
        for activation in ("relu", "gelu"):
            model = randomise(TransformerLM(VOCAB, CONTEXT, WIDTH, 1, HEADS, 12, pre_norm=pre_norm,
                                            activation=activation))
            block = model.blocks[0]
            layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 12, dropout=0, activation=activation,
                                               batch_first=True, norm_first=pre_norm)
            layer.self_attn.in_proj_weight, layer.self_attn.in_proj_bias = block.attention.qkv.parameters()
            layer.self_attn.out_proj = block.attention.proj
            layer.linear1, layer.linear2 = block.feed_forward.up, block.feed_forward.down
            layer.norm1, layer.norm2 = block.norm1, block.norm2
            assert_close(f"block ({activation}, pre_norm={pre_norm})", block(x), layer(x, src_mask=future))

    # A rotation of pairs is a product of complex numbers.
    cosine, sine = rotary_table(CONTEXT, WIDTH)
    pairs = torch.complex(x[..., :WIDTH // 2], x[..., WIDTH // 2:]) * torch.complex(cosine, sine)
    assert_close("rotary embedding", rotate(x, cosine, sine), torch.cat([pairs.real, pairs.imag], dim=-1))


def randomise(module):
    """Moves every parameter off its initial value: a forgotten bias of zero or gain of one would not show."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return module


def build(config):
    sizes = dict(vocab=VOCAB, context=CONTEXT, width=WIDTH)
    if config["model"] == "linear":
        return LinearLM(**sizes)
    if config["model"] == "mlp":
        return MlpLM(**sizes, hidden=config["hidden"])
    options = {key: value for key, value in config.items() if key not in ("model", "predict")}
    return TransformerLM(**sizes, **options)


def make_model_case(config):
    if config["model"] == "transformer":
        config = TRANSFORMER_DEFAULTS | config
    predict = config.setdefault("predict", "last")
    model = randomise(build(config))
    text = torch.randint(VOCAB, (BATCH, CONTEXT + 1))
    tokens = text[:, :-1]
    targets = text[:, -1] if predict == "last" else text[:, 1:]

    def forward():
        logits = model(tokens, last=False) if predict == "all" else model(tokens)
        return logits, F.cross_entropy(logits.flatten(0, -2), targets.flatten())

    tensors = {"weight." + name: value.detach().clone() for name, value in model.named_parameters()}
    logits, loss = forward()
    loss.backward()
    tensors |= {"grad." + name: value.grad.clone() for name, value in model.named_parameters()}

    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8)
    curve = []
    for _ in range(10):
        optimizer.zero_grad()
        step_loss = forward()[1]
        curve.append(step_loss.detach())
        step_loss.backward()
        optimizer.step()

    tensors |= {"tokens": tokens, "targets": targets, "logits": logits, "loss": loss.reshape(1),
                "adam_losses": torch.stack(curve)}
    metadata = config | dict(vocab=VOCAB, context=CONTEXT, width=WIDTH, batch=BATCH, learning_rate=LEARNING_RATE)
    return tensors, {key: str(value).lower() for key, value in metadata.items()}


def check_layers_are_stacked(model, cell):
    """Layer after layer is PyTorch's module of several layers."""
    x = torch.randn(BATCH, CONTEXT, WIDTH)
    whole = {"gru": nn.GRU, "lstm": nn.LSTM}[cell](WIDTH, WIDTH, len(model.layers), batch_first=True)
    whole.load_state_dict({name.replace("_l0", f"_l{i}"): value for i, layer in enumerate(model.layers)
                           for name, value in layer.state_dict().items()})
    y = x
    for layer in model.layers:
        y = layer(y)[0]
    assert_close(f"{cell} of {len(model.layers)} layers", y, whole(x)[0])


def make_recurrent_case(model, layers, residual=False):
    """As make_model_case, without the training, of the loss at all positions."""
    cell = model
    model = randomise(recurrent.RecurrentLM(cell, VOCAB, WIDTH, layers, residual))
    if not residual:
        check_layers_are_stacked(model, cell)
    text = torch.randint(VOCAB, (BATCH, CONTEXT + 1))
    tokens, targets = text[:, :-1], text[:, 1:]
    logits = model(tokens, last=False)
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    loss.backward()
    parameters = recurrent.parameters_of(model)
    tensors = {"tokens": tokens, "targets": targets, "logits": logits, "loss": loss.reshape(1)}
    tensors |= {"weight." + name: value for name, value in parameters.items()}
    tensors |= {"grad." + name: value.grad for name, value in parameters.items()}
    metadata = dict(model=cell, layers=layers, layering="residual" if residual else "stacked", vocab=VOCAB,
                    context=CONTEXT, width=WIDTH, batch=BATCH)
    return tensors, {key: str(value) for key, value in metadata.items()}


def rms_norm(x, gain, eps):
    return x / (x.square().mean(dim=-1, keepdim=True) + eps).sqrt() * gain


def make_operations():
    tensors = {}
    record = partial(record_into, tensors)

    eps = 1e-5
    line = torch.linspace(-6, 6, 25)
    record("gelu", F.gelu, x=line.clone())
    record("relu", F.relu, x=line.clone())
    record("silu", F.silu, x=line.clone())
    record("softmax", lambda x: x.softmax(dim=-1), x=3 * torch.randn(4, 7))
    record("layer_norm", lambda x, gain, shift: F.layer_norm(x, (WIDTH,), gain, shift, eps),
           x=2 * torch.randn(5, WIDTH) + 1, gain=torch.randn(WIDTH), shift=torch.randn(WIDTH))
    record("rms_norm", lambda x, gain: rms_norm(x, gain, eps), x=2 * torch.randn(5, WIDTH) + 1,
           gain=torch.randn(WIDTH))

    parameter = nn.Parameter(torch.randn(9))
    options = dict(lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    optimizer = torch.optim.AdamW([parameter], **options)
    tensors["adamw.start"] = parameter.detach().clone()
    for step in ("1", "2"):
        parameter.grad = torch.randn(9)
        tensors["adamw.grad" + step] = parameter.grad
        optimizer.step()
        tensors["adamw.after" + step] = parameter.detach().clone()

    metadata = {"layer_norm.eps": eps, "rms_norm.eps": eps, "adamw.learning_rate": options["lr"],
                "adamw.beta1": options["betas"][0], "adamw.beta2": options["betas"][1],
                "adamw.eps": options["eps"], "adamw.weight_decay": options["weight_decay"]}
    return tensors, {key: repr(value) for key, value in metadata.items()}


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.manual_seed(689)
    check_reference()
    for seed, (name, config) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        tensors, metadata = make_model_case(dict(config))
        save(folder / f"{name}.safetensors", tensors, metadata)
        losses = ", ".join(f"{loss:.4f}" for loss in tensors["adam_losses"])
        print(f"{name}: losses {losses}")
    torch.manual_seed(len(CASES))
    save(folder / "operations.safetensors", *make_operations())
    save(folder / "elementwise.safetensors", *make_elementwise())
    torch.manual_seed(100)
    save(folder / "arrangement.safetensors", *make_arrangement())
    torch.manual_seed(100)
    save(folder / "losses.safetensors", *make_losses())
    torch.manual_seed(1611)
    save(folder / "optimizers.safetensors", *make_optimizers())
    for seed, (name, config) in enumerate(OPTION_CASES.items(), start=100):
        torch.manual_seed(seed)
        save(folder / f"{name}.safetensors", *make_model_case(dict(config)))
    for seed, (name, config) in enumerate(RECURRENT_CASES.items(), start=100):
        torch.manual_seed(seed)
        save(folder / f"{name}.safetensors", *make_recurrent_case(**config))


if __name__ == "__main__":
    main()
