#!/usr/bin/env python3
"""Parity at a model's full size without its weights: a seeded random checkpoint, and what transformers says about it.

The goldens under tests/goldens are small models. This makes a checkpoint of the real size (which is not shipped) with
random weights, and finds what shows up only there: accumulated rounding, many layers, large vocabularies, load time, memory.

    python tests/parity/full_size.py --model mdeberta-base --make DIR
    KOBENCH_FULL_SIZE=DIR cargo test --release -p kobench-engine --test full_size -- --nocapture --ignored

DIR gets config.json, model.safetensors and reference.json:

    {"model": ..., "architecture": the model_type, "head": "sequence", "token" or "span",
     "cases": [{"input_ids": [...], "token_type_ids": [...], "logits_f32": [...], "logits_f64": [...]}, ...]}

Inputs are random ids of lengths from 8 to the model's limit, each run alone and unpadded in float32 with eager
attention, and with --double in float64 as well, which shows how much of a difference is rounding.

Matrices are three times as wide as an initialised model's, and vectors (biases, layer norms) are random around
their initial values, so that the logits of different inputs really differ.

A model is a row of MODELS: what transformers' AutoConfig calls it, the head, the settings that differ from the
defaults of the configuration class, and the longest input.
"""

import argparse
import json
import sys
import time
from pathlib import Path

MODELS = {
    # beomi/kcbert-large's config.json
    "kcbert-large": ("bert", "sequence", dict(
        vocab_size=30000, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096,
        max_position_embeddings=300, type_vocab_size=2), 300),
    # monologg/koelectra-base-v3-discriminator's
    "koelectra-base-v3": ("electra", "token", dict(
        vocab_size=35000, embedding_size=768, hidden_size=768, num_hidden_layers=12, num_attention_heads=12,
        intermediate_size=3072, max_position_embeddings=512, type_vocab_size=2, num_labels=29), 512),
    # xlm-roberta-base's
    "xlm-roberta-base": ("xlm-roberta", "span", dict(
        vocab_size=250002, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
        max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0,
        eos_token_id=2), 512),
    # microsoft/mdeberta-v3-base's config.json
    "mdeberta-base": ("deberta-v2", "sequence", dict(
        vocab_size=251000, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
        max_position_embeddings=512, type_vocab_size=0, relative_attention=True, max_relative_positions=-1,
        position_buckets=256, norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type="p2c|c2p",
        position_biased_input=False, layer_norm_eps=1e-7), 512),
}


def build(name, seed):
    import torch
    import transformers

    kind, head, settings, longest = MODELS[name]
    auto = {"sequence": transformers.AutoModelForSequenceClassification,
            "token": transformers.AutoModelForTokenClassification,
            "span": transformers.AutoModelForQuestionAnswering}[head]
    config = transformers.AutoConfig.for_model(kind, **settings)
    model = auto.from_config(config, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=generator)
            if weight.ndim == 1:
                weight.add_(noise, alpha=0.1)
            else:
                weight.copy_(noise.mul_(3 * config.initializer_range))
    return model, kind, head, longest


def inputs(vocabulary, longest, count, seed):
    """Random ids; lengths are spread evenly on a logarithmic scale, the limit among them."""
    import numpy as np

    rng = np.random.default_rng(seed)
    lengths = np.exp(np.linspace(np.log(8), np.log(longest), count)).round().astype(int)
    return [rng.integers(5, vocabulary, length).tolist() for length in rng.permutation(lengths)]


def logits(model, head, ids):
    import torch

    with torch.inference_mode():
        out = model(input_ids=torch.tensor([ids]))
    out = torch.stack([out.start_logits, out.end_logits], -1) if head == "span" else out.logits
    return out[0].flatten().tolist()


def main():
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--make", type=Path, metavar="DIR", required=True)
    parser.add_argument("--texts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--double", action="store_true", help="also run float64 (twice the memory)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, kind, head, longest = build(args.model, args.seed)
    args.make.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(args.make)
    texts = inputs(model.config.vocab_size, longest, args.texts, args.seed)
    start = time.time()
    cases = [{"input_ids": ids, "token_type_ids": [0] * len(ids), "logits_f32": logits(model, head, ids)}
             for ids in texts]
    seconds, tokens = time.time() - start, sum(map(len, texts))
    if args.double:
        model = model.double()
        for case in cases:
            case["logits_f64"] = logits(model, head, case["input_ids"])
        far = max(abs(a - b) for c in cases for a, b in zip(c["logits_f32"], c["logits_f64"]))
        print(f"transformers' float32 differs from float64 by up to {far:.2e}")
    reference = {"model": args.model, "architecture": kind, "head": head, "cases": cases}
    (args.make / "reference.json").write_text(json.dumps(reference) + "\n")
    parameters = sum(weight.numel() for weight in model.parameters())
    print(f"{args.make}: {parameters} parameters, seed {args.seed}; {tokens} tokens in {seconds:.2f} s, "
          f"{tokens / seconds:.0f} tokens/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
