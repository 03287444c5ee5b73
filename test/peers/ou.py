"""
Writes test/src/fixtures/ou.json: Ornstein-Uhlenbeck processes as statsmodels estimates them.

    python -m venv venv && venv/bin/pip install statsmodels
    venv/bin/python test/peers/ou.py

Over steps of one hour an OU process is an AR(1): b = exp(-theta). Conditional maximum likelihood is ordinary least
squares of a value on the one before (OLS, and AutoReg where no hour is missing: they must agree). The exact likelihood,
in which the first value counts too (ARIMA), is recorded to say how far apart the two are.
"""

import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from statsmodels.api import OLS, add_constant
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.arima.model import ARIMA


def simulate(seed, hours, theta, mu, sigma):
    rng, b = np.random.default_rng(seed), np.exp(-theta)
    deviation = sigma / np.sqrt(2 * theta)
    values = [mu + deviation * rng.normal()]
    for _ in range(hours - 1):
        values.append(mu + b * (values[-1] - mu) + deviation * np.sqrt(1 - b * b) * rng.normal())
    # Rounded, so that both sides see the same numbers.
    return np.array([float(f"{value:.9g}") for value in values])


def with_holes(seed, values, share):
    rng = np.random.default_rng(seed)
    return np.where(rng.uniform(size=len(values)) < share, np.nan, values)


def process(constant, b, residual_variance):
    """What an AR(1) says of the OU process behind it."""
    theta = -np.log(b)
    return {
        "theta": theta,
        "mu": constant / (1 - b),
        "sigma": np.sqrt(residual_variance * 2 * theta / (1 - b * b)),
        "halfLifeHours": np.log(2) / theta,
    }


def case(name, values, exact=False):
    # Whitened for the regression, whose design would lose a variance of 1e-12 beside a column of ones.
    centre, scale = np.nanmean(values), np.nanstd(values)
    white = (values - centre) / scale
    fit = OLS(white[1:], add_constant(white[:-1], has_constant="add"), missing="drop").fit()
    constant, b = fit.params
    answer = {
        "name": name, "values": [None if np.isnan(x) else x for x in values], "pairs": int(fit.nobs), "persistence": b,
        "persistenceError": fit.bse[1],
    }
    if not np.isnan(values).any():
        auto = AutoReg(white, lags=1, trend="c").fit()
        assert np.allclose(auto.params, fit.params, rtol=0, atol=1e-10), "OLS and AutoReg disagree"
        assert np.isclose(auto.sigma2 * fit.nobs, fit.ssr, rtol=1e-10)
    if not 0 < b < 1:
        return answer
    # statsmodels' mse_resid divides by pairs - 2, as we do.
    white_process = process(constant, b, fit.mse_resid)
    back = lambda p: {**p, "mu": centre + scale * p["mu"], "sigma": scale * p["sigma"]}
    answer["conditional"] = back(white_process)
    if exact:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            likelihood = ARIMA(white, order=(1, 0, 0), trend="c").fit()
        mean, phi, variance = likelihood.params
        answer["exact"] = back(process(mean * (1 - phi), phi, variance))
        answer["exactPersistence"] = phi
    return answer


funding = simulate(1, 168, np.log(2) / 12, 1.25e-5, 4e-6)
cases = [
    case("2,000 hours", simulate(2, 2000, 0.1, 0.5, 1.0), exact=True),
    case("a week of funding", funding, exact=True),
    case("a week of funding with absent hours", with_holes(3, funding, 0.2)),
    case("a week of funding of which every other hour is absent but for a few", with_holes(4, funding, 0.6)),
    case("a mean far from zero", simulate(5, 300, 0.3, 1000.0, 0.01), exact=True),
    case("hardly any reversion", simulate(6, 1000, 0.005, 0.0, 1.0)),
    case("reversion within the hour", simulate(7, 500, 2.5, 0.0, 1.0)),
    case("six hours", np.array([4.0, 3.0, 1.0, 1.5, 1.0, 0.5])),
    case("no reversion but overshooting", np.array([0.0, 2, 1, 2, 2, 0, 2, -1, 3])),
    case("growth", 1.05 ** np.arange(20.0)),
]
packages = {name: version(name) for name in ("statsmodels", "numpy", "scipy")}
target = Path(__file__).parents[1] / "src/fixtures/ou.json"
lines = ",\n".join(json.dumps(one) for one in cases)
target.write_text(f'{{"source": "test/peers/ou.py", "versions": {json.dumps(packages)}, "cases": [\n{lines}\n]}}\n')
for one in cases:
    print(one["name"], one["pairs"], one["persistence"], one.get("exactPersistence"), one["persistenceError"],
          one.get("conditional"), one.get("exact"))
