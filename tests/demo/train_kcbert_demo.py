#!/usr/bin/env python3
r"""Train kcbert-demo: a small model of the KcBERT architecture, from scratch, on NSMC.

One command makes the whole model folder:

    python tests/demo/train_kcbert_demo.py --data DIR_WITH_NSMC --out DIR

and this makes the shipped one again:

    python tests/demo/train_kcbert_demo.py --data DIR_WITH_NSMC --out DIR \
        --vocab-file plugins/kcbert/kcbert-demo/vocab.txt

What it does, in order (every stage is seeded and cached in --cache, so that an interrupted run goes on
where it stopped):

1. `data`     Reads ratings_train.txt (line.strip(), header dropped, split on tab, empty documents kept) and
              holds out --dev-rows rows as the dev set. The NSMC *test* file is read by the last stage alone.
2. `vocab`    Trains a cased WordPiece vocabulary (no accent stripping, no NFD, no lower-casing) on the fit
              rows; [PAD] [UNK] [CLS] [SEP] [MASK] are ids 0..4 as in KcBERT. The trainer of `tokenizers` 0.22 is
              not deterministic (its hash maps decide ties: about 400 of 16,000 pieces change from run to run), so
              --vocab-file takes a vocabulary that is there already.
3. `vectors`  Word-piece vectors to start from: truncated SVD of the shifted positive PMI matrix of word
              pieces that occur within --window of each other in the fit rows.
4. `teacher`  An NB-weighted logistic regression on character n-grams. Its predictions for the fit rows are
              out-of-fold (a row is scored by a model that has not seen it) and serve as soft labels.
5. `train`    BertForSequenceClassification, all weights at once: cross-entropy with the labels and the
              teacher's soft labels, plus a masked-word loss (sampled softmax) whose weight falls to zero over
              the run. Batches hold rows of like length. An exponential moving average of the weights is
              scored on dev after each epoch, and the best epoch is kept.
6. `export`   Rounds the weights to float16 and writes the Hugging Face folder.
7. `score`    Loads that folder with plain transformers (slow tokeniser, float32 arithmetic, eager attention)
              and scores dev, the whole test set and the bundled sample (every 25th test row).

The teacher is used only while training; the folder holds the BERT model alone.

Run with Python 3.11.7, torch 2.9.0, transformers 4.57.6, tokenizers 0.22.2, safetensors 0.8.0, numpy 2.4.6,
scipy 1.17.1, scikit-learn 1.9.1 on one CPU thread. Another thread count or processor rounds differently, and after some
thousand steps that is another model of like quality.
"""

import argparse
import json
import math
import os
import platform
import random
import sys
import time
from pathlib import Path

import numpy as np

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNK, CLS, SEP, MASK = range(5)
STAGES = ["data", "vocab", "vectors", "teacher", "train", "export", "score"]


def log(*words):
    print(time.strftime("%H:%M:%S"), *words, file=sys.stderr, flush=True)


def read_nsmc(path):
    """(document, label) rows as the reference reads them: no CSV quoting, empty documents kept."""
    rows = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            rows.append(line.strip().split("\t"))
    return [(row[1], int(row[2])) for row in rows[1:]]


def split(args):
    """Fit and dev rows of the training file; the split depends on --seed and --dev-rows alone."""
    rows = read_nsmc(args.data / "ratings_train.txt")
    order = np.random.default_rng(args.seed).permutation(len(rows))
    dev = sorted(order[: args.dev_rows].tolist())
    fit = sorted(order[args.dev_rows :].tolist())
    return [rows[i] for i in fit], [rows[i] for i in dev]


# ---------------------------------------------------------------------------------------------- vocabulary


def stage_vocab(args, fit, dev):
    from tokenizers import BertWordPieceTokenizer

    options = dict(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False)
    target = args.cache / "vocab.txt"
    if args.vocab_file:
        target.write_bytes(args.vocab_file.read_bytes())
    else:
        trainer = BertWordPieceTokenizer(**options)
        trainer.train_from_iterator(
            (text for text, _ in fit),
            vocab_size=args.vocab,
            min_frequency=5,
            limit_alphabet=args.alphabet,
            special_tokens=SPECIALS,
            show_progress=False,
        )
        vocab = sorted(trainer.get_vocab().items(), key=lambda item: item[1])
        assert [index for _, index in vocab] == list(range(len(vocab)))
        target.write_text("".join(piece + "\n" for piece, _ in vocab), encoding="utf-8")
    pieces = target.read_text(encoding="utf-8").split("\n")[:-1]
    assert pieces[:5] == SPECIALS
    log("vocabulary:", len(pieces), "pieces,", target.stat().st_size, "bytes")

    # Read back from the file: a tokeniser fresh from its training does not add [CLS] and [SEP].
    tokenizer = BertWordPieceTokenizer(str(target), **options)
    for name, rows in (("fit", fit), ("dev", dev)):
        encoded = tokenizer.encode_batch([text for text, _ in rows])
        ids = [e.ids for e in encoded]
        assert all(i[0] == CLS and i[-1] == SEP for i in ids)
        lengths = np.array([len(i) for i in ids])
        np.savez(
            args.cache / f"{name}.npz",
            ids=np.concatenate([np.array(i, np.int32) for i in ids]),
            lengths=lengths,
            labels=np.array([label for _, label in rows]),
        )
        flat = np.concatenate(ids)
        log(name, len(ids), "rows, pieces per row: mean", lengths.mean(), "max", lengths.max(),
            "over", args.positions, ":", int((lengths > args.positions).sum()),
            "unknown:", float((flat == UNK).mean()))


def load_rows(args, name):
    """Token id arrays (with specials, cut to --positions) and labels of one cached split."""
    stored = np.load(args.cache / f"{name}.npz")
    ends = np.cumsum(stored["lengths"])
    ids = np.split(stored["ids"].astype(np.int64), ends[:-1])
    limit = args.positions
    ids = [i if len(i) <= limit else np.append(i[: limit - 1], SEP) for i in ids]
    return ids, stored["labels"].astype(np.int64)


# -------------------------------------------------------------------------------------- word-piece vectors


def stage_vectors(args):
    import scipy.sparse as sp
    from sklearn.utils.extmath import randomized_svd

    ids, _ = load_rows(args, "fit")
    size = sum(1 for _ in open(args.cache / "vocab.txt", encoding="utf-8"))
    flat = np.concatenate(ids)
    row = np.repeat(np.arange(len(ids)), [len(i) for i in ids])
    counts = sp.csr_matrix((size, size), dtype=np.float64)
    for step in range(1, args.window + 1):
        same = row[step:] == row[:-step]
        left, right = flat[:-step][same], flat[step:][same]
        real = (left > MASK) & (right > MASK)
        pairs = sp.coo_matrix((np.full(real.sum(), 1.0 / step), (left[real], right[real])), shape=(size, size))
        counts = counts + pairs.tocsr()
    counts = (counts + counts.T).tocoo()
    total = counts.sum()
    marginal = np.asarray(counts.tocsr().sum(axis=1)).ravel()
    context = marginal**0.75
    context /= context.sum()
    pmi = np.log(counts.data / (marginal[counts.row] * context[counts.col]))
    keep = pmi > 0
    ppmi = sp.csr_matrix((pmi[keep], (counts.row[keep], counts.col[keep])), shape=(size, size))
    u, s, _ = randomized_svd(ppmi, n_components=args.hidden, n_iter=4, random_state=args.seed)
    vectors = u * np.sqrt(s)
    vectors = vectors @ np.linalg.qr(np.random.default_rng(args.seed).normal(size=(args.hidden, args.hidden)))[0]
    vectors *= args.vector_std / vectors.std()
    # Frequent and rare pieces start at like lengths, so that no piece dominates the embedding LayerNorm.
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.sqrt(norm + 1e-6)
    vectors *= args.vector_std / vectors.std()
    np.save(args.cache / "vectors.npy", vectors.astype(np.float32))
    log("vectors:", vectors.shape, "from", keep.sum(), "positive pairs of", int(total), "counts")


# ------------------------------------------------------------------------------------------------- teacher


def stage_teacher(args, fit, dev):
    import scipy.sparse as sp
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    texts = [text for text, _ in fit]
    labels = np.array([label for _, label in fit])
    count = CountVectorizer(analyzer="char", ngram_range=(1, 5), min_df=4, binary=True, lowercase=False,
                            dtype=np.float32)
    x = count.fit_transform(" " + text + " " for text in texts)
    x_dev = count.transform(" " + text + " " for text, _ in dev)
    log("teacher:", x.shape[1], "character n-grams,", x.nnz, "values")

    def train(rows):
        positive = np.asarray(x[rows][labels[rows] == 1].sum(axis=0)).ravel() + 1
        negative = np.asarray(x[rows][labels[rows] == 0].sum(axis=0)).ravel() + 1
        ratio = np.log((positive / positive.sum()) / (negative / negative.sum())).astype(np.float32)
        weight = sp.diags(ratio)
        model = LogisticRegression(C=args.teacher_c, solver="liblinear", dual=True, max_iter=60,
                                   random_state=args.seed)
        model.fit(normalise(x[rows]) @ weight, labels[rows])
        return lambda m: model.decision_function(normalise(m) @ weight)

    def normalise(m):
        scale = 1.0 / np.sqrt(np.maximum(np.asarray(m.sum(axis=1)).ravel(), 1.0))
        return sp.diags(scale.astype(np.float32) * 8) @ m

    fold = np.random.default_rng(args.seed + 1).integers(0, args.folds, size=len(labels))
    logits = np.zeros(len(labels))
    logits_dev = np.zeros(len(dev))
    for k in range(args.folds):
        score = train(np.flatnonzero(fold != k))
        logits[fold == k] = score(x[fold == k])
        logits_dev += score(x_dev) / args.folds
        log("teacher: fold", k, "out-of-fold accuracy", float(((logits > 0) == labels)[fold == k].mean()))
    # Temperature by the out-of-fold likelihood: the soft labels must be calibrated, not merely ordered.
    def loss(t):
        return np.logaddexp(0, -logits / t * (2 * labels - 1)).mean()
    best = min(np.linspace(0.4, 3.0, 53), key=loss)
    dev_labels = np.array([label for _, label in dev])
    log("teacher: temperature", best, "loss", loss(best), "out-of-fold accuracy", float(((logits > 0) == labels).mean()),
        "dev accuracy", float(((logits_dev > 0) == dev_labels).mean()))
    np.savez(args.cache / "teacher.npz", logits=(logits / best).astype(np.float32))


# ------------------------------------------------------------------------------------------------ training


def batches(lengths, size, rng):
    """Index batches of rows of like length, in random order: almost nothing is padded."""
    order = np.argsort(lengths + rng.random(len(lengths)) * 1.5, kind="stable")
    parts = [order[i : i + size] for i in range(0, len(order), size)]
    return [parts[i] for i in rng.permutation(len(parts))]


def pad(ids, index):
    width = max(len(ids[i]) for i in index)
    out = np.zeros((len(index), width), np.int64)
    for row, i in enumerate(index):
        out[row, : len(ids[i])] = ids[i]
    return out


def config(args, size):
    from transformers import BertConfig

    return BertConfig(
        vocab_size=size,
        hidden_size=args.hidden,
        num_hidden_layers=args.layers,
        num_attention_heads=args.heads,
        intermediate_size=args.ffn,
        max_position_embeddings=args.positions,
        hidden_act="gelu",
        hidden_dropout_prob=args.dropout,
        attention_probs_dropout_prob=args.dropout,
        layer_norm_eps=1e-12,
        type_vocab_size=2,
        pad_token_id=0,
        num_labels=2,
        id2label={0: "negative", 1: "positive"},
        label2id={"negative": 0, "positive": 1},
    )


def accuracy(model, ids, labels, size=256):
    import torch

    model.eval()
    order = np.argsort([len(i) for i in ids], kind="stable")
    correct, loss = 0, 0.0
    with torch.inference_mode():
        for start in range(0, len(order), size):
            index = order[start : start + size]
            tokens = torch.from_numpy(pad(ids, index))
            logits = model(input_ids=tokens, attention_mask=(tokens != PAD).long()).logits
            target = torch.from_numpy(labels[index])
            correct += int((logits.argmax(-1) == target).sum())
            loss += float(torch.nn.functional.cross_entropy(logits, target, reduction="sum"))
    model.train()
    return correct, loss / len(ids)


def stage_train(args):
    import copy

    import torch
    import torch.nn.functional as F
    from transformers import BertForSequenceClassification

    torch.manual_seed(args.seed)
    random.seed(args.seed)
    rng = np.random.default_rng(args.seed + 2)
    ids, labels = load_rows(args, "fit")
    dev_ids, dev_labels = load_rows(args, "dev")
    soft = torch.sigmoid(torch.from_numpy(np.load(args.cache / "teacher.npz")["logits"]))
    lengths = np.array([len(i) for i in ids])
    vectors = torch.from_numpy(np.load(args.cache / "vectors.npy"))
    size = len(vectors)

    model = BertForSequenceClassification(config(args, size))
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight[MASK + 1 :] = vectors[MASK + 1 :]
    ema = copy.deepcopy(model).eval().requires_grad_(False)
    ema_weights = [p for p in ema.parameters()]
    weights = [p for p in model.parameters()]
    # The masked-word head is thrown away after training; its output matrix is the embedding table.
    head = torch.nn.Sequential(
        torch.nn.Linear(args.hidden, args.hidden), torch.nn.GELU(), torch.nn.LayerNorm(args.hidden)
    )
    bias = torch.nn.Parameter(torch.zeros(size))
    log("parameters:", sum(p.numel() for p in weights))

    decay = [p for n, p in model.named_parameters() if p.ndim > 1] + [head[0].weight]
    other = [p for n, p in model.named_parameters() if p.ndim <= 1] + [head[0].bias, *head[2].parameters(), bias]
    optimiser = torch.optim.AdamW(
        [{"params": decay, "weight_decay": args.weight_decay}, {"params": other, "weight_decay": 0.0}],
        lr=args.lr, betas=(0.9, 0.98), eps=1e-6, fused=True,
    )
    per_epoch = math.ceil(len(ids) / args.batch)
    total = per_epoch * args.epochs
    step, best, started, cpu = 0, -1, time.time(), time.process_time()
    for epoch in range(args.epochs):
        seen = [0.0, 0.0, 0]
        for index in batches(lengths, args.batch, rng):
            done = step / total
            # Linear warm-up, then linear to zero; the masked-word loss leaves at --mlm-until of the run.
            rate = args.lr * min((step + 1) / (0.06 * total), (1 - done) / 0.94)
            for group in optimiser.param_groups:
                group["lr"] = rate
            mlm = args.mlm * max(0.0, 1 - done / args.mlm_until)
            masked = args.mask_rate if mlm > 0 else args.mask_rate_late

            tokens = pad(ids, index)
            chosen = (tokens > MASK) & (rng.random(tokens.shape) < masked)
            noisy = np.where(chosen & (rng.random(tokens.shape) < 0.9), MASK, tokens)
            inputs = torch.from_numpy(noisy)
            real = inputs != PAD
            attention = None if bool(real.all()) else real.long()
            hidden = model.bert(input_ids=inputs, attention_mask=attention)
            logits = model.classifier(model.dropout(hidden.pooler_output)).float()
            p = soft[index]
            y = torch.from_numpy(labels[index]).float()
            target = args.hard * y + (1 - args.hard) * p
            margin = logits[:, 1] - logits[:, 0]
            loss = classification = F.binary_cross_entropy_with_logits(margin, target)
            if mlm > 0 and chosen.any():
                gold = tokens[chosen]
                # Sampled softmax: the batch's own targets and random pieces are the candidates.
                candidates = np.unique(np.concatenate([gold, rng.integers(MASK + 1, size, args.candidates)]))
                where = torch.from_numpy(np.searchsorted(candidates, gold))
                c = torch.from_numpy(candidates)
                state = head(hidden.last_hidden_state[torch.from_numpy(chosen)])
                table = model.bert.embeddings.word_embeddings.weight[c]
                words = F.cross_entropy(state @ table.T + bias[c], where)
                loss = loss + mlm * words
                seen[1] += float(words.detach())
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            step += 1
            if step % 4 == 0:
                keep = min(args.ema, (step + 1) / (step + 10)) ** 4
                torch._foreach_lerp_(ema_weights, [w.detach() for w in weights], 1 - keep)
            seen[0] += float(classification.detach())
            seen[2] += 1
            if step % args.log_every == 0:
                log(f"epoch {epoch} step {step}/{total} loss {seen[0] / seen[2]:.4f} "
                    f"words {seen[1] / seen[2]:.3f} lr {rate:.2e} {(time.time() - started) / step:.3f} s/step, "
                    f"{(time.process_time() - cpu) / step:.3f} CPU s/step")
                seen = [0.0, 0.0, 0]
        correct, loss = accuracy(ema, dev_ids, dev_labels)
        now, _ = accuracy(model, dev_ids, dev_labels)
        log(f"epoch {epoch}: dev averaged {correct} current {now} of {len(dev_ids)}, dev loss {loss:.4f}, "
            f"{time.time() - started:.0f} s")
        if correct > best:
            best = correct
            torch.save(ema.state_dict(), args.cache / "best.pt")
            (args.cache / "best.json").write_text(json.dumps(
                {"epoch": epoch, "dev_correct": correct, "seconds": round(time.time() - started)}))


# -------------------------------------------------------------------------------------- export and scoring


def stage_export(args):
    import torch
    from safetensors.torch import save_file

    state = torch.load(args.cache / "best.pt", weights_only=True)
    vocab = (args.cache / "vocab.txt").read_text(encoding="utf-8")
    size = vocab.count("\n")
    args.out.mkdir(parents=True, exist_ok=True)
    settings = config(args, size).to_diff_dict()
    settings.update(architectures=["BertForSequenceClassification"], model_type="bert", layer_norm_eps=1e-12,
                    hidden_act="gelu", type_vocab_size=2, pad_token_id=0, vocab_size=size,
                    hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1, initializer_range=0.02)
    settings.pop("dtype", None)
    settings["torch_dtype"] = "float16"  # the name that every version of transformers reads
    settings.pop("transformers_version", None)
    dump = lambda value: json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    (args.out / "config.json").write_text(dump(settings), encoding="utf-8")
    (args.out / "vocab.txt").write_text(vocab, encoding="utf-8")
    (args.out / "tokenizer_config.json").write_text(dump({
        "do_basic_tokenize": True, "do_lower_case": False, "model_max_length": args.positions,
        "strip_accents": False, "tokenize_chinese_chars": True, "tokenizer_class": "BertTokenizer",
    }), encoding="utf-8")
    (args.out / "special_tokens_map.json").write_text(dump({
        "cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]",
        "unk_token": "[UNK]",
    }), encoding="utf-8")
    half = {name: tensor.half().contiguous() for name, tensor in state.items() if "position_ids" not in name}
    assert all(bool(torch.isfinite(t).all()) for t in half.values())
    save_file(half, str(args.out / "model.safetensors"), metadata={"format": "pt"})
    (args.out / "model.safetensors").chmod(0o644)
    total = sum(p.stat().st_size for p in args.out.iterdir())
    log("exported", sorted((p.name, p.stat().st_size) for p in args.out.iterdir()), "total", total)
    assert total <= 6_000_000, total


def stage_score(args, dev):
    import torch
    from transformers import BertForSequenceClassification, BertTokenizer

    tokenizer = BertTokenizer.from_pretrained(args.out)
    model = BertForSequenceClassification.from_pretrained(
        args.out, dtype=torch.float32, attn_implementation="eager").eval()
    test = read_nsmc(args.data / "ratings_test.txt")

    def predict(rows):
        ids = [tokenizer(text, max_length=args.positions, truncation=True)["input_ids"] for text, _ in rows]
        order = np.argsort([len(i) for i in ids], kind="stable")
        guess = np.zeros(len(rows), np.int64)
        with torch.inference_mode():
            for start in range(0, len(order), 256):
                index = order[start : start + 256]
                tokens = torch.from_numpy(pad(ids, index))
                guess[index] = model(input_ids=tokens, attention_mask=(tokens != PAD).long()).logits.argmax(-1).numpy()
        return guess == np.array([label for _, label in rows])

    scores = {}
    right = predict(test)
    for name, hits in (("test", right), ("sample", right[::25]), ("dev", predict(dev))):
        scores[name] = {"correct": int(hits.sum()), "n": len(hits), "accuracy": float(hits.mean())}
    (args.cache / "scores.json").write_text(json.dumps(scores, indent=1))
    print(json.dumps(scores, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with ratings_train.txt and ratings_test.txt")
    parser.add_argument("--out", type=Path, required=True, help="model folder to write")
    parser.add_argument("--cache", type=Path, default=Path("kcbert-demo.cache"), help="folder for intermediate files")
    parser.add_argument("--stages", default=",".join(STAGES), help="run only these stages (comma-separated)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--dev-rows", type=int, default=5000)
    parser.add_argument("--vocab", type=int, default=16000)
    parser.add_argument("--vocab-file", type=Path, help="use this vocabulary instead of training one")
    parser.add_argument("--alphabet", type=int, default=2500, help="distinct characters kept in the vocabulary")
    parser.add_argument("--window", type=int, default=6)
    parser.add_argument("--vector-std", type=float, default=0.04)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--teacher-c", type=float, default=0.05)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--ffn", type=int, default=512)
    parser.add_argument("--positions", type=int, default=160)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--hard", type=float, default=0.3, help="weight of the labels against the teacher's")
    parser.add_argument("--mlm", type=float, default=0.3, help="weight of the masked-word loss at the start")
    parser.add_argument("--mlm-until", type=float, default=0.6, help="part of the run with the masked-word loss")
    parser.add_argument("--mask-rate", type=float, default=0.15)
    parser.add_argument("--mask-rate-late", type=float, default=0.1)
    parser.add_argument("--candidates", type=int, default=1500)
    parser.add_argument("--log-every", type=int, default=100)
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(args.threads))
    os.environ.setdefault("RAYON_NUM_THREADS", str(args.threads))
    import torch

    torch.set_num_threads(args.threads)
    started = time.time()
    args.cache.mkdir(parents=True, exist_ok=True)
    stages = args.stages.split(",")
    log("python", platform.python_version(), "torch", torch.__version__, "stages", stages)
    fit, dev = split(args)
    for stage, made, run in (
        ("vocab", "dev.npz", lambda: stage_vocab(args, fit, dev)),
        ("vectors", "vectors.npy", lambda: stage_vectors(args)),
        ("teacher", "teacher.npz", lambda: stage_teacher(args, fit, dev)),
        ("train", "best.pt", lambda: stage_train(args)),
        ("export", None, lambda: stage_export(args)),
        ("score", None, lambda: stage_score(args, dev)),
    ):
        if stage not in stages:
            continue
        if made and (args.cache / made).exists():
            log(stage, "is cached")
            continue
        begin = time.time()
        run()
        log(stage, f"took {time.time() - begin:.0f} s")
    log(f"done in {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
