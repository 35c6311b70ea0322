#!/usr/bin/env python3
"""Cuts the samples in this folder from the original files.

    cut.py DATA_DIR

DATA_DIR has a folder a data set, as the task files name them. What is kept is kept byte for byte; only the
commas between the objects of a JSON list are written anew.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def whole(text):
    return text


def every(step):
    """The header and every `step`-th line after it."""

    def cut(text):
        header, *rows = text.split("\n")
        rows = rows[:-1] if rows and rows[-1] == "" else rows
        return "\n".join([header, *rows[::step]]) + "\n"

    return cut


def every_premise(step):
    """The header and all lines of every `step`-th premise, which is the first column."""

    def cut(text):
        header, *rows = text.split("\n")
        order = {}
        for row in rows:
            if row:
                order.setdefault(row.split("\t")[0], len(order))
        kept = [row for row in rows if row and order[row.split("\t")[0]] % step == 0]
        return "\n".join([header, *kept]) + "\n"

    return cut


def objects(text):
    """The objects of a JSON list, each as it is written."""
    decoder, at, found = json.JSONDecoder(), text.index("[") + 1, []
    while True:
        while text[at] in " \n\r\t,":
            at += 1
        if text[at] == "]":
            return found
        value, end = decoder.raw_decode(text, at)
        found.append((value, text[at:end]))
        at = end


def json_list(kept):
    return "[\n    " + ",\n    ".join(kept) + "\n]\n"


def every_object(step):
    return lambda text: json_list([written for _, written in objects(text)[::step]])


def every_json_premise(step):
    def cut(text):
        order = {}
        for value, _ in objects(text):
            order.setdefault(value["premise"], len(order))
        return json_list([w for v, w in objects(text) if order[v["premise"]] % step == 0])

    return cut


def sentences_from(first):
    """The preamble and the sentences from number `first` (from 0) on."""

    def cut(text):
        preamble, rest = text.split("## klue-ner", 1)
        sentences = ("## klue-ner" + rest).rstrip("\n").split("\n\n")
        return preamble + "\n\n".join(sentences[first:]) + "\n\n"

    return cut


SAMPLES = [
    ("nsmc/ratings_test.txt", "nsmc/ratings_test.sample.txt", every(25)),
    ("nsmc/ratings_train.txt", "nsmc/ratings_train.sample.txt", every(15)),
    ("korean-hate-speech/val.tsv", "hate_speech/val.tsv", whole),
    ("question-pair/test.tsv", "question_pair/test.tsv", whole),
    ("korsts/sts-test.tsv", "korsts/sts-test.tsv", whole),
    ("kornli/xnli.test.ko.tsv", "kornli/xnli.test.ko.sample.tsv", every_premise(10)),
    ("paws/test_2k.tsv", "paws/test_2k.sample.tsv", every(4)),
    ("klue/klue-sts-v1.1_dev.json", "klue_sts/klue-sts-v1.1_dev.sample.json", every_object(3)),
    ("klue/klue-nli-v1.1_dev.json", "klue_nli/klue-nli-v1.1_dev.sample.json", every_json_premise(5)),
    ("klue/klue-ner-v1.1_dev.tsv", "klue_ner/klue-ner-v1.1_dev.sample.tsv", sentences_from(4000)),
]


def main():
    data = Path(sys.argv[1])
    for origin, sample, cut in SAMPLES:
        text = (data / origin).read_bytes().decode("utf-8")
        path = HERE / sample
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(cut(text).encode("utf-8"))


if __name__ == "__main__":
    main()
