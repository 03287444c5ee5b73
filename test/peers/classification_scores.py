"""
Writes test/training/fixtures/classification-scores.json: what scikit-learn says about classifications, scores from
the confusion matrix, log-loss and calibration curves; the expected calibration error is weighted together by numpy.

    python -m venv venv && venv/bin/pip install numpy scikit-learn
    venv/bin/python test/peers/classification_scores.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

LABELS, BINS = [0, 1, 2], 15


def curve(hit, probability):
    """scikit-learn's curve (it leaves empty bins out), and the calibration error by the counts of its bins."""
    edges = np.linspace(0, 1, BINS + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], probability), minlength=BINS)
    share, mean = calibration_curve(hit, probability, n_bins=BINS, strategy="uniform")
    filled = counts[counts > 0]
    assert len(filled) == len(share)
    return {
        "binCounts": counts.tolist(), "accuracy": share.tolist(), "confidence": mean.tolist(),
        "ece": float(np.sum(filled * np.abs(share - mean)) / len(hit)),
    }


def case(name, truth, probabilities):
    truth = np.asarray(truth)
    probabilities = np.asarray(probabilities, dtype=np.float32)
    prediction = probabilities.argmax(axis=1)
    precision, recall, f1, _ = precision_recall_fscore_support(truth, prediction, labels=LABELS, zero_division=0)
    wide = probabilities.astype(np.float64)
    top = curve(prediction == truth, wide.max(axis=1))
    return {
        "name": name,
        "truth": truth.tolist(),
        "probabilities": [float(f"{p:.9g}") for p in probabilities.ravel()],
        "confusion": confusion_matrix(truth, prediction, labels=LABELS).tolist(),
        "accuracy": float(accuracy_score(truth, prediction)),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "macroF1": float(f1.mean()),
        "logLoss": float(log_loss(truth, probabilities, labels=LABELS)),
        "top": top,
        "regimes": [curve(truth == k, wide[:, k]) for k in LABELS],
    }


rng = np.random.default_rng(7)
mixed_truth = rng.integers(0, 3, 240)
cases = [
    case("mixed", mixed_truth, (rng.dirichlet([1, 1, 1], 240) + 0.6 * np.eye(3)[mixed_truth]) / 1.6),
    case("one class only is predicted", rng.integers(0, 3, 60), rng.dirichlet([1, 1, 1], 60) * 0.2 + [0, 0.8, 0]),
    case("one class is neither present nor predicted", rng.integers(0, 2, 80),
         np.column_stack([rng.dirichlet([1, 1], 80) * 0.9, np.full(80, 0.1)])),
    case("certain and wrong", [0, 1, 2, 0], [[0, 1, 0], [0, 1, 0], [0.25, 0.25, 0.5], [1, 0, 0]]),
    case("always the same answer", rng.integers(0, 3, 50), np.tile([0.5, 0.3, 0.2], (50, 1))),
    case("every answer right and certain", [0, 1, 2, 1], np.eye(3)[[0, 1, 2, 1]]),
    case("a single sample", [2], [[0.2, 0.5, 0.3]]),
]
target = Path(__file__).parents[1] / "training/fixtures/classification-scores.json"
made = ", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "numpy"))
target.write_text(json.dumps({"madeWith": f"{made}; test/peers/classification_scores.py", "cases": cases}) + "\n")
