"""
Writes what Optuna says about tree-structured Parzen estimators to test/training/search/fixtures/: optuna.json (densities,
splits and pruning decisions on random observations) and optuna-medians.json (regret after 100 trials on standard functions).

    python -m venv venv && venv/bin/pip install optuna
    venv/bin/python test/peers/tpe.py [densities] [medians]

The medians take some minutes. The functions are those of test/training/search/functions.ts, number for number.
"""

import json
import math
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers._tpe import sampler as tpe
from optuna.samplers._tpe import _truncnorm
from optuna.samplers._tpe import parzen_estimator
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters

optuna.logging.set_verbosity(optuna.logging.ERROR)

FOLDER = Path(__file__).parent.parent / "training/search/fixtures"
VERSIONS = {name: version(name) for name in ("optuna", "numpy")}
TRIALS, SEEDS = 100, 100


# --- densities, splits, pruning ---

SPACE = {
    "x": FloatDistribution(-5.0, 10.0),
    "rate": FloatDistribution(1e-4, 1e-1, log=True),
    "size": IntDistribution(8, 64, step=8),
    "depth": IntDistribution(1, 128, log=True),
    "kind": CategoricalDistribution(("a", "b", "c")),
}


def draw(rng, distribution):
    if isinstance(distribution, CategoricalDistribution):
        return int(rng.integers(len(distribution.choices)))
    if isinstance(distribution, FloatDistribution):
        low, high = distribution.low, distribution.high
        return float(np.exp(rng.uniform(np.log(low), np.log(high))) if distribution.log else rng.uniform(low, high))
    if distribution.log:
        return int(round(np.exp(rng.uniform(np.log(distribution.low), np.log(distribution.high)))))
    return int(distribution.low + distribution.step * rng.integers((distribution.high - distribution.low) // distribution.step + 1))


class StableNumpy:
    """NumPy with a stable argsort: which of two equal observations gets which width is chance otherwise."""

    def __getattr__(self, name):
        return getattr(np, name)

    def argsort(self, values):
        return np.argsort(values, kind="stable")


def densities():
    parzen_estimator.np = StableNumpy()
    rng = np.random.default_rng(5)
    parameters = _ParzenEstimatorParameters(
        prior_weight=1.0,
        consider_magic_clip=True,
        consider_endpoints=False,
        weights=tpe.default_weights,
        multivariate=True,
    )
    cases = []
    for names in [["x"], ["rate"], ["size"], ["depth"], ["kind"], list(SPACE)]:
        for count in [0, 1, 2, 7, 24, 40, 120]:
            space = {name: SPACE[name] for name in names}
            observed = {name: [draw(rng, SPACE[name]) for _ in range(count)] for name in names}
            asked = {name: [draw(rng, SPACE[name]) for _ in range(6)] for name in names}
            estimator = _ParzenEstimator({k: np.asarray(v, dtype=float) for k, v in observed.items()}, space, parameters)
            log_density = estimator.log_pdf({k: np.asarray(v, dtype=float) for k, v in asked.items()})
            cases.append({"observed": observed, "asked": asked, "logDensity": log_density.tolist()})
    tails = []
    for a, b in [(-1, 2), (-40, -39), (38, 41), (-0.1, 0.1), (5, 5.01), (-8, -7.999), (0, 30), (-30, 0), (12, 200)]:
        mass = float(_truncnorm._log_gauss_mass(np.array([float(a)]), np.array([float(b)]))[0])
        quantiles = [1e-12, 0.01, 0.5, 0.99, 1 - 1e-12]
        points = _truncnorm.ppf(np.array(quantiles), float(a), float(b)).tolist()
        tails.append({"from": a, "to": b, "logMass": mass, "quantiles": quantiles, "points": points})
    parzen_estimator.np = np
    return {"densities": cases, "truncatedNormal": tails, "splits": splits(), "pruning": pruning()}


def finished(number, state, value, curve):
    return optuna.trial.create_trial(
        state=state, value=value, intermediate_values={i + 1: v for i, v in enumerate(curve)}, params={}, distributions={}
    )


def splits():
    """Numbers of the trials that count as good, by the default share."""
    rng = np.random.default_rng(6)
    cases = []
    for count in [1, 9, 11, 33, 260, 300]:
        study = optuna.create_study()
        trials = []
        for number in range(count):
            curve = np.round(rng.uniform(size=rng.integers(1, 5)), 2).tolist()
            # Few complete ones, so that pruned ones get among the good.
            state = optuna.trial.TrialState.COMPLETE if rng.uniform() < 0.06 else optuna.trial.TrialState.PRUNED
            if number % 50 == 7:
                curve = []
                state = optuna.trial.TrialState.PRUNED
            value = curve[-1] if curve else None
            study.add_trial(finished(number, state, value, curve))
            trials.append({"state": state.name.lower(), "value": value, "curve": curve})
        below, _ = tpe._split_trials(study, study.get_trials(deepcopy=False), tpe.default_gamma(count))
        cases.append({"trials": trials, "good": [trial.number for trial in below]})
    return cases


def pruning():
    """Step at which the median pruner ends each curve (0: never), with the trials before it as its past."""
    rng = np.random.default_rng(8)
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner())
    cases = []
    for _ in range(60):
        # Starts low and falls slowly, or the other way round: some look good at first and are overtaken.
        slope, length = rng.uniform(0, 0.2), int(rng.integers(2, 9))
        curve = np.round(2 * slope + rng.normal(size=length) * 0.05 - slope * np.arange(length), 3).tolist()
        trial, ended = study.ask(), 0
        for step, value in enumerate(curve, start=1):
            trial.report(value, step)
            if trial.should_prune():
                ended = step
                break
        study.tell(trial, state=optuna.trial.TrialState.PRUNED) if ended else study.tell(trial, min(curve))
        cases.append({"curve": curve, "prunedAt": ended})
    return cases


# --- standard functions ---


def sphere(trial):
    return sum(trial.suggest_float(name, -5, 5) ** 2 for name in ("x1", "x2", "x3", "x4"))


def rosenbrock(trial):
    x, y = trial.suggest_float("x", -2, 2), trial.suggest_float("y", -1, 3)
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def branin(trial):
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    bowl = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


HARTMANN_A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
HARTMANN_C = [1, 1.2, 3, 3.2]
HARTMANN_P = [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]


def hartmann(trial):
    x = [trial.suggest_float(f"x{i + 1}", 0, 1) for i in range(6)]
    return -sum(
        c * math.exp(-sum(a * (xi - p) ** 2 for a, p, xi in zip(row, centre, x)))
        for c, row, centre in zip(HARTMANN_C, HARTMANN_A, HARTMANN_P)
    )


def mixed(trial):
    rate = trial.suggest_float("rate", 1e-5, 1, log=True)
    size = trial.suggest_int("size", 4, 256, step=4)
    depth = trial.suggest_int("depth", 1, 128, log=True)
    kind = trial.suggest_categorical("kind", ["a", "b", "c", "d"])
    loss = (math.log10(rate) + 2.5) ** 2 + ((size - 100) / 64) ** 2 + (math.log2(depth) - 4) ** 2 / 4
    if kind == "c":
        return loss + 4 * (trial.suggest_float("share", 0, 1) - 0.3) ** 2
    return loss + {"a": 1, "b": 2, "d": 4}[kind]


FUNCTIONS = {
    "sphere": (sphere, 0),
    "rosenbrock": (rosenbrock, 0),
    "branin": (branin, 0.39788735772973816),
    "hartmann": (hartmann, -3.322368011391339),
    "mixed": (mixed, 0),
}


def regrets(function, optimum, sampler):
    answer = []
    for seed in range(SEEDS):
        study = optuna.create_study(sampler=sampler(seed))
        study.optimize(function, n_trials=TRIALS)
        answer.append(study.best_value - optimum)
    return answer


def medians():
    answer = {}
    for name, (function, optimum) in FUNCTIONS.items():
        found = {
            "tpe": regrets(function, optimum, lambda seed: optuna.samplers.TPESampler(seed=seed)),
            "random": regrets(function, optimum, lambda seed: optuna.samplers.RandomSampler(seed=seed)),
        }
        answer[name] = {
            "optimum": optimum,
            **{key: {"median": float(np.median(v)), "quartiles": np.quantile(v, [0.25, 0.75]).tolist()} for key, v in found.items()},
        }
        print(name, answer[name], file=sys.stderr)
    return {"trials": TRIALS, "seeds": SEEDS, "functions": answer}


def write(name, content):
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_text(json.dumps({"versions": VERSIONS, **content}, allow_nan=False) + "\n")


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["densities", "medians"]
    if "densities" in wanted:
        write("optuna.json", densities())
    if "medians" in wanted:
        write("optuna-medians.json", medians())
