#!/usr/bin/env python3
"""Gemma-2 checkpoints of the real sizes with made-up weights, and what transformers says about them.

    python tests/parity/gemma2_full_size.py --make DIR --shape 2b             # 5.2 GB, seeded random numbers
    python tests/parity/gemma2_full_size.py --predict DIR                     # 11 GB of memory; writes DIR/goldens.json
    python tests/parity/gemma2_full_size.py --make DIR --shape 9b --zeros     # 18.5 GB of holes, 188 labels

    KOBENCH_CHECKPOINT=DIR cargo test --release -p kobench-engine --test gemma2 -- --ignored --nocapture full_size
    KOBENCH_CHECKPOINT=DIR cargo test --release -p kobench-engine --test gemma2 -- --ignored --nocapture checked

Weights are bfloat16 in shards, written tensor by tensor. With --zeros only the headers are written, and the files are
as long as they would be: enough to try the layout.
"""

import argparse
import json
import struct
import time
from math import prod
from pathlib import Path

import torch

SHAPES = {
    "2b": dict(num_hidden_layers=26, hidden_size=2304, intermediate_size=9216, num_attention_heads=8,
               num_key_value_heads=4, head_dim=256, query_pre_attn_scalar=256, labels=3),
    "9b": dict(num_hidden_layers=42, hidden_size=3584, intermediate_size=14336, num_attention_heads=16,
               num_key_value_heads=8, head_dim=256, query_pre_attn_scalar=256, labels=188),
}
VOCAB = 256_000
SHARD_BYTES = 2_000_000_000


def tensors(shape):
    hidden, wide = shape["hidden_size"], shape["intermediate_size"]
    q, kv = (shape[key] * shape["head_dim"] for key in ("num_attention_heads", "num_key_value_heads"))
    yield "model.embed_tokens.weight", [VOCAB, hidden]
    for i in range(shape["num_hidden_layers"]):
        for name, size in [("self_attn.q_proj", [q, hidden]), ("self_attn.k_proj", [kv, hidden]),
                           ("self_attn.v_proj", [kv, hidden]), ("self_attn.o_proj", [hidden, q]),
                           ("mlp.gate_proj", [wide, hidden]), ("mlp.up_proj", [wide, hidden]),
                           ("mlp.down_proj", [hidden, wide]), ("input_layernorm", [hidden]),
                           ("post_attention_layernorm", [hidden]), ("pre_feedforward_layernorm", [hidden]),
                           ("post_feedforward_layernorm", [hidden])]:
            yield f"model.layers.{i}.{name}.weight", size
    yield "model.norm.weight", [hidden]
    yield "score.weight", [shape["labels"], hidden]


def make(folder, shape, zeros):
    folder.mkdir(parents=True, exist_ok=True)
    shards, room = [], 0
    for name, size in tensors(shape):
        if prod(size) * 2 > room:
            shards.append([])
            room = SHARD_BYTES
        shards[-1].append((name, size))
        room -= prod(size) * 2
    weight_map, generator = {}, torch.Generator().manual_seed(1)
    for number, shard in enumerate(shards):
        file = folder / f"model-{number + 1:05}-of-{len(shards):05}.safetensors"
        header, end = {"__metadata__": {"format": "pt"}}, 0
        for name, size in shard:
            start, end = end, end + prod(size) * 2
            header[name] = {"dtype": "BF16", "shape": size, "data_offsets": [start, end]}
            weight_map[name] = file.name
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with file.open("wb") as out:
            out.write(struct.pack("<Q", len(text)) + text)
            for _, size in [] if zeros else shard:
                # 0.02, as published models begin, but norms that differ from layer to layer.
                noise = torch.randn(size, generator=generator).mul_(0.02 if len(size) > 1 else 0.3)
                out.write(noise.bfloat16().view(torch.int16).numpy().tobytes())
            out.truncate(8 + len(text) + end)
    index = {"metadata": {"total_size": sum(prod(s) * 2 for _, s in tensors(shape))}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))
    config = {key: value for key, value in shape.items() if key != "labels"}
    config |= {"model_type": "gemma2", "architectures": ["Gemma2ForSequenceClassification"], "vocab_size": VOCAB,
               "hidden_activation": "gelu_pytorch_tanh", "sliding_window": 4096, "pad_token_id": 0,
               "id2label": {str(i): f"LABEL_{i}" for i in range(shape["labels"])}}
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def predict(folder):
    from transformers import Gemma2ForSequenceClassification

    start = time.time()
    model = Gemma2ForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    print(f"load: {time.time() - start:.1f} s")
    generator, cases = torch.Generator().manual_seed(2), []
    for length in [7, 30, 64, 150, 520]:
        ids = torch.randint(3, VOCAB, (1, length), generator=generator)
        start = time.time()
        with torch.no_grad():
            logits = model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits[0]
        print(f"{length} tokens: {time.time() - start:.1f} s, {logits.tolist()}")
        cases.append({"input_ids": ids[0].tolist(), "logits_f32": logits.tolist(), "logits_f64": []})
    (folder / "goldens.json").write_text(json.dumps({"head": "sequence", "cases": cases}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--make", type=Path)
    parser.add_argument("--shape", choices=SHAPES, default="2b")
    parser.add_argument("--zeros", action="store_true")
    parser.add_argument("--predict", type=Path)
    args = parser.parse_args()
    if args.make:
        make(args.make, SHAPES[args.shape], args.zeros)
    if args.predict:
        predict(args.predict)


if __name__ == "__main__":
    main()
