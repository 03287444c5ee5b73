"""
Writes test/src/scanners/fixtures/market-scanners.json: what pandas and SciPy say that the market scanners should say.

    python -m venv venv && venv/bin/pip install pandas scipy
    venv/bin/python test/peers/market_scanners.py

Six simulated coins, 170 hours, shorter windows than the defaults. Everything is a rolling window of pandas shifted by
hand; ranks are `DataFrame.rank(method="average")`, the normal distribution of the bulk volume classification is SciPy's.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

COINS = ["AA", "BB", "CC", "DD", "EE", "FF"]
HOURS = 170
CHECKED = range(150, HOURS)
CROSS_SECTION = {
    "momentumHours": 48, "volatilityHours": 36, "fundingHours": 40, "best": 3, "keepBest": 5, "minCoins": 5,
    "efficiencyHours": 12, "minEfficiency": 0.2, "movingAverageBars": 60, "minOpenInterestDollars": 9e6,
}
BREAKOUT = {
    "channelHours": 10, "exitHours": 5, "volumeHours": 48, "volatilityHours": 6,
    "minVolumeRatio": 1.05, "minVolatilityRatio": 0.9,
}
FLOW = {"windowHours": 4, "baselineHours": 60, "minBaseline": 60, "entryZ": 1.2, "exitZ": 0.4, "minVolumeZ": 0.2}


def simulate(random):
    """Columns of one coin, rounded as they are written, so that both sides compute from the same numbers."""
    noise = 0.004 * np.exp(0.5 * np.repeat(random.normal(size=HOURS // 10), 10))
    drift = 0.3 * noise * np.repeat(random.normal(size=HOURS // 10), 10)
    steps = drift + noise * random.standard_normal(HOURS)
    close = 100 * np.exp(np.cumsum(steps))
    opened = np.concatenate([[100.0], close[:-1]])
    frame = pd.DataFrame({
        "open": opened,
        "high": np.maximum(opened, close) * (1 + 0.2 * noise * random.random(HOURS)),
        "low": np.minimum(opened, close) * (1 - 0.2 * noise * random.random(HOURS)),
        "close": close,
        "volume": 1000 * (0.5 + random.random(HOURS) + 100 * np.abs(steps)),
    }).round(3)
    frame["high"] = frame[["open", "high", "close"]].max(axis=1)
    frame["low"] = frame[["open", "low", "close"]].min(axis=1)
    frame["funding"] = (1.25e-5 + 1e-5 * random.standard_normal(HOURS)).round(9)
    frame["openInterest"] = (1e5 * (1 + 0.3 * random.standard_normal(HOURS))).round(0)
    return frame


def cross_section(frames):
    o = CROSS_SECTION
    close = pd.DataFrame({coin: frame.close for coin, frame in frames.items()})
    funding = pd.DataFrame({coin: frame.funding for coin, frame in frames.items()})
    interest = close * pd.DataFrame({coin: frame.openInterest for coin, frame in frames.items()})
    returns = np.log(close).diff()
    momentum = np.log(close / close.shift(o["momentumHours"]))
    volatility = np.sqrt((returns**2).rolling(o["volatilityHours"]).mean())
    before = funding.shift(1).rolling(o["fundingHours"])
    z = (funding - before.mean()) / before.std(ddof=1)
    percentile = lambda table: (table.rank(axis=1, method="average") - 1) / (table.shape[1] - 1)
    side = np.sign(momentum)
    # Of the signed momentum for a long, of its negative for a short.
    momentum_rank = percentile(momentum).where(side > 0, percentile(-momentum))
    score = 0.4 * momentum_rank + 0.3 * percentile(1 / volatility) + 0.3 * percentile(z.abs())
    place = score.rank(axis=1, ascending=False, method="first")
    steps = o["efficiencyHours"]
    efficiency = close.diff(steps).abs() / close.diff().abs().rolling(steps).sum()
    distance = close / close.rolling(o["movingAverageBars"]).mean() - 1
    good = (
        (place <= o["best"])
        & (efficiency >= o["minEfficiency"])
        & (side * distance >= 0)
        & (interest >= o["minOpenInterestDollars"])
    )
    tables = {
        "direction": side.where(good, 0), "score": score, "place": place, "momentum": momentum, "volatility": volatility,
        "fundingZ": z, "efficiency": efficiency, "averageDistance": distance, "openInterestDollars": interest,
    }
    return tables


def breakout(frame):
    o = BREAKOUT
    high = frame.high.rolling(o["channelHours"]).max().shift(1)
    low = frame.low.rolling(o["channelHours"]).min().shift(1)
    volume = frame.volume / frame.volume.rolling(o["volumeHours"]).mean().shift(1)
    before = frame.close.shift(1)
    span = (np.maximum(frame.high, before) - np.minimum(frame.low, before)) / before
    recent = o["volatilityHours"]
    volatility = span.rolling(recent).mean() / span.rolling(o["volumeHours"]).mean().shift(recent)
    confirmed = (volume >= o["minVolumeRatio"]) & (volatility >= o["minVolatilityRatio"])
    side = np.where(frame.close > high, 1, np.where(frame.close < low, -1, 0))
    exits = o["exitHours"]
    return {
        "direction": pd.Series(side).where(confirmed, 0), "channelHigh": high, "channelLow": low,
        "exitHigh": frame.high.rolling(exits).max().shift(1), "exitLow": frame.low.rolling(exits).min().shift(1),
        "volumeRatio": volume, "volatilityRatio": volatility,
    }


def flow(frame):
    o = FLOW
    returns = np.log(frame.close).diff()
    sigma = np.sqrt((returns**2).rolling(o["baselineHours"]).mean().shift(1))
    signed = frame.volume * (2 * norm.cdf(returns / sigma) - 1)
    window = o["windowHours"]
    total = frame.volume.rolling(window).sum()
    imbalance = signed.rolling(window).sum() / total
    against = lambda x: (x - x.shift(window).rolling(o["baselineHours"]).mean()) / x.shift(window).rolling(
        o["baselineHours"]
    ).std(ddof=1)
    z, volume_z = against(imbalance), against(np.log(total))
    unusual = (z.abs() > o["entryZ"]) & (volume_z > o["minVolumeZ"]) & (np.sign(z) == np.sign(imbalance))
    return {"direction": np.sign(z).where(unusual, 0), "imbalance": imbalance, "z": z, "volumeZ": volume_z}


def main():
    frames = {coin: simulate(np.random.default_rng(70 + i)) for i, coin in enumerate(COINS)}
    ranked = cross_section(frames)
    expected = {
        "cross-section": {
            coin: {name: [float(table[coin][hour]) for hour in CHECKED] for name, table in ranked.items()}
            for coin in COINS
        }
    }
    for name, scan in [("breakout", breakout), ("flow", flow)]:
        expected[name] = {
            coin: {key: [float(column[hour]) for hour in CHECKED] for key, column in scan(frame).items()}
            for coin, frame in frames.items()
        }
    for name, coins in expected.items():
        print(name, "signals", sum(direction != 0 for coin in coins.values() for direction in coin["direction"]))
    result = {
        "versions": {name: version(name) for name in ["pandas", "scipy"]},
        "options": {"crossSection": CROSS_SECTION, "breakout": BREAKOUT, "flow": FLOW},
        "checked": [CHECKED.start, CHECKED.stop],
        "coins": {coin: frame.to_dict(orient="list") for coin, frame in frames.items()},
        "expected": expected,
    }
    path = Path(__file__).parent.parent / "src/scanners/fixtures/market-scanners.json"
    path.write_text(json.dumps(result, separators=(",", ":")) + "\n")


main()
