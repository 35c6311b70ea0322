#!/usr/bin/env python3
"""PyTorch and transformers on the rows of `kobench selftest --speed`, by themselves; against_torch.py runs it.

    python torch_peer.py SHAPE MODE LENGTHS VARIANT DEVICE ROWS BATCH SEED REPETITIONS THREADS

VARIANT is PRECISION-ATTENTION, with `-compiled` behind it where torch.compile is wanted: bf16-sdpa, bf16-flash-compiled, f32-eager. BATCH
is tokens of a batch in evaluation (rows sorted by length, padded tokens counted), rows of a step in training. The last line is JSON. As a
careful user has it: evaluation in pure bf16; training with weights in f32 under autocast, fused AdamW, clipping; where AdamW's moments
would not fit, weights in bf16 and AdaLomo in hooks behind each gradient.
"""

import json
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Configuration, classes, and whether AdaLomo trains it: plugins/selftest/src/shapes.rs.
SHAPES = {
    "kcbert-base": ("kcbert/configs/kcbert-base.json", 2, False),
    "koelectra-base": ("koelectra/configs/koelectra-base-v3.json", 2, False),
    "mdeberta-base": ("mdeberta/configs/mdeberta-v3-base.json", 2, False),
    "gemma-2-2b": ("gemma2/configs/gemma-2-2b.json", 188, False),
    "gemma-2-9b": ("gemma2/configs/gemma-2-9b.json", 188, True),
    "tiny": ("selftest/configs/tiny.json", 2, False),
}
ATTENTION = {"sdpa": "sdpa", "flash": "flash_attention_2", "eager": "eager"}
# plugins/engine/src/selftest/speed/lengths.rs
NSMC = [
    3, 4, 5, 6, 6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14,
    15, 15, 15, 16, 16, 17, 17, 18, 18, 19, 19, 19, 20, 21, 21, 22, 22, 23, 24, 24, 25, 27, 28, 30, 32, 35,
    38, 41, 44, 48, 52, 59, 70, 128,
]


def row_lengths(lengths, count, seed, longest):
    """Tokens of each row, as kobench has them."""
    if lengths != "nsmc":
        return [min(int(lengths), longest)] * count
    return [min(NSMC[((row + seed) * 2_654_435_761 & 0xFFFFFFFF) >> 26], longest) for row in range(count)]


def config_of(shape):
    from transformers import AutoConfig

    file, labels, adalomo = SHAPES[shape]
    values = json.loads((ROOT / "plugins" / file).read_text(encoding="utf-8"))
    kind = values.pop("model_type")
    return AutoConfig.for_model(kind, **values | {"num_labels": labels, "pad_token_id": 0}), adalomo


def longest_of(config):
    return config.max_position_embeddings


def padded(lengths, first, vocabulary, device):
    """Rows behind one another in a rectangle; their tokens are kobench's."""
    import torch

    pieces = min(max(vocabulary, 6), 5004) - 5
    ids = torch.zeros(len(lengths), max(lengths), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = 5 + ((first + row) * 131 + torch.arange(length) * 7919) % pieces
        mask[row, :length] = 1
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}


def by_tokens(lengths, most):
    """Batches of rows that are sorted, longest first, with at most so many padded tokens each."""
    at = 0
    while at < len(lengths):
        count = max(1, most // lengths[at])
        yield at, lengths[at : at + count]
        at += count


def wait(device):
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)


def adalomo_hooks(model, rate):
    """AdaLomo (Lv et al. 2023) in the backward pass, parameter by parameter, as OpenLMLab/LOMO has it."""
    import torch

    state, step = {}, {"t": 0}

    @torch.no_grad()
    def update(p):
        grad = p.grad.float()
        p.grad = None
        beta = 1.0 - max(step["t"], 1) ** -0.8
        square = grad.square().add_(1e-30)
        if grad.dim() >= 2:
            row, col = state.setdefault(p, (torch.zeros_like(square.mean(-1)), torch.zeros_like(square.mean(-2))))
            row.lerp_(square.mean(-1), 1.0 - beta)
            col.lerp_(square.mean(-2), 1.0 - beta)
            grad.mul_((row / row.mean(-1, keepdim=True)).rsqrt_().unsqueeze(-1)).mul_(col.rsqrt().unsqueeze(-2))
        else:
            (moment,) = state.setdefault(p, (torch.zeros_like(square),))
            moment.lerp_(square, 1.0 - beta)
            grad.mul_(moment.rsqrt())
        grad.div_((grad.square().mean().sqrt() / 1.0).clamp_(min=1.0))
        scale = rate * p.float().square().mean().sqrt().clamp_(min=1e-3)
        p.add_((-scale * grad).to(p.dtype))

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(update)
    return step


def repeat(run, device, repetitions, warm_ups):
    """Seconds of each repetition."""
    for _ in range(warm_ups):
        run()
    wait(device)
    seconds = []
    for _ in range(repetitions):
        started = time.perf_counter()
        run()
        wait(device)
        seconds.append(time.perf_counter() - started)
    return seconds


def main():
    shape, mode, lengths, variant, device, rows, batch, seed, repetitions, threads = sys.argv[1:]
    rows, batch, seed, repetitions, threads = map(int, (rows, batch, seed, repetitions, threads))
    precision, attention, *compiled = variant.split("-")
    import torch
    from transformers import AutoModelForSequenceClassification

    device = torch.device(device)
    if device.type == "cpu" and threads:
        torch.set_num_threads(threads)
    torch.manual_seed(seed)
    config, adalomo = config_of(shape)
    pure = precision == "bf16" and (mode == "evaluate" or adalomo)
    dtype = torch.bfloat16 if pure else torch.float32
    with torch.device(device):
        model = AutoModelForSequenceClassification.from_config(config, attn_implementation=ATTENTION[attention], dtype=dtype)
    tokens = row_lengths(lengths, rows, seed, longest_of(config))
    autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16" and not pure)
    call = torch.compile(model, dynamic=lengths == "nsmc") if compiled else model
    if mode == "evaluate":
        model.eval()
        chosen = sorted(tokens, reverse=True)
        batches = [padded(some, first, config.vocab_size, device) for first, some in by_tokens(chosen, batch)]

        def run():
            with torch.inference_mode(), autocast:
                for one in batches:
                    call(**one)
    else:
        model.train()
        batches = []
        for first in range(0, rows, batch):
            one = padded(tokens[first : first + batch], first, config.vocab_size, device)
            count = len(one["input_ids"])
            batches.append(one | {"labels": torch.arange(count, device=device) % config.num_labels})
        step = adalomo_hooks(model, 1e-5) if adalomo else None
        optimizer = None if adalomo else torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.0, fused=device.type == "cuda")

        def run():
            for one in batches:
                if step is not None:
                    step["t"] += 1
                with autocast:
                    loss = call(**one).loss
                loss.backward()
                if optimizer is not None:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    optimizer.zero_grad()

    seconds = repeat(run, device, repetitions, 2 if compiled else 1)
    median = statistics.median(seconds)
    memory = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    print(json.dumps({"shape": shape, "mode": mode, "lengths": lengths, "variant": variant, "rows": rows, "tokens": sum(tokens),
                      "steps": len(batches), "seconds": median, "repetitions": seconds, "rows_per_second": rows / median,
                      "step_milliseconds": 1e3 * median / len(batches), "peak_device_bytes": memory, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
