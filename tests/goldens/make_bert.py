#!/usr/bin/env python3
"""Make the BERT parity goldens: small seeded random checkpoints and what transformers says about them.

    python tests/goldens/make_bert.py --out tests/goldens/bert

Each folder under --out holds a `BertForSequenceClassification` checkpoint (config.json and weights) and
`goldens.json`:

    {"config": the folder's name,
     "cases": [{"input_ids": [...], "token_type_ids": [...], "logits_f32": [...], "logits_f64": [...],
                "hidden_f64_cls": [...]   # last layer at position 0; the first six cases only
               }, ...]}

Every case is run alone and unpadded with eager attention, in float32 and again in float64 (`model.double()`),
on one thread. Numbers are printed so that they read back exactly (float32 as the shortest text that rounds to the
same float32). The cases of a folder have very different lengths (1 to max_position_embeddings) and mix single
sequences and pairs, so one packed batch of all of them finds errors in masking, positions and token types.

Weights are far larger than an initialised model's, biases and LayerNorm parameters are random too: with the usual
0.02 every row gives nearly the same logits, and a wrong bias or a swapped pair of weights would go unseen.

The folders:

    base        hidden 48, 4 heads of 12, neither `layer_norm_eps` nor `pad_token_id` in config.json, as in KcBERT's (default 1e-12)
    odd         hidden 60, 5 heads of 12, 3 layers, 3 labels, layer_norm_eps 1e-5 (large enough to be missed)
    wide-head   hidden 66, 2 heads of 33: no power of two, no multiple of eight anywhere
    gamma-beta  pytorch_model.bin (torch.save zip format); `LayerNorm.gamma` and `.beta` as in checkpoints that
                came from TensorFlow, and the `position_ids` buffer that old versions of transformers stored
    no-prefix   pytorch_model.bin; the trunk's names lack `bert.` (saved from BertModel), `classifier.*` beside it

`base` also has a pytorch_model.bin with the same weights in a folder of its own, `base-bin`, without goldens: it
must give what `base` gives. `legacy-bin` has them too, in the format that torch wrote before 1.6, with every kind
of view (see `save_legacy`); its `cls.*` tensors are no part of the model, and there for the reader's own test.
"""

import argparse
import json
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification

CLS, SEP = 2, 3

# name: (seed, config, what to leave out of config.json, how to store the weights)
MODELS = {
    "base": (1, dict(vocab_size=300, hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
                     intermediate_size=128, max_position_embeddings=64, num_labels=2), ["layer_norm_eps", "pad_token_id"], "safetensors"),
    "odd": (2, dict(vocab_size=190, hidden_size=60, num_hidden_layers=3, num_attention_heads=5,
                    intermediate_size=90, max_position_embeddings=50, num_labels=3, layer_norm_eps=1e-5), [], "safetensors"),
    "wide-head": (3, dict(vocab_size=231, hidden_size=66, num_hidden_layers=2, num_attention_heads=2,
                          intermediate_size=121, max_position_embeddings=97, num_labels=2), [], "safetensors"),
    "gamma-beta": (4, dict(vocab_size=120, hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
                           intermediate_size=40, max_position_embeddings=32, num_labels=3), ["layer_norm_eps"], "gamma-beta"),
    "no-prefix": (5, dict(vocab_size=120, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
                          intermediate_size=48, max_position_embeddings=32, num_labels=2), [], "no-prefix"),
}


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
                weight.copy_(noise * 1.6 / weight.shape[1] ** 0.5)


def centre(model, inputs):
    """Shift the classifier's bias so that every class wins for some of the inputs."""
    with torch.no_grad():
        model.classifier.weight.mul_(2)
        logits = [model(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([types])).logits[0]
                  for ids, types in inputs]
        # Eight bits are plenty, and keep the stored bias the same whatever the machine's last digits are.
        shift = (torch.stack(logits).mean(0) * 256).round() / 256
        model.classifier.bias.sub_(shift)


def write_config(folder, config, left_out):
    kept = ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size",
            "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act", "hidden_dropout_prob",
            "attention_probs_dropout_prob", "initializer_range", "pad_token_id"]
    out = {name: getattr(config, name) for name in kept if name not in left_out}
    out["architectures"] = ["BertForSequenceClassification"]
    out["model_type"] = "bert"
    out["id2label"] = {str(i): f"LABEL_{i}" for i in range(config.num_labels)}
    out["label2id"] = {f"LABEL_{i}": i for i in range(config.num_labels)}
    (folder / "config.json").write_text(json.dumps(out, indent=2, sort_keys=True) + "\n")


def save(folder, model, form):
    state = {name: tensor.detach().clone().contiguous() for name, tensor in model.state_dict().items()}
    state = {name: tensor for name, tensor in state.items() if not name.endswith("position_ids")}
    if form == "safetensors":
        save_file(state, str(folder / "model.safetensors"), metadata={"format": "pt"})
        (folder / "model.safetensors").chmod(0o644)
        return
    if form == "gamma-beta":
        state = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
                 for name, tensor in state.items()}
        state["bert.embeddings.position_ids"] = torch.arange(model.config.max_position_embeddings)[None]
    elif form == "no-prefix":
        state = {name.removeprefix("bert."): tensor for name, tensor in state.items()}
    torch.save(state, folder / "pytorch_model.bin")


def save_legacy(folder, model):
    """The weights as _legacy_save writes them, some as views that share storages, have offsets or are transposed."""
    state = model.state_dict()  # an OrderedDict with _metadata, as users' files have
    attention = "bert.encoder.layer.0.attention.self."
    parts = [attention + part for part in ("query.weight", "key.weight", "value.weight")]
    shared = torch.cat([state[name] for name in parts])
    for name, part in zip(parts, shared.chunk(3)):
        state[name] = part
    name = "bert.encoder.layer.1.intermediate.dense.weight"
    state[name] = state[name].t().contiguous().t()
    name = "bert.embeddings.position_embeddings.weight"
    wide = torch.full((state[name].shape[0] + 1, state[name].shape[1] + 3), float("nan"))
    wide[1:, 2:-1] = state[name]
    state[name] = wide[1:, 2:-1]
    name = "bert.pooler.dense.bias"
    state[name] = torch.stack([torch.full_like(state[name], float("nan")), state[name]], 1)[:, 1]
    state["bert.pooler.dense.weight"] = state["bert.pooler.dense.weight"].double()
    state["classifier.weight"] = torch.nn.Parameter(state["classifier.weight"])
    state["bert.embeddings.position_ids"] = torch.arange(model.config.max_position_embeddings)[None]
    counted = torch.arange(24.0)
    state["cls.half"] = (counted / 8).half().reshape(4, 6).t()
    state["cls.bfloat16"] = (counted * 2).bfloat16()[3:21].reshape(3, 3, 2).permute(1, 2, 0)
    state["cls.double"] = (counted.double() / 3)[1::7]
    state["cls.expanded"] = counted[5:7, None].expand(2, 3)
    state["cls.scalar"] = counted[23]
    state["cls.empty"] = torch.empty(0, 3)
    # Keys are the addresses of storages; numbers in order of appearance keep the file the same byte for byte.
    keys = {}
    number = property(lambda storage: keys.setdefault(storage.data_ptr(), 1000 + len(keys)))
    with mock.patch.object(torch.UntypedStorage, "_cdata", number, create=True):
        torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    again = torch.load(folder / "pytorch_model.bin", weights_only=True)
    for name, tensor in model.state_dict().items():
        assert torch.equal(again[name].float(), tensor), name
    assert all(torch.equal(again[name], state[name]) for name in state)


def make_inputs(config, seed):
    """28 inputs: lengths from 1 to the limit, singles and pairs, in an order that mixes them."""
    rng = np.random.default_rng(seed)
    limit = config.max_position_embeddings
    lengths = [1, 2, 3, limit, limit - 1] + rng.integers(2, limit // 3, 9).tolist() + rng.integers(3, limit + 1, 14).tolist()
    cases = []
    for number, length in enumerate(lengths):
        ids = rng.integers(5, config.vocab_size, length)
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


def short(values):
    """float32 values as the shortest decimals that read back as the same float32."""
    return [float(np.format_float_positional(np.float32(v), unique=True, trim="0")) for v in values]


def make(out, name):
    seed, settings, left_out, form = MODELS[name]
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    config = BertConfig(**settings, hidden_act="gelu", type_vocab_size=2, pad_token_id=0)
    config._attn_implementation = "eager"
    model = BertForSequenceClassification(config)
    randomise(model, seed)
    inputs = make_inputs(config, seed + 100)
    centre(model.eval(), inputs)
    write_config(folder, config, left_out)
    save(folder, model, form)
    if name == "base":
        twin = out / "base-bin"
        twin.mkdir(exist_ok=True)
        write_config(twin, config, left_out)
        save(twin, model, "bin")
        legacy = out / "legacy-bin"
        legacy.mkdir(exist_ok=True)
        write_config(legacy, config, left_out)
        save_legacy(legacy, model)

    # What is checked is what a user gets from the files, not the model that was just in memory.
    if form == "no-prefix":
        # transformers 4.57 refuses such a file ("state dictionary ... is corrupted": some names are the trunk's,
        # some the whole model's), although it reads a trunk without a head. The meaning is plain all the same.
        single = BertForSequenceClassification(config).eval()
        state = torch.load(folder / "pytorch_model.bin", weights_only=True)
        single.load_state_dict({k if k.startswith("classifier.") else "bert." + k: v for k, v in state.items()})
    else:
        single = BertForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    for key, tensor in model.state_dict().items():
        assert torch.equal(single.state_dict()[key], tensor), key
    double = BertForSequenceClassification(config).eval()
    double.load_state_dict(model.state_dict())
    double = double.double()

    cases = []
    with torch.inference_mode():
        for ids, types in inputs:
            batch = dict(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([types]))
            a = single(**batch).logits[0]
            b = double(**batch, output_hidden_states=True)
            case = {"input_ids": ids, "token_type_ids": types, "logits_f32": short(a.tolist()),
                    "logits_f64": b.logits[0].tolist()}
            if len(cases) < 6:
                case["hidden_f64_cls"] = b.hidden_states[-1][0, 0].tolist()
            cases.append(case)

        # A padded batch must say the same, or the goldens would depend on how they were batched.
        width = max(len(c["input_ids"]) for c in cases)
        fill = lambda key: torch.tensor([c[key] + [0] * (width - len(c[key])) for c in cases])
        mask = torch.tensor([[1] * len(c["input_ids"]) + [0] * (width - len(c["input_ids"])) for c in cases])
        padded = double(input_ids=fill("input_ids"), token_type_ids=fill("token_type_ids"), attention_mask=mask).logits
    exact = torch.tensor([c["logits_f64"] for c in cases], dtype=torch.float64)
    assert (padded - exact).abs().max() < 1e-10
    difference = (torch.tensor([c["logits_f32"] for c in cases], dtype=torch.float64) - exact).abs().max()
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (folder / "goldens.json").write_text(f'{{"config":"{name}","cases":[\n{lines}\n]}}\n')
    print(f"{name}: {len(cases)} cases, logits std over cases {exact.std(0).tolist()}, "
          f"classes {torch.bincount(exact.argmax(1)).tolist()}, max |f32 - f64| {float(difference):.2e}, "
          f"bytes {sum(p.stat().st_size for p in folder.iterdir())}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name in MODELS:
        make(args.out, name)


if __name__ == "__main__":
    main()
