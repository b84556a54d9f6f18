#!/usr/bin/env python3
"""Says which goals of goals.toml hold, and writes report.md and plots, from what Google Benchmark wrote as JSON.

A cost is the median, over the repetitions, of the CPU time of the thread that calls the library; of the whole process where a
benchmark's name says process_time, and of the time on the wall where it says real_time. benchmarks/run calls this;
it ends with 1 when a benchmark failed or left no results, and with 0 otherwise, whether goals hold or not.
"""

import argparse
import itertools
import json
import math
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tomllib

MICROSECONDS = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}
UNITS = {"µs": 1.0, "µs for a thousand": 1.0, "ms": 1e3, "millions": 1e6}  # of goals that are no ratios
COUNTERS = {"bytes", "bytes_beyond", "beyond_mib", "instructions"}  # what benchmarks count besides time; goals name them as benchmark#counter
INSTEAD_OF_TIME = {"hit_ratio", "gap_closed", "misses_by_lru", "misses_by_lru_any_size", "instructions", "p99_us", "lost", "acknowledged"}  # the same, of benchmarks whose time says nothing
PACKAGES = ["libexpected-dev", "libsqlite3-0", "libsqlitecpp-dev", "libleveldb-dev", "nlohmann-json3-dev", "libzstd-dev", "libbenchmark-dev",
            "libabsl-dev", "libtbb-dev", "liblmdb-dev", "librocksdb-dev", "persistent-cache-cpp-dev", "libmsgpack-dev", "libcereal-dev",
            "libprotobuf-dev", "python3-plyvel", "valgrind"]

# File, title, meaning of the horizontal axis, and the names of the benchmarks: a panel for each backend, its lines, and x.
# Where x is a word, bars are drawn instead of lines. With a part that is called per_second, the vertical axis is not a cost, but
# how often it is met in a second.
PLOTS = [
    ("policy", "Throughput by policy and backend: operations of one thread, and a flush of what they have written", "",
     r"policy/(?P<x>\w+)/(?P<panel>\w+)/(?P<line>\w+)(?P<per_second>/real_time)"),
    ("query", "Fifty results of a query, and as many loads by id", "records in the table",
     r"(?P<line>find_50|load_50)/(?P<panel>\w+)/(?P<x>\d+)"),
    ("save", "A batch of a hundred saves", "what is saved", r"save_100/(?P<panel>\w+)/(?P<line>\w+)/(?P<x>\w+)"),
    ("update", "An update, and the load and save it is made of, by backend and policy", "policy",
     r"(?P<line>load_and_save|update)/(?P<panel>\w+)/(?P<x>\w+)"),
    ("sweep", "A sweep of 0, 100 or 1000 records that have expired", "records in the table that have not",
     r"sweep/(?P<panel>\w+)/(?P<line>\d+)_of_(?P<x>\d+)"),
    ("hit_latency", "A hit in a cache, by design and number of entries: one thread, and each of two", "entries",
     r"visit/(?P<line>\w+)/(?P<x>\d+)(?P<panel>(?:/threads:2)?)"),
    ("kill_safe", "A thousand saves: those of write_behind and encode_and_checksum do not survive the death of the process, the others do", "", r"(?P<panel>save)/(?P<line>\w+)(?P<x>)"),
    ("backend", "One operation of an adapter, and of engines by themselves", "", r"(?P<x>get|put)/(?P<panel>memory|sqlite|leveldb|lmdb|rocksdb)/(?P<line>\w+)"),
    ("scale", "An operation among so many players", "players", r"(?P<panel>(?:load|save)/\w+)/(?P<line>joinly|raw)/(?P<x>\d+)"),
    ("hit_ratio", "Hits by eviction policy: the mean over the traces, and some of them", "room for, % of the keys",
     r"eviction/(?P<panel>mean|mean_of_files|lobby_churn|loop|popularity_drifts)/(?P<x>\d+)/(?P<line>\w+)#(?P<y>hit_ratio)"),
]

PANELS = {"": "one thread", "/threads:2": "each of two threads"}  # what is not said by a part of the name
INFORMATION = "no goal"

INTRODUCTION = """# What it costs
Written by `bash benchmarks/run`. Costs are medians of the CPU time of the calling thread: what the threads of LevelDB and of
write-behind do is not in them, unless a name says process_time (all threads' CPU time) or real_time (time on the wall)."""


class Results:
    """Costs in microseconds by benchmark, one for each repetition, in the order in which the programs name them."""

    def __init__(self, files):
        self.costs, self.counts, self.failures, self.contexts = {}, {}, {}, []
        for file in files:
            try:
                written = json.loads(file.read_text())
                entries = sorted(written["benchmarks"], key=lambda entry: entry.get("family_index", 0))
                self.contexts.append(written["context"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                self.failures[file.stem] = f"it left no results ({type(error).__name__})"
                continue
            for entry in entries:
                self.add(entry)
        for name in self.failures:
            self.costs.pop(name, None)

    def add(self, entry):
        name = re.sub(r"/(iterations|repeats):\d+", "", entry.get("run_name", entry["name"]))
        if entry.get("error_occurred"):
            self.failures[name] = entry.get("error_message", "no reason is given")
        elif entry.get("run_type", "iteration") == "iteration":
            if not INSTEAD_OF_TIME & entry.keys():
                time = entry["real_time" if "/real_time" in name else "cpu_time"]
                self.costs.setdefault(name, []).append(time * MICROSECONDS[entry["time_unit"]])
            for counter in (COUNTERS | INSTEAD_OF_TIME) & entry.keys():
                self.counts.setdefault(f"{name}#{counter}", []).append(entry[counter])

    def __contains__(self, name):
        return name in self.costs or name in self.counts

    def median(self, name):
        return statistics.median(self.costs.get(name) or self.counts[name])

    def sizes(self, pattern):
        """The numbers in the place of {largest} or {smallest}; of benchmarks that failed as well, lest less be taken for them."""
        sized = re.compile(re.sub(r"\\{(largest|smallest)\\}", r"(\\d+)", re.escape(pattern)))
        return {int(match[1]) for match in map(sized.fullmatch, [*self.costs, *self.failures]) if match}


def judge(row, each, results):
    """One row of a goal, as the cells of a table: what, ratio, limit, verdict."""
    names = [[name.format(**each, largest="{largest}", smallest="{smallest}") for name in row[side]] for side in ("numerator", "denominator")]
    sizes = set().union(*(results.sizes(name) for name in itertools.chain(*names) if "est}" in name))
    ends = {"largest": max(sizes, default=0), "smallest": min(sizes, default=0)}
    names = [[name.format(**ends) for name in side] for side in names]
    what = row["what"].format(**each, **{end: f"{size:,}" if size else "most" for end, size in ends.items()})
    upper = "at_most" in row
    limit, unit = row.get("at_most", row.get("at_least")), f" {row['unit']}" if "unit" in row else ""
    cells = [what, "", "" if limit is None else f"{'at most' if upper else 'at least'} {limit:g}{unit}"]
    if any(name not in results for name in itertools.chain(*names)):
        failed = any(name in results.failures for name in itertools.chain(*names))
        return [*cells, "not measured: a benchmark failed" if failed else "not measured"]
    above, below = (math.prod(map(results.median, side)) for side in names)
    if below == 0 or (above == 0 and limit != 0):
        return [*cells, "not measured: a cost of 0"]
    ratio = round(above / below / UNITS.get(row.get("unit"), 1), 2)  # what is shown is what is judged
    cells[1] = f"{ratio:.2f}"
    if limit is None:
        return [*cells, INFORMATION]
    if ratio <= limit if upper else ratio >= limit:
        return [*cells, "holds"]
    return [*cells, f"falls short by {abs(ratio / limit - 1):.1%}" if limit else "falls short"]


def is_quick(results):
    return any(context.get("quick", "0") != "0" for context in results.contexts)


def judge_all(goals, results):
    """The goals, each with a table of its rows, and, after a full run, whose figures they name, with what was tried."""
    for goal in goals:
        each = goal.get("each", {})
        chosen = [dict(zip(each, values)) for values in itertools.product(*each.values())]
        judged = [(row, judge(row, one, results)) for row in goal["row"] for one in chosen]
        rows = [cells for row, cells in judged if not (row.get("where_measured") and cells[-1] == "not measured")]
        short = any(cells[-1].startswith("falls") for cells in rows)
        tried = f"\n\n{goal['tried'].strip()}" if short and "tried" in goal and not is_quick(results) else ""
        yield f"### {goal['what']}\n{summary(goal['subject'], rows)}{tried}"


def summary(subject, rows):
    if all(row[-1] == "not measured" for row in rows):
        return f"Not measured: there are no results of `{subject}`."
    measured = [row[-1] for row in rows if row[1] and row[-1] != INFORMATION]
    short = len(measured) - measured.count("holds")
    parts = [f"Falls short in {short} of {len(measured)}" if short else "Holds"] if measured else []
    if missing := sum(not row[1] for row in rows):
        parts.append(f"{missing} not measured")
    return f"{'; '.join(parts) or 'No goal, but for comparison'}.\n\n{table(['what', 'measured', 'goal', ''], rows)}"


def table(header, rows):
    """A Markdown table that reads well as it is; numbers, which begin with a digit, are on the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    right = [at > 0 and all(not cell or cell[0].isdigit() for cell in column) for at, column in enumerate(zip(*rows))]

    def line(cells):
        return "| " + " | ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right)) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right)) + "|"
    return "\n".join([line(header), rule, *map(line, rows)])


def show(microseconds):
    """Three digits."""
    unit, size = next(((u, s) for u, s in (("s", 1e6), ("ms", 1e3), ("µs", 1.0)) if microseconds >= s), ("ns", 1e-3))
    value = microseconds / size
    return f"{value:.{2 - min(2, int(math.log10(max(value, 1))))}f} {unit}"


def costs_table(results):
    rows = []
    for name, costs in results.costs.items():
        median = statistics.median(costs)
        low, high = ((cost / median - 1 if median else 0) for cost in (min(costs), max(costs)))
        rows.append([name, show(median), f"{low:+.0%} to {high:+.0%}", str(len(costs))])
    return table(["benchmark", "CPU time", "repetitions from", "number"], rows) if rows else "Nothing was timed."


def counts_table(results):
    """Hit ratios in columns by eviction policy; then what else was counted."""
    ratios, rows = {}, []  # ratios by trace and size, then by policy
    for name, counts in results.counts.items():
        if ratio := re.fullmatch(r"(.*)/(\w+)#hit_ratio", name):
            ratios.setdefault(ratio[1], {})[ratio[2]] = f"{statistics.median(counts):.3f}"
        else:
            rows.append([name, f"{statistics.median(counts):.2f}"])
    policies = list(dict.fromkeys(policy for row in ratios.values() for policy in row))
    wheres = sorted(ratios, key=lambda where: [int(part) if part.isdigit() else 0 for part in where.split("/")])
    cells = [[where, *(ratios[where].get(policy, "") for policy in policies)] for where in sorted(wheres, key=os.path.dirname)]
    tables = [table(["counted", "number"], rows)] if rows else []
    return "\n\n".join([*tables, *([table(["hit ratio", *policies], cells)] if cells else [])])


def first_match(file, pattern):
    found = re.search(pattern, pathlib.Path(file).read_text(), re.MULTILINE) if os.path.exists(file) else None
    return found[1] if found else None


def library_versions():
    if not shutil.which("dpkg-query"):
        return "unknown"
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n", *PACKAGES]
    said = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    return ", ".join(re.findall(r"^installed (.*)$", said, re.MULTILINE)) or "unknown"


def conditions(results):
    """When, where and with what it was measured."""
    context = results.contexts[0] if results.contexts else {}
    memory = first_match("/proc/meminfo", r"^MemTotal:\s*(\d+) kB")
    processor = first_match("/proc/cpuinfo", r"^model name\s*: (.*)$") or platform.machine()
    loads = [round(one["load_avg"][0], 1) for one in results.contexts if one.get("load_avg")]
    left_out = {f"{key.removeprefix('left out: ')} ({value})" for one in results.contexts for key, value in one.items()
                if key.startswith("left out: ")}
    return [
        f"Date: {context.get('date', 'unknown')[:10]}",
        f"Run: {'quick, with smaller tables and fewer repetitions: a first impression' if is_quick(results) else 'full'}",
        f"Joinly: {', '.join(sorted({one.get('joinly', 'unknown') for one in results.contexts})) or 'unknown'}",
        f"Processor: {processor}, {os.cpu_count()} cores",
        f"Memory: {f'{int(memory) / 2**20:.1f} GiB' if memory else 'unknown'}",
        f"System: {platform.system()} {platform.release()}",
        f"Compiler: {context.get('compiler', 'unknown')}",
        f"Libraries: {library_versions()}",
        f"Left out, because they are not installed: {', '.join(sorted(left_out)) or 'none'}",
        f"Processes that ran or waited when each subject began: {', '.join(map(str, loads)) or 'unknown'}",
    ]


def draw(figure, pattern, results, axis):
    """The medians of the benchmarks whose names match; None when there are none."""
    points = {}  # by panel, line and x
    per_second = "<per_second>" in pattern
    for name in [*results.costs, *results.counts]:
        if match := re.fullmatch(pattern, name):
            number = results.median(name)
            points.setdefault(match["panel"], {}).setdefault(match["line"], {})[match["x"]] = 1e6 / number if per_second else number
    if not points:
        return None
    counted = re.search(r"<y>(\w+)", pattern)
    panels = figure.subplots(1, len(points), sharey=True, squeeze=False)[0]
    labels = list(dict.fromkeys(label for lines in points.values() for label in lines))
    for panel, (title, lines) in zip(panels, points.items()):
        xs = list(dict.fromkeys(x for line in lines.values() for x in line))
        width = 0.8 / len(lines)
        for at, (label, line) in enumerate(lines.items()):
            colour = f"C{labels.index(label)}"  # the same in each panel
            if all(x.isdigit() for x in xs):
                ordered = sorted(line, key=int)
                plot = panel.semilogx if counted else panel.loglog
                plot([int(x) for x in ordered], [line[x] for x in ordered], "o-", color=colour, label=label)
                if counted:  # few sizes, that are no decades
                    panel.set_xticks([int(x) for x in xs], xs)
                    panel.minorticks_off()
            else:
                panel.bar([xs.index(x) + at * width for x in line], list(line.values()), width, color=colour, label=label)
                panel.set_yscale("log")  # what is compared differs by powers of ten
                panel.set_xticks([x + 0.4 - width / 2 for x in range(len(xs))], [x.replace("_", "\n") for x in xs])
        panel.set(title=PANELS.get(title, title), xlabel=axis)
        panel.grid(axis="y", alpha=0.3)
    if panels[0].get_yscale() == "log":  # whole decades: a slight slope looks slight
        costs = [cost for lines in points.values() for line in lines.values() for cost in line.values()]
        panels[0].set_ylim(10 ** math.floor(math.log10(min(costs) * 0.8)), 10 ** math.ceil(math.log10(max(costs))))
    panels[0].set_ylabel(counted[1].replace("_", " ") if counted else "operations a second" if per_second else "CPU time, µs")
    known = {}
    for panel in panels:
        known |= {label: handle for handle, label in zip(*panel.get_legend_handles_labels()) if label not in known}
    panels[-1].legend([known[label] for label in labels], labels, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def draw_all(results, directory):
    """Titles of the plots by file; without matplotlib, none. The same figures make the same files."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        print("There are no plots: Python's matplotlib is missing (Debian: python3-matplotlib).", file=sys.stderr)
        return {}
    matplotlib.rcParams.update({"svg.hashsalt": "joinly", "svg.fonttype": "none",
                                "axes.spines.top": False, "axes.spines.right": False})
    directory.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for file, title, axis, pattern in PLOTS:
        figure = draw(Figure(figsize=(11, 3.6), layout="constrained"), pattern, results, axis)
        if figure:
            figure.savefig(directory / f"{file}.svg", metadata={"Date": None, "Creator": None})
            drawn[f"{directory.name}/{file}.svg"] = title
    return drawn


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--to", type=pathlib.Path, required=True, help="the directory where report.md and plots/ are written")
    parser.add_argument("file", type=pathlib.Path, nargs="+", help="what a benchmark wrote with --benchmark_out")
    arguments = parser.parse_args()

    results = Results(arguments.file)
    goals = tomllib.loads(pathlib.Path(__file__).with_name("goals.toml").read_text())
    subjects = {file.stem for file in arguments.file}
    judged = "\n\n".join(judge_all([goal for goal in goals.values() if goal["subject"] in subjects], results))
    if is_quick(results):
        print("A quick run, with smaller tables and fewer repetitions: a first impression.\n")
    print(judged.replace("### ", "").replace("`", ""))

    for old in (arguments.to / "plots").glob("*.svg"):
        old.unlink()
    plots = draw_all(results, arguments.to / "plots")
    parts = [INTRODUCTION, "\n".join(f"- {line}" for line in conditions(results)), "## Goals", judged]
    if plots:
        parts += ["## Plots", *(f"![{title}]({file})\n\n*{title}.*" for file, title in plots.items())]
    failed = "\n".join(f"- {name}: {reason}" for name, reason in results.failures.items())
    if failed:
        parts += ["## Failed", failed]
    parts += ["## Every benchmark", costs_table(results)]
    if results.counts:
        parts.append(counts_table(results))
    arguments.to.mkdir(parents=True, exist_ok=True)
    (arguments.to / "report.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"\nMore is in {arguments.to / 'report.md'}")
    if failed:
        print(f"Failed:\n{failed}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
