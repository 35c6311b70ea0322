#!/usr/bin/env python3
"""Make the goldens of fine-tuning: what PyTorch and transformers make of the checkpoints of the other goldens.

    python tests/goldens/make_fine_tuning.py --goldens tests/goldens

For each model below, `fine_tuning/NAME.json` and `fine_tuning/NAME.safetensors`:

    {"folder": the checkpoint's folder, "architecture": ..., "head": "sequence" | "token" | "span",
     "loss": "cross_entropy" | "mse" | "span",
     "batches": [[{"input_ids": [...], "token_type_ids": [...], "target": ...}, ...], ...],
     "frozen": names of the parameters that transformers does not train,
     "norms": {parameter: Euclidean norm of its gradient of the first batch},
     "losses": the loss of each of 100 steps of training}

A target is a class, a real value, a class a token (-100: none), or start and end. The safetensors file holds the
gradients of the first batch, each divided by its largest absolute value and stored as float16 (which changes its
direction by less than 1e-7); gradients of which more than half is 0 - those of tables - as their rows that are not,
with the numbers of these in NAME.rows. A gradient that is 0 but for rounding (keys have biases that softmax does not
see) has its norm alone.

The loss is the mean over the sequences (over the tokens that have a target), the mean of start and end for answers. Every
sequence is run alone and unpadded, with eager attention and without dropout, in float32 on one thread; where
transformers can run the batch padded, and has this loss itself, both must be the same. (For answers it has another:
the softmax over a padded sequence counts the logits of the padding.)

Training is torch.optim.AdamW, lr 5e-4, decay 0.01 on all parameters whose names have neither `bias` nor
`LayerNorm.weight` in them, clipping at 1.0, and a linear schedule with 10 steps of warm-up of 100; step s takes batch s
modulo their number. The script runs all of it in float64 too, and refuses a model where rounding alone would move a
loss by 2e-5 of itself.

Texts hold the padding id: transformers does not train its row of the word embeddings.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import transformers as tf
from safetensors.torch import load_file, save_file

import make_heads

STEPS, WARMUP, LR, DECAY, NO_DECAY = 100, 10, 5e-4, 0.01, ["bias", "LayerNorm.weight"]
ABSOLUTE = {f"absolute/{name}": entry for name, entry in make_heads.MODELS.items()}
OTHERS = {
    "bert/gamma-beta": ("bert", "sequence"),
    **{f"deberta/{name}": ("deberta", head) for name, head in [
        ("base", "sequence"), ("odd", "token"), ("separate", "sequence"), ("c2p", "sequence"), ("p2c", "span"),
        ("shared-p2c", "sequence"), ("no-types", "sequence"), ("absolute", "sequence"), ("conv", "sequence"),
        ("conv-tanh", "token")]},
    **{f"gemma2/{name}": ("gemma2", head) for name, head in [
        ("base", "sequence"), ("multi-query", "sequence"), ("per-head", "sequence"), ("token", "token")]},
}
AUTO = {"sequence": "AutoModelForSequenceClassification", "token": "AutoModelForTokenClassification",
        "span": "AutoModelForQuestionAnswering"}


def load(goldens, name):
    """The model, its architecture and head."""
    if name not in ABSOLUTE:
        architecture, head = OTHERS[name]
        model, info = getattr(tf, AUTO[head]).from_pretrained(
            goldens / name, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
        assert not info["missing_keys"], info
        return model, architecture, head
    architecture, head, cls, config_cls, sizes, labels, how = ABSOLUTE[name]
    config = getattr(tf, config_cls)(**sizes, num_labels=labels, attn_implementation="eager")
    model = make_heads.LinearElectra(config) if cls == "linear" else getattr(tf, cls)(config)
    make_heads.randomise(model, list(ABSOLUTE).index(name))
    stored = load_file(goldens / name / "model.safetensors")
    names = {n.replace("gamma", "weight").replace("beta", "bias"): n for n in stored}
    for key, tensor in model.state_dict().items():
        found = next((names[k] for k in (key, key.removeprefix("distilbert.")) if k in names), None)
        assert found is None or torch.equal(stored[found], tensor), key
        assert found is not None or "position_ids" in key or "token_type_ids" in key, key
    return model, architecture, head


def make_batches(config, architecture, head, loss, seed):
    """Three batches of four texts, and the same again with other targets."""
    rng = np.random.default_rng(seed)
    limit = config.max_position_embeddings - (2 if architecture == "roberta" else 0)
    types = getattr(config, "type_vocab_size", 0) or 0
    pad = config.pad_token_id
    batches = []
    for number in range(3):
        longest = min(limit, 90 if number == 0 and architecture in ("deberta", "gemma2") else 20)
        batch = []
        for length in [longest, 1 if head != "span" else 2, *rng.integers(3, longest, 2).tolist()]:
            ids = rng.integers(0, config.vocab_size, length)
            if length > 2 and pad is not None:
                ids[rng.integers(0, length)] = pad
            cut = rng.integers(0, length + 1)
            labels = {"mse": lambda: round(float(rng.uniform(0, 5)), 2),
                      "cross_entropy": lambda: int(rng.integers(0, config.num_labels)),
                      "span": lambda: sorted(rng.integers(0, length, 2).tolist())}[loss]
            target = labels()
            if head == "token":
                target = [labels() if rng.random() < 0.8 else -100 for _ in range(length)]
                target[0] = labels()
            batch.append(dict(input_ids=ids.tolist(), token_type_ids=[int(types > 1 and i >= cut) for i in range(length)],
                              target=target))
        batches.append(batch)
    # The same texts with other targets: no loss comes close to 0, where its relative error is rounding.
    def other(target, case):
        if isinstance(target, list):
            classes = len(case["input_ids"]) if head == "span" else config.num_labels
            moved = [t if t < 0 else (t + 1) % classes for t in target]
            return sorted(moved) if head == "span" else moved
        return round((target + 1.7) % 5, 2) if loss == "mse" else (target + 1) % config.num_labels
    return batches + [[case | dict(target=other(case["target"], case)) for case in batch] for batch in batches]


def logits(model, head, feed, ids, types):
    inputs = dict(input_ids=ids, attention_mask=torch.ones_like(ids))
    if feed:
        inputs["token_type_ids"] = types
    out = model(**inputs)
    return torch.stack([out.start_logits, out.end_logits], -1)[0] if head == "span" else out.logits[0]


def loss_of(model, head, loss, feed, batch):
    rows = [logits(model, head, feed, torch.tensor([case["input_ids"]]), torch.tensor([case["token_type_ids"]]))
            for case in batch]
    targets = [case["target"] for case in batch]
    if loss == "mse":
        return F.mse_loss(torch.stack(rows).flatten(), torch.tensor(targets, dtype=rows[0].dtype))
    if loss == "span":
        ends = [F.cross_entropy(row[:, side][None], torch.tensor([target[side]]))
                for row, target in zip(rows, targets) for side in (0, 1)]
        return torch.stack(ends).mean()
    if head == "token":
        return F.cross_entropy(torch.cat(rows), torch.tensor(sum(targets, [])))
    return F.cross_entropy(torch.stack(rows), torch.tensor(targets))


def padded_loss(model, head, feed, batch):
    """transformers' own loss of the padded batch."""
    width, pad = max(len(c["input_ids"]) for c in batch), model.config.pad_token_id
    fill = lambda values, by: list(values) + [by] * (width - len(values))
    inputs = dict(input_ids=torch.tensor([fill(c["input_ids"], pad) for c in batch]),
                  attention_mask=torch.tensor([fill([1] * len(c["input_ids"]), 0) for c in batch]))
    if feed:
        inputs["token_type_ids"] = torch.tensor([fill(c["token_type_ids"], 0) for c in batch])
    targets = [fill(c["target"], -100) if head == "token" else c["target"] for c in batch]
    return model(**inputs, labels=torch.tensor(targets)).loss


def train(model, head, loss, feed, batches):
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decays = lambda name: not any(part in name for part in NO_DECAY)
    groups = [dict(params=[p for n, p in named if decays(n)], weight_decay=DECAY),
              dict(params=[p for n, p in named if not decays(n)], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=LR)
    schedule = tf.get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    losses, first = [], None
    for step in range(STEPS):
        optimizer.zero_grad()
        value = loss_of(model, head, loss, feed, batches[step % len(batches)])
        value.backward()
        losses.append(float(value.detach()))
        if step == 0:
            first = {n: torch.zeros_like(p) if p.grad is None else p.grad.detach().clone() for n, p in named}
        torch.nn.utils.clip_grad_norm_([p for _, p in named], 1.0)
        optimizer.step()
        schedule.step()
    return losses, first


def make(goldens, name, seed):
    torch.manual_seed(0)
    model, architecture, head = load(goldens, name)
    config = model.config
    model.eval()
    loss = "span" if head == "span" else "mse" if config.num_labels == 1 else "cross_entropy"
    feed = architecture in ("bert", "electra", "deberta", "roberta") and (getattr(config, "type_vocab_size", 0) or 0) > 1
    batches = make_batches(config, architecture, head, loss, seed)
    own = head != "span" and not isinstance(model, make_heads.LinearElectra) and config.pad_token_id is not None
    if own and architecture not in ("roberta", "gemma2"):
        with torch.no_grad():
            mine, other = loss_of(model, head, loss, feed, batches[0]), padded_loss(model, head, feed, batches[0])
        assert abs(float(mine) - float(other)) < 2e-6 * max(1, float(mine)), (name, float(mine), float(other))
    state = {n: t.clone() for n, t in model.state_dict().items()}
    losses, gradients = train(model, head, loss, feed, batches)
    model.load_state_dict(state)
    exact, exact_gradients = train(model.double(), head, loss, feed, batches)
    rounding = max(abs(a - b) / abs(b) for a, b in zip(losses, exact))

    largest = max(float(g.double().norm()) for g in gradients.values())
    norms, tensors, worst = {}, {}, 0.0
    for key, g in gradients.items():
        norms[key] = float(f"{float(g.double().norm()):.9g}")
        if norms[key] < 1e-6 * largest:
            continue
        worst = max(worst, float((g.double() - exact_gradients[key]).norm()) / norms[key])
        unit = (g / g.abs().max()).half()
        touched = unit.reshape(len(unit), -1).ne(0).any(1).nonzero()[:, 0]
        if unit.ndim == 2 and len(touched) * 2 < len(unit):
            tensors[f"{key}.rows"] = touched.int()
            unit = unit[touched]
        tensors[key] = unit.contiguous()
    frozen = [n for n, p in model.named_parameters() if not p.requires_grad]
    out = goldens / "fine_tuning"
    out.mkdir(exist_ok=True)
    flat = name.replace("/", "-")
    save_file(tensors, out / f"{flat}.safetensors", metadata={"format": "pt"})
    (out / f"{flat}.safetensors").chmod(0o644)
    golden = dict(folder=name, architecture=architecture, head=head, loss=loss, frozen=frozen, norms=norms,
                  losses=[float(f"{v:.9g}") for v in losses], batches=batches)
    (out / f"{flat}.json").write_text(json.dumps(golden, separators=(",", ":")).replace('"batches"', '\n"batches"') + "\n")
    size = sum((out / f"{flat}.{end}").stat().st_size for end in ("json", "safetensors"))
    print(f"{name}: loss {losses[0]:.4f} to {losses[-1]:.4f}, at least {min(losses):.4f}; rounding {rounding:.1e} of a "
          f"loss, {worst:.1e} of a gradient; frozen {frozen}; {size} bytes", flush=True)
    assert rounding < 2e-5, name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goldens", type=Path, required=True)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for seed, name in enumerate([*ABSOLUTE, *OTHERS]):
        if args.only in name:
            make(args.goldens, name, seed)


if __name__ == "__main__":
    main()
