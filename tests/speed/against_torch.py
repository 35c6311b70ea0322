#!/usr/bin/env python3
r"""kobench's engine and PyTorch with transformers on one device, in turn, on the same rows of random weights: a table of ratios.

    cargo build --release
    python tests/speed/against_torch.py --device cuda:0 [--shapes kcbert-base,...] [--modes evaluate,train] [--lengths nsmc,512]
        [--rounds 3] [--variants bf16-sdpa,bf16-flash,bf16-sdpa-compiled,...] [--rows N] [--json FILE]
    python tests/speed/against_torch.py --device cpu --shapes tiny --rows 64 --precision f32 --variants f32-sdpa

kobench is `kobench selftest --speed`, which needs no more than the built binary and its plugins. The interpreter needs torch and
transformers; without them only kobench is measured, and that is said. A variant that is not there, or fails, is said so and left out.
Every program runs alone, one after the other, and all of them once a round; medians over the rounds are printed, and the best variant
of PyTorch is what a ratio is against.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
from pathlib import Path

from torch_peer import SHAPES

ROOT = Path(__file__).resolve().parents[2]
VARIANTS = [f"bf16-{attention}{compiled}" for attention in ("sdpa", "flash", "eager") for compiled in ("", "-compiled")]


def last_reason(text):
    return (text.strip().splitlines() or ["no message"])[-1]


def kobench(args, shape, mode, lengths):
    """The line of one measurement; None where it fails."""
    command = [args.kobench, "selftest", "--speed", "--format", "json", "--device", args.device, "--precision", args.precision, "--shape",
               shape, "--mode", mode, "--lengths", lengths, "--seed", args.seed, "--repetitions", args.repetitions, "--threads", args.threads]
    for name in ("rows", "batch", "batch_tokens"):
        if (value := getattr(args, name)) is not None:
            command += [f"--{name.replace('_', '-')}", value]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        print(f"left out: kobench, {shape}, {mode}, {lengths}: {last_reason(done.stderr)}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def torch(args, variant, ours):
    """The same rows with PyTorch; None where it fails."""
    batch = ours["batch"] if ours["mode"] == "train" else ours["batch_tokens"]
    command = [ours["shape"], ours["mode"], ours["lengths"], variant, ours["device"], ours["rows"], batch, args.seed, args.repetitions,
               args.threads]
    done = subprocess.run([sys.executable, Path(__file__).with_name("torch_peer.py"), *map(str, command)], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"left out: {variant}, {ours['shape']}, {ours['mode']}, {ours['lengths']}: {last_reason(done.stderr)}", file=sys.stderr)
        return None
    line = json.loads(done.stdout.strip().splitlines()[-1])
    if line["tokens"] != ours["tokens"]:
        sys.exit(f"{variant} has {line['tokens']} tokens where kobench has {ours['tokens']}: the rows are not the same")
    return line


def measure(args, variants, shape, mode, lengths):
    """The lines of each program, a round each."""
    ours, theirs = [], {variant: [] for variant in variants}
    for number in range(args.rounds):
        print(f"round {number + 1}: {shape}, {mode}, {lengths}", file=sys.stderr)
        line = kobench(args, shape, mode, lengths)
        if line is None:
            return {}
        ours.append(line)
        for variant in list(theirs):
            if (line := torch(args, variant, ours[-1])) is None:
                del theirs[variant]
            else:
                theirs[variant].append(line)
    return {f"kobench-{args.precision}": ours} | {f"torch-{variant}": lines for variant, lines in theirs.items()}


def gib(lines):
    peaks = [line["peak_device_bytes"] for line in lines if line["peak_device_bytes"]]
    return f"{max(peaks) / 2**30:.1f}" if peaks else ""


def rows(results, case):
    """Lines of the table: medians over the rounds, and how many times kobench is as fast."""
    medians = {name: statistics.median(line["rows_per_second"] for line in lines) for name, lines in results.items()}
    own = next(name for name in results if name.startswith("kobench"))
    peers = [name for name in results if name != own]
    best = max(peers, key=medians.get, default=None)
    for name, lines in results.items():
        values = [line["rows_per_second"] for line in lines]
        step = statistics.median(line["step_milliseconds"] for line in lines)
        ratio = f"{medians[own] / medians[name]:.2f}" + (" (the best)" if name == best else "") if name != own else ""
        flops = f"{statistics.median(line['model_flops_per_second'] for line in lines) / 1e12:.1f}" if name == own else ""
        print(f"| {case} | {name} | {medians[name]:.1f} | {min(values):.1f} to {max(values):.1f} | {step:.2f} | {flops} | {gib(lines)} | {ratio} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--shapes", default="kcbert-base,koelectra-base,mdeberta-base", help=f"of {', '.join(SHAPES)}")
    parser.add_argument("--modes", default="evaluate,train")
    parser.add_argument("--lengths", default="nsmc,512")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="bf16", help="kobench's")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="PyTorch's: PRECISION-ATTENTION[-compiled]")
    parser.add_argument("--rows", type=int, default=None, help="of a repetition; default: kobench's for such a device")
    parser.add_argument("--batch", type=int, default=None, help="rows of a training step")
    parser.add_argument("--batch-tokens", type=int, default=None, help="tokens of a batch in evaluation")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=5, help="in each round")
    parser.add_argument("--threads", type=int, default=0, help="on the CPU; 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=None, help="write every line into this file too")
    parser.add_argument("--kobench", type=Path, default=ROOT / "target/release/kobench")
    args = parser.parse_args()
    variants = args.variants.split(",")
    if unknown := [shape for shape in args.shapes.split(",") if shape not in SHAPES]:
        parser.error(f"unknown shapes {', '.join(unknown)}; there are {', '.join(SHAPES)}")
    if missing := [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]:
        print(f"{' and '.join(missing)} cannot be imported by {sys.executable}: only kobench is measured", file=sys.stderr)
        variants = []
    print(f"| shape, mode, lengths | program | rows/s, median of {args.rounds} rounds | lowest to highest | ms a step | model TFLOP/s | GiB | kobench is x times as fast |")
    print("|---|---|---|---|---|---|---|---|")
    measured = False
    for shape in args.shapes.split(","):
        for mode in args.modes.split(","):
            for lengths in args.lengths.split(","):
                results = measure(args, variants, shape, mode, lengths)
                if results:
                    measured = True
                    rows(results, f"{shape}, {mode}, {lengths}")
                    sys.stdout.flush()
                if args.json:
                    with args.json.open("a", encoding="utf-8") as file:
                        for name, lines in results.items():
                            file.writelines(json.dumps(line | {"program": name}) + "\n" for line in lines)
    if not measured:
        sys.exit("nothing was measured")


if __name__ == "__main__":
    main()
