#!/usr/bin/env python3
"""Make the Gemma-2 parity goldens: small seeded random checkpoints and what transformers says about them.

    python tests/goldens/make_gemma2.py --out tests/goldens/gemma2

Each folder under --out holds a `Gemma2ForSequenceClassification` or `Gemma2ForTokenClassification` checkpoint and
`goldens.json`:

    {"head": "sequence" or "token",
     "cases": [{"input_ids": [...], "logits_f32": [...], "logits_f64": [...]   # for tokens: row after row
               }, ...]}

Every case is run alone and unpadded, in float32 and again in float64 (`model.double()`), on one thread, with eager
attention. That matters: transformers' other attention, "sdpa", which it takes where none is asked for, has no soft cap
and leaves `attn_logit_softcapping` out without a word. Where a model has none, both give the same (asserted here);
where it has one, eager attention is the model as it was trained.

Numbers are printed so that they read back exactly. Weights are far larger than an initialised model's and the weights
of the norms are random too, so that nothing is the same by accident; soft caps are so low that they bend most scores.

The folders:

    base         2 heads a key head, head_dim 6 although hidden / heads is 5, window 4, no `layer_types` (by parity)
    multi-query  1 key head for 3 heads of 10, no soft cap, bias, `layer_types` that no rule gives, rope_theta 300,
                 window 16; in shards of safetensors; no pad token: the last token counts whatever it is
    per-head     as many key heads as heads, of 16 in a hidden size of 12, the exact GELU, window longer than any text,
                 a soft cap of the language model's logits that must not act; in pickled shards
    labels-188   188 labels, weights in bfloat16 (widened to float32 here as there)
    token        a label for each token, from a head with a bias; some LM names that Gemma2ForCausalLM would have
    long         two texts of over 512 tokens, window 100

Inputs hold the pad token inside the text, at its end and everywhere: the classifier takes the last token that is not
one, and the first token where all are.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import Gemma2Config, Gemma2ForSequenceClassification, Gemma2ForTokenClassification

SMALL = dict(vocab_size=60, hidden_size=20, intermediate_size=36, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, head_dim=6, query_pre_attn_scalar=10, sliding_window=4,
             attn_logit_softcapping=3.0, max_position_embeddings=64, pad_token_id=0)

# name: (seed, changes to SMALL, keys left out of config.json, form of the weights)
MODELS = {
    "base": (1, dict(num_labels=2), ["layer_types"], "safetensors"),
    "multi-query": (2, dict(num_labels=3, hidden_size=18, num_attention_heads=3, num_key_value_heads=1, head_dim=10,
                            num_hidden_layers=3, attn_logit_softcapping=None, attention_bias=True, sliding_window=16,
                            layer_types=["full_attention", "full_attention", "sliding_attention"],
                            rope_theta=300.0, query_pre_attn_scalar=7, pad_token_id=None), [], "shards"),
    "per-head": (3, dict(num_labels=1, hidden_size=12, num_attention_heads=2, num_key_value_heads=2, head_dim=16,
                         sliding_window=4096, hidden_activation="gelu", final_logit_softcapping=0.5,
                         rms_norm_eps=1e-2, attention_bias=True, pad_token_id=7), [], "pickled shards"),
    "labels-188": (4, dict(num_labels=188, hidden_size=16), ["layer_types"], "bfloat16"),
    "token": (5, dict(num_labels=5, sliding_window=5, num_hidden_layers=3), ["layer_types"], "token"),
    "long": (6, dict(num_labels=4, sliding_window=100, max_position_embeddings=1024), ["layer_types"], "safetensors"),
}


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=generator)
            if weight.ndim == 1:
                weight.copy_(0.4 * noise)
            elif "embed" in name:
                weight.copy_(0.3 * noise)
            else:
                weight.copy_(noise * 1.5 / weight.shape[1] ** 0.5)


def make_inputs(config, name, seed):
    rng = np.random.default_rng(seed)
    pad = 0 if config.pad_token_id is None else config.pad_token_id
    lengths = {"long": [513, 700], "labels-188": [1, 2, 5, 17, 40, 33]}.get(
        name, [1, 2, 3, 4, 5, 6, 7, 64, 63, 40] + rng.integers(2, 64, 12).tolist())
    cases = [rng.integers(1, config.vocab_size, n) for n in lengths]
    for number, ids in enumerate(cases):
        if number % 3 == 1:
            ids[len(ids) // 2] = pad
        if number % 4 == 3:
            ids[-2:] = pad
    if name != "long":
        cases += [np.full(1, pad), np.full(5, pad)]
    return [cases[i].tolist() for i in rng.permutation(len(cases))]


def save(folder, model, left_out, form):
    shards = "shards" in form
    model.save_pretrained(folder, safe_serialization=form != "pickled shards",
                          max_shard_size="12KB" if shards else "1GB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    file = folder / "model.safetensors"
    if form == "bfloat16":
        save_file({n: t.bfloat16() for n, t in load_file(file).items()}, file, metadata={"format": "pt"})
    if form == "token":
        state = load_file(file)
        state["lm_head.weight"] = state["model.embed_tokens.weight"].clone()
        state["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(3)
        save_file(state, file, metadata={"format": "pt"})
    for weights in folder.glob("*.safetensors"):
        weights.chmod(0o644)
    config = json.loads((folder / "config.json").read_text())
    config = {key: value for key, value in config.items() if key not in [*left_out, "transformers_version", "dtype"]}
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    assert not shards or len(list(folder.glob("*-of-*"))) > 2


def short(values):
    """float32 values as the shortest decimals that read back as the same float32."""
    return [float(np.format_float_positional(np.float32(v), unique=True, trim="0")) for v in values]


def make(out, name):
    seed, changes, left_out, form = MODELS[name]
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = Gemma2Config(**{**SMALL, **changes})
    kind = Gemma2ForTokenClassification if name == "token" else Gemma2ForSequenceClassification
    model = kind(config)
    randomise(model, seed)
    save(folder, model, left_out, form)

    # What is checked is what a user gets from the files, not the model that was just in memory.
    def load(attention):
        model, info = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention,
                                           output_loading_info=True)
        assert not info["missing_keys"], info
        return model.eval()

    single, double, other = load("eager"), load("eager").double(), load("sdpa")
    cases, apart = [], 0.0
    for ids in make_inputs(config, name, seed + 100):
        with torch.no_grad():
            ids_ = torch.tensor([ids])
            logits = [m(input_ids=ids_, attention_mask=torch.ones_like(ids_)).logits for m in (single, double, other)]
        a, b, c = (x[0].flatten() for x in logits)
        apart = max(apart, float((a - c).abs().max() / b.abs().max()))
        cases.append({"input_ids": ids, "logits_f32": short(a.tolist()), "logits_f64": b.tolist()})
    capped = config.attn_logit_softcapping is not None
    assert (apart > 1e-3) == capped, apart
    head = "token" if name == "token" else "sequence"
    text = ",\n  ".join(json.dumps(case) for case in cases)
    (folder / "goldens.json").write_text(f'{{"head": "{head}", "cases": [\n  {text}\n]}}\n')
    largest = max(abs(v) for case in cases for v in case["logits_f64"])
    off = max(abs(x - y) for case in cases for x, y in zip(case["logits_f32"], case["logits_f64"]))
    print(f"{name}: {len(cases)} cases, largest logit {largest:.2f}, f32 from f64 {off / largest:.1e}, "
          f"sdpa from eager {apart:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name in MODELS:
        make(args.out, name)


if __name__ == "__main__":
    main()
