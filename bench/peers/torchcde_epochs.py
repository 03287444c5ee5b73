"""Trains a case with torchcde: `python torchcde_epochs.py <stem> <threads>`. Needs torch, torchcde, numpy."""

from importlib.metadata import version

import torch
import torchcde
from peer_case import arguments, read_case, time_epochs

stem, threads = arguments()
torch.set_num_threads(threads)
case, weights, path, labels, (P, H, direction) = read_case(stem)
p = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in weights.items()}
optimiser = torch.optim.AdamW(p.values(), lr=case["learningRate"], weight_decay=case["weightDecay"])
# The path's parameter is the number of the knot: one step of the solver a knot.
coefficients = torchcde.linear_interpolation_coeffs(torch.tensor(path))
targets = torch.tensor(labels)


class Field(torch.nn.Module):
    def forward(self, _, z):
        inner = torch.tanh(torch.addmm(p["innerBias"], z, p["innerWeight"]))
        field = torch.tanh(torch.addmm(p["outerBias"], inner, p["outerWeight"]))
        return field.reshape(-1, P, H).transpose(1, 2)


def step(first, last):
    rows = coefficients[first:last]
    control = torchcde.LinearInterpolation(rows)
    start = torch.addmm(p["initialBias"], rows[:, 0], p["initialWeight"])
    options = {"step_size": 1.0, "perturb": True}
    z = torchcde.cdeint(control, Field(), start, control.interval, adjoint=False, method="euler", options=options)[:, -1]
    seen = torch.cat([z, rows[:, -1]], 1)
    turned = seen * torch.sign(rows[:, -1, direction : direction + 1])
    layer = torch.tanh(torch.addmm(p["readoutBias"], torch.cat([seen, turned], 1), p["readoutWeight"]))
    loss = torch.nn.functional.cross_entropy(torch.addmm(p["logitBias"], layer, p["logitWeight"]), targets[first:last])
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


time_epochs(case, step, {name: version(name) for name in ("torch", "torchcde", "torchdiffeq")})
