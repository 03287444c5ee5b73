"""
Writes test/models/hmm/fixtures/hmmlearn.json: what hmmlearn says about small hidden Markov models.

    python -m venv venv && venv/bin/pip install hmmlearn scipy
    venv/bin/python test/peers/hmm.py

hmmlearn knows no missing values. For those, the marginal densities come from SciPy, the recursions still from
hmmlearn, and the M-step is the textbook's (Ghahramani and Jordan 1994) written out row by row.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from hmmlearn import _hmmc
from hmmlearn.hmm import GaussianHMM
from scipy.stats import multivariate_normal

STATES, DIMENSIONS, ITERATIONS = 3, 2, 12
LENGTHS = [60, 35, 1]


def start(rng, covariance_type):
    root = rng.normal(size=(STATES, DIMENSIONS, DIMENSIONS)) * 0.5
    covariance = root @ root.transpose(0, 2, 1) + 0.3 * np.eye(DIMENSIONS)
    if covariance_type == "diag":
        covariance = covariance * np.eye(DIMENSIONS)
    return {
        "initial": rng.dirichlet(np.full(STATES, 3.0)),
        "transition": rng.dirichlet(np.full(STATES, 3.0), size=STATES),
        "mean": rng.normal(size=(STATES, DIMENSIONS)) * 1.5,
        "covariance": covariance,
    }


def draw(rng, parameters, lengths):
    sequences = []
    for rows in lengths:
        state, sequence = rng.choice(STATES, p=parameters["initial"]), []
        for _ in range(rows):
            sequence.append(rng.multivariate_normal(parameters["mean"][state], parameters["covariance"][state]))
            state = rng.choice(STATES, p=parameters["transition"][state])
        # Rounded here, so that the fixture stays short and both sides see the same numbers.
        sequences.append(np.round(sequence, 6))
    return sequences


def with_holes(rng, sequences):
    holed = [np.where(rng.uniform(size=s.shape) < 0.3, np.nan, s) for s in sequences]
    holed[0][7] = np.nan
    return holed


def log_densities(parameters, sequence):
    answer = np.zeros((len(sequence), STATES))
    for row, values in enumerate(sequence):
        seen = ~np.isnan(values)
        if not seen.any():
            continue
        for k in range(STATES):
            covariance = parameters["covariance"][k][np.ix_(seen, seen)]
            answer[row, k] = multivariate_normal.logpdf(values[seen], parameters["mean"][k][seen], covariance)
    return answer


def posteriors(parameters, sequence):
    """Log-likelihood, filter, smoother and expected transitions by hmmlearn's recursions."""
    densities = log_densities(parameters, sequence)
    arguments = (parameters["initial"], parameters["transition"], densities)
    log_likelihood, forward = _hmmc.forward_log(*arguments)
    backward = _hmmc.backward_log(*arguments)
    transitions = np.zeros((STATES, STATES))
    if len(sequence) > 1:
        transitions = np.exp(_hmmc.compute_log_xi_sum(forward, parameters["transition"], backward, densities))
    normal = lambda rows: np.exp(rows - np.logaddexp.reduce(rows, axis=1, keepdims=True))
    return log_likelihood, normal(forward), normal(forward + backward), transitions


def one_iteration(parameters, sequences, covariance_type):
    """Log-likelihood before, and the parameters after, one step of expectation maximisation with missing values."""
    total, initial, transitions = 0.0, np.zeros(STATES), np.zeros((STATES, STATES))
    weight = np.zeros(STATES)
    first = np.zeros((STATES, DIMENSIONS))
    second = np.zeros((STATES, DIMENSIONS, DIMENSIONS))
    for sequence in sequences:
        log_likelihood, _, smoothed, moves = posteriors(parameters, sequence)
        total += log_likelihood
        initial += smoothed[0]
        transitions += moves
        for values, shares in zip(sequence, smoothed):
            seen = ~np.isnan(values)
            for k in range(STATES):
                mean, covariance = parameters["mean"][k], parameters["covariance"][k]
                expected, spread = values.copy(), np.zeros((DIMENSIONS, DIMENSIONS))
                if not seen.all():
                    gain = covariance[np.ix_(~seen, seen)] @ np.linalg.pinv(covariance[np.ix_(seen, seen)])
                    expected[~seen] = mean[~seen] + gain @ (values[seen] - mean[seen])
                    spread[np.ix_(~seen, ~seen)] = (
                        covariance[np.ix_(~seen, ~seen)] - gain @ covariance[np.ix_(seen, ~seen)]
                    )
                weight[k] += shares[k]
                first[k] += shares[k] * expected
                second[k] += shares[k] * (np.outer(expected, expected) + spread)
    mean = first / weight[:, None]
    covariance = second / weight[:, None, None] - np.einsum("ki,kj->kij", mean, mean)
    if covariance_type == "diag":
        covariance = covariance * np.eye(DIMENSIONS)
    return total, {
        "initial": initial / initial.sum(),
        "transition": transitions / transitions.sum(axis=1, keepdims=True),
        "mean": mean,
        "covariance": covariance,
    }


def by_hmmlearn(parameters, sequences, covariance_type):
    """The same trajectory by hmmlearn itself, its priors switched off."""
    model = GaussianHMM(
        STATES, covariance_type, covars_prior=0, covars_weight=0, n_iter=ITERATIONS, tol=-np.inf,
        init_params="", implementation="log",
    )
    model.startprob_, model.transmat_, model.means_ = (parameters[k].copy() for k in ("initial", "transition", "mean"))
    diagonal = np.einsum("kii->ki", parameters["covariance"])
    model.covars_ = diagonal.copy() if covariance_type == "diag" else parameters["covariance"].copy()
    joined, lengths = np.concatenate(sequences), [len(s) for s in sequences]
    model.fit(joined, lengths)
    after = {
        "initial": model.startprob_, "transition": model.transmat_, "mean": model.means_,
        "covariance": model.covars_,
    }
    return list(model.monitor_.history) + [model.score(joined, lengths)], after


def plain(parameters, covariance_type):
    covariance = parameters["covariance"]
    if covariance_type == "diag":
        covariance = np.einsum("kii->ki", covariance)
    return {**{k: v.ravel().tolist() for k, v in parameters.items()}, "covariance": covariance.ravel().tolist()}


def case(seed, covariance_type, missing):
    rng = np.random.default_rng(seed)
    before = start(rng, covariance_type)
    sequences = draw(rng, start(rng, covariance_type), LENGTHS)
    if missing:
        sequences = with_holes(rng, sequences)
    histories, after = [], before
    for _ in range(ITERATIONS):
        log_likelihood, after = one_iteration(after, sequences, covariance_type)
        histories.append(log_likelihood)
    histories.append(sum(posteriors(after, s)[0] for s in sequences))
    if not missing:
        history, learnt = by_hmmlearn(before, sequences, covariance_type)
        assert np.allclose(history, histories, rtol=0, atol=1e-8), "the row-by-row M-step strays from hmmlearn"
        for name in ("initial", "transition", "mean", "covariance"):
            assert np.allclose(learnt[name], after[name], rtol=0, atol=1e-8), name
    log_likelihood, filtered, smoothed, transitions = posteriors(before, sequences[0])
    return {
        "covarianceType": "diagonal" if covariance_type == "diag" else "full",
        "missing": missing,
        "states": STATES,
        "dimensions": DIMENSIONS,
        "sequences": [[None if np.isnan(x) else x for x in s.ravel()] for s in sequences],
        "before": plain(before, covariance_type),
        "firstSequence": {
            "logLikelihood": log_likelihood,
            "filtered": filtered.ravel().tolist(),
            "smoothed": smoothed.ravel().tolist(),
            "expectedTransitions": transitions.ravel().tolist(),
            "path": _hmmc.viterbi(before["initial"], before["transition"], log_densities(before, sequences[0]))[1].tolist(),
        },
        "logLikelihoods": histories,
        "after": plain(after, covariance_type),
    }


cases = [case(seed, kind, missing) for seed, (kind, missing) in
         enumerate([("full", False), ("diag", False), ("full", True), ("diag", True)], start=1)]
source = ", ".join(f"{name} {version(name)}" for name in ("hmmlearn", "scipy", "numpy"))
target = Path(__file__).parents[1] / "models/hmm/fixtures/hmmlearn.json"
target.parent.mkdir(parents=True, exist_ok=True)
# Twelve digits: far finer than the tests compare.
short = json.loads(json.dumps(cases), parse_float=lambda text: float(f"{float(text):.12g}"))
target.write_text(json.dumps({"source": f"{source}; test/peers/hmm.py", "cases": short}) + "\n")
