"""
Writes what others say that the wheel's gates and weights should say:

- test/src/fusion/fixtures/projection.json: SciPy's general solver on the projection of weights onto their bounds;
- test/src/validation/fixtures/gates.json: empyrical on the strategy's record, pandas on averages of resampled bars
  and on the efficiency ratio.

    python -m venv venv && venv/bin/pip install empyrical-reloaded pandas scipy
    venv/bin/python test/peers/wheel_gates.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import empyrical
import numpy as np
import pandas as pd
from scipy.optimize import minimize

random = np.random.default_rng(11)
TESTS = Path(__file__).parents[1] / "src"


def projection(wanted, low, high, total):
    """Least relative entropy to `wanted` within the bounds; the objective's gradient is log(w / wanted)."""
    answer = minimize(
        lambda w: np.sum(w * np.log(w / wanted) - w + wanted),
        np.clip(total * low / low.sum(), low, high),
        jac=lambda w: np.log(w / wanted),
        bounds=list(zip(low, high)),
        constraints={"type": "eq", "fun": lambda w: w.sum() - total, "jac": lambda w: np.ones_like(w)},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert answer.success, answer.message
    return answer.x


def projections():
    cases = []
    for size in (2, 3, 5, 5, 5, 8):
        configured = random.uniform(0.05, 0.4, size)
        low, high = 0.25 * configured, 4 * configured
        wanted = configured * np.exp(random.normal(0, 1.5, size))
        total = configured.sum()
        expected = projection(wanted, low, high, total)
        cases.append({name: list(value) for name, value in
                      {"wanted": wanted, "low": low, "high": high, "expected": expected}.items()} | {"total": total})
    return {"versions": {name: version(name) for name in ("numpy", "scipy")}, "cases": cases}


def gates():
    hours = 900
    # Starts at 05:00 so that no aggregated bar begins with the data.
    index = pd.date_range("2025-01-01T05:00", periods=hours, freq="h", tz="UTC")
    close = pd.Series(100 * np.exp(np.cumsum(random.normal(0, 0.004, hours))).round(6), index=index)
    averages = []
    for timeframe, count in ((1, 50), (4, 50), (24, 20)):
        for last in (899, 898, 887, 800):
            known = close.iloc[: last + 1]
            end = index[last] + pd.Timedelta(hours=1)
            bars = known.resample(f"{timeframe}h", origin="epoch").last()
            finished = bars[bars.index + pd.Timedelta(hours=timeframe) <= end]
            averages.append({"timeframeHours": timeframe, "bars": count, "last": last,
                             "mean": finished.rolling(count).mean().iloc[-1]})
    efficiency = close.diff(24).abs() / close.diff().abs().rolling(24).sum()
    equity = pd.Series((1e10 * np.exp(np.cumsum(random.normal(1e-5, 0.001, hours)))).round(), index=index)
    returns = equity.pct_change().dropna().iloc[-720:]
    return {
        "versions": {name: version(name) for name in ("numpy", "pandas", "empyrical-reloaded")},
        "start": int(index[0].timestamp() * 1000),
        "close": list(close),
        "averages": averages,
        "efficiency": [{"last": last, "value": efficiency.iloc[last]} for last in (899, 640, 333)],
        "equity": list(equity),
        "record": {
            "days": 30,
            "returns": len(returns),
            "sharpe": empyrical.sharpe_ratio(returns, annualization=24 * 365),
            "drawdown": -empyrical.max_drawdown(returns),
        },
    }


for path, content in (("fusion/fixtures/projection.json", projections()), ("validation/fixtures/gates.json", gates())):
    (TESTS / path).write_text(json.dumps(content) + "\n")
