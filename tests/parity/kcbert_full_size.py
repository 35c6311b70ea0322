#!/usr/bin/env python3
"""Parity at KcBERT's full size without its weights: a seeded random checkpoint, and a check against transformers.

The goldens under tests/goldens are small models. This makes a checkpoint of the real size (109 million parameters,
435 MB, hence not shipped) to find what shows up only there: accumulated rounding, 12 layers, 30,000 pieces, real text.

    python tests/parity/kcbert_full_size.py --make DIR --config kcbert-base.config.json --vocab vocab.txt
    kobench run -m kcbert-base -t nsmc --checkpoint DIR --limit 64 --max-seq-len 128 --data-dir DATA --out RUN
    python tests/parity/kcbert_full_size.py --check RUN/cells/ID/predictions.jsonl --model DIR \
        --data DATA/nsmc/ratings_test.txt --limit 64

The check runs transformers row by row, unpadded, in float32 with eager attention, compares the logits, prints the
largest difference (and, with --double, how far transformers' own float32 is from float64), and exits with 1 if it is
above --tolerance or if rows are missing, out of order or of another id.

Weights are three times as wide as an initialised model's, with random biases and LayerNorm parameters, so that the
logits of different rows really differ.
"""

import argparse
import json
import math
import sys
from pathlib import Path


def make(args):
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertForSequenceClassification

    settings = json.loads(args.config.read_text())
    settings["architectures"] = ["BertForSequenceClassification"]
    settings["id2label"] = {"0": "negative", "1": "positive"}
    settings["label2id"] = {"negative": 0, "positive": 1}
    config = BertConfig(**settings)
    pieces = args.vocab.read_text(encoding="utf-8").count("\n")
    assert pieces == config.vocab_size, (pieces, config.vocab_size)
    with torch.device("meta"):
        shapes = {name: w.shape for name, w in BertForSequenceClassification(config).named_parameters()}
    generator = torch.Generator().manual_seed(args.seed)
    state = {}
    for name in sorted(shapes):
        noise = torch.randn(shapes[name], generator=generator)
        if "LayerNorm.weight" in name:
            state[name] = 1 + 0.1 * noise
        else:
            state[name] = 3 * config.initializer_range * noise
    args.make.mkdir(parents=True, exist_ok=True)
    save_file(state, str(args.make / "model.safetensors"), metadata={"format": "pt"})
    (args.make / "model.safetensors").chmod(0o644)
    (args.make / "config.json").write_text(json.dumps(settings, indent=2) + "\n")
    (args.make / "vocab.txt").write_bytes(args.vocab.read_bytes())
    (args.make / "tokenizer_config.json").write_text(
        json.dumps({"do_lower_case": False, "model_max_length": config.max_position_embeddings,
                    "tokenizer_class": "BertTokenizer"}, indent=2) + "\n")
    print(args.make, sum(w.numel() for w in state.values()), "parameters, seed", args.seed)


def reference(args, rows):
    """Logits of transformers for (id, document) rows; one row at a time, so that nothing is padded."""
    import torch
    from transformers import BertForSequenceClassification, BertTokenizer

    torch.set_num_threads(args.threads)
    tokenizer = BertTokenizer.from_pretrained(args.model, do_lower_case=False)
    model = BertForSequenceClassification.from_pretrained(
        args.model, dtype=torch.float32, attn_implementation="eager").eval()
    inputs = [tokenizer(text, max_length=args.max_len, truncation=True, return_tensors="pt") for _, text in rows]
    out = []
    with torch.inference_mode():
        out.append([model(**x).logits[0].tolist() for x in inputs])
        if args.double:
            model = model.double()
            out.append([model(**x).logits[0].tolist() for x in inputs])
    return out


def check(args):
    with open(args.data, encoding="utf-8") as lines:
        rows = [line.strip().split("\t") for line in lines][1 : args.limit + 1]
    lines = args.check.read_text(encoding="utf-8").split("\n")
    found = [json.loads(line) for line in lines if line][: args.limit]
    problems = []
    if len(found) != len(rows):
        problems.append(f"{len(found)} predictions for {len(rows)} rows")
    for i, (row, prediction) in enumerate(zip(rows, found)):
        if prediction["i"] != i or str(prediction["id"]) != row[0]:
            problems.append(f"row {i}: expected i={i} id={row[0]}, found i={prediction['i']} id={prediction['id']}")
    want = reference(args, [(row[0], row[1]) for row in rows])
    far = [(abs(a - b), i) for i, (p, q) in enumerate(zip(found, want[0])) for a, b in zip(p["logits"], q)]
    worst = max(((d if math.isfinite(d) else math.inf, i) for d, i in far), default=(math.inf, 0))
    margins = [logits[1] - logits[0] for logits in want[0]]
    print(f"{len(found)} rows, transformers' margins from {min(margins):.3f} to {max(margins):.3f}")
    print(f"max |kobench - transformers| = {worst[0]:.3e} (row {worst[1]})")
    if args.double:
        own = max(abs(a - b) for p, q in zip(want[0], want[1]) for a, b in zip(p, q))
        ours = max((abs(a - b) for p, q in zip(found, want[1]) for a, b in zip(p["logits"], q)), default=math.inf)
        print(f"against float64: transformers' float32 {own:.3e}, kobench {ours:.3e}")
    if not worst[0] <= args.tolerance:
        problems.append(f"logits differ by more than {args.tolerance}")
    for problem in problems[:10]:
        print("error:", problem, file=sys.stderr)
    return 1 if problems else 0


def predict(args):
    """Write transformers' own logits as a predictions.jsonl (to try the check itself)."""
    with open(args.data, encoding="utf-8") as lines:
        rows = [line.strip().split("\t") for line in lines][1 : args.limit + 1]
    logits = reference(args, [(row[0], row[1]) for row in rows])[0]
    with open(args.predict, "w", encoding="utf-8") as out:
        for i, (row, values) in enumerate(zip(rows, logits)):
            out.write(json.dumps({"i": i, "id": row[0], "gold": row[2], "pred": str(values.index(max(values))),
                                  "logits": values}) + "\n")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--make", type=Path, metavar="DIR", help="make the checkpoint (needs --config and --vocab)")
    mode.add_argument("--check", type=Path, metavar="FILE", help="compare a predictions.jsonl (needs --model and --data)")
    mode.add_argument("--predict", type=Path, metavar="FILE", help="write transformers' logits as predictions.jsonl")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--vocab", type=Path)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--data", type=Path, help="NSMC ratings_test.txt")
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--max-len", type=int, default=128)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--double", action="store_true", help="also run float64, to see what rounding alone does")
    args = parser.parse_args()
    if args.make:
        if not (args.config and args.vocab):
            parser.error("--make needs --config and --vocab")
        return make(args)
    if not (args.model and args.data):
        parser.error("--check and --predict need --model and --data")
    return check(args) if args.check else predict(args)


if __name__ == "__main__":
    sys.exit(main())
