#!/usr/bin/env python3
r"""kobench and what else computes these models on a CPU, in turn, on the same rows: a table of ratios.

    cargo build --release --workspace
    python tests/parity/kcbert_full_size.py --make MODEL --config kcbert-base.config.json --vocab vocab.txt
    python tests/speed/against_peers.py evaluate --model MODEL --data DATA [--rows 1000] [--rounds 3] [--peers torch-f32,...]
    python tests/parity/full_size.py --model mdeberta-base --make SHAPE
    python tests/speed/against_peers.py evaluate-lengths|train-lengths --model SHAPE --data DATA [--lengths nsmc|512] [--rows 160]
    python tests/speed/against_peers.py train --shape kcbert-base --model MODEL --data DATA [--steps 8] [--rounds 3]

The interpreter needs torch and transformers, and for their rows onnxruntime, openvino and ctranslate2; a peer that is not there, or
fails, is said so and left out. Each program runs alone, one after the other, and all of them once a round, so that a machine that gets
slower gets slower for all; medians over the rounds are printed. Rates are rows in a second without tokenisation and loading.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = {
    "evaluate": ["torch-f32-pad128", "torch-f32", "onnxruntime-f32", "openvino-f32", "ctranslate2-f32", "ctranslate2-int8",
                 "torch-bf16", "openvino-bf16"],
    "evaluate-lengths": ["torch-f32", "torch-bf16"],
    "train-lengths": ["torch-f32", "torch-bf16"],
    "train": ["torch-f32-pad128", "torch-f32", "torch-bf16"],
}
# What the shapes are called here: the model whose plugin builds them.
MODELS = {"kcbert-base": "kcbert-base", "koelectra-small": "koelectra-small-v3"}


def peer(*command):
    """The JSON of one peer; None where it fails."""
    done = subprocess.run([sys.executable, Path(__file__).with_name("peer.py"), *map(str, command)], capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"left out: {' '.join(map(str, command[:2]))}: {reason}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def records(run):
    (cell,) = (run / "cells").glob("*/cell.json")
    return cell.parent, json.loads(cell.read_text(encoding="utf-8"))


def kobench(args, run, *more):
    shutil.rmtree(run, ignore_errors=True)
    command = [args.kobench, "run", "--threads", args.threads, "--out", run, "-q", *more]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"kobench failed: {done.stderr.strip()}")
    return records(run)


def kobench_evaluate(args, folder, precision):
    run = folder / f"evaluate-{precision}"
    cell, record = kobench(args, run, "-m", "kcbert-base", "-t", "nsmc", "--checkpoint", args.model, "--limit", args.rows,
                           "--data-dir", args.data, "--precision", precision)
    lines = (cell / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    speed = record["throughput"]
    return {"seconds": speed["forward_seconds"], "rows": record["n"],
            "classes": [int(json.loads(line)["pred"]) for line in lines]}


def length_file(args, folder):
    """Half the characters of NSMC's first test rows and two more, which is near their number of tokens; or a twentieth as many of 512."""
    rows = (args.data / "nsmc/ratings_test.txt").read_text(encoding="utf-8").split("\n")[1 : args.rows + 1]
    lengths = [512] * (args.rows // 20) if args.lengths == "512" else [min(2 + len(row.split("\t")[1]) // 2, 128) for row in rows]
    path = folder / "lengths.json"
    path.write_text(json.dumps(lengths), encoding="utf-8")
    return path


def engine_lengths(args, path, precision):
    """The engine alone, in a test program: these models have no tokeniser."""
    command = ["cargo", "test", "--release", "--locked", "-q", "-p", "kobench-engine", "--test", "speed", "--", "--nocapture", "--ignored",
               "training" if args.what.startswith("train") else "evaluation"]
    names = {"KOBENCH_FULL_SIZE": args.model.resolve(), "KOBENCH_LENGTHS": path, "KOBENCH_PRECISION": precision,
             "KOBENCH_THREADS": args.threads}
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {k: str(v) for k, v in names.items()}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"the engine's test failed: {done.stderr.strip()}")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return json.loads(line)


def speed_task(args, folder):
    """NSMC's first training rows as a task of their own."""
    import yaml

    data = folder / "data"
    data.mkdir(exist_ok=True)
    for name, source, count in [("train.tsv", "ratings_train.txt", 32 * args.steps), ("test.tsv", "ratings_test.txt", 32)]:
        lines = (Path(args.data) / "nsmc" / source).read_text(encoding="utf-8").split("\n")[: count + 1]
        (data / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    task = yaml.safe_load((ROOT / "tasks/nsmc.yaml").read_text(encoding="utf-8"))
    task |= {"name": "nsmc_speed", "splits": {"train": {"file": "train.tsv"}, "test": {"file": "test.tsv"}}}
    path = folder / "nsmc_speed.yaml"
    path.write_text(yaml.safe_dump(task, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path, data


def shape_folder(args, folder):
    """A configuration and a vocabulary, from which a model is made anew."""
    if args.shape == "kcbert-base":
        return args.model
    path = folder / args.shape
    path.mkdir(exist_ok=True)
    vocabulary = Path(args.model) / "vocab.txt"
    pieces = len(vocabulary.read_text(encoding="utf-8").splitlines())
    config = {"architectures": ["ElectraForSequenceClassification"], "model_type": "electra", "vocab_size": pieces,
              "embedding_size": 128, "hidden_size": 256, "num_hidden_layers": 12, "num_attention_heads": 4,
              "intermediate_size": 1024, "max_position_embeddings": 512}
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for name in ["vocab.txt", "tokenizer_config.json"]:
        shutil.copy(Path(args.model) / name, path / name)
    return path


def kobench_train(args, folder, precision):
    task, data = speed_task(args, folder)
    settings = {"epochs": 1, "batch_size": 32, "learning_rate": "5e-5", "max_seq_len": 128, "evaluate_every": "never",
                "select": "last", "dev_fraction": "none", "precision": precision}
    more = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    cell, _ = kobench(args, folder / "train", "--finetune", "--recipe", "default", "--from-scratch", "-m", MODELS[args.shape],
                           "--checkpoint", shape_folder(args, folder), "-t", task, "--data-dir", data, "--allow-unverified",
                           "--discard-model", *more)
    steps = [json.loads(line) for line in (cell / "train.jsonl").read_text(encoding="utf-8").splitlines()][1:]
    return {"seconds": sum(step["seconds"] for step in steps), "rows": sum(step["rows"] for step in steps)}


def table(results, rounds):
    """Medians, and their ratios to the best peer of each precision."""
    rates = {name: [r["rows"] / r["seconds"] for r in runs] for name, runs in results.items() if runs}
    medians = {name: statistics.median(values) for name, values in rates.items()}
    best = {precision: max((m for n, m in medians.items() if not n.startswith("kobench") and precision in n), default=None)
            for precision in ("f32", "bf16")}
    reference = next((runs[0].get("classes") for name, runs in results.items() if name == "torch-f32" and runs), None)
    print(f"| {rounds} rounds | rows/s, median | lowest to highest | against the best peer of its precision | classes as torch f32 |")
    print("|---|---|---|---|---|")
    for name, values in rates.items():
        precision = "bf16" if "bf16" in name else "f32"
        ratio = f"{medians[name] / best[precision]:.2f}" if best[precision] and name.startswith("kobench") else ""
        classes = results[name][0].get("classes")
        same = ""
        if classes and reference:
            same = f"{sum(a == b for a, b in zip(classes, reference)) / len(classes):.4f}"
        print(f"| {name} | {medians[name]:.1f} | {min(values):.1f} to {max(values):.1f} | {ratio} | {same} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=PEERS)
    parser.add_argument("--model", type=Path, required=True, help="a directory that kcbert_full_size.py --make has made")
    parser.add_argument("--data", type=Path, required=True, help="the data directory, with nsmc/ in it")
    parser.add_argument("--shape", choices=MODELS, default="kcbert-base", help="what to train")
    parser.add_argument("--rows", type=int, default=1000, help="rows of the test split to evaluate")
    parser.add_argument("--lengths", choices=["nsmc", "512"], default="nsmc", help="of the sequences, for models without a tokeniser")
    parser.add_argument("--steps", type=int, default=8, help="steps of 32 rows to train")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--peers", default=None, help="comma-separated; default: all")
    parser.add_argument("--precisions", default="f32,bf16", help="kobench's")
    parser.add_argument("--kobench", type=Path, default=ROOT / "target/release/kobench")
    args = parser.parse_args()
    peers = args.peers.split(",") if args.peers else PEERS[args.what]
    if unknown := [name for name in peers if name not in PEERS[args.what]]:
        parser.error(f"unknown peers {', '.join(unknown)}; there are {', '.join(PEERS[args.what])}")
    results = {name: [] for name in peers} | {f"kobench-{p}": [] for p in args.precisions.split(",")}
    ceilings = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        lengths = length_file(args, folder) if args.what.endswith("-lengths") else None
        for number in range(args.rounds):
            for name in list(results):
                print(f"round {number + 1}: {name}", file=sys.stderr)
                if lengths and name.startswith("kobench"):
                    result = engine_lengths(args, lengths, name.removeprefix("kobench-"))
                elif lengths:
                    result = peer(args.what, name, args.model, lengths, args.threads)
                elif name.startswith("kobench"):
                    run = kobench_evaluate if args.what == "evaluate" else kobench_train
                    result = run(args, folder, name.removeprefix("kobench-"))
                elif args.what == "evaluate":
                    test = args.data / "nsmc/ratings_test.txt"
                    result = peer("evaluate", name, args.model, test, args.rows, args.threads)
                else:
                    train = args.data / "nsmc/ratings_train.txt"
                    result = peer("train", name, args.shape, args.model / "vocab.txt", train, args.steps, args.threads)
                if result is None:
                    del results[name]
                else:
                    results[name].append(result)
            ceilings.append(peer("ceiling", "f32", args.threads)["flops"])
    table(results, args.rounds)
    print(f"\ntorch's product of 2048 x 768 x 3072 in f32: median {statistics.median(ceilings) / 1e9:.0f} GFLOP/s, "
          f"{min(ceilings) / 1e9:.0f} to {max(ceilings) / 1e9:.0f}")


if __name__ == "__main__":
    main()
