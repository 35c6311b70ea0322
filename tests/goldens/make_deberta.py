#!/usr/bin/env python3
"""Make the DeBERTa-v2 parity goldens: small seeded random checkpoints and what transformers says about them.

    python tests/goldens/make_deberta.py --out tests/goldens/deberta

Each folder under --out holds a checkpoint (config.json and weights) and `goldens.json`:

    {"config": the folder's name, "head": "sequence", "token" or "span",
     "cases": [{"input_ids": [...], "token_type_ids": [...], "logits_f32": [...], "logits_f64": [...]}, ...]}

`head` says which of DebertaV2ForSequenceClassification, ForTokenClassification and ForQuestionAnswering made it.
Logits are flat: the labels of the sequence; or those of each token, one token after another; or start and end of each
token. Every case is run alone and unpadded, in float32 and again in float64 (`model.double()`; relative positions are
float32 in both), on one thread. float32 is printed as the shortest text that reads back as the same float32, float64 with
ten digits.

Weights are far larger than an initialised model's, and biases and LayerNorm parameters are random too, as in
make_bert.py. The script checks that the relative positions move the logits by a good deal wherever a model has them.

`buckets.json` holds relative positions themselves: for pairs of position_buckets and max_relative_positions, the bucket
of each distance from 0 up to 639 as make_log_bucket_position gives it. Many of the pairs are there because the formula,
computed exactly, gives another bucket for some distance than it does in float32.

The folders:

    base          mDeBERTa's form: shared projections, both types, 256 buckets, layer_norm, no absolute positions, no
                  token types; sequences of up to 300 tokens; one head of 24
    odd           hidden 60, 4 heads of 15, 8 buckets for sequences of up to 96 tokens, token types, absolute positions
                  too, no layer_norm; tokens with 3 labels
    separate      projections of their own for positions; 8 buckets up to distance 32, where float32 rounding decides
                  a bucket; 3 labels, pooler with tanh
    c2p           content to position alone, own projection, 7 buckets, embedding_size 20 below hidden_size 24; 1 label
    p2c           position to content alone, own projection, no buckets, distances clamped at 5; answers
    shared-p2c    as p2c, with the content's query projection, and distances up to max_position_embeddings
    old-names     shared c2p in a pytorch_model.bin with `LayerNorm.gamma`, `position_ids`, unused `position_embeddings`
                  and the heads of pre-training
    no-types      relative_attention without any pos_att_type: the table is there and has no effect
    absolute      no relative_attention, although pos_att_type and norm_rel_ebd are set: they still change the scale
    conv          a convolution of 3 tokens with GELU beside the first layer, as in deberta-v2-xlarge
    conv-tanh     one of 5 tokens with the default activation, for tokens
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import (DebertaV2Config, DebertaV2ForQuestionAnswering, DebertaV2ForSequenceClassification,
                          DebertaV2ForTokenClassification)
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

CLS, SEP = 1, 2
HEADS = {"sequence": DebertaV2ForSequenceClassification, "token": DebertaV2ForTokenClassification,
         "span": DebertaV2ForQuestionAnswering}
SMALL = dict(vocab_size=90, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
             max_position_embeddings=96, type_vocab_size=0, relative_attention=True, position_biased_input=False)

# name: (seed, head, settings, how to store the weights)
MODELS = {
    "base": (1, "sequence", dict(num_attention_heads=1, max_position_embeddings=512, position_buckets=256,
                                 share_att_key=True, pos_att_type="p2c|c2p", norm_rel_ebd="layer_norm",
                                 max_relative_positions=-1, num_labels=2), "safetensors"),
    "odd": (2, "token", dict(hidden_size=60, num_attention_heads=4, num_hidden_layers=1, intermediate_size=33,
                             position_buckets=8, share_att_key=True, pos_att_type=["p2c", "c2p"], type_vocab_size=2,
                             position_biased_input=True, num_labels=3), "safetensors"),
    "separate": (3, "sequence", dict(hidden_size=30, num_attention_heads=2, position_buckets=8,
                                     max_relative_positions=33, share_att_key=False, pos_att_type="c2p|p2c",
                                     norm_rel_ebd="none|layer_norm", pooler_hidden_size=30, pooler_hidden_act="tanh",
                                     layer_norm_eps=1e-3, num_labels=3), "safetensors"),
    "c2p": (4, "sequence", dict(embedding_size=20, position_buckets=7, pos_att_type=["c2p"], type_vocab_size=2,
                                position_biased_input=True, num_labels=1), "safetensors"),
    "p2c": (5, "span", dict(position_buckets=-1, max_relative_positions=5, pos_att_type="p2c", type_vocab_size=2,
                            norm_rel_ebd="layer_norm", num_labels=2), "safetensors"),
    "shared-p2c": (6, "sequence", dict(num_attention_heads=4, share_att_key=True, pos_att_type="p2c",
                                       max_relative_positions=-1, hidden_act="gelu_new", num_labels=2), "safetensors"),
    "old-names": (7, "sequence", dict(share_att_key=True, pos_att_type="c2p", position_buckets=12,
                                      norm_rel_ebd="layer_norm", num_labels=2), "old-names"),
    "no-types": (8, "sequence", dict(position_buckets=8, type_vocab_size=2, num_labels=2), "safetensors"),
    "absolute": (9, "sequence", dict(relative_attention=False, position_biased_input=True, pos_att_type="c2p|p2c",
                                     norm_rel_ebd="layer_norm", num_labels=3), "safetensors"),
    "conv": (10, "sequence", dict(share_att_key=True, pos_att_type="p2c|c2p", position_buckets=16,
                                  norm_rel_ebd="layer_norm", conv_kernel_size=3, conv_act="gelu", num_labels=2), "safetensors"),
    "conv-tanh": (11, "token", dict(share_att_key=True, pos_att_type="p2c|c2p", position_buckets=10,
                                    conv_kernel_size=5, num_labels=2), "safetensors"),
}

KEPT = ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size",
        "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act", "hidden_dropout_prob",
        "attention_probs_dropout_prob", "initializer_range", "pad_token_id", "relative_attention",
        "position_biased_input", "pooler_dropout", "pooler_hidden_act"]


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=generator)
            if "LayerNorm.weight" in name:
                weight.copy_(1 + 0.3 * noise)
            elif weight.ndim == 1:
                weight.copy_(0.3 * noise)
            elif "embeddings" in name:
                weight.copy_(0.7 * noise)
            else:
                weight.copy_(noise * 1.6 / weight[0].numel() ** 0.5)
        for name in ("classifier", "qa_outputs"):
            if hasattr(model, name):
                getattr(model, name).weight.mul_(2)


def write_config(folder, config, settings, head):
    out = {name: getattr(config, name) for name in KEPT} | settings
    labels = out.pop("num_labels")
    out["architectures"] = [HEADS[head].__name__]
    out["model_type"] = "deberta-v2"
    out["id2label"] = {str(i): f"LABEL_{i}" for i in range(labels)}
    out["label2id"] = {f"LABEL_{i}": i for i in range(labels)}
    (folder / "config.json").write_text(json.dumps(out, indent=2, sort_keys=True) + "\n")


def save(folder, model, form):
    state = {name: tensor.detach().clone().contiguous() for name, tensor in model.state_dict().items()}
    if form == "safetensors":
        save_file(state, str(folder / "model.safetensors"), metadata={"format": "pt"})
        (folder / "model.safetensors").chmod(0o644)
        return
    state = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
             for name, tensor in state.items()}
    hidden = model.config.hidden_size
    limit = model.config.max_position_embeddings
    state["deberta.embeddings.position_ids"] = torch.arange(limit)[None]
    state["deberta.embeddings.position_embeddings.weight"] = torch.zeros(limit, hidden)
    for name, shape in [("lm_predictions.lm_head.dense.weight", (hidden, hidden)),
                        ("lm_predictions.lm_head.LayerNorm.weight", (hidden,)), ("lm_predictions.lm_head.bias", (90,)),
                        ("mask_predictions.dense.weight", (hidden, hidden)), ("mask_predictions.classifier.bias", (1,)),
                        ("mask_predictions.LayerNorm.bias", (hidden,)), ("cls.predictions.bias", (90,))]:
        state[name] = torch.zeros(shape)
    torch.save(state, folder / "pytorch_model.bin")


def make_inputs(name, head, config, seed):
    """Inputs of lengths from 1 to the limit, singles and pairs, in an order that mixes them."""
    rng = np.random.default_rng(seed)
    limit = min(config.max_position_embeddings, 300)
    lengths = [1, 2, 3, limit, 65] + rng.integers(4, 30, 4).tolist()
    if head == "sequence":
        lengths += [64, limit - 1] + rng.integers(2, 40, 6).tolist() + rng.integers(40, limit, 7).tolist()
    cases = []
    for number, length in enumerate(lengths):
        ids = rng.integers(3, config.vocab_size, length)
        ids[0] = CLS
        types = np.zeros(length, np.int64)
        if length > 1:
            ids[-1] = SEP
        if length >= 5 and number % 2:
            middle = int(rng.integers(1, length - 2))
            ids[middle] = SEP
            types[middle + 1 :] = 1
        cases.append((ids.tolist(), types.tolist()))
    order = rng.permutation(len(cases))
    return [cases[i] for i in order]


def logits(model, head, **inputs):
    out = model(**inputs)
    return torch.stack([out.start_logits, out.end_logits], -1) if head == "span" else out.logits


def short(values):
    """float32 values as the shortest decimals that read back as the same float32."""
    return [float(np.format_float_positional(np.float32(v), unique=True, trim="0")) for v in values]


def make(out, name):
    seed, head, settings, form = MODELS[name]
    settings = SMALL | settings
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    config = DebertaV2Config(**settings)
    model = HEADS[head](config).eval()
    randomise(model, seed)
    write_config(folder, config, settings, head)
    save(folder, model, form)

    # What is checked is what a user gets from the files, not the model that was just in memory.
    single = HEADS[head].from_pretrained(folder).eval()
    for key, tensor in model.state_dict().items():
        assert torch.equal(single.state_dict()[key], tensor), key
    double = HEADS[head].from_pretrained(folder).eval().double()
    inputs = make_inputs(name, head, config, seed + 100)

    cases, exact, difference, largest = [], [], 0.0, 0.0
    with torch.inference_mode():
        for ids, types in inputs:
            batch = dict(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([types]))
            a = logits(single, head, **batch)[0].flatten()
            b = logits(double, head, **batch)[0]
            exact.append(b)
            difference = max(difference, float((a - b.flatten()).abs().max()))
            largest = max(largest, float(b.abs().max()))
            cases.append({"input_ids": ids, "token_type_ids": types, "logits_f32": short(a.tolist()),
                          "logits_f64": [float(f"{v:.10g}") for v in b.flatten().tolist()]})

        # A padded batch must say the same, or the goldens would depend on how they were batched.
        width = max(len(c["input_ids"]) for c in cases)
        fill = lambda key: torch.tensor([c[key] + [0] * (width - len(c[key])) for c in cases])
        mask = torch.tensor([[1] * len(c["input_ids"]) + [0] * (width - len(c["input_ids"])) for c in cases])
        padded = logits(double, head, input_ids=fill("input_ids"), token_type_ids=fill("token_type_ids"),
                        attention_mask=mask)
        for row, b in zip(padded, exact):
            assert (row[: len(b)] - b if head != "sequence" else row - b).abs().max() < 1e-9

        # Without its table of relative positions the model must say something else.
        moved = 0.0
        if config.relative_attention:
            double.deberta.encoder.rel_embeddings.weight.copy_(
                double.deberta.encoder.rel_embeddings.weight.roll(1, 0))
            for (ids, types), b in zip(inputs, exact):
                again = logits(double, head, input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([types]))[0]
                moved = max(moved, float((again - b).abs().max()))
            assert (moved > 0.05) == bool(config.pos_att_type), moved
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (folder / "goldens.json").write_text(f'{{"config":"{name}","head":"{head}","cases":[\n{lines}\n]}}\n')
    print(f"{name}: {len(cases)} cases, logits up to {largest:.1f}, moved by positions up to {moved:.2f}, "
          f"max |f32 - f64| {difference:.2e}, bytes {sum(p.stat().st_size for p in folder.iterdir())}")


def exact_buckets(distances, buckets, limit):
    middle = buckets // 2
    far = np.ceil(np.log(np.maximum(distances, middle) / middle) / np.log((limit - 1) / middle) * (middle - 1)) + middle
    return np.where(distances <= middle, distances, far).astype(int)


def make_buckets(out):
    distances = torch.arange(640)
    rows = []
    for buckets, limit in [(256, 512), (8, 96), (7, 96), (12, 96), (256, 1024), (320, 2048), (2, 40), (3, 40), (50, 1024)]:
        rows.append((buckets, limit))
    for buckets in range(4, 66):
        for limit in (buckets // 2 * power + 1 for power in (2, 3, 4, 8, 9, 16, 27, 32)):
            rows.append((buckets, limit))
    kept, differ = [], 0
    for number, (buckets, limit) in enumerate(rows):
        found = make_log_bucket_position(distances, buckets, limit).to(torch.long)
        opposite = make_log_bucket_position(-distances, buckets, limit).to(torch.long)
        assert torch.equal(found, -opposite)
        rounded = (found.numpy() != exact_buckets(distances.numpy(), buckets, limit)).any()
        if number < 9 or rounded:
            kept.append({"position_buckets": buckets, "max_relative_positions": limit, "buckets": found.tolist()})
            differ += bool(rounded)
    # Each row as its value at 0 and the distances at which it grows by one, which is far shorter.
    for row in kept:
        values = np.array(row.pop("buckets"))
        assert values[0] == 0 and (np.diff(values) >= 0).all()
        row["grows_at"] = np.repeat(np.arange(1, 640), np.diff(values)).tolist()
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in kept)
    (out / "buckets.json").write_text(f'{{"distances":640,"rows":[\n{lines}\n]}}\n')
    print(f"buckets.json: {len(kept)} pairs, {differ} of them decided by rounding")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name in MODELS:
        make(args.out, name)
    make_buckets(args.out)


if __name__ == "__main__":
    main()
