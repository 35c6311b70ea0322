"""Compares the logits of a run of kobench with those of Hugging Face transformers.

    python parity.py head CHECKPOINT FOLDER     a copy of the checkpoint with a new head of two labels
    python parity.py compare CHECKPOINT RUN     RUN: of -t nsmc --split sample, see README.md
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

SAMPLE = Path("{{kobench}}") / "tasks/samples/nsmc/ratings_test.sample.txt"
MAX_LENGTH = 128  # of the task nsmc
TOLERANCE = 1e-4  # of the largest logit


def head(checkpoint, folder):
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint, num_labels=2)
    # Trained heads have logits of the size of 1; new ones have nearly none, and hide differences.
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith(("classifier", "score", "pre_classifier")) and parameter.dim() == 2:
                parameter.mul_(20)
    model.save_pretrained(folder)
    for file in Path(checkpoint).iterdir():
        target = Path(folder) / file.name
        if file.suffix in (".txt", ".model", ".json") and not target.exists():
            target.write_bytes(file.read_bytes())
    print(f"{folder}: written")


def compare(checkpoint, run):
    (predictions,) = Path(run).glob("cells/*/predictions.jsonl")
    rows = [json.loads(line) for line in predictions.read_text(encoding="utf-8").splitlines()]
    lines = SAMPLE.read_text(encoding="utf-8").split("\n")[1:]
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    if getattr(tokenizer, "do_lower_case", False):
        print("transformers lower-cases with this checkpoint, which takes Hangul apart; kobench does not. If the model is "
              'cased, its tokenizer_config.json should say "do_lower_case": false.')
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
    largest, worst, apart = 0.0, None, 0.0
    for row in rows:
        text = lines[row["i"]].rstrip("\r").split("\t")[1]
        with torch.no_grad():
            inputs = tokenizer(text, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
            logits = model(**inputs).logits[0].tolist()
        largest = max(largest, *map(abs, logits))
        difference = max(abs(a - b) for a, b in zip(logits, row["logits"], strict=True))
        if difference > apart:
            apart, worst = difference, row["i"]
    print(f"{len(rows)} rows, largest logit {largest:.4f}, largest difference {apart:.2e} (row {worst})")
    return 0 if apart <= TOLERANCE * max(largest, 1.0) else 1


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("head", "compare"):
        sys.exit(__doc__)
    sys.exit({"head": head, "compare": compare}[sys.argv[1]](*sys.argv[2:]))
