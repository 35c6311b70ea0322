#!/usr/bin/env python3
r"""Make the goldens of the metrics: what seqeval, scikit-learn, scipy and KorQuAD's evaluation give.

    python3.11 -m venv main && main/bin/pip install seqeval==1.2.2 scikit-learn==1.9.1 scipy==1.17.1
    main/bin/python tests/goldens/make_metrics.py --korquad evaluate-v1.0.py --out tests/goldens/metrics.jsonl

`--korquad` is KorQuAD 1.0's official evaluation script (korquad.github.io; monologg/KoELECTRA has it as
finetune/src/evaluate_v1_0.py); it has no licence notice and is no part of this repository.

One case a line, {"kind", "name", ...}. Doubles are written with repr, so that they are read back bit for bit.

labels    "labels" (their number), "gold", "predicted", "positive"; "logits" [row][label] where there are
          scores; "values": accuracy_score; f1_score with average macro, micro, weighted and, of the positive
          label alone, `labels=[positive]`, all with zero_division=0; where there are scores: log_loss of the
          float64 softmax with labels=range(labels), and of the probabilities rounded to two digits and
          divided by their sum ("rounded", with "probabilities"); roc_auc_score for two labels of which both
          are there.
batches   "size" and "mean_batch_accuracy": the mean over slices of `size` rows.
values    "gold", "predicted", "threshold"; "values": pearsonr, spearmanr, and f1_score and accuracy_score of
          `>= threshold`. Correlations are null for constant input.
tags      "labels", "scheme" (prefix or suffix), "gold", "predicted" (null for words that the model never
          saw); "values": seqeval's f1_score, lenient and strict (scheme=IOB2), micro and macro, with null as
          O, lenient with these words removed from both sides ("entity_f1_visible"), and scikit-learn's macro
          F1 over words: over the labels without O that occur ("character_macro_f1"), and over all labels
          with zero_division=1, as KLUE-baseline's klue_ner_char_macro_f1 ("character_macro_f1_with_o").
          "report": seqeval's counts a type, lenient: [support, precision, recall, f1]. "chunks": its
          get_entities of each predicted row.
answers   "gold" (lists), "predicted" (null: unanswered); "exact" and "char_f1", row by row, "exact_match_100"
          and "char_f1_100" as the script's evaluate() gives them.
normal    "answers", and as the script has them "normalised".
"""
import argparse
import contextlib
import importlib.util
import io
import json
import random
import warnings
from pathlib import Path

import numpy as np

warnings.filterwarnings("ignore")


def label_cases(rng):
    def case(name, labels, gold, predicted, positive=1, logits=None):
        return {"kind": "labels", "name": name, "labels": labels, "gold": gold, "predicted": predicted,
                "positive": positive, "logits": logits}

    yield case("one row right", 2, [1], [1])
    yield case("one row wrong", 2, [1], [0])
    yield case("all of one class", 3, [1] * 20, [1] * 20)
    yield case("one class predicted", 3, [0, 1, 2] * 7, [2] * 21, positive=2)
    yield case("class missing from gold", 4, [0, 1, 1, 0, 2] * 4, [0, 1, 3, 3, 2] * 4, positive=3)
    yield case("class missing from predictions", 4, [0, 1, 3, 3, 2] * 4, [0, 1, 1, 0, 2] * 4, positive=3)
    yield case("class in neither", 5, [0, 1, 4] * 9, [0, 4, 1] * 9, positive=2)
    yield case("nothing right", 3, [0, 1, 2] * 5, [1, 2, 0] * 5)
    for labels in (2, 3, 4, 7, 8, 9, 30, 188):
        for n in (5, 40, 700):
            gold = [min(int(rng.expovariate(3.0 / labels)), labels - 1) for _ in range(n)]
            predicted = [g if rng.random() < 0.7 else rng.randrange(labels) for g in gold]
            yield case(f"random {labels} labels {n} rows", labels, gold, predicted, positive=rng.randrange(labels))
    for labels, n in ((2, 1), (2, 60), (2, 500), (3, 50), (7, 90)):
        gold = [rng.randrange(labels) for _ in range(n)]
        # Rounded, so that there are ties; a few so far apart that probabilities are clipped.
        logits = [[round(rng.gauss(2.0 * (g == k), 1.5), 1) for k in range(labels)] for g in gold]
        if n > 5:
            logits[0], logits[1] = [60.0] + [-60.0] * (labels - 1), [-800.0] * (labels - 1) + [800.0]
            logits[2] = [0.0] * labels
        predicted = [int(np.argmax(row)) for row in logits]
        yield case(f"scores {labels} labels {n} rows", labels, gold, predicted, logits=logits)


def with_label_values(case):
    from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score

    gold, predicted = case["gold"], case["predicted"]
    f1 = lambda average: float(f1_score(gold, predicted, average=average, zero_division=0))
    case["values"] = {
        "accuracy": float(accuracy_score(gold, predicted)), "macro_f1": f1("macro"), "micro_f1": f1("micro"),
        "weighted_f1": f1("weighted"),
        "binary_f1": float(f1_score(gold, predicted, labels=[case["positive"]], average="macro", zero_division=0)),
    }
    if set(gold) | set(predicted) == {0, 1} and case["positive"] < 2:
        # For two labels that is `average="binary"`.
        binary = f1_score(gold, predicted, pos_label=case["positive"], zero_division=0)
        assert case["values"]["binary_f1"] == float(binary)
    if case["logits"] is not None:
        logits = np.array(case["logits"])
        probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        labels = list(range(case["labels"]))
        case["values"]["log_loss"] = float(log_loss(gold, probabilities, labels=labels))
        rounded = np.round(probabilities, 2)
        rounded /= rounded.sum(axis=1, keepdims=True)
        case["probabilities"] = rounded.tolist()
        case["rounded"] = {"log_loss": float(log_loss(gold, rounded, labels=labels))}
        if labels == [0, 1] and len(set(gold)) == 2:
            case["values"]["auroc"] = float(roc_auc_score(gold, logits[:, 1] - logits[:, 0]))
            case["rounded"]["auroc"] = float(roc_auc_score(gold, rounded[:, 1]))
    return case


def batch_cases(rng):
    for n, size in ((1, 4), (4, 4), (5, 4), (1000, 256), (103, 10)):
        gold = [rng.randrange(3) for _ in range(n)]
        predicted = [g if rng.random() < 0.6 else rng.randrange(3) for g in gold]
        right = np.array(gold) == np.array(predicted)
        value = float(np.mean([right[i : i + size].mean() for i in range(0, n, size)]))
        yield {"kind": "batches", "name": f"{n} rows by {size}", "labels": 3, "gold": gold, "predicted": predicted,
               "size": size, "mean_batch_accuracy": value}


def value_cases(rng):
    def case(name, gold, predicted, threshold=3.0):
        return {"kind": "values", "name": name, "gold": gold, "predicted": predicted, "threshold": threshold}

    yield case("two rows", [1.0, 4.0], [0.5, 3.0])
    yield case("two rows, opposite", [1.0, 4.0], [3.0, 0.5])
    yield case("perfect", [float(i) for i in range(30)], [float(i) for i in range(30)])
    yield case("constant predictions", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    yield case("constant gold", [3.0] * 4, [1.0, 2.0, 3.0, 4.0])
    yield case("one row", [3.0], [3.0])
    yield case("two values only", [0.0, 5.0] * 20, [0.0, 5.0, 5.0, 0.0] * 10)
    yield case("zeros of both signs", [0.0, -0.0, 1.0, 2.0], [-0.0, 0.0, 2.0, 1.0], threshold=0.0)
    yield case("far from zero", [1e9 + i % 7 for i in range(50)], [1e9 + (i * 3) % 11 for i in range(50)], threshold=1e9 + 3)
    yield case("very large", [rng.gauss(0, 1e200) for _ in range(40)], [rng.gauss(0, 1e190) for _ in range(40)])
    yield case("very small", [rng.gauss(0, 1e-200) for _ in range(40)], [rng.gauss(0, 1e-190) for _ in range(40)])
    for n in (3, 10, 519, 1379):
        gold = [round(rng.uniform(0, 5), 1) for _ in range(n)]
        predicted = [float(np.float32(g + rng.gauss(0, 1))) for g in gold]
        yield case(f"random {n}", gold, predicted)
        yield case(f"random with ties on both sides {n}", gold, [round(p) * 0.5 for p in predicted])


def with_value_values(case):
    from scipy.stats import pearsonr, spearmanr
    from sklearn.metrics import accuracy_score, f1_score

    gold, predicted = np.array(case["gold"]), np.array(case["predicted"])
    constant = len(set(case["gold"])) == 1 or len(set(case["predicted"])) == 1
    a, b = (gold >= case["threshold"]).astype(int), (predicted >= case["threshold"]).astype(int)
    f1 = lambda average: float(f1_score(a, b, average=average, zero_division=0))
    case["values"] = {
        "pearson": None if constant else float(pearsonr(gold, predicted).statistic),
        "spearman": None if constant else float(spearmanr(gold, predicted).statistic),
        "accuracy": float(accuracy_score(a, b)), "macro_f1": f1("macro"), "micro_f1": f1("micro"),
        "weighted_f1": f1("weighted"), "binary_f1": f1("binary"),
    }
    return case


def tag_cases(rng):
    def form(scheme, part, kind):
        return f"{part}-{kind}" if scheme == "prefix" else f"{kind}-{part}"

    def case(name, scheme, kinds, gold, predicted):
        labels = ["O"] + [form(scheme, part, kind) for kind in kinds for part in "BI"]
        spell = lambda tag: tag if tag in ("O", None) else form(scheme, tag[0], tag[1:])
        rows = lambda rows: [[spell(tag) for tag in row.split()] if isinstance(row, str) else [spell(t) for t in row] for row in rows]
        gold, predicted = rows(gold), rows(predicted)
        predicted = [[None if tag == "-" else tag for tag in row] for row in predicted]
        return {"kind": "tags", "name": name, "scheme": scheme, "labels": labels, "gold": gold, "predicted": predicted}

    spelt = lambda rows: [[None if tag == "?" else tag for tag in row.split()] for row in rows]
    for scheme in ("prefix", "suffix"):
        kinds = ["PER", "LOC", "DAT"]
        yield case(f"perfect {scheme}", scheme, kinds, ["BPER IPER O BLOC"], ["BPER IPER O BLOC"])
        yield case(f"nothing predicted {scheme}", scheme, kinds, ["BPER IPER O BLOC"], ["O O O O"])
        yield case(f"nothing gold {scheme}", scheme, kinds, ["O O O"], ["BPER O BLOC"])
        yield case(f"I without B {scheme}", scheme, kinds, ["IPER IPER O BLOC", "O IDAT"], ["BPER IPER O ILOC", "O IDAT"])
        yield case(f"type switches {scheme}", scheme, kinds, ["BPER ILOC ILOC O", "IDAT IPER BPER"], ["BPER ILOC BLOC O", "IDAT IPER IPER"])
        yield case(f"empty sentences {scheme}", scheme, kinds, ["", "BPER", "", "O"], ["", "BPER", "", "BLOC"])
        yield case(f"entities at the borders of sentences {scheme}", scheme, kinds, ["O BPER", "IPER O", "BPER"], ["O BPER", "IPER O", "IPER"])
        yield case(f"adjacent {scheme}", scheme, kinds, ["BPER BPER IPER BPER"], ["BPER IPER IPER BPER"])
        yield case(f"words never seen {scheme}", scheme, kinds, spelt(["BPER IPER IPER O", "BLOC ILOC ILOC", "BDAT O"]),
                   spelt(["BPER IPER ? ?", "BLOC ? ILOC", "? ?"]))
        yield case(f"nothing seen {scheme}", scheme, kinds, spelt(["BPER O"]), spelt(["? ?"]))
        for kinds, n, words in ((["PER"], 30, 6), (["PER", "LOC", "DAT", "AFW"], 60, 9),
                                ([f"T{i}" for i in range(14)], 120, 15), (["A-B", "B", "PS_X"], 30, 8)):
            tags = ["O"] * (2 * len(kinds)) + [part + kind for part in "BI" for kind in kinds]
            gold, predicted = [], []
            for _ in range(n):
                row = [rng.choice(tags) for _ in range(rng.randrange(words + 1))]
                gold.append(row)
                predicted.append([None if rng.random() < 0.05 else tag if rng.random() < 0.7 else rng.choice(tags) for tag in row])
            yield case(f"random {len(kinds)} types {scheme}", scheme, kinds, gold, predicted)


def with_tag_values(case):
    from seqeval.metrics import classification_report, f1_score
    from seqeval.metrics.sequence_labeling import get_entities
    from seqeval.scheme import IOB2
    from sklearn.metrics import f1_score as label_f1

    suffix = case["scheme"] == "suffix"
    gold, seen = case["gold"], case["predicted"]
    predicted = [["O" if tag is None else tag for tag in row] for row in seen]
    keep = lambda rows: [[tag for tag, other in zip(row, others) if other is not None] for row, others in zip(rows, seen)]
    visible = keep(gold), keep(seen)
    words_gold, words_predicted = sum(gold, []), sum(predicted, [])
    occurring = sorted((set(words_gold) | set(words_predicted)) - {"O"}, key=case["labels"].index)
    some = bool(occurring)
    strict = dict(suffix=suffix, mode="strict", scheme=IOB2, zero_division=0)
    lenient = dict(suffix=suffix, zero_division=0)
    from seqeval.scheme import Entities
    strict_some = any(e for rows in (gold, predicted) for e in Entities(rows, IOB2, suffix).entities)
    case["values"] = {
        "entity_f1": float(f1_score(gold, predicted, **lenient)) if some else 0.0,
        "entity_f1_strict": float(f1_score(gold, predicted, **strict)) if strict_some else 0.0,
        "entity_macro_f1": float(f1_score(gold, predicted, average="macro", **strict)) if strict_some else 0.0,
        "entity_f1_visible": float(f1_score(*visible, **lenient)) if sum(visible[0], []) else 0.0,
        "character_macro_f1": float(label_f1(words_gold, words_predicted, labels=occurring, average="macro", zero_division=0)) if some else 0.0,
        "character_macro_f1_with_o": float(label_f1(words_gold, words_predicted, labels=case["labels"], average="macro", zero_division=1)),
    }
    report = classification_report(gold, predicted, output_dict=True, **lenient) if some else {}
    case["report"] = {kind: [int(row["support"]), float(row["precision"]), float(row["recall"]), float(row["f1-score"])]
                      for kind, row in report.items() if " avg" not in kind}
    case["chunks"] = [[[kind, int(start), int(end)] for kind, start, end in get_entities(row, suffix)] for row in predicted]
    return case


ANSWERS = ["서울", "서울특별시", "서울 특별시", "《서울》", "'서울'", '"서울"', "(서울)", "서울(Seoul)", "SEOUL", "Seoul", "1,024", "1024", "１０２４",
           "1 024", "10%", "10％", "“서울”", "‘서울’", "「서울」", "『서울』", "〈서울〉", "<서울>", "[서울]", "{서울}", "【서울】", "서울.", "서울!", "서울…", "서울·부산",
           "서울ㆍ부산", "서울-부산", "서울~부산", "서울 ~ 부산", "", " ", "!", "?!", "()", "…", "“”", "the 서울", "a 서울", "서울은", "서울을", "A.B.C", "a b c",
           "İstanbul", "ΣΑΣ", "σας", "ß", "SS", "é", "e\u0301", "\u1112\u1161\u11ab", "한", "한국\u00a0사람", "한국\u3000사람", "한국\u200b사람", "한국\u001c사람",
           "한국\u0085사람", "한국\u2028사람", "한국\n사람", "한국\t사람", "`서울`", "^_^", "$100", "100원", "2002년 6월 29일", "2002년6월29일", "6월 29일", "가나다", "다나가",
           "가가가", "가", "나", "ㅋㅋㅋ", "😀", "a", "aa", "aaa b"]


def answer_cases(rng):
    pairs = [(a, a) for a in ANSWERS] + [(rng.choice(ANSWERS), rng.choice(ANSWERS)) for _ in range(900)]
    yield {"kind": "answers", "name": "one right answer", "gold": [[a] for a, _ in pairs], "predicted": [b for _, b in pairs]}
    gold = [[rng.choice(ANSWERS) for _ in range(rng.randrange(1, 4))] for _ in range(500)]
    predicted = [None if rng.random() < 0.05 else rng.choice(row) if rng.random() < 0.4 else
                 " ".join(rng.choice(ANSWERS) for _ in range(rng.randrange(1, 4))) for row in gold]
    yield {"kind": "answers", "name": "several right answers, some questions unanswered", "gold": gold, "predicted": predicted}
    yield {"kind": "answers", "name": "nothing answered", "gold": [["서울"]] * 3, "predicted": [None] * 3}


def with_answer_values(case, korquad):
    ids = [str(i) for i in range(len(case["gold"]))]
    questions = [{"id": i, "answers": [{"text": text} for text in gold]} for i, gold in zip(ids, case["gold"])]
    predictions = {i: answer for i, answer in zip(ids, case["predicted"]) if answer is not None}
    scored = korquad.evaluate([{"paragraphs": [{"qas": questions}]}], predictions)
    best = lambda metric: [float(korquad.metric_max_over_ground_truths(metric, p, g)) if p is not None else 0.0
                           for p, g in zip(case["predicted"], case["gold"])]
    case["exact"], case["char_f1"] = best(korquad.exact_match_score), best(korquad.f1_score)
    case["exact_match_100"], case["char_f1_100"] = (float(scored[k]) for k in ("official_exact_match", "official_f1"))
    return case


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--korquad", type=Path, required=True, help="KorQuAD 1.0's evaluation script")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    spec = importlib.util.spec_from_file_location("korquad", args.korquad)
    korquad = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(korquad)
    rng = random.Random(11)
    cases = [with_label_values(case) for case in label_cases(rng)] + list(batch_cases(rng))
    cases += [with_value_values(case) for case in value_cases(rng)] + [with_tag_values(case) for case in tag_cases(rng)]
    with contextlib.redirect_stderr(io.StringIO()):
        cases += [with_answer_values(case, korquad) for case in answer_cases(rng)]
    cases.append({"kind": "normal", "name": "normalised", "answers": ANSWERS,
                  "normalised": [korquad.normalize_answer(answer) for answer in ANSWERS]})
    text = "".join(json.dumps(case, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n" for case in cases)
    args.out.write_bytes(text.encode())
    print(args.out, len(cases), "cases", len(text.encode()), "bytes")


if __name__ == "__main__":
    main()
