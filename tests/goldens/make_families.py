#!/usr/bin/env python3
"""Make the goldens of whole models: for each family a tiny random checkpoint, and transformers' logits for texts.

    python tests/goldens/make_families.py --root . --out tests/goldens/families

Where other goldens compare ids with ids and logits with logits, these go the whole way from a row of a task's sample to
its logits, through the plugin of the family: the tokeniser's files and ids, special tokens, segments, truncation, positions,
the encoder and the classifier.

Each folder under --out is a Hugging Face directory without its tokeniser: config.json, and model.safetensors in float16
(random, so that every file is small). The tokenisers' files are those of ../sentencepiece and vocab.txt here, which is
the beginning of ../wordpiece/vocab.txt; `files.json` says which belongs where under which name.
`logits.jsonl` has a line a row: {"task", "i", "logits"}, for the first 50 rows of the samples of nsmc (single texts)
and question_pair (pairs), float32, each alone and unpadded, at the sequence length of the folder's config.json where
that is less than the tasks'.

Tokenisers are transformers' slow ones, and make_sentencepiece.py's reference for KoBERT.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import torch
import transformers as tf
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).parent))
from make_heads import randomise  # noqa: E402
from make_sentencepiece import references  # noqa: E402

ROWS = 50
SMALL = dict(num_hidden_layers=2, num_attention_heads=2, hidden_size=16, intermediate_size=24, max_position_embeddings=48)

# folder (a model's name): class, configuration, tokeniser, the files of the tokeniser {name: golden}
FAMILIES = {
    "kcbert-base": ("Bert", SMALL, "wordpiece", {"vocab.txt": ["families/vocab.txt"]}),
    "koelectra-small-v3": ("Electra", dict(SMALL, embedding_size=12), "wordpiece", {"vocab.txt": ["families/vocab.txt"]}),
    "kcelectra-base": ("Electra", dict(SMALL, embedding_size=16), "wordpiece", {"vocab.txt": ["families/vocab.txt"]}),
    "kobert": ("Bert", dict(SMALL, pad_token_id=1), "kobert",
               {"vocab.txt": ["sentencepiece/kobert.vocab.txt"],
                "tokenizer_78b3253a26.model": ["sentencepiece/kobert.model", "sentencepiece/nmt_nfkc.bin"]}),
    "distilkobert": ("DistilBert", dict(n_layers=2, n_heads=2, dim=16, hidden_dim=24, max_position_embeddings=48, pad_token_id=1), "kobert",
                     {"vocab.txt": ["sentencepiece/kobert.vocab.txt"],
                      "tokenizer_78b3253a26.model": ["sentencepiece/kobert.model", "sentencepiece/nmt_nfkc.bin"]}),
    "xlm-roberta-base": ("XLMRoberta", dict(SMALL, max_position_embeddings=50, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2), "xlm_roberta",
                         {"sentencepiece.bpe.model": ["sentencepiece/xlm_roberta.model", "sentencepiece/nmt_nfkc.bin"]}),
    "mdeberta-v3-base": ("DebertaV2", dict(SMALL, type_vocab_size=0, relative_attention=True, max_relative_positions=-1, position_buckets=8, norm_rel_ebd="layer_norm", share_att_key=True,
                                           pos_att_type=["p2c", "c2p"], position_biased_input=False, layer_norm_eps=1e-7, pooler_hidden_size=16, pooler_hidden_act="gelu"), "deberta_v2",
                         {"spm.model": ["sentencepiece/deberta_v2.model", "sentencepiece/nmt_nfkc.bin"]}),
    "gemma-2-2b": ("Gemma2", dict(num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=8, hidden_size=16, intermediate_size=24, max_position_embeddings=48, sliding_window=16,
                                  query_pre_attn_scalar=8, pad_token_id=0, bos_token_id=2, eos_token_id=1), "gemma", {"tokenizer.model": ["sentencepiece/gemma.model"]}),
}


class Pairs:
    """Special tokens, segments and truncation around the ids of one text; transformers' slow `longest_first`."""

    def __init__(self, encode, before, between, after, single_after, second_type):
        self.encode, self.parts, self.second_type = encode, (before, between, after, single_after), second_type

    def __call__(self, first, second, limit):
        before, between, after, single_after = self.parts
        a = self.encode(first)
        if second is None:
            ids = before + a[: limit - len(before) - len(single_after)] + single_after
            return ids, [0] * len(ids)
        b = self.encode(second)
        while len(a) + len(b) > limit - len(before) - len(between) - len(after):
            if len(a) > len(b):
                a = a[:-1]
            else:
                b = b[:-1]
        ids = before + a + between + b + after
        start = len(before + a + between)
        return ids, [0] * start + [self.second_type] * (len(ids) - start)


def tokenisers(root, vocab):
    found = {}
    slow = tf.BertTokenizer(str(vocab), do_lower_case=False)

    def of(tokenizer):
        def call(first, second, limit):
            out = tokenizer(first, second, max_length=limit, truncation=True, return_token_type_ids=True)
            return out["input_ids"], out["token_type_ids"]
        return call

    found["wordpiece"] = of(slow), len(slow)
    with tempfile.TemporaryDirectory() as folder:
        for family, reference in references(root / "tests/goldens/sentencepiece", Path(folder)).items():
            if family == "kobert":
                encode = lambda text, r=reference: r.encode(text)[0]  # noqa: E731
                found[family] = Pairs(encode, [2], [3], [3], [3], 1), len(reference.vocab)
            else:
                found[family] = of(reference.tokenizer), len(reference.tokenizer)
    return found


def samples(root):
    def rows(path, columns):
        lines = (root / path).read_text(encoding="utf-8").split("\n")[1 : ROWS + 1]
        for i, line in enumerate(lines):
            fields = line.strip().split("\t")
            yield i, *(fields[c] if c is not None else None for c in columns)

    yield from (("nsmc", *row) for row in rows("tasks/samples/nsmc/ratings_test.sample.txt", (1, None)))
    yield from (("question_pair", *row) for row in rows("tasks/samples/question_pair/test.tsv", (0, 1)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    whole = (args.root / "tests/goldens/wordpiece/vocab.txt").read_text(encoding="utf-8").split("\n")[:1400]
    vocab = args.out / "vocab.txt"
    vocab.write_text("".join(f"{line}\n" for line in whole), encoding="utf-8")
    tokenise = tokenisers(args.root, vocab)
    for seed, (name, (cls, sizes, kind, _)) in enumerate(FAMILIES.items()):
        encode, size = tokenise[kind]
        folder = args.out / name
        folder.mkdir(exist_ok=True)
        config = getattr(tf, f"{cls}Config")(**sizes, vocab_size=size, num_labels=2)
        model = getattr(tf, f"{cls}ForSequenceClassification")(config).eval()
        # Not by the configuration: "sdpa" would leave out Gemma-2's soft cap.
        model.set_attn_implementation("eager")
        randomise(model, 100 + seed)
        with torch.no_grad():
            # Parameters only: rounding the whole module would round Gemma-2's rotary frequencies too.
            for p in model.parameters():
                p.copy_(p.half().float())
        text = json.loads(config.to_json_string(use_diff=False))
        keep = set(sizes) | {"model_type", "vocab_size", "id2label", "embedding_size"}
        text = {k: v for k, v in text.items() if k in keep} | {"architectures": [type(model).__name__]}
        (folder / "config.json").write_text(json.dumps(text, indent=1, sort_keys=True) + "\n")
        tensors = {n: t.detach().clone().contiguous().half() for n, t in model.state_dict().items()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        limit = config.max_position_embeddings - (2 if cls == "XLMRoberta" else 0)
        lines, longest = [], 0
        for task, i, first, second in samples(args.root):
            ids, types = encode(first, second, limit)
            longest = max(longest, len(ids))
            inputs = dict(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long))
            if cls in ("Bert", "Electra"):
                inputs["token_type_ids"] = torch.tensor([types])
            with torch.no_grad():
                logits = model(**inputs).logits[0].tolist()
            lines.append(json.dumps({"task": task, "i": i, "logits": [float(f"{v:.9g}") for v in logits]}))
        (folder / "logits.jsonl").write_text("\n".join(lines) + "\n")
        print(name, len(lines), "longest", longest, (folder / "model.safetensors").stat().st_size)
    files = {name: files for name, (_, _, _, files) in FAMILIES.items()}
    (args.out / "files.json").write_text(json.dumps(files, indent=1) + "\n")


if __name__ == "__main__":
    main()
