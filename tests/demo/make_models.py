#!/usr/bin/env python3
r"""Train the demo models with kobench, put them into their plugins, and write their cards.

    cargo build --release
    python tests/demo/make_models.py train --data DATA --out RUNS     15 trainings, half an hour on two idle cores
    python tests/demo/make_models.py install --out RUNS               weights and cards into plugins/*/demo

`train` leaves out what RUNS already has. Plugins carry their models in the library, so build again after `install`.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ["kcbert", "koelectra", "distilkobert"]
# task: what the command adds, what is trained on, what is scored, the metrics of the card
TASKS = {
    "nsmc": ([], "NSMC train", "test", ["accuracy", "auroc"]),
    "hate_speech": ([], "Korean Hate Speech train", "val", ["macro_f1", "accuracy"]),
    "korsts": ([], "KorSTS train", "test", ["spearman", "pearson"]),
    "question_pair": ([], "Question Pair train", "test", ["accuracy", "binary_f1"]),
    "klue_ner": (["--split", "demo_test", "--set", "train_split=demo_train"],
                 "KLUE-NER dev, sentences 0 to 3,999", "dev, sentences 4,000 to 4,999", ["entity_f1", "entity_macro_f1"]),
}
DATA = """\
| data | licence | source |
|---|---|---|
| NSMC v1.0 | CC0 1.0 | Lucy Park, https://github.com/e9t/nsmc |
| Korean Hate Speech | CC BY-SA 4.0 | Jihyung Moon, Won Ik Cho, Junbum Lee, "BEEP!", 2020, https://github.com/kocohub/korean-hate-speech |
| KorSTS | CC BY-SA 4.0 | Jiyeon Ham, Yo Joong Choe, Kyubyong Park, Ilji Choi, Hyungjoon Soh, 2020, https://github.com/kakaobrain/KorNLUDatasets |
| Question Pair | MIT, Copyright (c) 2018 songys | https://github.com/songys/Question_pair |
| KLUE-NER v1.1, development file | CC BY-SA 4.0 | Sungjoon Park et al., "KLUE", 2021, https://github.com/KLUE-benchmark/KLUE |
"""
SHAPES = {
    "kcbert": ("BertForSequenceClassification and BertForTokenClassification", "KcBERT", "2 layers, hidden 64, 4 heads, feed-forward 256, 160 positions; WordPiece, cased, 7,000 pieces"),
    "koelectra": ("ElectraForSequenceClassification and ElectraForTokenClassification", "KoELECTRA", "2 layers, embeddings 64, hidden 96, 4 heads, feed-forward 192, 160 positions; WordPiece, cased, 7,000 pieces"),
    "distilkobert": ("DistilBertForSequenceClassification and DistilBertForTokenClassification", "DistilKoBERT", "2 layers, hidden 64, 4 heads, feed-forward 256, 160 positions; KoBERT's tokeniser over a SentencePiece model of 7,000 pieces"),
}


def command(family, task):
    return ["run", "--finetune", "--recipe", "demo", "--from-scratch", "-m", f"{family}-demo", "--checkpoint",
            f"plugins/{family}/demo", "-t", task, *TASKS[task][0]]


def train(args):
    out = args.out.resolve()
    for task in TASKS:
        for family in FAMILIES:
            subprocess.run([args.kobench.resolve(), *command(family, task), "--data-dir", args.data.resolve(),
                            "--out", out / f"{family}-{task}"], check=True, cwd=ROOT)


def record(out, family, task):
    (cell,) = (out / f"{family}-{task}" / "cells").glob("*/cell.json")
    return json.loads(cell.read_text(encoding="utf-8")), cell.parent


def percent(metric):
    value, low, high = (100 * metric[key] for key in ("value", "ci_low", "ci_high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def card(family, found):
    classes, published, shape = SHAPES[family]
    name = f"{family}-demo"
    rows, weights = [], []
    for task, (r, cell) in found.items():
        _, trained, scored, metrics = TASKS[task]
        t = r["training"]
        scores = "; ".join(f"{m} {percent(r['metrics'][m])}" for m in metrics)
        rows.append(f"| {task} | {trained}: {t['sequences']:,} sequences, {t['epochs']:g} epochs, {t['steps']:,} steps | {scored}: "
                    f"{r['n']:,} | {scores} |")
        file = cell / "model" / "model.safetensors"
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        weights.append(f"| {task}/model.safetensors | {file.stat().st_size:,} | `{digest}` |")
    any_record = next(iter(found.values()))[0]
    lines = "\n".join("    kobench " + " ".join(command(family, task)) for task in found)
    return f"""\
---
language: ko
license: cc-by-sa-4.0
pipeline_tag: text-classification
---

# {name}

Five small models of {published}'s architecture ({classes}), one for each
task below, trained from random weights on that task alone. They are a **demo and a regression fixture** of kobench: something that can be shipped, runs on a CPU in
seconds and has known scores. They are not {published}, share no weights with it, and are no good models.

{shape}; dropout 0.2, of attention 0.1; float16. `config.json` here is the shape without a head, from which all five were made.

## Scores

%, with 95% intervals (Wilson, or bootstrap over examples), of the last checkpoint; float32 arithmetic on the float16 weights,
rows cut at 64 tokens (KLUE-NER: 160) as in training. `kobench run` without a recipe cuts them where the task says, later.

| task | trained on | scored on | scores |
|---|---|---|---|
{chr(10).join(rows)}

These are one seed each. Another seed scores otherwise, by more than a point on the small tasks: `tests/demo/README.md`.
KLUE-NER's words are characters, spaces among them; its test labels are not public, so its development file was parted.

## How it was made

By kobench {any_record['harness_version']}, recipe `demo` (tasks/recipes/demo.yaml), seed {any_record['seed']}, {any_record['threads']} threads
(any number gives the same weights), in one stage each, with no other data and no teacher:

{lines}

each with `--data-dir DATA`. Seed and checkpoint were not chosen: it is the recipe's seed and the last step. The recipe's
settings were tried on the same test rows (`tests/demo/README.md`), which flatters a little.
`tests/demo/make_models.py` repeats it and wrote this card.

| file | bytes | SHA-256 |
|---|---:|---|
{chr(10).join(weights)}

The same commands give the same files on a CPU of the same instruction set ({any_record['backend']['isa']} here), to the bit.

## Licence and data

The models: CC BY-SA 4.0, as most of their data. The vocabulary was counted on the same training rows.

{DATA}
## Limits

Film reviews, news comments, translated captions, chatbot questions and news sentences, labelled by others. The models have
learned the prejudices of these texts along with the task, among them abuse in the news comments. Do not use them to judge
people or texts.
"""


def install(args):
    for family in FAMILIES:
        demo = ROOT / "plugins" / family / "demo"
        found = {task: record(args.out, family, task) for task in TASKS}
        for task, (_, cell) in found.items():
            (demo / task).mkdir(exist_ok=True)
            for name in ("config.json", "model.safetensors"):
                shutil.copyfile(cell / "model" / name, demo / task / name)
        (demo / "README.md").write_text(card(family, found), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "install"])
    parser.add_argument("--data", type=Path, help="folder with the tasks' folders")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--kobench", type=Path, default=ROOT / "target/release/kobench")
    args = parser.parse_args()
    if args.what == "train" and not args.data:
        parser.error("train needs --data")
    (train if args.what == "train" else install)(args)


if __name__ == "__main__":
    main()
