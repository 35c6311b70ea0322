#!/usr/bin/env python3
"""Models that kobench trained and saved, in transformers: the same logits.

    python tests/parity/trained.py --plugins target/release --out DIR        (torch 2.9.0, transformers 4.57.6)

For each case below it takes the small configuration of tests/goldens, opens the plugin through the C interface with
new weights (`from_scratch`) or those of the goldens, makes a few training steps on made-up texts, saves the model to DIR,
loads it there with transformers (`from_pretrained`, which must not call any weight new or unused), and compares the
logits of each text. ELECTRA's older, linear classifier is no class of transformers: its trunk is loaded as ElectraModel,
and the classifier applied here. Ends with 1 where logits differ by more than --tolerance of the largest.
"""

import argparse
import ctypes as c
import json
import shutil
import sys
from pathlib import Path

GOLDENS = Path(__file__).resolve().parents[1] / "goldens"
TEXTS = ["영화가 정말 재미있다", "별로였어요", "다시 보고 싶은 영화", "ㅋㅋㅋ 최고", "시간이 아깝다 진짜", "그냥 그랬다"]
SEQUENCE, TOKEN, SPAN = range(3)

# plugin, variant, configuration, head, number of labels, options, save_dtype
CASES = [
    ("kcbert", "kcbert-base", "families/kcbert-base", "sequence", 2, {}, "f32"),
    ("kcbert", "kcbert-base", "families/kcbert-base", "sequence", 1, {}, "f32"),
    ("kcbert", "kcbert-base", "families/kcbert-base", "token", 5, {}, "f16"),
    ("kcbert", "kcbert-base", "families/kcbert-base", "span", 2, {}, "f32"),
    ("koelectra", "koelectra-small-v3", "families/koelectra-small-v3", "sequence", 3, {}, "f32"),
    ("koelectra", "koelectra-small-v3", "families/koelectra-small-v3", "sequence", 3, {"classifier": "linear"}, "f32"),
    ("koelectra", "koelectra-small-v3", "families/koelectra-small-v3", "token", 4, {}, "bf16"),
    ("distilkobert", "distilkobert", "families/distilkobert", "sequence", 2, {}, "f32"),
    ("distilkobert", "distilkobert", "families/distilkobert", "span", 2, {}, "f32"),
]


class Str(c.Structure):
    _fields_ = [("data", c.c_char_p), ("size", c.c_size_t)]


def text(s):
    raw = s.encode()
    return Str(raw, len(raw))


def sized(fields):
    return [("struct_size", c.c_uint32), ("flags", c.c_uint32), *fields]


class Error(c.Structure):
    _fields_ = sized([("message", c.c_void_p), ("capacity", c.c_size_t), ("size", c.c_size_t)])


class Host(c.Structure):
    _fields_ = sized([("minor", c.c_uint32), ("oldest", c.c_uint32), ("name", Str), ("version", Str),
                      ("context", c.c_void_p), ("log", c.c_void_p)])


class Example(c.Structure):
    _fields_ = sized([("kind", c.c_uint32), ("reserved", c.c_uint32), ("first", Str), ("second", Str),
                      ("words", c.POINTER(Str)), ("n_words", c.c_size_t)])


class View(c.Structure):
    _fields_ = sized([("n_sequences", c.c_uint64), ("n_tokens", c.c_uint64), ("cu_seqlens", c.POINTER(c.c_uint64)),
                      ("input_ids", c.POINTER(c.c_uint32)), ("token_type_ids", c.POINTER(c.c_uint8)),
                      ("token_source", c.POINTER(c.c_uint8)), ("word_ids", c.POINTER(c.c_int32)),
                      *[(n, c.c_void_p) for n in ("offset_start", "offset_end", "example", "window", "n_truncated",
                                                  "n_unknown", "pieces")]])


class Logits(c.Structure):
    _fields_ = sized([("values", c.POINTER(c.c_float)), ("capacity", c.c_size_t), ("rows", c.c_uint64),
                      ("width", c.c_uint32), ("reserved", c.c_uint32)])


class Targets(c.Structure):
    _fields_ = sized([("kind", c.c_uint32), ("reserved", c.c_uint32), ("classes", c.POINTER(c.c_int32)),
                      ("reals", c.POINTER(c.c_float)), ("cu_words", c.POINTER(c.c_uint64)),
                      ("starts", c.POINTER(c.c_uint32)), ("ends", c.POINTER(c.c_uint32))])


class Step(c.Structure):
    _fields_ = sized([("learning_rate", c.c_double), ("loss_scale", c.c_double), ("loss", c.c_double),
                      ("grad_norm", c.c_double)])


CALLS = ["describe", "tokenizer_open", "tokenizer_encode", "encoded_view", "encoded_free", "tokenizer_close",
         "model_open", "model_forward", "model_close", "model_stats", "model_cancel", "model_seed", "train_begin",
         "train_step", "train_end", "model_save", "model_load"]


class Vtable(c.Structure):
    _fields_ = sized([("minor", c.c_uint32), ("oldest", c.c_uint32), *[(n, c.c_void_p) for n in CALLS]])


class Plugin:
    def __init__(self, path):
        self.host = Host(struct_size=c.sizeof(Host), name=text("trained.py"), version=text("1"))
        self.vtable = Vtable(struct_size=c.sizeof(Vtable))
        entry = c.CDLL(str(path)).kobench_plugin_entry_v1
        assert entry(c.byref(self.host), c.byref(self.vtable)) == 0, path

    def call(self, name, *arguments):
        room = c.create_string_buffer(4096)
        error = Error(struct_size=c.sizeof(Error), message=c.cast(room, c.c_void_p), capacity=4096)
        function = c.CFUNCTYPE(c.c_int32)(getattr(self.vtable, name))
        status = function(*arguments, c.byref(error))
        if status != 0:
            raise SystemExit(f"{name}: status {status}: {room.raw[: error.size].decode()}")

    def open(self, name, request):
        handle = c.c_void_p()
        self.call(name, text(json.dumps(request)), c.byref(handle))
        return handle


def array(kind, values):
    return (kind * max(1, len(values)))(*values)


def targets(head, labels, view):
    """Made-up targets: they follow from the number of the text."""
    n = view.n_sequences
    bounds = view.cu_seqlens[: n + 1]
    made = Targets(struct_size=c.sizeof(Targets))
    if head == "sequence" and labels == 1:
        made.kind, made.reals = 1, array(c.c_float, [0.5 * i for i in range(n)])
    elif head == "sequence":
        made.kind, made.classes = 0, array(c.c_int32, [i % labels for i in range(n)])
    elif head == "token":
        words = [1 + max(view.word_ids[a:b]) for a, b in zip(bounds, bounds[1:])]
        cu = [sum(words[:i]) for i in range(n + 1)]
        made.kind, made.cu_words = 2, array(c.c_uint64, cu)
        made.classes = array(c.c_int32, [i % labels for i in range(cu[-1])])
    else:
        made.kind, made.starts = 3, array(c.c_uint32, [1] * n)
        made.ends = array(c.c_uint32, [b - a - 2 for a, b in zip(bounds, bounds[1:])])
    return made


def train(args, case, folder):
    """Trains and saves; the input ids, the token types and kobench's logits of each text."""
    library, variant, source, head, labels, options, dtype = case
    plugin = Plugin(args.plugins / f"libkobench_plugin_{library}.so")
    begin = folder.with_name(folder.name + ".start")
    begin.mkdir(parents=True, exist_ok=True)
    shutil.copy(GOLDENS / source / "config.json", begin)
    for file, parts in json.loads((GOLDENS / "families" / "files.json").read_text())[Path(source).name].items():
        (begin / file).write_bytes(b"".join((GOLDENS / part).read_bytes() for part in parts))
    request = {"variant": variant, "checkpoint": str(begin), "options": options}
    tokenizer = plugin.open("tokenizer_open", request)
    model = plugin.open("model_open", {**request, "head": head, "num_labels": labels, "threads": 1, "seed": 3,
                                       "from_scratch": True})
    examples = array(Example, [Example(struct_size=c.sizeof(Example), first=text(t)) for t in TEXTS])
    if head == "token":
        for example, line in zip(examples, TEXTS):
            words = [text(word) for word in line.split()]
            example.kind, example.words, example.n_words = 2, array(Str, words), len(words)
    encoded, view = c.c_void_p(), View(struct_size=c.sizeof(View))
    plugin.call("tokenizer_encode", tokenizer, examples, c.c_size_t(len(TEXTS)), None, c.byref(encoded))
    plugin.call("encoded_view", encoded, c.byref(view))
    n = view.n_sequences
    indices, number = array(c.c_uint64, list(range(n))), ["sequence", "token", "span"].index(head)
    plugin.call("train_begin", model, text(json.dumps({"save_dtype": dtype})))
    wanted = targets(head, labels, view)
    losses = []
    for _ in range(args.steps):
        step = Step(struct_size=c.sizeof(Step), learning_rate=1e-3, loss_scale=1.0)
        plugin.call("train_step", model, encoded, indices, c.c_size_t(n), c.c_uint32(number), c.byref(wanted),
                    c.byref(step))
        losses.append(step.loss)
    plugin.call("model_save", model, text(str(folder)), c.c_uint32(0))
    plugin.call("train_end", model)
    # Of what was saved: half precision rounds.
    plugin.call("model_load", model, text(str(folder)), c.c_uint32(0))
    room = array(c.c_float, [0.0] * (view.n_tokens * max(2, labels)))
    logits = Logits(struct_size=c.sizeof(Logits), values=room, capacity=len(room))
    plugin.call("model_forward", model, encoded, indices, c.c_size_t(n), c.c_uint32(number), c.byref(logits))
    bounds = view.cu_seqlens[: n + 1]
    rows, width = [], logits.width
    for i, (a, b) in enumerate(zip(bounds, bounds[1:])):
        at, end = (i, i + 1) if head == "sequence" else (a, b)
        rows.append({"ids": view.input_ids[a:b], "types": view.token_type_ids[a:b],
                     "logits": list(room[at * width : end * width])})
    return rows, losses


def transformers_logits(case, folder, rows):
    import torch
    import transformers
    from safetensors.torch import load_file

    head, options = case[3], case[5]
    config = transformers.AutoConfig.from_pretrained(folder)
    linear = options.get("classifier") == "linear"
    name = "ElectraModel" if linear else config.architectures[0]
    model, info = getattr(transformers, name).from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    model.eval()
    odd = {key: value for key, value in info.items() if value}
    out = []
    with torch.inference_mode():
        for row in rows:
            inputs = {"input_ids": torch.tensor([row["ids"]])}
            if getattr(config, "type_vocab_size", 0) > 1:
                inputs["token_type_ids"] = torch.tensor([row["types"]])
            result = model(**inputs)
            if linear:
                state = {k: v.float() for k, v in load_file(folder / "model.safetensors").items()}
                cls = result.last_hidden_state[:, 0]
                logits = cls @ state["classifier.weight"].T + state["classifier.bias"]
            elif head == "span":
                logits = torch.stack([result.start_logits, result.end_logits], -1)
            else:
                logits = result.logits
            out.append(logits.flatten().tolist())
    if linear:
        odd.pop("unexpected_keys", None)
    return out, odd, name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plugins", type=Path, default=Path("target/release"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--tolerance", type=float, default=1e-5)
    args = parser.parse_args()
    bad = False
    for number, case in enumerate(CASES):
        folder = args.out / f"{number}-{case[1]}-{case[3]}"
        rows, losses = train(args, case, folder)
        theirs, odd, name = transformers_logits(case, folder, rows)
        largest = max(abs(z) for row in theirs for z in row)
        far = max(abs(a - b) for row, want in zip(rows, theirs) for a, b in zip(row["logits"], want, strict=True))
        wrong = far > args.tolerance * largest or bool(odd)
        bad |= wrong
        print(f"{'BAD' if wrong else 'ok '} {name} {case[5] or ''} {case[6]}: {sum(len(r['logits']) for r in rows)} logits, "
              f"{far / largest:.1e} of the largest; loss {losses[0]:.3f} to {losses[-1]:.3f} {odd or ''}")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
