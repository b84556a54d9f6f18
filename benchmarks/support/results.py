"""What Google Benchmark writes as JSON, written by a subject that is no program of its: benchmarks/report.py reads both."""

import argparse
import datetime
import json
import os
import pathlib


def arguments(description):
    """The options that benchmarks/run gives every subject; those of Google Benchmark's that mean nothing here are taken and left."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--build", type=pathlib.Path, help="the directory that the benchmarks were built in")
    parser.add_argument("--benchmark_out", type=pathlib.Path, help="the results, as JSON")
    parser.add_argument("--benchmark_repetitions", type=int, default=5)
    parser.add_argument("--benchmark_context", default="")
    return parser


def write(file, context, costs, counts):
    """`costs`: nanoseconds by benchmark, one for each repetition. `counts`: numbers by counter, by benchmark."""
    entries = []
    for family, (name, times) in enumerate(costs.items()):
        for time in times:
            entries.append({"name": name, "family_index": family, "cpu_time": time, "real_time": time, "time_unit": "ns"})
    for name, counters in counts.items():
        entries.append({"name": name, "family_index": len(entries), "cpu_time": 0, "time_unit": "ns", **counters})
    given = dict(pair.split("=", 1) for pair in context.split(",") if "=" in pair)
    written = {"date": datetime.datetime.now().isoformat(), "load_avg": list(os.getloadavg()), **given}
    file.write_text(json.dumps({"context": written, "benchmarks": entries}, indent=1))
