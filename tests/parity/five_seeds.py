#!/usr/bin/env python3
r"""The same small model trained by kobench and by PyTorch + transformers with the same recipe, several seeds each.

    cargo build --release
    python tests/parity/five_seeds.py --data DATA --out RUNS [--task korsts] [--seeds 5] [--threads 2]

For each task, the rows of all its labelled files are joined in corpus.py's order; PLAN says which of them are trained on and which
of the others are evaluated (a test file alone has so few rows that scores swing by points from seed to seed). kobench
reads them as a task file that is written into --out; finetune.py, which is the PyTorch half, joins them itself. The model is
kcbert-demo's shape with initializer_range 0.02; every weight is drawn anew by the seed, each system with its own generator.

The systems train in turn, a seed each, so that both see the same machine. Runs that are in --out already are not repeated.
The last lines are the table of finetune.py: means, deviations, Welch's 95% interval of the difference of means, and the median
wall time of training.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import yaml

import finetune

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/demo"))
from corpus import TASKS  # noqa: E402

MODEL = "kcbert-demo"
# task: rows trained on, rows evaluated (from, to), epochs, batch size, learning rate, maximum length, seeds
PLAN = {
    "question_pair": ((0, 2500), (2500, 7576), 4, 64, 2e-3, 32, 5),
    "hate_speech": ((0, 3000), (3000, 8367), 3, 64, 2e-3, 48, 8),
    "korsts": ((0, 3000), (3000, 8628), 3, 64, 2e-3, 48, 16),
    "nsmc": ((0, 10000), (150000, 170000), 2, 64, 2e-3, 48, 20),
}


def joined(data, task, out):
    """The task's files as one, below the first's header line; the columns stay as they are."""
    path = out / "data" / f"{task}.tsv"
    if path.exists():
        return
    files, _, _ = TASKS[task]
    lines = []
    for i, file in enumerate(files.values()):
        text = (data / file).read_text(encoding="utf-8")
        found = text.removesuffix("\n").split("\n")
        lines += found if i == 0 else found[1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def task_file(task, out):
    """A task like the product's, of the joined rows."""
    text = yaml.safe_load((ROOT / f"tasks/{task}.yaml").read_text(encoding="utf-8"))
    (train, evaluated) = PLAN[task][:2]
    part = lambda span: {"file": f"{task}.tsv", "part": {"from": span[0], "to": span[1]}}  # noqa: E731
    text |= {"name": f"{task}_joined", "report": "test", "splits": {"train": part(train), "test": part(evaluated)},
             "caveats": ["Rows of all files, joined: for comparing two programs."]}
    path = out / f"{task}_joined.yaml"
    path.write_text(yaml.safe_dump(text, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def kobench(args, task, seed, out):
    (_, _, epochs, batch, rate, length, _) = PLAN[task]
    run = out / "runs" / f"{task}-{seed}"
    command = [args.kobench, "run", "--finetune", "--recipe", "default", "--from-scratch", "-m", MODEL, "--checkpoint", out / "model",
               "-t", task_file(task, out), "--data-dir", out / "data", "--allow-unverified", "--seed", str(seed), "--threads", str(args.threads),
               "--out", run, "--discard-model", "-q"]
    for key, value in {"epochs": epochs, "batch_size": batch, "learning_rate": rate, "max_seq_len": length, "evaluate_every": "never",
                       "select": "last", "dev_fraction": "none"}.items():
        command += ["--set", f"{key}={value}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (cell,) = (run / "cells").glob("*/cell.json")
    record = json.loads(cell.read_text(encoding="utf-8"))
    metric = finetune.METRIC[task]
    training = record["training"]
    return {"system": "kobench", "task": task, "seed": seed, "eval": spec(task), "rows": record["n"], "metric": metric,
            "value": round(record["metrics"][metric]["value"], 6), "train_rows": training["sequences"], "steps": training["steps"],
            "train_seconds": round(training["throughput"]["step_seconds"], 2), "threads": args.threads}


def spec(task):
    return "joined:{}:{}".format(*PLAN[task][1])


def pytorch(args, task, seed, out, lines):
    (train, _, epochs, batch, rate, length, _) = PLAN[task]
    command = [sys.executable, Path(__file__).with_name("finetune.py"), "--task", task, "--config", out / "model", "--data", args.data,
               "--out", lines, "--seed", str(seed), "--train", "joined:{}:{}".format(*train), "--eval", spec(task),
               "--epochs", str(epochs), "--batch-size", str(batch), "--learning-rate", str(rate), "--max-seq-len", str(length),
               "--threads", str(args.threads)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the tasks' folders")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs and results")
    parser.add_argument("--task", choices=sorted(PLAN), action="append", help="[default: all]")
    parser.add_argument("--seeds", type=int, help="how many [default: what PLAN says of the task]")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kobench", type=Path, default=ROOT / "target/release/kobench")
    args = parser.parse_args()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "model").exists():
        made = argparse.Namespace(config=ROOT / "plugins/kcbert/demo", make=out / "model", set=["initializer_range=0.02"])
        finetune.make(made)
    files = []
    for task in args.task or PLAN:
        joined(args.data, task, out)
        lines = out / f"{task}.jsonl"
        files.append(lines)
        text = lines.read_text(encoding="utf-8") if lines.exists() else ""
        done = {(row["system"], row["seed"]) for row in map(json.loads, text.splitlines())}
        for seed in range(1, 1 + (args.seeds or PLAN[task][-1])):
            if ("kobench", seed) not in done:
                line = kobench(args, task, seed, out)
                with open(lines, "a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
            if ("pytorch", seed) not in done:
                pytorch(args, task, seed, out, lines)
            print(f"{task} seed {seed}", file=sys.stderr, flush=True)
    finetune.table(files)


if __name__ == "__main__":
    main()
