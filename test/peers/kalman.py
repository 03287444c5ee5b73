"""
Writes test/src/fixtures/local-level.json: what statsmodels says about local level models.

    python -m venv venv && venv/bin/pip install statsmodels pandas
    venv/bin/python test/peers/kalman.py

UnobservedComponents with an exactly diffuse start gives the filter at every hour and the likelihood. Its likelihood is
maximised here by Nelder-Mead from several starts in ln R and ln Q, tighter than `fit` does, over values scaled to unit
variance: statsmodels' own tolerances are made for numbers near one, funding varies by 1e-6. The Nile is the annual
flow at Aswan, 1871 to 1970 (Durbin and Koopman, chapter 2).
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from statsmodels.datasets import nile
from statsmodels.tsa.statespace.structural import UnobservedComponents

RATIOS = [1e-6, 0.0973, 1.0, 50.0]


def model_of(values):
    model = UnobservedComponents(values, "local level", use_exact_diffuse=True)
    model.ssm.tolerance = 0  # no short cut once the variances seem to have converged
    return model


def log_likelihood(model, noise, level):
    """Of the observations after the first: without the constant of the diffuse first one."""
    return model.loglike([noise, level]) + 0.5 * np.log(2 * np.pi)


def at_ratio(model, ratio):
    """R at which the likelihood is largest for Q = ratio R: the mean of the innovations' squares in their unit."""
    result = model.filter([1.0, ratio])
    errors, variances = result.forecasts_error[0], result.forecasts_error_cov[0, 0]
    used = ~np.isnan(errors)
    used[np.flatnonzero(used)[0]] = False
    noise = float(np.mean(errors[used] ** 2 / variances[used]))
    return {"ratio": ratio, "noiseVariance": noise, "logLikelihood": log_likelihood(model, noise, ratio * noise)}


def maximum(model):
    best = None
    for start in np.log([[1, 0.1], [0.1, 1], [1, 1e-4], [0.5, 0.01]]):
        found = minimize(lambda p: -log_likelihood(model, *np.exp(p)), start, method="Nelder-Mead",
                         options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 10_000})
        best = found if best is None or found.fun < best.fun else best
    # A variance may go to zero: to the last, so that the boundary itself is tried.
    corners = [(*np.exp(best.x), -best.fun)]
    for held in (0, 1):
        at = lambda p: (np.exp(p[0]), 0.0) if held == 1 else (0.0, np.exp(p[0]))
        found = minimize(lambda p: -log_likelihood(model, *at(p)), [0.0], method="Nelder-Mead",
                         options={"xatol": 1e-10, "fatol": 1e-13})
        corners.append((*at(found.x), -found.fun))
    return max(corners, key=lambda corner: corner[2])


def case(name, values):
    scale = float(np.nanstd(values))
    model = model_of(values / scale)
    noise, level, value = maximum(model)
    used = int((~np.isnan(values)).sum()) - 1
    unscaled = value - used * np.log(scale)
    # The filter at variances that are not the estimates, so that both may not be wrong together.
    assumed_noise, assumed_level = 0.6, 0.15
    result = model.filter([assumed_noise, assumed_level])
    first = int(np.flatnonzero(~np.isnan(values))[0])
    column = lambda table, factor: [None if np.isnan(x) else float(x) * factor for x in table[first:]]
    back = lambda one: {
        **one, "noiseVariance": one["noiseVariance"] * scale**2,
        "logLikelihood": one["logLikelihood"] - used * np.log(scale),
    }
    missing = np.isnan(values)
    hidden = lambda table: np.where(missing, np.nan, table)
    errors, variances = hidden(result.forecasts_error[0]), hidden(result.forecasts_error_cov[0, 0])
    # The first innovation has no variance: nothing was known before it.
    errors[first] = variances[first] = np.nan
    return {
        "name": name,
        "values": [None if np.isnan(x) else float(x) for x in values],
        "estimate": {
            "noiseVariance": noise * scale**2, "levelVariance": level * scale**2, "logLikelihood": unscaled,
        },
        "atRatio": [back(at_ratio(model, ratio)) for ratio in RATIOS],
        "filter": {
            "noiseVariance": assumed_noise * scale**2, "levelVariance": assumed_level * scale**2, "from": first,
            "level": column(result.filtered_state[0], scale),
            "variance": column(result.filtered_state_cov[0, 0], scale**2),
            "innovation": column(errors, scale),
            "innovationVariance": column(variances, scale**2),
        },
    }


def draw(seed, hours, noise, level, at=0.0):
    rng = np.random.default_rng(seed)
    walk = at + np.cumsum(rng.normal(size=hours)) * np.sqrt(level)
    return np.array([float(f"{x:.9g}") for x in walk + rng.normal(size=hours) * np.sqrt(noise)])


def without(values, *ranges):
    holed = values.copy()
    for start, end in ranges:
        holed[start:end] = np.nan
    return holed


flow = nile.load_pandas().data["volume"].to_numpy()
funding = draw(1, 168, 1.5e-11, 3e-12, at=1.25e-5)
cases = [
    case("the Nile", flow),
    case("the Nile with two gaps of 20 years", without(flow, (20, 40), (60, 80))),
    case("a week of funding", funding),
    case("a week of funding with absent hours, the first and the last among them",
         without(funding, (0, 3), (10, 11), (50, 74), (100, 103), (165, 168))),
    case("eight hours", np.array([1.0, 1.4, 0.2, 2.0, 2.6, 1.9, 3.1, 3.3])),
    case("white noise", draw(2, 150, 1.0, 0.0)),
    case("a random walk", draw(5, 150, 0.0, 1.0)),
]
packages = {name: version(name) for name in ("statsmodels", "scipy", "numpy")}
target = Path(__file__).parents[1] / "src/fixtures/local-level.json"
short = json.loads(json.dumps(cases), parse_float=lambda text: float(f"{float(text):.12g}"))
lines = ",\n".join(json.dumps(one) for one in short)
target.write_text(f'{{"source": "test/peers/kalman.py", "versions": {json.dumps(packages)}, "cases": [\n{lines}\n]}}\n')
for one in cases:
    print(one["name"], one["estimate"])
