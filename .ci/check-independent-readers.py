#!/usr/bin/env python3
"""Opens every capture below the folders or files given with two public readers and compares what they see.

Both `procmon-parser` and `procmon-reader` (PyPI) must read each event, and agree on process, thread, operation, path,
result, time and duration; procmon-reader must also find the modules that procmon-parser finds. Exit 1 on any disagreement.
"""
import datetime
import pathlib
import sys

import procmon_parser
import procmon_reader

FIELDS = ["process_name", "pid", "tid", "operation", "path", "result", "duration", "timestamp", "stacktrace", "detail"]
EPOCH = datetime.datetime(1601, 1, 1)


def parser_rows(path):
    """The events as procmon-parser reads them."""
    with open(path, "rb") as stream:
        reader = procmon_parser.ProcmonLogsReader(stream)
        modules = sorted((process.pid, len(process.modules)) for process in reader.processes())
        rows = []
        for event in reader:
            text = event.get_compatible_csv_info()
            rows.append({
                "process_name": event.process.process_name,
                "pid": event.process.pid,
                "tid": event.tid,
                "operation": text["Operation"],
                "path": event.path,
                "result": text["Result"],
                "timestamp": event.date_filetime,
                "duration": None if event.result == 0x103 else event.duration,
                "stacktrace": list(event.stacktrace or []),
            })
        return rows, modules


def reader_rows(path):
    """The events as procmon-reader reads them."""
    reader = procmon_reader.ProcmonReader(str(path), tz=datetime.timezone.utc)
    reader.apply_filters([], select_fields=FIELDS)
    rows = [reader[index] for index in range(len(reader))]
    modules = sorted((p["pid"], len(reader.process_modules(p["process_index"]))) for p in reader.processes())
    reader.close()
    return rows, modules


def ticks(text):
    """100 ns since 1601 of an ISO time with seven decimals."""
    whole, fraction = text.rstrip("Z").split(".")
    seconds = (datetime.datetime.fromisoformat(whole) - EPOCH) // datetime.timedelta(seconds=1)
    return seconds * 10_000_000 + int(fraction.ljust(7, "0")[:7])


def normal(row):
    """A row of procmon-reader with the values procmon-parser would give."""
    whole, _, fraction = (row["duration"] or "").partition(".")
    row["duration"] = int(whole) * 10_000_000 + int(fraction.ljust(7, "0")) if fraction else None
    row["timestamp"] = ticks(row["timestamp"])
    row["stacktrace"] = list(row["stacktrace"] or [])
    return row


def check(path):
    """The disagreements about one capture."""
    faults = []
    first, first_modules = parser_rows(path)
    second, second_modules = reader_rows(path)
    if first_modules != second_modules:
        faults.append(f"{path}: modules per process differ")
    if len(first) != len(second) or not first:
        faults.append(f"{path}: {len(first)} against {len(second)} events")
    for number, (left, right) in enumerate(zip(first, map(normal, second))):
        for field in FIELDS:
            if field in left and left[field] != right[field]:
                faults.append(f"{path}: event {number}: {field}: {left[field]!r} against {right[field]!r}")
    return len(first), faults


def main(arguments):
    paths = []
    for argument in map(pathlib.Path, arguments):
        paths += sorted(argument.glob("*.PML")) if argument.is_dir() else [argument]
    if not paths:
        sys.exit("no captures given")
    events, faults = 0, []
    for path in paths:
        count, found = check(path)
        events += count
        faults += found
    print("\n".join(faults[:50]))
    if faults:
        sys.exit(f"{len(faults)} disagreements")
    print(f"{len(paths)} captures agree in {events} events")


if __name__ == "__main__":
    main(sys.argv[1:])
