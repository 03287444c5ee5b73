"""
Writes test/src/performance/fixtures/performance.json: what empyrical, pandas and SciPy say about Sharpe and Sortino
ratios, their standard errors and drawdowns of hourly equity.

    python -m venv venv && venv/bin/pip install numpy scipy pandas empyrical-reloaded
    venv/bin/python test/peers/performance.py

Ratios and the depth are empyrical's, moments SciPy's; the length of a drawdown is counted in a pandas frame. Lo's
standard error is also taken from 4,000 simulated samples, so that the formula is held against something that is not one.
"""

import json
from importlib.metadata import version
from pathlib import Path

import empyrical
import numpy as np
import pandas as pd
from scipy import stats

HOURS = 8760


def longest(equity):
    """Hours from a peak until equity is back, the opening counted as a peak."""
    series = pd.Series(equity)
    peak = series.cummax()
    at_peak = pd.Series(np.where(series >= peak, series.index, np.nan)).ffill()
    # While below, the time since the last peak; in the hour of the recovery, since the peak before it.
    below = series < peak
    since = (series.index - at_peak).where(below, 0)
    back = (~below) & below.shift(1, fill_value=False)
    before = (series.index - at_peak.shift(1)).where(back, 0)
    return int(max(since.max(), before.max()))


def case(name, equity):
    returns = pd.Series(equity).pct_change().dropna()
    n = len(returns)
    hourly = returns.mean() / returns.std(ddof=1)
    skewness, kurtosis = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    year = np.sqrt(HOURS)
    below = pd.Series(equity) < pd.Series(equity).cummax()
    run = 0
    while below.iloc[len(below) - 1 - run]:
        run += 1
    return {
        "name": name,
        "equity": [int(value) for value in equity],
        "sharpe": empyrical.sharpe_ratio(returns, annualization=HOURS),
        "sortino": empyrical.sortino_ratio(returns, annualization=HOURS),
        "depth": -empyrical.max_drawdown(returns),
        "longest": longest(equity),
        "underWater": run,
        "skewness": skewness, "kurtosis": kurtosis,
        "lo": year * np.sqrt((1 + hourly**2 / 2) / n),
        "mertens": year * np.sqrt((1 + hourly**2 / 2 - skewness * hourly + (kurtosis - 3) / 4 * hourly**2) / n),
        "totalReturn": empyrical.cum_returns_final(returns),
    }


def walk(returns):
    return np.round(1e10 * np.concatenate([[1], np.cumprod(1 + returns)])).astype(np.int64)


rng = np.random.default_rng(31)
cases = [
    case("normal", walk(rng.normal(2e-4, 2e-3, 480))),
    case("heavy tails", walk(rng.standard_t(3, 300) * 1e-3)),
    case("skewed losses", walk(3e-4 - rng.exponential(3e-4, 400) * (rng.uniform(size=400) < 0.6))),
    case("recovered", walk(np.concatenate([np.full(5, 0.01), np.full(40, -0.002), np.full(60, 0.002)]))),
]
# Standard deviation of the Sharpe ratio itself, by simulation: normal returns with an hourly ratio of 0.5.
samples = rng.normal(0.5, 1, size=(4000, 250))
ratios = samples.mean(axis=1) / samples.std(axis=1, ddof=1)
simulated = {"hourly": 0.5, "hours": 250, "deviation": ratios.std(ddof=1)}


def plain(value):
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value if isinstance(value, (str, int)) else float(f"{value:.13g}")


source = ", ".join(f"{name} {version(name)}" for name in ("empyrical-reloaded", "pandas", "scipy", "numpy"))
target = Path(__file__).parents[1] / "src/performance/fixtures/performance.json"
target.parent.mkdir(parents=True, exist_ok=True)
document = {"source": f"{source}; test/peers/performance.py", "cases": cases, "simulated": simulated}
target.write_text(json.dumps(plain(document)) + "\n")
