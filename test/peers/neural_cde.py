"""
Writes test/models/neural-cde/fixtures/numpy.json: the neural CDE's forward pass by another hand, in float64.

    python -m venv venv && venv/bin/pip install numpy
    venv/bin/python test/peers/neural_cde.py

Written from the definition (Kidger et al. 2020; design section 6), not from the TypeScript: the path is laid out knot by
knot as absolute values and differenced at the end, the field is applied window by window as a matrix. With torchcde
installed as well, the state h(T) is also compared with torchcde.cdeint over a torchcde.LinearInterpolation.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

CHANNELS = ["return", "return12", "volatility", "funding"]
SHAPES = lambda P, D, H, W, R: {
    "initialWeight": (D, H), "initialBias": (H,), "innerWeight": (H, W), "innerBias": (W,),
    "outerWeight": (W, D * H), "outerBias": (D * H,), "readoutWeight": (2 * (H + P), R), "readoutBias": (R,),
    "logitWeight": (R, 3), "logitBias": (3,),
}


def path_of(window, architecture, scaling):
    """X at every knot, [knots, P]."""
    channels, counted, knots = architecture["channels"], architecture["counted"], architecture["knots"]
    rows = []
    standing, total, counts = np.zeros(len(channels)), 0.0, np.zeros(len(counted))
    for values, mask, hour in zip(window["features"], window["mask"], window["hours"]):
        for c, name in enumerate(channels):
            if not mask[c]:
                continue
            scaled = np.clip((values[c] - scaling["median"][c]) / scaling["iqr"][c], -architecture["clip"], architecture["clip"])
            if name == "return":
                total += scaled / np.sqrt(knots)
                standing[c] = total
            else:
                standing[c] = scaled
            if name in counted:
                counts[counted.index(name)] += 1 / knots
        elapsed = (hour - window["hours"][0]) / max(1, knots - 1)
        rows.append(np.concatenate([[elapsed], standing, counts]))
    return np.array(rows)


def driving(X, architecture):
    """The columns of X that drive the state: all but the context's."""
    names = ["time", *architecture["channels"], *("count of " + name for name in architecture["counted"])]
    return X[:, [column for column, name in enumerate(names) if name not in architecture["context"]]]


def field(h, p, P, H):
    inner = np.tanh(h @ p["innerWeight"] + p["innerBias"])
    return np.tanh(inner @ p["outerWeight"] + p["outerBias"]).reshape(P, H)


def solve(X, p, solver, H):
    P = X.shape[1]
    h = X[0] @ p["initialWeight"] + p["initialBias"]
    for dX in np.diff(X, axis=0):
        k1 = dX @ field(h, p, P, H)
        h = h + k1 if solver == "euler" else h + (k1 + dX @ field(h + k1, p, P, H)) / 2
    return h


def probabilities(X, h, p, channels):
    direction = np.sign(X[-1][1 + channels.index("return12")]) if "return12" in channels else 1.0
    seen = np.concatenate([h, X[-1]])
    layer = np.tanh(np.concatenate([seen, direction * seen]) @ p["readoutWeight"] + p["readoutBias"])
    logits = layer @ p["logitWeight"] + p["logitBias"]
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def compare_with_torchcde(X, p, solver, H, h):
    """Distance of h from torchcde's; None without torchcde. The path's parameter is the number of the knot."""
    try:
        import torch
        import torchcde
    except ImportError:
        return None
    if len(X) < 2:
        return 0.0
    torch.set_default_dtype(torch.float64)
    P = X.shape[1]
    t = lambda name: torch.tensor(p[name])

    class Field(torch.nn.Module):
        def forward(self, _, z):
            inner = torch.tanh(z @ t("innerWeight") + t("innerBias"))
            f = torch.tanh(inner @ t("outerWeight") + t("outerBias")).reshape(-1, P, H)
            return f.transpose(1, 2)

    control = torchcde.LinearInterpolation(torchcde.linear_interpolation_coeffs(torch.tensor(X)[None]))
    z0 = torch.tensor(X[0] @ p["initialWeight"] + p["initialBias"])[None]
    method = {"euler": "euler", "heun": "heun2"}[solver]
    options = {"step_size": 1.0, "perturb": True}
    z = torchcde.cdeint(control, Field(), z0, control.interval, adjoint=False, method=method, options=options)
    return float(np.abs(z[0, -1].numpy() - h).max())


def window_of(rng, knots, C, missing, longest):
    hours = np.concatenate([[0], np.cumsum(rng.integers(1, longest + 1, size=knots - 1))]).astype(float)
    mask = (rng.uniform(size=(knots, C)) >= missing).astype(float)
    return {"features": rng.normal(size=(knots, C)).astype(np.float32) * mask, "mask": mask, "hours": hours}


def case(name, seed, solver="heun", counted=(), channels=CHANNELS, train_knots=9, knots=9, missing=0.25, longest=3,
         clip=8.0, scale=0.7, context=()):
    rng = np.random.default_rng(seed)
    C, H, W, R, count = len(channels), 5, 7, 4, 6
    P = 1 + C + len(counted)
    architecture = {"hidden": H, "width": W, "readout": R, "solver": solver, "clip": clip, "channels": channels,
                    "context": list(context), "counted": list(counted), "knots": train_knots}
    # Everything as float32 from the start, so that both sides begin from the same numbers.
    p = {k: (rng.normal(size=s) * scale).astype(np.float32).astype(float) for k, s in SHAPES(P, P - len(context), H, W, R).items()}
    f32 = lambda values: np.asarray(values, np.float32).astype(float).tolist()
    scaling = {"channels": channels, "median": f32(rng.normal(size=C) * 0.3), "iqr": f32(0.4 + rng.uniform(size=C))}
    windows = [window_of(rng, knots, C, missing, longest) for _ in range(count)]
    answers, worst = [], 0.0
    for window in windows:
        X = path_of(window, architecture, scaling)
        driven = driving(X, architecture)
        h = solve(driven, p, solver, H)
        apart = compare_with_torchcde(driven, p, solver, H, h)
        worst = None if apart is None else max(worst, apart)
        answers += probabilities(X, h, p, channels).tolist()
    # The shortest decimals that are read back as the same float32.
    short = lambda values: [float(str(np.float32(v))) for v in values]
    gather = lambda key: short(np.concatenate([np.ravel(w[key]) for w in windows]))
    return {
        "name": name, "architecture": architecture, "scaling": scaling, "count": count, "knots": knots,
        "parameters": short(np.concatenate([v.ravel() for v in p.values()])),
        "features": gather("features"), "mask": gather("mask"), "hours": gather("hours"),
        "probabilities": np.round(answers, 12).tolist(), "torchcde": worst,
    }


cases = [
    case("missing values and uneven hours", 1, counted=("funding",)),
    case("two counted channels", 2, counted=("volatility", "return"), missing=0.5),
    case("one stage a step", 3, solver="euler", counted=("funding",)),
    case("no missing values", 4, missing=0.0, longest=1),
    case("one knot", 5, counted=("funding",), knots=1),
    case("no value at all", 6, counted=("funding",), missing=1.1),
    case("gaps of days", 7, counted=("funding",), longest=90),
    case("more knots than in training", 8, knots=20, scale=0.4),
    case("values beyond the clip", 9, clip=0.8),
    case("context for the read-out alone", 11, counted=("return",), context=("volatility", "funding")),
    case("no direction channel", 10, channels=["return", "volatility", "range"]),
]
distances = [one.pop("torchcde") for one in cases]
agrees = ""
if None not in distances:
    assert max(distances) < 1e-9, f"h(T) is {max(distances)} from torchcde"
    agrees = f"; h(T) within {max(distances):.0e} of torchcde {version('torchcde')} on torch {version('torch')}"
target = Path(__file__).parents[1] / "models/neural-cde/fixtures/numpy.json"
target.parent.mkdir(parents=True, exist_ok=True)
source = f"numpy {version('numpy')}{agrees}; test/peers/neural_cde.py"
target.write_text(json.dumps({"source": source, "cases": cases}) + "\n")
