"""
Writes test/models/hmm/fixtures/hmmlearn.json and long.json: what hmmlearn says about hidden Markov models.

    python -m venv venv && venv/bin/pip install hmmlearn scipy
    venv/bin/python test/peers/hmm.py

hmmlearn, its priors switched off, gives the likelihood, posteriors, path, and the parameters after every iteration. It
knows no missing values and no floors. For those the marginal densities come from SciPy and the recursions still from
hmmlearn; the M-step is the textbook's (Ghahramani and Jordan 1994) written out row by row in float64, the floors by
NumPy's eigenvalues and by bisection. Where both can speak they must agree, or this script fails.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from hmmlearn import _hmmc
from hmmlearn.hmm import GaussianHMM
from scipy.optimize import brentq
from scipy.stats import multivariate_normal

ITERATIONS = 12
NAMES = ("initial", "transition", "mean", "covariance")
NO_FLOORS = {"variance": 0.0, "probability": 0.0}
FLOORS = {"variance": 1e-3, "probability": 1e-5}
# A state that holds less than this many hours keeps its mean and covariance (models/hmm/maximisation.ts).
SMALLEST_WEIGHT = 1e-3


def start(rng, covariance_type, states, dimensions):
    root = rng.normal(size=(states, dimensions, dimensions)) * 0.5
    covariance = root @ root.transpose(0, 2, 1) + 0.3 * np.eye(dimensions)
    if covariance_type == "diag":
        covariance = covariance * np.eye(dimensions)
    return {
        "initial": rng.dirichlet(np.full(states, 3.0)),
        "transition": rng.dirichlet(np.full(states, 3.0), size=states),
        "mean": rng.normal(size=(states, dimensions)) * 1.5,
        "covariance": covariance,
    }


def draw(rng, parameters, lengths):
    states, sequences = len(parameters["initial"]), []
    for rows in lengths:
        state, sequence = rng.choice(states, p=parameters["initial"]), []
        for _ in range(rows):
            sequence.append(rng.multivariate_normal(parameters["mean"][state], parameters["covariance"][state]))
            state = rng.choice(states, p=parameters["transition"][state])
        # Rounded here, so that the fixture stays short and both sides see the same numbers.
        sequences.append(np.round(sequence, 6))
    return sequences


def with_holes(rng, sequences, before):
    holed = [np.where(rng.uniform(size=s.shape) < 0.3, np.nan, s) for s in sequences]
    holed[0][7] = np.nan
    holed[1][:, 0] = np.nan
    return holed


def nearly_collinear(rng, sequences, before):
    for s in sequences:
        s[:, 1] = np.round(2 * s[:, 0] + 1e-3 * rng.normal(size=len(s)), 6)
    return sequences


def collinear(rng, sequences, before):
    for s in sequences:
        s[:, 1] = 2 * s[:, 0]
    return sequences


def constant(rng, sequences, before):
    for s in sequences:
        s[:, 1] = 1.25
    return sequences


def duplicates(rng, sequences, before):
    # Half of all rows are one and the same, and a state that is narrow enough to find them has nothing to vary.
    before["mean"][0], before["covariance"][0] = 0.5, 0.05 * np.eye(before["mean"].shape[1])
    for s in sequences:
        s[rng.uniform(size=len(s)) < 0.5] = 0.5
    return sequences


def log_densities(parameters, sequence):
    states = len(parameters["initial"])
    answer = np.zeros((len(sequence), states))
    for pattern in {tuple(row) for row in ~np.isnan(sequence)}:
        seen = np.array(pattern)
        if not seen.any():
            continue
        rows = (~np.isnan(sequence) == seen).all(axis=1)
        for k in range(states):
            covariance = parameters["covariance"][k][np.ix_(seen, seen)]
            mean = parameters["mean"][k][seen]
            answer[rows, k] = multivariate_normal.logpdf(sequence[rows][:, seen], mean, covariance)
    return answer


def posteriors(parameters, sequence):
    """Log-likelihood, filter, smoother, expected transitions and path by hmmlearn's recursions."""
    states, densities = len(parameters["initial"]), log_densities(parameters, sequence)
    arguments = (parameters["initial"], parameters["transition"], densities)
    log_likelihood, forward = _hmmc.forward_log(*arguments)
    backward = _hmmc.backward_log(*arguments)
    transitions = np.zeros((states, states))
    if len(sequence) > 1:
        transitions = np.exp(_hmmc.compute_log_xi_sum(forward, parameters["transition"], backward, densities))
    normal = lambda rows: np.exp(rows - np.logaddexp.reduce(rows, axis=1, keepdims=True))
    return {
        "logLikelihood": log_likelihood,
        "filtered": normal(forward),
        "smoothed": normal(forward + backward),
        "expectedTransitions": transitions,
        "path": _hmmc.viterbi(*arguments)[1],
    }


def floored(counts, floor):
    """The most likely distribution under `counts` with no probability below `floor`: max(floor, counts / multiplier)."""
    if counts.sum() == 0:
        return np.full(len(counts), 1 / len(counts))
    if floor == 0:
        return counts / counts.sum()
    excess = lambda multiplier: np.maximum(floor, counts / multiplier).sum() - 1
    return np.maximum(floor, counts / brentq(excess, 1e-9, 2 * counts.sum(), xtol=1e-300, rtol=1e-15))


def one_iteration(parameters, sequences, covariance_type, floors):
    """Log-likelihood before, and the parameters after, one step of expectation maximisation."""
    states, dimensions = parameters["mean"].shape
    total, initial, transitions = 0.0, np.zeros(states), np.zeros((states, states))
    weight, first = np.zeros(states), np.zeros((states, dimensions))
    second = np.zeros((states, dimensions, dimensions))
    for sequence in sequences:
        said = posteriors(parameters, sequence)
        total += said["logLikelihood"]
        initial += said["smoothed"][0]
        transitions += said["expectedTransitions"]
        for values, shares in zip(sequence, said["smoothed"]):
            seen = ~np.isnan(values)
            for k in range(states):
                mean, covariance = parameters["mean"][k], parameters["covariance"][k]
                # From the old mean: squares of the values themselves would lose a variance of 1e-3.
                expected, spread = values - mean, np.zeros((dimensions, dimensions))
                if not seen.all():
                    gain = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, ~seen)]).T
                    expected[~seen] = gain @ expected[seen]
                    spread[np.ix_(~seen, ~seen)] = (
                        covariance[np.ix_(~seen, ~seen)] - gain @ covariance[np.ix_(seen, ~seen)]
                    )
                weight[k] += shares[k]
                first[k] += shares[k] * expected
                second[k] += shares[k] * (np.outer(expected, expected) + spread)
    mean, covariance = parameters["mean"].copy(), parameters["covariance"].copy()
    for k in np.flatnonzero(weight >= SMALLEST_WEIGHT):
        shift = first[k] / weight[k]
        scatter = second[k] / weight[k] - np.outer(shift, shift)
        if covariance_type == "diag":
            covariance[k] = np.diag(np.maximum(np.diag(scatter), floors["variance"]))
        else:
            values, vectors = np.linalg.eigh(scatter)
            covariance[k] = (vectors * np.maximum(values, floors["variance"])) @ vectors.T
        mean[k] += shift
    return total, {
        "initial": floored(initial, floors["probability"]),
        "transition": np.array([floored(row, floors["probability"]) for row in transitions]),
        "mean": mean,
        "covariance": covariance,
    }


def hmmlearn_model(parameters, covariance_type, iterations=0):
    model = GaussianHMM(
        len(parameters["initial"]), covariance_type, covars_prior=0, covars_weight=0, n_iter=iterations, tol=-np.inf,
        init_params="", implementation="log",
    )
    model.n_features = parameters["mean"].shape[1]
    model.startprob_, model.transmat_, model.means_ = (parameters[name].copy() for name in NAMES[:3])
    diagonal = np.einsum("kii->ki", parameters["covariance"])
    model.covars_ = diagonal.copy() if covariance_type == "diag" else parameters["covariance"].copy()
    return model


def by_hmmlearn(parameters, sequences, covariance_type):
    """Log-likelihood before, and the parameters after, one of hmmlearn's own iterations."""
    model = hmmlearn_model(parameters, covariance_type, iterations=1)
    model.fit(np.concatenate(sequences), [len(s) for s in sequences])
    return model.monitor_.history[0], dict(zip(NAMES, (model.startprob_, model.transmat_, model.means_, model.covars_)))


def agree(mine, theirs, what, tolerance=1e-8):
    worst = np.max(np.abs(np.asarray(mine) - theirs))
    assert worst < tolerance, f"{what}: this script strays from hmmlearn by {worst}"


def trajectory(before, sequences, covariance_type, floors, peer):
    steps, after = [], before
    for _ in range(ITERATIONS):
        log_likelihood, mine = one_iteration(after, sequences, covariance_type, floors)
        if peer == "hmmlearn":
            theirs, learnt = by_hmmlearn(after, sequences, covariance_type)
            agree(log_likelihood, theirs, "likelihood")
            for name in NAMES:
                agree(mine[name], learnt[name], name)
            log_likelihood, mine = theirs, learnt
        after = mine
        steps.append({"logLikelihoodBefore": log_likelihood, **plain(after, covariance_type)})
    return steps, sum(posteriors(after, s)["logLikelihood"] for s in sequences)


def plain(parameters, covariance_type):
    covariance = parameters["covariance"]
    if covariance_type == "diag":
        covariance = np.einsum("kii->ki", covariance)
    return {**{k: v.ravel().tolist() for k, v in parameters.items()}, "covariance": covariance.ravel().tolist()}


def plain_posteriors(parameters, sequence, covariance_type, peer):
    said = posteriors(parameters, sequence)
    if peer == "hmmlearn":
        model = hmmlearn_model(parameters, covariance_type)
        agree(said["logLikelihood"], model.score(sequence), "score")
        agree(said["smoothed"], model.predict_proba(sequence), "predict_proba")
        assert (said["path"] == model.decode(sequence)[1]).all()
    return {name: np.ravel(value).tolist() if np.ndim(value) else float(value) for name, value in said.items()}


def case(seed, what, covariance_type, peer="hmmlearn", states=3, dimensions=2, lengths=(40, 25, 1), spoil=None,
         floors=NO_FLOORS):
    rng = np.random.default_rng(seed)
    before = start(rng, covariance_type, states, dimensions)
    sequences = draw(rng, start(rng, covariance_type, states, dimensions), lengths)
    if spoil:
        sequences = spoil(rng, sequences, before)
    steps, last = trajectory(before, sequences, covariance_type, floors, peer)
    return {
        "what": what,
        "peer": peer,
        "covarianceType": "diagonal" if covariance_type == "diag" else "full",
        "states": states,
        "dimensions": dimensions,
        "floors": floors,
        "sequences": [[None if np.isnan(x) else x for x in s.ravel()] for s in sequences],
        "before": plain(before, covariance_type),
        "posteriors": [plain_posteriors(before, s, covariance_type, peer) for s in sequences],
        "iterations": steps,
        "lastLogLikelihood": last,
    }


def uniforms(seed):
    """Lehmer's generator with Park and Miller's modulus: the same integers, and the same quotients, in any language."""
    value = seed
    while True:
        value = 48271 * value % 2147483647
        yield value / 2147483647


def long_sequence(seed, rows):
    """
    Two channels under three states. Only sums, products and quotients in a fixed order, so that TypeScript draws the
    same doubles: a normal variable is the sum of twelve uniform ones less six. Every 997th row lies far out.
    """
    numbers = uniforms(seed)
    normal = lambda: sum(next(numbers) for _ in range(12)) - 6
    state, values = 0, np.empty((rows, 2))
    for row in range(rows):
        if next(numbers) < 0.03:
            state = (state + 1 + int(next(numbers) * 2)) % 3
        far = 40 if row % 997 == 996 else 1
        values[row, 0] = (state - 1) * 1.5 + far * normal()
        values[row, 1] = 0.5 * values[row, 0] + (0.4 + 0.6 * state) * normal()
    return values


def long_case(seed, covariance_type):
    rows, states = 10_000, 3
    sequence = long_sequence(seed, rows)
    before = start(np.random.default_rng(seed), covariance_type, states, 2)
    model = hmmlearn_model(before, covariance_type)
    said = posteriors(before, sequence)
    agree(said["logLikelihood"], model.score(sequence), "score", 1e-6)
    agree(said["smoothed"], model.predict_proba(sequence), "predict_proba")
    assert (said["path"] == model.decode(sequence)[1]).all()
    steps, after = [], before
    for _ in range(10):
        log_likelihood, after = by_hmmlearn(after, [sequence], covariance_type)
        steps.append({"logLikelihoodBefore": log_likelihood, **plain(after, covariance_type)})
    # Sums over the rows weighted by their place: a row moved or changed shows.
    weighted = lambda table: (np.arange(1, rows + 1) @ table / rows).tolist()
    every = slice(0, rows, 500)
    return {
        "covarianceType": "diagonal" if covariance_type == "diag" else "full",
        "seed": seed, "rows": rows, "states": states, "dimensions": 2,
        "sums": sequence.sum(axis=0).tolist(),
        "before": plain(before, covariance_type),
        "logLikelihood": said["logLikelihood"],
        "filteredSums": weighted(said["filtered"]), "filteredEvery500": said["filtered"][every].ravel().tolist(),
        "smoothedSums": weighted(said["smoothed"]), "smoothedEvery500": said["smoothed"][every].ravel().tolist(),
        "expectedTransitions": said["expectedTransitions"].ravel().tolist(),
        "rowsInState": np.bincount(said["path"], minlength=states).tolist(),
        "moves": int((np.diff(said["path"]) != 0).sum()),
        "placesOfStates": [int(np.flatnonzero(said["path"] == k).sum()) for k in range(states)],
        "iterations": steps,
        "lastLogLikelihood": hmmlearn_model(after, covariance_type).score(sequence),
    }


def write(name, cases, digits):
    packages = {package: version(package) for package in ("hmmlearn", "scipy", "numpy")}
    # Far finer than the tests compare.
    short = json.loads(json.dumps(cases), parse_float=lambda text: float(f"{float(text):.{digits}g}"))
    lines = ",\n".join(json.dumps(one) for one in short)
    target = Path(__file__).parents[1] / f"models/hmm/fixtures/{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    head = f'{{"source": "test/peers/hmm.py", "versions": {json.dumps(packages)}'
    target.write_text(f'{head}, "cases": [\n{lines}\n]}}\n')


write("hmmlearn", [
    case(1, "several sequences", "full"),
    case(2, "several sequences", "diag"),
    case(3, "missing values", "full", "numpy", spoil=with_holes),
    case(4, "missing values", "diag", "numpy", spoil=with_holes),
    case(5, "four states in three dimensions", "full", states=4, dimensions=3),
    case(6, "four states in three dimensions", "diag", states=4, dimensions=3),
    case(7, "missing values in four dimensions", "full", "numpy", dimensions=4, lengths=(30, 25), spoil=with_holes),
    case(8, "sequences of one observation", "full", "numpy", states=2, lengths=[1] * 40),
    case(23, "nearly collinear channels", "full", states=2, spoil=nearly_collinear),
    case(10, "collinear channels above a floor", "full", "numpy", spoil=collinear, floors=FLOORS),
    case(11, "a constant channel above a floor", "full", "numpy", spoil=constant, floors=FLOORS),
    case(12, "a constant channel above a floor", "diag", "numpy", spoil=constant, floors=FLOORS),
    case(13, "duplicates above a floor", "full", "numpy", spoil=duplicates, floors=FLOORS),
    case(14, "duplicates above a floor", "diag", "numpy", spoil=duplicates, floors=FLOORS),
], digits=10)
write("long", [long_case(15, "full"), long_case(16, "diag")], digits=13)
