#!/usr/bin/env python3
"""Make the parity goldens of the encoders with absolute positions: each architecture with each of its heads.

    python tests/goldens/make_heads.py --out tests/goldens/absolute

Each folder ARCHITECTURE-HEAD under --out holds a small seeded random checkpoint of transformers' class for it, and
`goldens.json`:

    {"architecture": ..., "head": "sequence" | "token" | "span",
     "cases": [{"input_ids": [...], "token_type_ids": [...], "logits_f32": [...], "logits_f64": [...]}, ...]}

Logits are one row for a sequence head, and a row a token for the others (span: start, end). Every case is run alone
and unpadded with eager attention on one thread, in float32 and in float64.

What differs from folder to folder is chosen so that every branch is met: ELECTRA with `embeddings_project` (embedding
size other than the hidden size) and without; ELECTRA's older classifier of one linear layer (`electra-linear`, not a
class of transformers: the CLS state through dropout and `classifier`, written here); head sizes 5, 7, 9 and 12; XLM-R with
type vocabulary 1, positions that begin behind the padding id, and texts that hold the padding id itself; a pooler in
the checkpoint that the head has no use for; pre-training heads beside the trunk; `LayerNorm.gamma`; trunks without
their prefix.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import transformers as tf
from safetensors.torch import save_file

BERT = dict(vocab_size=150, hidden_size=36, num_hidden_layers=2, num_attention_heads=3, intermediate_size=50,
            max_position_embeddings=48)
ELECTRA = dict(vocab_size=140, embedding_size=20, hidden_size=36, num_hidden_layers=2, num_attention_heads=4,
               intermediate_size=44, max_position_embeddings=40)
DISTIL = dict(vocab_size=130, dim=35, n_layers=3, n_heads=5, hidden_dim=48, max_position_embeddings=40,
              sinusoidal_pos_embds=True)
XLMR = dict(vocab_size=160, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=60,
            max_position_embeddings=52, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0,
            eos_token_id=2)

# folder: (architecture, head, class, configuration class, configuration, labels, how it is stored)
MODELS = {
    "bert-token": ("bert", "token", "BertForTokenClassification", "BertConfig", BERT, 7, "pooler"),
    "bert-span": ("bert", "span", "BertForQuestionAnswering", "BertConfig", BERT, 2, "plain"),
    "electra-sequence": ("electra", "sequence", "ElectraForSequenceClassification", "ElectraConfig", ELECTRA, 3, "plain"),
    "electra-wide": ("electra", "sequence", "ElectraForSequenceClassification", "ElectraConfig",
                     dict(ELECTRA, embedding_size=36), 2, "gamma"),
    "electra-linear": ("electra", "sequence", "linear", "ElectraConfig", ELECTRA, 2, "plain"),
    "electra-token": ("electra", "token", "ElectraForTokenClassification", "ElectraConfig", ELECTRA, 5, "discriminator"),
    "electra-span": ("electra", "span", "ElectraForQuestionAnswering", "ElectraConfig", ELECTRA, 2, "plain"),
    "distilbert-sequence": ("distilbert", "sequence", "DistilBertForSequenceClassification", "DistilBertConfig", DISTIL, 2, "plain"),
    "distilbert-token": ("distilbert", "token", "DistilBertForTokenClassification", "DistilBertConfig", DISTIL, 6, "plain"),
    "distilbert-span": ("distilbert", "span", "DistilBertForQuestionAnswering", "DistilBertConfig", DISTIL, 2, "no-prefix"),
    "xlm-roberta-sequence": ("roberta", "sequence", "XLMRobertaForSequenceClassification", "XLMRobertaConfig", XLMR, 1, "pooler"),
    "xlm-roberta-token": ("roberta", "token", "XLMRobertaForTokenClassification", "XLMRobertaConfig", XLMR, 4, "plain"),
    "roberta-span": ("roberta", "span", "RobertaForQuestionAnswering", "RobertaConfig", dict(XLMR, type_vocab_size=2), 2, "plain"),
}


class LinearElectra(torch.nn.Module):
    """ELECTRA with the classifier that KoELECTRA's fine-tuning had until July 2020."""

    def __init__(self, config):
        super().__init__()
        self.electra = tf.ElectraModel(config)
        self.classifier = torch.nn.Linear(config.hidden_size, config.num_labels)
        self.config = config

    def forward(self, **inputs):
        hidden = self.electra(**inputs).last_hidden_state
        return tf.modeling_outputs.SequenceClassifierOutput(logits=self.classifier(hidden[:, 0]))


def randomise(model, seed):
    """Larger weights than an initialised model's, and random biases and norms: a wrong one must be seen."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "LayerNorm.weight" in name or "layer_norm.weight" in name:
                p.copy_(1 + 0.2 * noise)
            elif p.dim() == 1:
                p.copy_(0.2 * noise)
            elif "embeddings." in name:
                p.copy_(0.8 * noise)
            else:
                p.copy_(noise * 1.5 / p.shape[1] ** 0.5)


def store(model, folder, how):
    tensors = {n: t.detach().clone().contiguous() for n, t in model.state_dict().items()}
    config = model.config
    if how == "pooler":
        prefix = {"bert": "bert", "xlm-roberta": "roberta"}[config.model_type]
        tensors[f"{prefix}.pooler.dense.weight"] = torch.full((config.hidden_size, config.hidden_size), 0.5)
        tensors[f"{prefix}.pooler.dense.bias"] = torch.full((config.hidden_size,), 0.5)
    elif how == "discriminator":
        tensors["discriminator_predictions.dense.weight"] = torch.ones(config.hidden_size, config.hidden_size)
        tensors["electra.embeddings.position_ids"] = torch.arange(config.max_position_embeddings)[None]
    elif how == "gamma":
        tensors = {n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): t
                   for n, t in tensors.items()}
    elif how == "no-prefix":
        tensors = {n.removeprefix("distilbert."): t for n, t in tensors.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    text = json.loads(config.to_json_string(use_diff=False))
    keep = set(MODELS[folder.name][4]) | {"model_type", "num_labels", "id2label", "embedding_size"}
    text = {k: v for k, v in text.items() if k in keep}
    if not isinstance(model, LinearElectra):
        text["architectures"] = [type(model).__name__]
    (folder / "config.json").write_text(json.dumps(text, indent=1, sort_keys=True) + "\n")


def cases(config, architecture, seed):
    rng = np.random.default_rng(seed)
    longest = config.max_position_embeddings - (2 if architecture == "roberta" else 0)
    lengths = [1, 2, 3, 5, 8, 13, longest, longest - 1] + rng.integers(4, longest, 8).tolist()
    types = 1 if architecture == "distilbert" else config.type_vocab_size
    for number, length in enumerate(lengths):
        ids = rng.integers(3, config.vocab_size, length)
        if architecture == "roberta" and number % 3 == 2:
            ids[rng.integers(0, length)] = config.pad_token_id
        cut = rng.integers(0, length + 1)
        yield ids.tolist(), [int(types > 1 and i >= cut) for i in range(length)]


def run(model, head, ids, types, feed_types):
    inputs = dict(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long))
    if feed_types:
        inputs["token_type_ids"] = torch.tensor([types])
    with torch.no_grad():
        out = model(**inputs)
    rows = torch.stack([out.start_logits[0], out.end_logits[0]], -1) if head == "span" else out.logits[0]
    return rows.flatten().tolist()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for seed, (name, (architecture, head, cls, config_cls, sizes, labels, how)) in enumerate(MODELS.items()):
        folder = args.out / name
        folder.mkdir(parents=True, exist_ok=True)
        config = getattr(tf, config_cls)(**sizes, num_labels=labels, attn_implementation="eager")
        model = LinearElectra(config) if cls == "linear" else getattr(tf, cls)(config)
        model.eval()
        randomise(model, seed)
        store(model, folder, how)
        feed = architecture != "distilbert" and config.type_vocab_size > 1
        inputs = list(cases(config, architecture, seed))
        single = [run(model, head, *case, feed) for case in inputs]
        model.double()
        double = [run(model, head, *case, feed) for case in inputs]
        rows = [
            dict(input_ids=i, token_type_ids=t, logits_f32=[float(f"{v:.9g}") for v in s],
                 logits_f64=[float(f"{v:.12g}") for v in d])
            for (i, t), s, d in zip(inputs, single, double)
        ]
        text = json.dumps(dict(architecture=architecture, head=head, cases=rows), separators=(",", ":"))
        (folder / "goldens.json").write_text(text.replace('{"input_ids"', '\n{"input_ids"') + "\n")
        print(name, len(rows), max(abs(v) for r in single for v in r))


if __name__ == "__main__":
    main()
