"""
Writes test/src/fixtures/ou.json: what statsmodels and SciPy say of Ornstein-Uhlenbeck processes.

    python -m venv venv && venv/bin/pip install statsmodels
    venv/bin/python test/peers/ou.py

Over steps of one hour an OU process is an AR(1): b = exp(-theta).

- `exact`: the likelihood of ARIMA(1, 0, 0) with a constant, by its Kalman filter, which takes absent hours as they are.
- `restricted`: the same without the mean, from the dense covariance matrix b^|t - s| (Harville 1974), by SciPy: the b that
  maximises it, the generalised least squares at the b corrected by b / n, and the interval in which twice the drop is
  within the quantile of chi-squared.
- `regression` and `pValue`: OLS over pairs of consecutive hours; `adfuller` with no lags where no hour is absent (it must
  agree with the regression), `mackinnonp` of the regression's t where some are.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.stats import chi2
from statsmodels.api import OLS, add_constant
from statsmodels.tsa.adfvalues import mackinnonp
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.stattools import adfuller

CONFIDENCE = 0.9


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


def process(mu, b, innovation_variance, centre, scale):
    """What an AR(1) of whitened values says of the OU process behind it."""
    theta = -np.log(b)
    return {
        "theta": theta,
        "mu": centre + scale * mu,
        "sigma": scale * np.sqrt(innovation_variance * 2 * theta / (1 - b * b)),
        "halfLifeHours": np.log(2) / theta,
        "persistence": b,
    }


def exact_likelihood(white):
    model = ARIMA(white, order=(1, 0, 0), trend="c")
    start = np.array(model.fit().params)
    start[1] = min(start[1], 0.99)
    best = minimize(lambda p: -model.loglike(p) if abs(p[1]) < 1 and p[2] > 0 else np.inf, start, method="Nelder-Mead",
                    options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 20000, "maxfev": 20000})
    assert best.success, best.message
    return best.x


class Restricted:
    """The restricted likelihood of known values at known hours, from matrices."""

    def __init__(self, white):
        self.hours = np.flatnonzero(~np.isnan(white))
        self.values = white[self.hours]

    def solve(self, b):
        """ln L up to a constant, weighted mean, weighted squares as innovations of one hour."""
        covariance = b ** np.abs(np.subtract.outer(self.hours, self.hours)) / (1 - b * b)
        ones = np.ones(len(self.values))
        inverse = np.linalg.inv(covariance)
        information = ones @ inverse @ ones
        mean = (ones @ inverse @ self.values) / information
        rest = self.values - mean
        squares = rest @ inverse @ rest
        n = len(self.values)
        return -0.5 * (np.linalg.slogdet(covariance)[1] + np.log(information) + (n - 1) * np.log(squares)), mean, squares

    def likeliest(self):
        grid = np.linspace(0.001, 0.9999, 200)
        best = int(np.argmax([self.solve(b)[0] for b in grid]))
        around = (grid[max(0, best - 1)], grid[min(199, best + 1)])
        return minimize_scalar(lambda b: -self.solve(b)[0], bounds=around, method="bounded", options={"xatol": 1e-12}).x

    def interval(self, likeliest):
        least = self.solve(likeliest)[0] - chi2.ppf(CONFIDENCE, 1) / 2
        above = lambda b: self.solve(b)[0] - least
        # Closer to 1 the matrix is singular; the likelihood is flat there.
        low = brentq(above, 1e-6, likeliest, xtol=1e-13) if above(1e-6) < 0 else 0
        high = brentq(above, likeliest, 0.99999, xtol=1e-13) if above(0.99999) < 0 else 1
        return low, high


def case(name, values):
    centre, scale = np.nanmean(values), np.nanstd(values)
    white = (values - centre) / scale
    differences = np.diff(white)
    fit = OLS(differences, add_constant(white[:-1], has_constant="add"), missing="drop").fit()
    t = fit.tvalues[1]
    answer = {
        "name": name, "values": [None if np.isnan(x) else x for x in values], "pairs": int(fit.nobs),
        "regression": 1 + fit.params[1], "t": t, "pValue": float(mackinnonp(t, regression="c")),
    }
    if not np.isnan(values).any():
        found, p_value = adfuller(white, maxlag=0, autolag=None, regression="c")[:2]
        assert np.isclose(found, t, rtol=1e-8) and np.isclose(p_value, answer["pValue"], rtol=1e-7)
    restricted = Restricted(white)
    likeliest = restricted.likeliest()
    answer["likeliest"] = likeliest
    if not 0.002 < likeliest < 0.999:
        return answer
    constant, b, variance = exact_likelihood(white)
    # statsmodels' constant is the mean of the process.
    answer["exact"] = process(constant, b, variance, centre, scale)
    corrected = likeliest * (1 + 1 / (restricted.hours[-1] - restricted.hours[0]))
    if corrected >= 1:
        return answer
    _, mean, squares = restricted.solve(corrected)
    answer["corrected"] = process(mean, corrected, squares / (len(restricted.values) - 1), centre, scale)
    low, high = restricted.interval(likeliest)
    half_life = lambda b: 0 if b == 0 else None if b == 1 else np.log(2) / -np.log(b)
    answer["halfLifeLow"], answer["halfLifeHigh"] = half_life(low), half_life(high)
    return answer


funding = simulate(1, 168, np.log(2) / 12, 1.25e-5, 4e-6)
cases = [
    case("1,000 hours", simulate(2, 1000, 0.1, 0.5, 1.0)),
    case("a week of funding", funding),
    case("a week of funding with absent hours", with_holes(3, funding, 0.2)),
    case("a week of funding of which more than half is absent", with_holes(4, funding, 0.6)),
    case("a mean far from zero", simulate(5, 300, 0.3, 1000.0, 0.01)),
    case("a half-life of three days", simulate(6, 400, np.log(2) / 72, 0.0, 1.0)),
    case("reversion within the hour", simulate(7, 300, 2.5, 0.0, 1.0)),
    case("six hours", np.array([4.0, 3.0, 1.0, 1.5, 1.0, 0.5])),
    case("overshooting", np.array([0.0, 2, 1, 2, 2, 0, 2, -1, 3])),
    case("growth", np.round(1.05 ** np.arange(20.0) + 0.02 * np.cos(np.arange(20.0)), 9)),
]
packages = {name: version(name) for name in ("statsmodels", "numpy", "scipy")}
target = Path(__file__).parents[1] / "src/fixtures/ou.json"
lines = ",\n".join(json.dumps(one) for one in cases)
head = f'"source": "test/peers/ou.py", "versions": {json.dumps(packages)}, "confidence": {CONFIDENCE}'
target.write_text(f'{{{head}, "cases": [\n{lines}\n]}}\n')
for one in cases:
    print({key: value for key, value in one.items() if key != "values"})
