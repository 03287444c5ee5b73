"""
Writes test/statistics/fixtures/statistics.json: what SciPy, statsmodels, scikit-learn and numpy say about
ranks, corrected p values, calibration, hidden states, Sharpe ratios and overfitting.

    python -m venv venv && venv/bin/pip install numpy scipy statsmodels scikit-learn
    venv/bin/python test/peers/statistics.py

The deflated Sharpe ratio and the probability of backtest overfitting have no peer in these packages: they are the
papers' equations written out with SciPy's distributions, ranks and moments (the tests also hold the papers' own
numbers).
"""

import json
from importlib.metadata import version
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax
from sklearn.covariance import EmpiricalCovariance, LedoitWolf, ledoit_wolf
from sklearn.metrics import log_loss
from statsmodels.stats.multitest import multipletests

# Probabilities are float32 in millrace: both sides must see the same numbers.
float32 = lambda values: np.asarray(values, dtype=np.float32).astype(np.float64)


def distributions():
    z = [-8.0, -2.5, -1e-3, 0.0, 1.3, 6.0]
    p = [1e-12, 0.001, 0.25, 0.5, 0.975, 1 - 1e-9]
    x = [0.0, 0.5, 3.0, 30.0, 80.0]
    return {
        "z": z, "normalCdf": stats.norm.cdf(z), "p": p, "normalQuantile": stats.norm.ppf(p),
        "x": x, "chiSquaredTail1": stats.chi2.sf(x, 1), "chiSquaredTail2": stats.chi2.sf(x, 2),
        "studentCdf4": stats.t.cdf(z, 4), "studentQuantile6": stats.t.ppf(p, 6),
    }


def rank_case(name, groups, values):
    samples = [values[(groups == k) & ~np.isnan(values)] for k in range(3)]
    filled = [sample for sample in samples if len(sample)]
    statistic, p = stats.kruskal(*filled)
    ranks = stats.rankdata(np.concatenate(samples))
    split = np.split(ranks, np.cumsum([len(sample) for sample in samples])[:-1])
    n = len(ranks)
    return {
        "name": name, "group": groups, "value": values, "statistic": statistic, "p": p,
        # Tomczak and Tomczak 2014: epsilon squared.
        "effect": statistic * (n + 1) / (n**2 - 1),
        "counts": [len(sample) for sample in samples],
        "medians": [np.median(sample) if len(sample) else np.nan for sample in samples],
        "meanRanks": [np.mean(r) if len(r) else np.nan for r in split],
    }


def ranks(rng):
    plain = rng.integers(0, 3, 60)
    shifted = np.round(rng.normal(size=60) + 0.7 * (plain == 1), 6)
    ties = rng.integers(0, 5, 80).astype(float)
    holes = np.where(rng.uniform(size=50) < 0.2, np.nan, np.round(rng.normal(size=50), 1))
    return [
        rank_case("a shift of one group", plain, shifted),
        rank_case("many ties", rng.integers(0, 3, 80), ties),
        rank_case("missing values", rng.integers(0, 3, 50), holes),
        rank_case("an empty group", rng.choice([0, 2], 40), np.round(rng.normal(size=40), 6)),
        rank_case("a group of one", np.array([0] * 10 + [1] * 12 + [2]), np.round(rng.normal(size=23), 6)),
    ]


def corrections(rng):
    lists = [[0.01, 0.04, 0.03, 0.005], [0.5], [0.2, 0.2, 0.2], [0.9, 1.0, 0.0, 0.6], list(np.round(rng.uniform(size=12) ** 3, 6))]
    return [{"p": p, "corrected": multipletests(p, method="holm")[1]} for p in lists]


def calibration_case(name, logits, truth):
    probabilities = float32(np.exp(log_softmax(logits, axis=1)))
    clipped = np.log(np.maximum(probabilities, 2.0**-23))
    rows = np.arange(len(truth))
    loss = lambda slope, bias: -np.mean(log_softmax(slope * clipped + bias, axis=1)[rows, truth])
    single = minimize_scalar(lambda t: loss(1 / t, np.zeros(3)), bounds=(0.02, 100), method="bounded", options={"xatol": 1e-10})
    joint = minimize(
        lambda v: loss(v[0], np.array([0, v[1], v[2]])), [1.0, 0.0, 0.0], method="BFGS", options={"gtol": 1e-9}
    )
    bias = np.array([0, joint.x[1], joint.x[2]])
    after = np.exp(log_softmax(joint.x[0] * clipped + bias, axis=1))
    return {
        "name": name, "truth": truth, "probabilities": probabilities.ravel(),
        "temperature": single.x, "lossAtTemperature": single.fun,
        "calibrator": {"temperature": 1 / joint.x[0], "bias": bias - bias.mean()},
        "lossAtCalibrator": log_loss(truth, after, labels=[0, 1, 2]),
        "firstCalibrated": after[0],
    }


def draw_truth(rng, logits):
    return np.array([rng.choice(3, p=np.exp(row)) for row in log_softmax(logits, axis=1)])


def calibrations(rng):
    logits = rng.normal(size=(300, 3)) * 1.5
    weighted = logits + np.log([0.8, 1.2, 1.1])
    zeros = logits.copy()
    zeros[::20, 2] = -200.0
    return [
        calibration_case("too sure", logits * 2.5, draw_truth(rng, logits)),
        calibration_case("not sure enough", logits * 0.4, draw_truth(rng, logits)),
        calibration_case("shifted by class weights", weighted * 1.6, draw_truth(rng, logits)),
        calibration_case("probabilities of zero", zeros * 1.3, draw_truth(rng, logits)),
    ]


def states(rng):
    mixing = rng.normal(size=(6, 6))
    training = float32(np.tanh(rng.normal(size=(80, 6)) @ mixing * 0.3))
    training[:, 5] = training[:, 4]
    asked = float32(np.vstack([training[:4], rng.normal(size=(4, 6)) * 1.5]))
    model = LedoitWolf().fit(training)
    assert np.isclose(ledoit_wolf(training)[1], model.shrinkage_)
    distances = np.sqrt(model.mahalanobis(training))
    # With this many samples nothing is left to shrink: the plain covariance must come out.
    many = float32(rng.normal(size=(400, 2)) @ np.array([[2.0, 0.3], [0.0, 0.1]]))
    plain = EmpiricalCovariance().fit(many)
    return {
        "size": 6, "training": training.ravel(), "asked": asked.ravel(), "shrinkage": model.shrinkage_,
        "distances": np.sqrt(model.mahalanobis(asked)), "quantile99": np.quantile(distances, 0.99),
        "two": {
            "training": many.ravel(), "shrinkage": LedoitWolf().fit(many).shrinkage_,
            "distances": np.sqrt(LedoitWolf().fit(many).mahalanobis(many[:5])),
            "unshrunk": np.sqrt(plain.mahalanobis(many[:5])),
        },
    }


def sharpe(rng):
    returns = np.round(rng.standard_t(4, size=250) * 0.01 + 0.001, 8)
    ratio = returns.mean() / returns.std(ddof=1)
    skewness, kurtosis = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    others = np.append(np.round(rng.normal(size=19) * 0.05, 8), ratio)
    probability = lambda benchmark: stats.norm.cdf(
        (ratio - benchmark) * np.sqrt(len(returns) - 1)
        / np.sqrt(1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2)
    )
    maximum = np.sqrt(others.var(ddof=1)) * (
        (1 - np.euler_gamma) * stats.norm.ppf(1 - 1 / 20) + np.euler_gamma * stats.norm.ppf(1 - 1 / (20 * np.e))
    )
    return {
        "returns": returns, "trialSharpes": others, "sharpe": ratio, "skewness": skewness, "kurtosis": kurtosis,
        "probabilistic": probability(0), "expectedMaximum": maximum, "deflated": probability(maximum),
    }


def overfitting_case(name, returns, blocks, performance):
    trials, periods = returns.shape
    kept = returns[:, periods % blocks:]
    parts = np.split(kept, blocks, axis=1)
    judge = lambda x: x.mean(axis=1) / (x.std(axis=1, ddof=1) if performance == "sharpe" else 1.0)
    chosen, elsewhere, logits = [], [], []
    for inside in combinations(range(blocks), blocks // 2):
        here = judge(np.concatenate([parts[b] for b in inside], axis=1))
        there = judge(np.concatenate([parts[b] for b in range(blocks) if b not in inside], axis=1))
        best = np.argmax(here)
        rank = stats.rankdata(there)[best] / (trials + 1)
        chosen.append(here[best])
        elsewhere.append(there[best])
        logits.append(np.log(rank / (1 - rank)))
    return {
        "name": name, "trials": trials, "blocks": blocks, "performance": performance, "returns": returns.ravel(),
        "probability": np.mean(np.array(logits) <= 0), "probabilityOfLoss": np.mean(np.array(elsewhere) < 0),
        "slope": stats.linregress(chosen, elsewhere).slope, "logits": sorted(logits),
        "periods": kept.shape[1],
    }


def overfitting(rng):
    noise = np.round(rng.normal(size=(7, 60)), 5)
    skill = noise.copy()
    skill[3] += 0.8
    return [
        overfitting_case("noise", noise, 6, "sharpe"),
        overfitting_case("one trial has skill", skill, 8, "sharpe"),
        overfitting_case("means, with periods left over", np.round(rng.uniform(size=(4, 45)), 5), 6, "mean"),
    ]


def plain(value):
    """Twelve digits, far finer than the tests compare; what is not a number becomes null."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(part) for part in value]
    if isinstance(value, (int, np.integer, str)):
        return value if isinstance(value, str) else int(value)
    return None if np.isnan(value) else float(f"{value:.12g}")


rng = np.random.default_rng(20)
source = ", ".join(f"{name} {version(name)}" for name in ("scipy", "statsmodels", "scikit-learn", "numpy"))
document = {
    "source": f"{source}; test/peers/statistics.py",
    "distributions": distributions(),
    "ranks": ranks(rng),
    "corrections": corrections(rng),
    "calibrations": calibrations(rng),
    "states": states(rng),
    "sharpe": sharpe(rng),
    "overfitting": overfitting(rng),
}
target = Path(__file__).parents[1] / "statistics/fixtures/statistics.json"
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(json.dumps(plain(document)) + "\n")
