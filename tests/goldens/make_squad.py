"""Goldens of extractive question answering: windows, label spans and answers of transformers' SQuAD code.

Contexts are rows of the NSMC sample (CC0 1.0), joined; questions are rows, too; answers are random parts of
contexts. The logits are random halves, so that many are equal and the order of equal candidates shows.
Tokens come from BertTokenizer (slow) with the vocabulary of wordpiece/.

Padding has a logit of -1000 here: it never is among the best. kobench computes no padding.
transformers 4.57's BasicTokenizer composes text (NFC), 3.3.1's does not: contexts that NFC would change are
left out, as are those with characters that newer Unicode tables assign.

    python tests/goldens/make_squad.py --vocab tests/goldens/wordpiece/vocab.txt \
        --sample tasks/samples/nsmc/ratings_test.sample.txt --out tests/goldens/squad.jsonl
"""

import argparse
import json
import random
import unicodedata
from types import SimpleNamespace

from transformers import BertTokenizer
from transformers.data.metrics.squad_metrics import compute_predictions_logits
from transformers.data.processors import squad

CASES = 48


def texts(path):
    with open(path, encoding="utf-8") as lines:
        rows = [line.strip().split("\t") for line in lines][1:]
    rows = [row[1] for row in rows if len(row) == 3]
    plain = lambda text: unicodedata.normalize("NFC", text) == text and all(
        unicodedata.category(c) != "Cn" for c in text
    )
    return [text for text in rows if text and plain(text)]


def byte_starts(context, example):
    """The byte at which each word begins."""
    starts = {}
    for at, word in enumerate(example.char_to_word_offset):
        if word >= 0 and word not in starts:
            starts[word] = len(context[:at].encode())
    return starts


def case(number, rows, tokenizer, rng):
    space = rng.choice([" ", "  ", "\n", "\u202f", " \u3000"])
    context = space.join(rng.sample(rows, rng.choice([1, 3, 6, 9])))
    start = rng.randrange(len(context))
    answer = context[start : start + rng.choice([1, 2, 4, 7, 12, 30])].strip()
    start = context.index(answer, start) if answer else 0
    stride, max_len = rng.choice([(16, 48), (24, 64), (8, 40)])
    options = SimpleNamespace(
        doc_stride=stride,
        max_question_len=rng.choice([6, 12]),
        max_answer_len=rng.choice([4, 30]),
        n_best=rng.choice([3, 20]),
    )
    example = squad.SquadExample(str(number), rng.choice(rows), context, answer, start, "")
    convert = lambda training: squad.squad_convert_example_to_features(
        example, max_len, stride, options.max_question_len, "max_length", training
    )
    squad.tokenizer = tokenizer
    features = convert(False)
    labels = convert(True) if answer else []
    starts = byte_starts(context, example)
    windows, results = [], []
    for unique, feature in enumerate(features):
        feature.unique_id, feature.example_index = unique, 0
        tokens = len(feature.tokens)
        halves = lambda: [rng.randrange(-6, 13) for _ in range(tokens)]
        logits = (halves(), halves())
        pad = [-1000.0] * (max_len - tokens)
        results.append(
            squad.SquadResult(unique, [x / 2 for x in logits[0]] + pad, [x / 2 for x in logits[1]] + pad)
        )
        shown = sorted(feature.token_to_orig_map)
        windows.append(
            {
                "context_start": shown[0],
                "offsets": [starts[feature.token_to_orig_map[t]] for t in shown],
                "pieces": [feature.tokens[t] for t in shown],
                "max_context": [int(feature.token_is_max_context[t]) for t in shown],
                "start_halves": logits[0],
                "end_halves": logits[1],
            }
        )
    nbest = "/tmp/squad_nbest.json"
    compute_predictions_logits(
        [example], features, results, options.n_best, options.max_answer_len, False, None, nbest, None,
        False, False, 0.0, tokenizer,
    )
    with open(nbest, encoding="utf-8") as file:
        best = json.load(file)[str(number)]
    return {
        "context": context,
        "options": vars(options),
        "windows": windows,
        "n_best": [[b["text"], b["start_logit"] + b["end_logit"]] for b in best],
        "answer": answer,
        "answer_start": len(context[:start].encode()),
        "answer_pieces": tokenizer.tokenize(answer),
        # For each window the positions that a model is trained to predict; none where it shows too little,
        # no list where the row would be left out.
        "labels": [
            None if feature.is_impossible else [feature.start_position, feature.end_position]
            for feature in labels
        ]
        if labels
        else None,
    }


def main():
    arguments = argparse.ArgumentParser()
    for name in ["--vocab", "--sample", "--out"]:
        arguments.add_argument(name, required=True)
    arguments = arguments.parse_args()
    rng = random.Random(20201009)
    tokenizer = BertTokenizer(arguments.vocab, do_lower_case=False)
    rows = texts(arguments.sample)
    with open(arguments.out, "w", encoding="utf-8") as out:
        for number in range(CASES):
            json.dump(case(number, rows, tokenizer, rng), out, ensure_ascii=False, separators=(",", ":"))
            out.write("\n")


main()
