"""PyTorch at its best, for `cargo xtask bench engine --peer PYTHON` and `cargo xtask bench bank --peer PYTHON`.

Reads a line `MODEL TASK SECONDS` and answers a line of JSON, `{"sequences": n, "seconds": t, "variant": name}`,
after at least that many seconds of work. The first question of a model and task tries every variant of it
(memory format, sequence-first LSTM, compiled or not, on a GPU replayed as a graph) and keeps the fastest.
Everything is in f32; TF32 is off.

Needs torch; tangermeme, where it is installed, is one of the variants for mutants.
"""

import argparse
import json
import os
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

if os.environ.get("ATEN_CPU_CAPABILITY") == "avx2":
    # Held to AVX2, compiled kernels must be too: those for wider vectors stop the program.
    import torch._inductor.config

    torch._inductor.config.cpp.simdlen = 256

BATCH = 256
DEVICE = torch.device("cpu")


class Cnn(nn.Module):
    """The CNN on convolutions of one or two dimensions; the second kind has a fast channels-last form."""

    def __init__(self, flat):
        super().__init__()
        self.flat = flat
        conv = (lambda i, o, k: nn.Conv1d(i, o, k)) if flat else (lambda i, o, k: nn.Conv2d(i, o, (1, k)))
        self.first, self.second, self.third = conv(4, 128, 9), conv(128, 128, 5), conv(128, 128, 3)
        self.dense = nn.Linear(128, 2)

    def forward(self, x):
        if self.flat:
            pool, last = (lambda y: F.max_pool1d(y, 2)), 2
        else:
            x = x.unsqueeze(2).contiguous(memory_format=torch.channels_last)
            pool, last = (lambda y: F.max_pool2d(y, (1, 2))), (2, 3)
        for conv in (self.first, self.second):
            x = F.dropout(pool(F.relu(conv(x))), 0.5, self.training)
        x = F.dropout(F.relu(self.third(x)), 0.5, self.training)
        return self.dense(x.amax(last))


class Recurrent(nn.Module):
    """The RNN, or with a convolution before it the CNN-RNN."""

    def __init__(self, convolves, sequence_first):
        super().__init__()
        self.conv = nn.Conv1d(4, 128, 9, padding=4) if convolves else None
        self.sequence_first = sequence_first
        self.lstm = nn.LSTM(128 if convolves else 4, 32, bidirectional=True, batch_first=not sequence_first)
        self.dense = nn.Linear(64, 2)

    def forward(self, x):
        if self.conv is not None:
            x = F.relu(self.conv(x))
        x = x.permute(2, 0, 1) if self.sequence_first else x.transpose(1, 2)
        y = F.dropout(self.lstm(x)[0], 0.5, self.training)
        return self.dense(y.mean(0 if self.sequence_first else 1))


class Foxo(nn.Module):
    """One convolution, its maximum, two logits."""

    def __init__(self, flat):
        super().__init__()
        self.flat = flat
        self.conv = nn.Conv1d(4, 64, 12) if flat else nn.Conv2d(4, 64, (1, 12))
        self.dense = nn.Linear(64, 2)

    def forward(self, x):
        if not self.flat:
            x = x.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        return self.dense(F.relu(self.conv(x)).amax(2 if self.flat else (2, 3)))


FORMS = {
    "cnn": {"conv1d": lambda: Cnn(True), "conv2d channels-last": lambda: last(Cnn(False))},
    "rnn": {"batch-first": lambda: Recurrent(False, False), "sequence-first": lambda: Recurrent(False, True)},
    "cnn-rnn": {"batch-first": lambda: Recurrent(True, False), "sequence-first": lambda: Recurrent(True, True)},
    "foxo1": {"conv1d": lambda: Foxo(True), "conv2d channels-last": lambda: last(Foxo(False))},
}


def last(model):
    return model.to(memory_format=torch.channels_last)


def one_hot(codes):
    return F.one_hot(codes, 4).float().transpose(1, 2).contiguous().to(DEVICE)


def task(name, model, length):
    """A function that does the task once, and the sequences it takes."""
    x = one_hot(torch.randint(0, 4, (BATCH, length)))
    labels = torch.randint(0, 2, (BATCH,)).to(DEVICE)
    model.to(DEVICE).train(name == "train")
    if name == "train":
        on_gpu = DEVICE.type == "cuda"
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True, capturable=on_gpu)

        def train():
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(model(x), labels).backward()
            optimiser.step()

        return train, BATCH
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    if name == "infer":

        def infer():
            with torch.inference_mode():
                model(x)

        return infer, BATCH
    if name in ("saliency", "gradient"):
        wanted = x.clone().requires_grad_()

        def saliency():
            (gradient,) = torch.autograd.grad(model(wanted)[:, 1].sum(), wanted)
            return (gradient * wanted).sum(1) if name == "saliency" else gradient

        return saliency, BATCH
    codes = torch.randint(0, 4, (1, length))
    every = codes.repeat(3 * length, 1)
    positions = torch.arange(length).repeat_interleave(3)
    every[torch.arange(3 * length), positions] = (codes[0, positions] + torch.arange(1, 4).repeat(length)) % 4
    mutants = one_hot(every)

    def mutate():
        with torch.inference_mode():
            model(mutants)

    return mutate, 1


def wait():
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def measure(work, sequences, seconds):
    wait()
    # A GPU is waited for once in so many rounds: it never stands still between them.
    start, rounds, together = time.perf_counter(), 0, 20 if DEVICE.type == "cuda" else 1
    while True:
        for _ in range(together):
            work()
        wait()
        rounds += together
        spent = time.perf_counter() - start
        if spent >= seconds:
            return rounds * sequences, spent


def replayed(work):
    """The same work as one CUDA graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def variants(model, name, length):
    for form, build in FORMS[model].items():
        yield form, task(name, build(), length)
        if DEVICE.type == "cuda":
            try:
                work, sequences = task(name, build(), length)
                yield form + ", graph", (replayed(work), sequences)
            except Exception as error:  # an operation that a graph cannot hold
                print(f"{model} {name}: {form}: no graph: {type(error).__name__}: {error}", file=sys.stderr)
        try:
            compiled = task(name, torch.compile(build()), length)
            compiled[0]()
            yield form + ", compiled", compiled
            if DEVICE.type == "cuda":
                work, sequences = task(name, torch.compile(build()), length)
                yield form + ", compiled, graph", (replayed(work), sequences)
        except Exception as error:  # no compiler on this machine, or a form it does not take
            print(f"{model} {name}: {form}: not compiled: {type(error).__name__}", file=sys.stderr)
    if name == "mutants":
        try:
            from tangermeme.saturation_mutagenesis import saturation_mutagenesis
        except ImportError:
            return
        net, x = next(iter(FORMS[model].values()))().eval().to(DEVICE), one_hot(torch.randint(0, 4, (1, length)))
        yield "tangermeme", (lambda: saturation_mutagenesis(net, x, device=str(DEVICE), raw_outputs=True), 1)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--threads", type=int, required=True)
    arguments.add_argument("--device", default="cpu")
    chosen = arguments.parse_args()
    global DEVICE
    DEVICE = torch.device(chosen.device)
    torch.set_num_threads(chosen.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    print(json.dumps({"name": f"PyTorch {torch.__version__}"}), flush=True)
    fastest = {}
    for line in sys.stdin:
        model, name, seconds = line.split()
        if (model, name) not in fastest:
            length, best = 100 if model == "foxo1" else 101, None
            for form, (work, sequences) in variants(model, name, length):
                work(), work()
                done, spent = measure(work, sequences, 0.5)
                if best is None or done / spent > best[0]:
                    best = (done / spent, form, work, sequences)
            fastest[model, name] = best[1:]
        form, work, sequences = fastest[model, name]
        done, spent = measure(work, sequences, float(seconds))
        print(json.dumps({"sequences": done, "seconds": spent, "variant": form}), flush=True)


main()
