"""
Writes test/models/neural-cde/fixtures/peers.json: what torchcde and diffrax say about the neural CDE.

    python -m venv venv && venv/bin/pip install torch torchcde diffrax numpy
    venv/bin/python test/peers/cde_peers.py

h(T), logits, probabilities, the loss and its gradient in all parameters, on random weights and unevenly spaced knots,
in float64. torchcde's gradient is autograd through the solver (adjoint=False); diffrax's goes through
DirectAdjoint, which differentiates the solver's steps. Both solve from knot to knot in *time*, so the control's
derivative jumps at every knot; their stages must not mix the slopes of two stretches:

- Euler evaluates at the left end of a step. torchdiffeq's `perturb` makes that the right-hand limit; diffrax's
  ControlTerm multiplies f by the control's increment over the step, which is the same for a linear control.
- our Heun is the explicit trapezoidal rule: torchdiffeq's `heun2`, whose second stage lies at the right end, where
  `perturb` takes the left-hand limit; diffrax's Heun has the same tableau.

The script stops where the two differ from one another by more than 1e-9.
"""

import json
from importlib.metadata import version
from pathlib import Path

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import torch
import torchcde

jax.config.update("jax_enable_x64", True)
torch.set_default_dtype(torch.float64)

CHANNELS = ["return", "return12", "volatility", "funding"]


def shapes(P, H, W, R):
    return {
        "initialWeight": (P, H), "initialBias": (H,), "innerWeight": (H, W), "innerBias": (W,),
        "outerWeight": (W, P * H), "outerBias": (P * H,), "readoutWeight": (2 * (H + P), R), "readoutBias": (R,),
        "logitWeight": (R, 3), "logitBias": (3,),
    }


def read_out(xp, concatenate, h, end, p, direction):
    seen = concatenate([h, end])
    layer = xp.tanh(concatenate([seen, direction * seen]) @ p["readoutWeight"] + p["readoutBias"])
    return layer @ p["logitWeight"] + p["logitBias"]


def by_torchcde(times, X, targets, weights, values, solver, P, H):
    p = {name: torch.tensor(value, requires_grad=True) for name, value in values.items()}
    t, path = torch.tensor(times), torch.tensor(X)

    class Field(torch.nn.Module):
        def forward(self, _, z):
            inner = torch.tanh(z @ p["innerWeight"] + p["innerBias"])
            return torch.tanh(inner @ p["outerWeight"] + p["outerBias"]).reshape(*z.shape[:-1], P, H).transpose(-1, -2)

    states, logits, loss = [], [], 0.0
    for n in range(len(X)):
        control = torchcde.LinearInterpolation(torchcde.linear_interpolation_coeffs(path[n], t[n]), t[n])
        start = path[n, 0] @ p["initialWeight"] + p["initialBias"]
        # The solver's own grid: the knots, which are unevenly spaced.
        options = {"grid_constructor": lambda func, y0, interval: t[n], "perturb": True}
        method = {"euler": "euler", "heun": "heun2"}[solver]
        z = torchcde.cdeint(control, Field(), start, t[n][[0, -1]], adjoint=False, method=method, options=options)
        direction = torch.sign(path[n, -1, 1 + CHANNELS.index("return12")])
        logit = read_out(torch, torch.cat, z[-1], path[n, -1], p, direction)
        loss = loss - weights[n] * (torch.tensor(targets[n]) * torch.log_softmax(logit, 0)).sum()
        states.append(z[-1].detach().numpy())
        logits.append(logit.detach().numpy())
    loss.backward()
    gradient = np.concatenate([value.grad.numpy().ravel() for value in p.values()])
    return {"states": np.array(states), "logits": np.array(logits), "loss": loss.item(), "gradient": gradient}


def by_diffrax(times, X, targets, weights, values, solver, P, H):
    method = {"euler": diffrax.Euler, "heun": diffrax.Heun}[solver]()

    def forward(p, t, path):
        def field(_, z, args):
            inner = jnp.tanh(z @ p["innerWeight"] + p["innerBias"])
            return jnp.tanh(inner @ p["outerWeight"] + p["outerBias"]).reshape(P, H).T

        term = diffrax.ControlTerm(field, diffrax.LinearInterpolation(t, path))
        solution = diffrax.diffeqsolve(
            term, method, t[0], t[-1], None, path[0] @ p["initialWeight"] + p["initialBias"],
            stepsize_controller=diffrax.StepTo(t), adjoint=diffrax.DirectAdjoint(), saveat=diffrax.SaveAt(t1=True),
        )
        h = solution.ys[0]
        return h, read_out(jnp, jnp.concatenate, h, path[-1], p, jnp.sign(path[-1, 1 + CHANNELS.index("return12")]))

    def loss(p):
        h, logits = jax.vmap(forward, in_axes=(None, 0, 0))(p, jnp.array(times), jnp.array(X))
        return -(weights[:, None] * targets * jax.nn.log_softmax(logits)).sum(), (h, logits)

    (value, (states, logits)), grads = jax.value_and_grad(loss, has_aux=True)(
        {name: jnp.array(value) for name, value in values.items()}
    )
    gradient = np.concatenate([np.asarray(grads[name]).ravel() for name in values])
    return {"states": np.asarray(states), "logits": np.asarray(logits), "loss": float(value), "gradient": gradient}


def case(name, seed, solver, count=5, knots=9, H=7, W=8, R=5, scale=0.6):
    rng = np.random.default_rng(seed)
    P = 1 + len(CHANNELS)
    # Everything as float32 from the start, so that all sides begin from the same numbers.
    f32 = lambda values: np.asarray(values, np.float32).astype(float)
    values = {key: f32(rng.normal(size=shape) * scale) for key, shape in shapes(P, H, W, R).items()}
    hours = np.concatenate([np.zeros((count, 1)), np.cumsum(rng.integers(1, 20, size=(count, knots - 1)), axis=1)], 1)
    steps = f32(rng.normal(size=(count, knots - 1, P)) * 0.5)
    steps[..., 0] = f32(np.diff(hours) / 60)
    initial = f32(rng.normal(size=(count, P)))
    initial[:, 0] = 0
    X = np.concatenate([initial[:, None], initial[:, None] + np.cumsum(steps, axis=1)], axis=1)
    targets = f32(rng.dirichlet([2, 2, 2], size=count))
    weights = f32(rng.uniform(0.5, 1.5, size=count) / count)
    arguments = (hours, X, targets, weights, values, solver, P, H)
    answers = {"torchcde": by_torchcde(*arguments), "diffrax": by_diffrax(*arguments)}
    for key in ("states", "logits", "loss", "gradient"):
        one, other = (np.asarray(answers[peer][key]) for peer in answers)
        apart = np.linalg.norm(one - other) / np.linalg.norm(one)
        assert apart < 1e-9, f"{name}: the peers' {key} are {apart} apart"
    # The shortest decimals that are read back as the same float32.
    short = lambda array: [float(str(np.float32(v))) for v in np.ravel(array)]
    digits = lambda array: [float(f"{v:.10g}") for v in np.ravel(array)]
    return {
        "name": name, "count": count,
        "architecture": {"hidden": H, "width": W, "readout": R, "solver": solver, "channels": CHANNELS, "counted": [],
                         "knots": knots},
        "parameters": short(np.concatenate([value.ravel() for value in values.values()])),
        # Knot-major, as the control path is laid out.
        "initial": short(initial), "increments": short(steps.transpose(1, 0, 2)), "final": digits(X[:, -1]),
        "targets": short(targets), "weights": short(weights),
        "peers": {peer: {key: digits(value) for key, value in answer.items()} for peer, answer in answers.items()},
    }


cases = [
    case("Euler, uneven knots", 1, "euler"),
    case("Heun, uneven knots", 2, "heun"),
    case("Euler, many knots", 3, "euler", count=3, knots=40, scale=0.4),
    case("Heun, many knots", 4, "heun", count=3, knots=40, scale=0.4),
    case("Heun, one step", 5, "heun", knots=2),
]
packages = ["torch", "torchcde", "torchdiffeq", "diffrax", "jax", "numpy"]
source = ", ".join(f"{name} {version(name)}" for name in packages)
target = Path(__file__).parents[1] / "models/neural-cde/fixtures/peers.json"
target.write_text(json.dumps({"source": f"{source}; test/peers/cde_peers.py", "cases": cases}) + "\n")
