#!/usr/bin/env python3
"""Normalises a survey of published numbers into cells/SOURCE.csv.

The input is one CSV file of nine columns, one published number a row, as it was read off the pages:
    source            kind:name of the page, for instance `card:KcBERT` or `repo:KoELECTRA/README.md@024fbdd`
    model, size       as printed there
    task, metric      short names of the survey, for instance `naver-ner`, `f1`
    value             as printed
    note              what the surveyor wrote: generation of the table, settings of the run
    sources_disagree  `yes: A | B` where other sources print other values for the same model and task
The survey is not part of the repository. The files in cells/ are the source of truth, and may be edited by hand;
this script says how they came to be, and where each name comes from. It stops at anything that it does not know.

    python3 results/published/normalise.py SURVEY.csv
"""

import csv
import re
import sys
from pathlib import Path

SOURCES = {
    "card:KcBERT": "kcbert-card",
    "card:mdeberta-v3-base-kor-further": "mdeberta-card",
    "slides:HAI-dialect": "hai-slides",
    "page:nlu_similarity_koelectra": "klue-sts-page",
    "repo:NLU_similarity_KoELECTRA notebook": "klue-sts-notebook",
    "card:kor-sci-tech-gemma2": "patent-card",
    "repo:HAI-DialectTranslator/train_classifier_장서연.ipynb": "hai-notebook-small",
    "repo:HAI-DialectTranslator/train_classifier_gyeol.ipynb": "hai-notebook-base",
    "repo:HAI-DialectTranslator/classifier_training/train_classifier.ipynb": "hai-notebook-two-class",
    "repo:KoELECTRA/README.md@024fbdd": "koelectra-readme",
    "repo:KoELECTRA/finetune/README.md@024fbdd": "koelectra-finetune-readme",
    "repo:KoELECTRA/README.md@8969136": "koelectra-readme-2020-04-23",
    "repo:KoELECTRA/README.md@ff1372e": "koelectra-readme-2020-04-27",
    "repo:KoELECTRA/README.md@05ad74b": "koelectra-readme-2020-06-03",
    "repo:KcBERT/README.md@cce8920": "kcbert-readme",
    "repo:KcBERT-Finetune/README.md@0082cf2": "kcbert-finetune-readme",
    "repo:KcELECTRA/README.md@07956c3": "kcelectra-readme",
    "repo:DistilKoBERT/README.md": "distilkobert-readme",
    "repo:KoBERT/README.md": "kobert-readme",
}

MODELS = {
    "KcBERT-Base": "kcbert-base",
    "KcBERT-Large": "kcbert-large",
    "KoBERT": "kobert",
    "XLM-Roberta-Base": "xlm-roberta-base",
    "XLM-Roberta": "xlm-roberta-base",
    "HanBERT": "hanbert",
    "KoELECTRA-Base": "koelectra-base",
    "KoELECTRA-Base-v2": "koelectra-base-v2",
    "KoELECTRA-Base-v3": "koelectra-base-v3",
    "KoELECTRA-Small": "koelectra-small",
    "KoELECTRA-Small-v2": "koelectra-small-v2",
    "KoELECTRA-Small-v3": "koelectra-small-v3",
    "DistilKoBERT": "distilkobert",
    "mdeberta-base": "mdeberta-v3-base",
    "mdeberta-base-kor-further (Ours)": "mdeberta-v3-base-kor-further",
    "KoELECTRA-base-v3 (base)": "koelectra-base-v3",
    "KoELECTRA-base-v3 (best)": "koelectra-base-v3",
    "gemma-2-9b patent": "gemma-2-9b",
    "monologg/distilkobert": "distilkobert",
    "slide: koelectra-small-v3 (256/256/1e-4) or (128/256/2e-5)": "koelectra-small-v3",
    "slide: koelectra-small-v3": "koelectra-small-v3",
    "monologg/koelectra-small-v3-discriminator": "koelectra-small-v3",
    "monologg/koelectra-base-v3-discriminator": "koelectra-base-v3",
    "exKcBERT-paws": "exkcbert-paws",
    "KcELECTRA-base": "kcelectra-base",
    "Bert-multilingual": "bert-multilingual",
    "BERT base multilingual cased": "bert-multilingual",
    "KoGPT2": "kogpt2",
}

TASKS = {
    "nsmc": "nsmc",
    "naver-ner": "naver_ner",
    "paws": "paws",
    "kornli": "kornli",
    "korsts": "korsts",
    "question-pair": "question_pair",
    "korquad": "korquad",
    "hate-speech": "hate_speech",
    "klue-sts": "klue_sts",
    "patent-188": "patent",
    "dialect-4class": "dialect",
    # Not tasks of kobench: another split of NSMC, another set of labels.
    "nsmc-colab": "nsmc_colab",
    "dialect-2class(std vs gyeongsang)": "dialect_two_class",
}

# Metric and unit by (task, metric); a metric that kobench does not compute keeps a name of its own.
METRICS = {
    ("naver_ner", "f1"): "entity_f1_visible",
    ("korquad", "exact_match"): "exact_match",
    ("korquad", "f1"): "char_f1",
    ("korquad", "em/f1"): "exact_match_and_char_f1",
    ("hate_speech", "f1"): "macro_f1",
    ("korsts", "spearman"): "spearman",
    ("klue_sts", "macro f1"): "macro_f1",
    ("klue_sts", "macro precision"): "macro_precision",
    ("klue_sts", "macro recall"): "macro_recall",
    ("klue_sts", "pearson"): "pearson",
    ("klue_sts", "spearman"): "spearman",
    ("nsmc_colab", "val acc"): "accuracy",
    ("dialect", "val acc (mean of per-batch acc)"): "mean_batch_accuracy",
    ("dialect", "train loss"): "train_loss",
    ("dialect_two_class", "val acc"): "accuracy",
    ("dialect_two_class", "train loss"): "train_loss",
    ("patent", "best val loss"): "best_validation_loss",
    ("patent", "train loss"): "train_loss",
    ("patent", "val loss"): "validation_loss",
    ("patent", "train samples"): "train_samples",
    ("patent", "val samples"): "validation_samples",
    ("patent", "classes"): "classes",
    ("patent", "train_runtime_s"): "train_seconds",
    ("patent", "samples_per_second"): "train_samples_per_second",
    ("patent", "steps_per_second"): "train_steps_per_second",
    ("patent", "total_flos"): "train_flops",
    ("patent", "params"): "parameters",
}
METRICS |= {(task, "acc"): "accuracy" for task in ("nsmc", "paws", "kornli", "question_pair")}

UNITS = {
    "train_loss": "loss",
    "validation_loss": "loss",
    "best_validation_loss": "loss",
    "train_samples": "count",
    "validation_samples": "count",
    "classes": "count",
    "parameters": "count",
    "train_seconds": "seconds",
    "train_samples_per_second": "per_second",
    "train_steps_per_second": "per_second",
    "train_flops": "flops",
}
FRACTIONS = {"kobert-readme", "klue-sts-page", "klue-sts-notebook", "hai-notebook-small", "hai-notebook-base",
             "hai-notebook-two-class"}

# How the checkpoint was chosen, where more is known than what sources.yaml says of the source as a whole. The runs of
# the KcBERT-Finetune fork are recorded, so that these are measured.
CHOSEN = {
    ("kcbert-base", "paws"): ("below_max_on_test", "step 19000; the maximum is 67.00 at step 15000"),
    ("kcbert-base", "korquad"): ("max_on_test", "step 26000, the best F1; the best exact match is 60.27 at step 24000"),
    ("kcbert-large", "paws"): ("below_max_on_test", "step 29000; the maximum is 70.60 at step 30000; a retry with learning rate 1e-5"),
    ("kcbert-large", "kornli"): ("below_max_on_test", "step 45000; the maximum is 77.29 at step 24000"),
    ("kcbert-large", "korquad"): ("below_max_on_test", "step 44000; the maximum is 62.95 / 87.20 at step 50000"),
    ("kcelectra-base", "paws"): ("other_run", "from the run of another checkpoint; the named model's maximum is 76.55"),
    ("kcelectra-base", "korquad"): ("max_on_test", "step 16000"),
    ("kcbert-base", "question_pair"): ("max_on_test", "the checkpoint that is best on the development split has 93.14"),
    ("kcbert-large", "question_pair"): ("max_on_test", "the checkpoint that is best on the development split has 93.67"),
}
RECORDED = {"kcbert-base", "kcbert-large", "kcelectra-base"}

COLUMNS = ["published_model", "model", "size", "task", "published_metric", "metric", "epoch", "value", "unit",
           "generation", "selection", "note", "disagree"]


def cell(row):
    source = SOURCES[row["source"]]
    task = TASKS[row["task"]]
    model = MODELS[row["model"]]
    epoch = re.search(r" epoch (\d+)", row["metric"])
    metric = METRICS[task, row["metric"].replace(epoch[0], "") if epoch else row["metric"]]
    value = row["value"]
    note, generation = row["note"].strip(), "none"
    if note.startswith("mDeBERTa-kor-further card;"):
        # The survey's note is about one row of that table.
        copied = model == "xlm-roberta-base"
        note = "row copied from the KoELECTRA table of October 2020" if copied else ""
        generation = "B" if copied else "none"
    elif found := re.search(r"generation[ -]([AB])", note):
        generation = found[1]
        plain = {"generation A", "generation B (Oct 2020)", "KcBERT model card; generation A",
                 "HAI slides; generation A small-model table", "HAI slides; generation A"}
        if note in plain or note.startswith("historic table of"):
            note = ""
        elif note == "generation-B row in a generation-A table":
            note = "generation-B row pasted into a generation-A table"
    elif source == "kcelectra-readme":
        generation = "A"
    if value in ("n/a", "TODO"):
        unit = "none"
    elif metric in UNITS:
        unit = UNITS[metric]
    elif source in FRACTIONS or task in ("dialect", "nsmc_colab"):
        unit = "fraction"
    else:
        unit = "percent"
    selection = ""
    if epoch:
        selection = "named_epoch"
    elif unit == "none":
        selection = "unknown"
    elif metric == "best_validation_loss":
        selection = "min_on_validation"
    elif generation == "A" and model in RECORDED and task != "nsmc_colab":
        selection, chosen = CHOSEN.get((model, task), ("max_on_test", ""))
        note = "; ".join(part for part in (note, chosen) if part)
    disagree = row["sources_disagree"].removeprefix("yes: ")
    return source, dict(zip(COLUMNS, [
        row["model"], model, row["size"], task, row["metric"], metric, epoch[1] if epoch else "", value, unit, generation,
        selection, note, disagree]))


def main():
    with open(sys.argv[1], encoding="utf-8", newline="") as survey:
        cells = [cell(row) for row in csv.DictReader(survey)]
    folder = Path(__file__).parent / "cells"
    for source in SOURCES.values():
        with open(folder / f"{source}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(row for name, row in cells if name == source)
    print(f"{len(cells)} cells in {len(SOURCES)} files")


if __name__ == "__main__":
    main()
