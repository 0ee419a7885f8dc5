"""PyTorch's side of a measurement (eager, CPU), driven as bench/sides/protocol.ts says: a request, then rounds.

The network is built from the workload the bench sends, layer by layer, so that both sides train the same one; the bench
compares the number of values in their kernels. Images come channels last in the workload and are fed channels first here.
Debian: apt-get install python3-torch libopenblas0-pthread
"""
import json
import sys
import time

import torch
from torch import nn

ROUND_SECONDS = 0.05
TRAINING_ROUND_SECONDS_MAX = 1
PRODUCT_SIZE = 1024
REPEATS = 5
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
RECURRENT = {"simple_rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class LastStep(nn.Module):
    """A recurrent layer read at its last time step: (batch, time, features) -> (batch, units)."""

    def __init__(self, cell, features, units):
        super().__init__()
        self.cell = cell(features, units, batch_first=True)

    def forward(self, x):
        return self.cell(x)[0][:, -1]


def add_layer(modules, layer, shape):
    """Appends the modules of a layer; shape is (channels, height, width), (time, features) or (features,)."""
    kind, activation = layer["type"], layer.get("activation")
    if kind == "dense":
        modules.append(nn.Linear(shape[0], layer["units"]))
        shape = (layer["units"],)
    elif kind == "conv2d":
        size = layer["kernel_size"]
        padding = size // 2 if layer.get("padding") == "same" else 0
        modules.append(nn.Conv2d(shape[0], layer["filters"], size, padding=padding))
        shape = (layer["filters"], *(side + 2 * padding - size + 1 for side in shape[1:]))
    elif kind == "max_pooling2d":
        modules.append(nn.MaxPool2d(2))
        shape = (shape[0], shape[1] // 2, shape[2] // 2)
    elif kind == "batch_normalization":
        modules.append(nn.BatchNorm2d(shape[0]))
    elif kind == "dropout":
        modules.append(nn.Dropout(layer["rate"]))
    elif kind == "flatten":
        modules.append(nn.Flatten())
        shape = (torch.Size(shape).numel(),)
    elif kind in RECURRENT:
        modules.append(LastStep(RECURRENT[kind], shape[-1], layer["units"]))
        shape = (layer["units"],)
    elif kind != "activation":
        raise ValueError(f"no module for {kind}")
    if activation in ACTIVATIONS:
        modules.append(ACTIVATIONS[activation]())
    elif activation not in (None, "linear", "softmax"):
        raise ValueError(f"no module for {activation}")
    return shape


def build(workload):
    """The network without a softmax at its end (the loss has it), and the shape of its input."""
    shape = tuple(workload["spec"]["input_shape"])
    if len(shape) == 3:
        shape = (shape[2], *shape[:2])
    modules, inner = [], shape
    for layer in workload["spec"]["layers"]:
        inner = add_layer(modules, layer, inner)
    return nn.Sequential(*modules), shape


def training(request):
    workload = request["workload"]
    model, shape = build(workload)
    rows, steps = workload["batchSize"], workload["steps"]
    x = torch.randn(rows, *shape)
    if workload["task"] == "classification":
        y, loss = torch.randint(0, workload["classes"], (rows,)), nn.CrossEntropyLoss()
    else:
        y, loss = torch.randn(rows, 1), nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    warm_up = max(2, steps // 10)
    started = time.perf_counter()
    for _ in range(warm_up):
        step()
    per_step = (time.perf_counter() - started) / warm_up
    # Fewer steps only where the round of the workload would be very long.
    count = max(1, min(steps, round(TRAINING_ROUND_SECONDS_MAX / per_step)))

    def measure(_):
        started = time.perf_counter()
        for _ in range(count):
            step()
        return (time.perf_counter() - started) / count

    return measure, kernel_values(model)


def inference(request):
    workload = request["workload"]
    model, shape = build(workload)
    if workload["task"] == "classification":
        model.append(nn.Softmax(dim=1))
    model.eval()

    def measure(rows):
        x = torch.randn(rows, *shape)
        with torch.inference_mode():
            model(x)
            started, calls = time.perf_counter(), 0
            while time.perf_counter() - started < ROUND_SECONDS:
                model(x)
                calls += 1
            return (time.perf_counter() - started) / calls

    return measure, kernel_values(model)


def product(_):
    a, b = torch.randn(PRODUCT_SIZE, PRODUCT_SIZE), torch.randn(PRODUCT_SIZE, PRODUCT_SIZE)
    torch.mm(a, b)

    def measure(_):
        started = time.perf_counter()
        for _ in range(REPEATS):
            torch.mm(a, b)
        return (time.perf_counter() - started) / REPEATS

    return measure, 0


def kernel_values(model):
    return sum(weight.numel() for weight in model.parameters() if weight.dim() > 1)


def main():
    request = json.loads(sys.stdin.readline())
    torch.manual_seed(0)
    torch.set_num_threads(request["threads"])
    measure, kernels = {"training": training, "inference": inference, "product": product}[request["kind"]](request)
    print(json.dumps({"variant": torch.__version__}), flush=True)
    for line in sys.stdin:
        command, *size = line.split()
        if command != "round":
            break
        print(json.dumps({"seconds": measure(int(size[0]))}), flush=True)
    print(json.dumps({"kernel_values": kernels}), flush=True)


main()
