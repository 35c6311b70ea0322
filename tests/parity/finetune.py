#!/usr/bin/env python3
r"""The PyTorch half of "same recipe, five seeds each": a small model from random initialisation, trained by transformers.

    python tests/parity/finetune.py --task nsmc --config plugins/kcbert/demo --data DATA --out nsmc.jsonl \
        --seed 1,2,3,4,5 --train train:0:30000 --eval test --epochs 2 --batch-size 64 --learning-rate 1e-3 \
        --warmup-proportion 0.1 --max-seq-len 64
    python tests/parity/finetune.py --config plugins/kcbert/demo --set initializer_range=0.02 --make DIR

The model is the one of --config (config.json and vocab.txt), changed by --set, every weight drawn anew by the seed; --make
writes the folder of such a model without weights, for the other half.

Training is the reference's loop with torch's AdamW: all rows in random order each epoch, the last batch kept, linear warm-up
over `int(proportion * steps)` steps and then linear decay to 0 (or a constant rate), weight decay but for biases and LayerNorm
weights, the norm of all gradients clipped, dropout as in config.json, cross-entropy (KorSTS: mean squared error of scores 0
to 5), float32. A batch is padded to its longest row. The last weights are scored.

Rows are given as SPLIT or SPLIT:FROM:TO (from 0, TO not included): `train:0:3000` trains on the first 3,000 rows of the training
file, and `train:3000:6136` scores the rest; `joined` is the rows of all splits, in corpus.py's order. Small test sets swing by
points from seed to seed; more rows make the comparison sharper. --eval may be given several times.

Each run appends a line for each --eval to --out: {"system", "task", "seed", "eval", "rows", "metric", "value", "train_rows",
"steps", "loss", "train_seconds", "train_cpu_seconds", "eval_seconds", ...recipe}. Seconds are wall time of the training loop, and of
forward and scoring, without tokenisation; CPU seconds say the same of a machine that is busy with other things. `--table FILE..`
prints mean and deviation of such lines; lines of two systems (the key "system", pytorch here) with equal tasks and rows are
compared by Welch's t: the 95% interval of the difference of means.

five_seeds.py runs this and kobench in turn. Made with Python 3.11.7, torch 2.9.0, transformers 4.57.6.
"""

import argparse
import json
import math
import shutil
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
from corpus import TASKS, rows, write_json  # noqa: E402

LABELS = {"nsmc": 2, "hate_speech": 3, "korsts": 1, "question_pair": 2}
METRIC = {"nsmc": "accuracy", "hate_speech": "macro_f1", "korsts": "spearman", "question_pair": "accuracy"}


def part(data, task, spec):
    split, _, span = spec.partition(":")
    splits = TASKS[task][0] if split == "joined" else [split]
    found = [row for name in splits for row in rows(data, task, name)]
    if not span:
        return found
    start, end = (int(n) for n in span.split(":"))
    if not 0 <= start < end <= len(found):
        raise SystemExit(f"{spec}: {task}'s {split} split has rows 0..{len(found)}; give a range inside")
    return found[start:end]


def encode(tokenizer, found, limit):
    """[(input_ids, token_type_ids)], truncated as slow tokenisers do."""
    out = []
    for text, pair, _ in found:
        e = tokenizer(text, pair, max_length=limit, truncation="longest_first", return_token_type_ids=True)
        out.append((e["input_ids"], e["token_type_ids"]))
    return out


def collate(encoded, index, pad):
    import torch

    width = max(len(encoded[i][0]) for i in index)
    ids = torch.full((len(index), width), pad)
    types = torch.zeros((len(index), width), dtype=torch.long)
    mask = torch.zeros((len(index), width), dtype=torch.long)
    for row, i in enumerate(index):
        n = len(encoded[i][0])
        ids[row, :n] = torch.tensor(encoded[i][0])
        types[row, :n] = torch.tensor(encoded[i][1])
        mask[row, :n] = 1
    return {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}


def rate(step, steps, args):
    """What the learning rate of a step (from 0) is multiplied with."""
    warmup = int(args.warmup_proportion * steps)
    if step < warmup:
        return step / max(1, warmup)
    return 1.0 if args.schedule == "constant" else max(0.0, (steps - step) / max(1, steps - warmup))


def train(args, config, encoded, targets, seed):
    import torch
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").train()
    plain = ("bias", "LayerNorm.weight")
    named = list(model.named_parameters())
    optimizer = torch.optim.AdamW(
        [{"params": [p for n, p in named if not any(k in n for k in plain)], "weight_decay": args.weight_decay},
         {"params": [p for n, p in named if any(k in n for k in plain)], "weight_decay": 0.0}],
        lr=args.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)
    order = torch.Generator().manual_seed(seed)
    steps = math.ceil(len(encoded) / args.batch_size) * args.epochs
    step, losses, started, busy = 0, [], time.perf_counter(), time.process_time()
    for _ in range(args.epochs):
        shuffled = torch.randperm(len(encoded), generator=order).tolist()
        for start in range(0, len(shuffled), args.batch_size):
            index = shuffled[start : start + args.batch_size]
            for group in optimizer.param_groups:
                group["lr"] = args.learning_rate * rate(step, steps, args)
            logits = model(**collate(encoded, index, config.pad_token_id)).logits
            if args.task == "korsts":
                loss = torch.nn.functional.mse_loss(logits[:, 0], targets[index])
            else:
                loss = torch.nn.functional.cross_entropy(logits, targets[index], label_smoothing=args.label_smoothing)
            if not math.isfinite(loss.item()):
                raise SystemExit(f"{args.task} seed {seed}: the loss of step {step} is {loss.item()}; lower --learning-rate")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if args.clip_norm > 0:
                torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip_norm)
            optimizer.step()
            losses.append(loss.item())
            step += 1
    tail = losses[-max(1, steps // args.epochs):]
    seconds = {"train_seconds": round(time.perf_counter() - started, 2),
               "train_cpu_seconds": round(time.process_time() - busy, 2)}
    return model.eval(), steps, sum(tail) / len(tail), seconds


def score(args, model, config, encoded, golds):
    import torch
    from scipy.stats import spearmanr
    from sklearn.metrics import f1_score

    logits = np.zeros((len(encoded), config.num_labels), np.float32)
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i][0]))
    with torch.inference_mode():
        for start in range(0, len(order), 256):
            index = order[start : start + 256]
            logits[index] = model(**collate(encoded, index, config.pad_token_id)).logits.numpy()
    if args.task == "korsts":
        return float(spearmanr(logits[:, 0], golds)[0])
    guess = logits.argmax(1)
    if args.task == "hate_speech":
        return float(f1_score(golds, guess, average="macro"))
    return float((guess == np.array(golds)).mean())


def recipe(args):
    keys = ["train", "epochs", "batch_size", "learning_rate", "warmup_proportion", "schedule", "weight_decay", "clip_norm",
            "label_smoothing", "max_seq_len"]
    return {key: getattr(args, key) for key in keys}


def run(args):
    import torch
    import transformers as tf

    torch.set_num_threads(args.threads)
    # Slow tokenisers warn at every pair that they cut.
    tf.logging.set_verbosity_error()
    config = model_config(args)
    config.num_labels = LABELS[args.task]
    tokenizer = tf.AutoTokenizer.from_pretrained(args.config, use_fast=False)
    kind = torch.float32 if args.task == "korsts" else torch.long
    found = part(args.data, args.task, args.train)
    encoded, targets = encode(tokenizer, found, args.max_seq_len), torch.tensor([r[2] for r in found], dtype=kind)
    evals = []
    for spec in args.eval:
        found = part(args.data, args.task, spec)
        evals.append((spec, encode(tokenizer, found, args.max_seq_len), [r[2] for r in found]))
    for seed in (int(s) for s in args.seed.split(",")):
        model, steps, loss, seconds = train(args, config, encoded, targets, seed)
        for spec, inputs, golds in evals:
            started = time.perf_counter()
            value = score(args, model, config, inputs, golds)
            line = {"system": "pytorch", "task": args.task, "seed": seed, "eval": spec, "rows": len(golds),
                    "metric": METRIC[args.task], "value": round(value, 6), "train_rows": len(encoded), "steps": steps,
                    "loss": round(loss, 5), **seconds,
                    "eval_seconds": round(time.perf_counter() - started, 2), "threads": args.threads, "set": args.set,
                    "parameters": sum(p.numel() for p in model.parameters()), **recipe(args)}
            with open(args.out, "a", encoding="utf-8") as out:
                out.write(json.dumps(line) + "\n")
            print(json.dumps(line), file=sys.stderr, flush=True)


def model_config(args):
    """The configuration of --config with what --set changes; numbers stay numbers."""
    import transformers as tf

    config = tf.AutoConfig.from_pretrained(args.config)
    for change in args.set:
        key, _, value = change.partition("=")
        if not hasattr(config, key):
            raise SystemExit(f"--set {change}: {args.config}/config.json and its class have no \"{key}\"")
        setattr(config, key, json.loads(value))
    return config


def make(args):
    """The folder of a model without weights."""
    args.make.mkdir(parents=True, exist_ok=True)
    settings = json.loads((args.config / "config.json").read_text(encoding="utf-8"))
    changed = model_config(args).to_dict()
    settings.update({change.partition("=")[0]: changed[change.partition("=")[0]] for change in args.set})
    write_json(args.make / "config.json", settings)
    for file in ("vocab.txt", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copyfile(args.config / file, args.make / file)


def table(files):
    """Means, deviations and, where two systems did the same, Welch's interval of the difference; in points."""
    from scipy.stats import t

    cells = defaultdict(lambda: defaultdict(list))
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            cells[row["task"], row["eval"], row["metric"]][row["system"]].append((row["value"], row["train_seconds"]))
    for (task, spec, metric), systems in sorted(cells.items()):
        stats = {}
        for system, values in sorted(systems.items()):
            points = 100 * np.array([v for v, _ in values])
            deviation = points.std(ddof=1) if len(points) > 1 else float("nan")
            stats[system] = points.mean(), deviation**2 / len(points), len(points)
            print(f"{task}\t{spec}\t{metric}\t{system}\tn {len(points)}\tmean {points.mean():.2f}\tsd {deviation:.2f}\t"
                  f"train {np.median([s for _, s in values]):.0f} s")
        if len(stats) == 2:
            (a, va, na), (b, vb, nb) = stats.values()
            freedom = (va + vb) ** 2 / (va**2 / (na - 1) + vb**2 / (nb - 1))
            half = t.ppf(0.975, freedom) * math.sqrt(va + vb)
            print(f"{task}\t{spec}\t{' - '.join(stats)}\t{a - b:+.2f}\t[{a - b - half:+.2f}, {a - b + half:+.2f}]\twidth {2 * half:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, nargs="+", help="print the table of these files instead of training")
    parser.add_argument("--task", choices=sorted(LABELS))
    parser.add_argument("--config", type=Path, help="folder with config.json and vocab.txt")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of config.json")
    parser.add_argument("--make", type=Path, help="write the model's folder without weights, and train nothing")
    parser.add_argument("--data", type=Path, help="folder with the tasks' folders")
    parser.add_argument("--out", type=Path, help="JSON lines, appended to")
    parser.add_argument("--seed", default="1,2,3,4,5")
    parser.add_argument("--train", default="train", help="SPLIT or SPLIT:FROM:TO")
    parser.add_argument("--eval", action="append", help="SPLIT or SPLIT:FROM:TO; may be given several times")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--warmup-proportion", type=float, default=0.1)
    parser.add_argument("--schedule", choices=["linear", "constant"], default="linear")
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--clip-norm", type=float, default=1.0, help="0: no clipping")
    parser.add_argument("--label-smoothing", type=float, default=0.0)
    parser.add_argument("--max-seq-len", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if args.table:
        return table(args.table)
    if args.make and args.config:
        return make(args)
    missing = [k for k in ("task", "config", "data", "out", "eval") if not getattr(args, k)]
    if missing:
        parser.error("missing: " + ", ".join("--" + k for k in missing))
    run(args)


if __name__ == "__main__":
    main()
