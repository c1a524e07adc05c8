"""memelite at its default, for `cargo xtask bench tomtom --peer PYTHON`.

Takes a MEME file of targets and a text file with a sequence a line; reads a line `motifs`, `exact` or
`seqlets` and answers a line of JSON, `{"seconds": t}`: the targets against themselves as memelite does by
default (similar target columns merged), the same with no column merged, and the one-hot encoded sequences
against the targets by default. Each was run once before the first answer, so that compilation is not timed.

Needs memelite.
"""

import argparse
import json
import sys
import time

import memelite
import numba
import numpy

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("motifs")
parser.add_argument("sequences")
arguments = parser.parse_args()


def read_motifs(path):
    motifs, rows = [], None
    for line in open(path):
        words = line.split()
        if line.startswith("letter-probability"):
            rows = []
            motifs.append(rows)
        elif rows is not None and len(words) == 4 and words[0][0].isdigit():
            rows.append([float(word) for word in words])
        else:
            rows = None if words and rows else rows
    return [numpy.ascontiguousarray(numpy.array(rows).T) for rows in motifs]


def one_hot(sequence):
    codes = numpy.array(["ACGT".index(letter) for letter in sequence])
    return numpy.ascontiguousarray(numpy.eye(4)[codes].T)


numba.set_num_threads(arguments.threads)
targets = read_motifs(arguments.motifs)
seqlets = [one_hot(line.strip()) for line in open(arguments.sequences)]
jobs = arguments.threads
tasks = {
    "motifs": lambda: memelite.tomtom(targets, targets, n_jobs=jobs),
    "exact": lambda: memelite.tomtom(targets, targets, n_target_bins=None, n_jobs=jobs),
    "seqlets": lambda: memelite.tomtom(seqlets, targets, n_jobs=jobs),
}
for task in tasks.values():
    task()
print(json.dumps({"name": f"memelite {memelite.__version__}", "targets": len(targets)}), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    tasks[line.strip()]()
    print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
