#!/usr/bin/env python3
"""One peer on NSMC rows with a KcBERT-shaped model, by itself; against_peers.py runs it.

    python peer.py evaluate VARIANT MODEL ratings_test.txt ROWS THREADS
    python peer.py train VARIANT SHAPE vocab.txt ratings_train.txt STEPS THREADS
    python peer.py evaluate-lengths|train-lengths VARIANT MODEL LENGTHS THREADS
    python peer.py ceiling f32|bf16 THREADS

The last line is JSON. Evaluation: seconds without tokenisation, the best of two passes behind a warm-up, tokens, and the classes. The
rows are sorted by length and batched by 2,048 tokens, which is the best that a careful user of these libraries does; `torch-f32-pad128`
is what the published scripts do. Training: seconds of the steps behind the first. Lengths: a model that tests/parity/full_size.py made, on
sequences of the lengths in a JSON list.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

BUDGET = 2048
LENGTH = 128


def rows_of(path, count):
    lines = Path(path).read_text(encoding="utf-8").split("\n")[1 : count + 1]
    return [(cells[1], int(cells[2])) for cells in (line.rstrip("\r").split("\t") for line in lines)]


def tokenize(vocabulary, texts):
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=False, strip_accents=False)
    tokenizer.enable_truncation(LENGTH)
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def padded(ids, rows, length):
    inputs = np.zeros((len(rows), length), dtype=np.int64)
    mask = np.zeros((len(rows), length), dtype=np.int64)
    for i, row in enumerate(rows):
        inputs[i, : len(ids[row])] = ids[row]
        mask[i, : len(ids[row])] = 1
    return inputs, mask


def sorted_batches(ids):
    order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))
    at = 0
    while at < len(order):
        length = len(ids[order[at]])
        rows = order[at : at + max(1, BUDGET // length)]
        at += len(rows)
        yield rows, length


def fixed_batches(ids, size=64):
    for at in range(0, len(ids), size):
        yield list(range(at, min(at + size, len(ids)))), LENGTH


def onnx(model, folder):
    """The model as ONNX, made once."""
    import torch

    path = Path(folder) / "model.onnx"
    if not path.exists():

        class Logits(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, input_ids, attention_mask):
                return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

        example = (torch.ones(2, 7, dtype=torch.long), torch.ones(2, 7, dtype=torch.long))
        axes = {"input_ids": {0: "b", 1: "s"}, "attention_mask": {0: "b", 1: "s"}, "logits": {0: "b"}}
        torch.onnx.export(Logits(), example, path, input_names=["input_ids", "attention_mask"], output_names=["logits"],
                          dynamic_axes=axes, opset_version=17, dynamo=False)
    return path


def torch_runner(variant, model):
    import torch

    if "bf16" in variant:
        model = model.bfloat16()

    def run(inputs, mask):
        with torch.inference_mode():
            return model(input_ids=torch.from_numpy(inputs), attention_mask=torch.from_numpy(mask)).logits.float().numpy()

    return run


def onnxruntime_runner(model, folder, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(onnx(model, folder), options, providers=["CPUExecutionProvider"])
    return lambda inputs, mask: session.run(None, {"input_ids": inputs, "attention_mask": mask})[0]


def openvino_runner(variant, model, folder, threads):
    import openvino

    core = openvino.Core()
    hints = {"INFERENCE_PRECISION_HINT": variant.removeprefix("openvino-"), "INFERENCE_NUM_THREADS": threads}
    compiled = core.compile_model(core.read_model(onnx(model, folder)), "CPU", hints)
    return lambda inputs, mask: compiled({"input_ids": inputs, "attention_mask": mask})[0]


def ctranslate2_runner(variant, model, folder, threads):
    import ctranslate2

    kind = {"f32": "float32", "bf16": "bfloat16", "int8": "int8"}[variant.removeprefix("ctranslate2-")]
    converted = Path(folder) / f"ct2-{kind}"
    if not converted.exists():
        ctranslate2.converters.TransformersConverter(str(folder)).convert(str(converted), quantization=kind)
    encoder = ctranslate2.Encoder(str(converted), device="cpu", compute_type=kind, intra_threads=threads)
    weight, bias = model.classifier.weight.detach().numpy(), model.classifier.bias.detach().numpy()

    def run(inputs, mask):
        view = ctranslate2.StorageView.from_array
        result = encoder.forward_batch(view(inputs.astype(np.int32)), view(mask.sum(1).astype(np.int32)))
        pooled = result.pooler_output
        pooled = np.array(result.last_hidden_state)[:, 0] if pooled is None else np.array(pooled)
        return pooled @ weight.T + bias

    return run


def evaluate(variant, folder, path, count, threads):
    import torch
    from transformers import BertForSequenceClassification

    torch.set_num_threads(threads)
    ids = tokenize(Path(folder) / "vocab.txt", [text for text, _ in rows_of(path, count)])
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    if variant.startswith("torch"):
        run = torch_runner(variant, model)
    elif variant.startswith("onnxruntime"):
        run = onnxruntime_runner(model, folder, threads)
    elif variant.startswith("openvino"):
        run = openvino_runner(variant, model, folder, threads)
    else:
        run = ctranslate2_runner(variant, model, folder, threads)
    batches = list(fixed_batches(ids) if variant.endswith("pad128") else sorted_batches(ids))
    for rows, length in batches[:2]:
        run(*padded(ids, rows, length))
    seconds, logits = [], np.zeros((len(ids), 2), dtype=np.float32)
    for _ in range(2):
        started = time.perf_counter()
        for rows, length in batches:
            logits[rows] = run(*padded(ids, rows, length))
        seconds.append(time.perf_counter() - started)
    return {"seconds": min(seconds), "rows": len(ids), "tokens": sum(map(len, ids)), "classes": logits.argmax(1).tolist()}


def made(folder, path, threads):
    """A model that full_size.py made, whether it finds spans, and sequences of the lengths in the list, which the engine's test has too."""
    import torch
    import transformers

    torch.set_num_threads(threads)
    head = json.loads((Path(folder) / "reference.json").read_text())["head"]
    auto = {"sequence": transformers.AutoModelForSequenceClassification, "token": transformers.AutoModelForTokenClassification,
            "span": transformers.AutoModelForQuestionAnswering}[head]
    lengths = json.loads(Path(path).read_text())
    ids = [[5 + (row * 131 + i * 7919) % 4999 for i in range(length)] for row, length in enumerate(lengths)]
    return auto.from_pretrained(folder), head == "span", ids


def evaluate_lengths(variant, folder, path, threads):
    import torch

    model, _, ids = made(folder, path, threads)
    model = model.eval()
    if "bf16" in variant:
        model = model.bfloat16()
    batches = [[torch.from_numpy(array) for array in padded(ids, rows, length)] for rows, length in sorted_batches(ids)]
    seconds = []
    with torch.inference_mode():
        for _ in range(3):
            started = time.perf_counter()
            for inputs, mask in batches:
                model(input_ids=inputs, attention_mask=mask)
            seconds.append(time.perf_counter() - started)
    return {"seconds": min(seconds[1:]), "rows": len(ids), "tokens": sum(map(len, ids))}


def train_lengths(variant, folder, path, threads):
    import torch

    model, spans, ids = made(folder, path, threads)
    targets = {"start_positions": torch.zeros(32).long(), "end_positions": torch.ones(32).long()}
    if not spans:
        targets = {"labels": torch.arange(32) % 2}
    batches = [list(range(at, at + 32)) for at in range(0, len(ids) - 31, 32)]
    inputs = [dict(zip(("input_ids", "attention_mask"), map(torch.from_numpy, padded(ids, rows, max(len(ids[row]) for row in rows)))))
              for rows in batches]
    seconds = steps(variant, model.train(), [batch | targets for batch in inputs])
    return {"seconds": sum(seconds[1:]), "rows": 32 * (len(batches) - 1), "tokens": sum(map(len, ids[32 : 32 * len(batches)]))}


def steps(variant, model, batches):
    """Seconds of each training step."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, eps=1e-8, weight_decay=0.0)
    seconds = []
    for batch in batches:
        started = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled="bf16" in variant):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - started)
    return seconds


def new_model(shape, vocabulary):
    from transformers import BertConfig, BertForSequenceClassification, ElectraConfig, ElectraForSequenceClassification

    pieces = len(Path(vocabulary).read_text(encoding="utf-8").splitlines())
    if shape == "kcbert-base":
        return BertForSequenceClassification(BertConfig(vocab_size=pieces, max_position_embeddings=300, num_labels=2))
    return ElectraForSequenceClassification(
        ElectraConfig(vocab_size=pieces, embedding_size=128, hidden_size=256, num_hidden_layers=12, num_attention_heads=4,
                      intermediate_size=1024, max_position_embeddings=512, num_labels=2))


def train(variant, shape, vocabulary, path, count, threads):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    rows = rows_of(path, 32 * count)
    ids = tokenize(vocabulary, [text for text, _ in rows])
    batches = []
    for step in range(count):
        batch = list(range(32 * step, 32 * step + 32))
        length = LENGTH if variant.endswith("pad128") else max(len(ids[row]) for row in batch)
        inputs, mask = (torch.from_numpy(array) for array in padded(ids, batch, length))
        batches.append({"input_ids": inputs, "attention_mask": mask, "labels": torch.tensor([rows[row][1] for row in batch])})
    seconds = steps(variant, new_model(shape, vocabulary).train(), batches)
    return {"seconds": sum(seconds[1:]), "rows": 32 * (count - 1), "tokens": sum(map(len, ids[32:]))}


def ceiling(precision, threads):
    """FLOP/s of the product 2048 x 768 x 3072 alone, the median of 15."""
    import torch

    torch.set_num_threads(threads)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[precision]
    rows, inputs, outputs = 2048, 768, 3072
    layer, x = torch.nn.Linear(inputs, outputs).to(dtype), torch.randn(rows, inputs).to(dtype)
    seconds = []
    with torch.inference_mode():
        for _ in range(18):
            started = time.perf_counter()
            layer(x)
            seconds.append(time.perf_counter() - started)
    return {"flops": 2 * rows * inputs * outputs / sorted(seconds[3:])[7]}


def main():
    what, *rest = sys.argv[1:]
    if what == "evaluate":
        variant, folder, path, count, threads = rest
        result = evaluate(variant, folder, path, int(count), int(threads))
    elif what == "train":
        variant, shape, vocabulary, path, count, threads = rest
        result = train(variant, shape, vocabulary, path, int(count), int(threads))
    elif what.endswith("-lengths"):
        variant, folder, path, threads = rest
        run = train_lengths if what.startswith("train") else evaluate_lengths
        result = run(variant, folder, path, int(threads))
    else:
        precision, threads = rest
        result = ceiling(precision, int(threads))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
