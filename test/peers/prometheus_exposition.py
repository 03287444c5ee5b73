"""
Reads what a fleet exposes with Prometheus' own Python parser and holds it against the naming rules
(https://prometheus.io/docs/practices/naming). Ends with 1 where something is wrong.

    python -m venv venv && venv/bin/pip install prometheus_client
    venv/bin/python test/peers/prometheus_exposition.py http://127.0.0.1:9470/metrics    # a running fleet
    venv/bin/python test/peers/prometheus_exposition.py exposition.txt                   # or what was kept of one

test/jobs/watch/metrics.test.ts checks the same in short without Python.
"""

import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

# Values of a label that may be in use at one time; what grows with coins, hours or jobs would pass it.
MOST_SERIES = 60


def read(place):
    if place.startswith("http"):
        with urlopen(place, timeout=10) as answer:
            return answer.read().decode()
    return Path(place).read_text()


def histogram_faults(family):
    """Buckets must not fall, and the last must be the count."""
    buckets, counts = defaultdict(list), {}
    for sample in family.samples:
        labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
        if sample.name.endswith("_bucket"):
            buckets[labels].append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_count"):
            counts[labels] = sample.value
    for labels, found in buckets.items():
        values = [value for _, value in sorted(found)]
        if values != sorted(values):
            yield f"{family.name}{dict(labels)}: buckets fall"
        if sorted(found)[-1] != (float("inf"), counts.get(labels)):
            yield f"{family.name}{dict(labels)}: the last bucket is not the count"


def faults(families):
    for family in families:
        if not family.name.startswith("millrace_"):
            yield f"{family.name}: does not begin with millrace_"
        if not family.documentation.strip():
            yield f"{family.name}: no HELP"
        if family.type == "unknown":
            yield f"{family.name}: no TYPE"
        if family.type == "gauge" and family.name.endswith("_total"):
            yield f"{family.name}: a gauge with the name of a counter"
        # The parser takes `_total` off a counter's family and puts it back on its samples.
        if family.type == "counter" and any(not sample.name.endswith("_total") for sample in family.samples):
            yield f"{family.name}: a counter without _total"
        series = {tuple(sorted(sample.labels.items())) for sample in family.samples if "le" not in sample.labels}
        if len(series) > MOST_SERIES:
            yield f"{family.name}: {len(series)} series"
        if family.type == "histogram":
            yield from histogram_faults(family)


found = list(text_string_to_metric_families(read(sys.argv[1])))
wrong = list(faults(found))
samples = sum(len(family.samples) for family in found)
print(f"prometheus_client {version('prometheus_client')}: {len(found)} families, {samples} samples, {len(wrong)} faults")
for words in wrong:
    print(words)
sys.exit(1 if wrong or not found else 0)
