"""Rows of the five demo tasks' files, read as the reference reads them: lines stripped, split at tabs, no CSV quoting."""

import json
from pathlib import Path

NER_LABELS = ["B-DT", "I-DT", "B-LC", "I-LC", "B-OG", "I-OG", "B-PS", "I-PS", "B-QT", "I-QT", "B-TI", "I-TI", "O"]
# KLUE's test labels are not public, so sentences of the development file train and test: 0..4000 and 4000..5000.
NER_TRAIN = 4000

HATE = {"none": 0, "offensive": 1, "hate": 2}
# task -> {split: file}; the columns of text, second text and label; what a label is
TASKS = {
    "nsmc": ({"train": "nsmc/ratings_train.txt", "test": "nsmc/ratings_test.txt"}, (1, None, 2), int),
    "hate_speech": (
        {"train": "korean-hate-speech/train.tsv", "test": "korean-hate-speech/val.tsv"}, (1, None, 3), HATE.__getitem__),
    "korsts": (
        {"train": "korsts/sts-train.tsv", "dev": "korsts/sts-dev.tsv", "test": "korsts/sts-test.tsv"}, (5, 6, 4), float),
    "question_pair": (
        {"train": "question-pair/train.tsv", "dev": "question-pair/dev.tsv", "test": "question-pair/test.tsv"},
        (0, 1, 2), int),
}


def rows(data, task, split):
    """(text, second text or None, label) of a split, in the order of the file."""
    files, (text, pair, label), convert = TASKS[task]
    found = []
    with open(Path(data) / files[split], encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            fields = line.strip().split("\t")
            found.append((fields[text], None if pair is None else fields[pair], convert(fields[label])))
    return found


def ner_sentences(data):
    """(characters, label ids) of KLUE-NER's development file. A line is never stripped: characters may be spaces."""
    sentences, words, labels = [], [], []
    with open(Path(data) / "klue/klue-ner-v1.1_dev.tsv", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith("##"):
                continue
            if not line:
                if words:
                    sentences.append((words, labels))
                    words, labels = [], []
                continue
            word, label = line.split("\t")
            words.append(word)
            labels.append(NER_LABELS.index(label))
    if words:
        sentences.append((words, labels))
    return sentences


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
