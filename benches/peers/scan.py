"""Motif scanners in Python, asked a line at a time by `cargo xtask bench scan`.

Reads `problem.json` (motifs as probabilities and log-odds in bits, the score from which on a window is a hit, the
p-value threshold) and `sequence.txt` from the folder given. Says which scanners there are, then answers each line
`NAME` with the seconds of one scan of both strands and the number of hits, and each line `NAME FILE` by writing
the hits to the file: motif, start, strand.

Only what is named a scan is timed. lightmotif and MOODS get their matrices, thresholds and the encoded sequence
beforehand; memelite prepares its matrices and p-values inside its one call, as our whole figure does.
"""

import importlib.metadata
import json
import sys
import time
from pathlib import Path

import numpy

folder = Path(sys.argv[1])
problem = json.loads((folder / "problem.json").read_text())
sequence = (folder / "sequence.txt").read_text()
motifs = problem["motifs"]


def memelite():
    from memelite import fimo

    # memelite has a table for every window of its widest motif; very wide ones are not left out.
    matrices = {str(i): numpy.array(motif["probabilities"]).T.copy() for i, motif in enumerate(motifs)}
    codes = numpy.frombuffer(sequence.encode(), dtype=numpy.uint8)
    one_hot = numpy.stack([codes == ord(letter) for letter in "ACGT"]).astype(numpy.int8)[None]

    def scan():
        return fimo(matrices, one_hot, eps=0.0, threshold=problem["p"])

    def hits(found):
        for table in found:
            for row in table.itertuples():
                yield int(row.motif_name), int(row.start), row.strand

    return scan, hits, lambda found: sum(len(table) for table in found)


def lightmotif():
    import lightmotif

    def matrix(motif):
        rows = numpy.array(motif["log_odds"])
        columns = {letter: rows[:, i].tolist() for i, letter in enumerate("ACGT")}
        return lightmotif.ScoringMatrix(columns | {"N": rows.min(1).tolist()})

    matrices = [(matrix(motif), motif["score"]) for motif in motifs]
    both = [(i, strand, m, score) for i, (forward, score) in enumerate(matrices)
            for strand, m in (("+", forward), ("-", forward.reverse_complement()))]
    striped = lightmotif.stripe(sequence)

    def scan():
        return [(i, strand, list(lightmotif.scan(m, striped, threshold=score))) for i, strand, m, score in both]

    def hits(found):
        for i, strand, windows in found:
            for window in windows:
                yield i, window.position, strand

    return scan, hits, lambda found: sum(len(windows) for _, _, windows in found)


def moods():
    import MOODS.scan
    import MOODS.tools

    forward = [tuple(map(tuple, numpy.array(motif["log_odds"]).T.tolist())) for motif in motifs]
    reverse = [MOODS.tools.reverse_complement(matrix) for matrix in forward]
    scores = [motif["score"] for motif in motifs]
    scanner = MOODS.scan.Scanner(7)
    scanner.set_motifs(forward + reverse, [0.25] * 4, scores + scores)

    def scan():
        return scanner.scan(sequence)

    def hits(found):
        for i, windows in enumerate(found):
            for window in windows:
                yield i % len(motifs), window.pos, "+" if i < len(motifs) else "-"

    return scan, hits, lambda found: sum(len(windows) for windows in found)


scanners = {}
names = {}
for name, package, make in (("memelite", "memelite", memelite), ("lightmotif", "lightmotif", lightmotif),
                            ("moods", "MOODS-python", moods)):
    try:
        scanners[name] = make()
        names[name] = f"{package} {importlib.metadata.version(package)}"
    except ImportError:
        pass
print(json.dumps(names), flush=True)

for line in sys.stdin:
    name, *file = line.split()
    scan, hits, count = scanners[name]
    start = time.perf_counter()
    found = scan()
    seconds = time.perf_counter() - start
    if file:
        Path(file[0]).write_text("".join(f"{i}\t{at}\t{strand}\n" for i, at, strand in hits(found)))
    print(json.dumps({"seconds": seconds, "hits": count(found)}), flush=True)
