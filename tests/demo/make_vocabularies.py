#!/usr/bin/env python3
r"""Make the vocabularies of the demo models: WordPiece for kcbert-demo and koelectra-demo, SentencePiece for distilkobert-demo.

    python tests/demo/make_vocabularies.py --data DATA --root .

DATA holds the tasks' folders (nsmc, korean-hate-speech, korsts, question-pair, klue). Only rows that train are read:
the training splits, and the first 4,000 sentences of KLUE-NER's development file. Two runs write the same WordPiece vocabularies,
byte for byte.

Written to plugins/{kcbert,koelectra}/demo: vocab.txt, tokenizer_config.json, special_tokens_map.json; to
plugins/distilkobert/demo: tokenizer_78b3253a26.model and vocab.txt, the names that KoBERT's files have.

WordPiece: byte-pair merges (Sennrich et al. 2016) of the words of BERT's basic tokeniser, cased and without stripping of
accents, with `##` before what continues a word, as the trainer of `tokenizers` makes them. That trainer decides ties by
the order of a hash map and gives another vocabulary each time, so the merges are done here: of pairs of equal count the
first in the order of their pieces is merged. The alphabet comes first: the characters that begin, and that
continue, words at least --min-character times.

SentencePiece: a unigram model with KoBERT's special tokens [UNK] [PAD] [CLS] [SEP] [MASK] as ids 0 to 4, trained by one thread.
Its normaliser is NFKC as KoBERT's is; it takes 240 kB of the file.

kcbert-demo sees the even, koelectra-demo the odd rows of NSMC; the small tasks are counted several times over, so that their words
become pieces too. The sentences of KLUE-NER are read whole and character by character, for its words are characters.

Made with Python 3.11.7, tokenizers 0.22.2, sentencepiece 0.2.1, transformers 4.57.6.
"""

import argparse
import heapq
import io
from collections import Counter, defaultdict
from pathlib import Path

from corpus import NER_TRAIN, ner_sentences, rows, write_json

WORDPIECE_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
KOBERT_SPECIALS = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"]
KOBERT_MODEL = "tokenizer_78b3253a26.model"
# How often each of the small tasks is counted.
TIMES = {"hate_speech": 2, "korsts": 2, "question_pair": 4}


def texts(data, nsmc):
    """(text, count) of what trains. nsmc: the slice of NSMC's rows."""
    for text, _, _ in rows(data, "nsmc", "train")[nsmc]:
        yield text, 1
    for task, times in TIMES.items():
        for text, pair, _ in rows(data, task, "train"):
            yield text, times
            if pair is not None:
                yield pair, times
    for characters, _ in ner_sentences(data)[:NER_TRAIN]:
        yield "".join(characters), 1
        yield " ".join(characters), 1


# ---------------------------------------------------------------------------------------------- WordPiece


def words_of(data, nsmc):
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    normalizer = BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False)
    pre = BertPreTokenizer()
    counts = Counter()
    for text, times in texts(data, nsmc):
        for word, _ in pre.pre_tokenize_str(normalizer.normalize_str(text)):
            counts[word] += times
    return counts


def joined(a, b):
    return a + b.removeprefix("##")


def merges(counts, size, alphabet):
    """Pieces that merging adds to the alphabet until there are `size`."""
    words, frequencies = [], []
    pairs, where = Counter(), defaultdict(set)
    for word, count in sorted(counts.items()):
        pieces = [word[0]] + ["##" + c for c in word[1:]]
        # Words with characters outside the alphabet become [UNK] whole, so they say nothing of pieces.
        if not all(piece in alphabet for piece in pieces):
            continue
        index = len(words)
        words.append(pieces)
        frequencies.append(count)
        for pair in zip(pieces, pieces[1:]):
            pairs[pair] += count
            where[pair].add(index)
    heap = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(heap)
    found = []
    while heap and len(alphabet) + len(found) < size:
        count, pair = heapq.heappop(heap)
        if -count != pairs[pair]:
            # The count has changed since: put the pair back with what it is now.
            if pairs[pair] > 0:
                heapq.heappush(heap, (-pairs[pair], pair))
            continue
        whole = joined(*pair)
        found.append(whole)
        changed = set()
        for index in where.pop(pair):
            pieces, times = words[index], frequencies[index]
            for old in zip(pieces, pieces[1:]):
                pairs[old] -= times
            merged, i = [], 0
            while i < len(pieces):
                if i + 1 < len(pieces) and (pieces[i], pieces[i + 1]) == pair:
                    merged.append(whole)
                    i += 2
                else:
                    merged.append(pieces[i])
                    i += 1
            words[index] = merged
            for new in zip(merged, merged[1:]):
                pairs[new] += times
                where[new].add(index)
                changed.add(new)
        del pairs[pair]
        for new in changed:
            heapq.heappush(heap, (-pairs[new], new))
    return found


def wordpiece(args, out, nsmc):
    counts = words_of(args.data, nsmc)
    characters = Counter()
    for word, count in counts.items():
        characters[word[0]] += count
        for c in word[1:]:
            characters["##" + c] += count
    alphabet = sorted(c for c, n in characters.items() if n >= args.min_character)
    size = args.wordpieces - len(WORDPIECE_SPECIALS)
    # Two ways of merging may give the same piece.
    pieces = list(dict.fromkeys(alphabet + merges(counts, size, set(alphabet))))
    pieces = WORDPIECE_SPECIALS + pieces
    out.mkdir(parents=True, exist_ok=True)
    (out / "vocab.txt").write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
    write_json(out / "tokenizer_config.json", {
        "do_basic_tokenize": True, "do_lower_case": False, "model_max_length": args.positions, "strip_accents": False,
        "tokenize_chinese_chars": True, "tokenizer_class": "BertTokenizer" if "kcbert" in str(out) else "ElectraTokenizer",
    })
    write_json(out / "special_tokens_map.json", {
        "cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]",
    })
    print(out, len(pieces), "pieces,", len(alphabet), "of them characters,", (out / "vocab.txt").stat().st_size, "bytes")


# ------------------------------------------------------------------------------------------- SentencePiece


def sentencepiece(args, out):
    import sentencepiece as spm
    from transformers.convert_slow_tokenizer import import_protobuf

    lines = [text for text, times in texts(args.data, slice(0, None, 3)) for _ in range(times) if text]
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, model_type="unigram", vocab_size=args.pieces,
        character_coverage=0.9985, normalization_rule_name="nmt_nfkc", num_threads=1, minloglevel=2,
        unk_id=0, pad_id=1, bos_id=2, eos_id=3, unk_piece="[UNK]", pad_piece="[PAD]", bos_piece="[CLS]",
        eos_piece="[SEP]", control_symbols=["[MASK]"],
    )
    proto = import_protobuf().ModelProto()
    proto.ParseFromString(model.getvalue())
    for spec in (proto.trainer_spec, proto.normalizer_spec):
        for path in ("input", "model_prefix"):
            if hasattr(spec, path):
                spec.ClearField(path)
    names = [piece.piece for piece in proto.pieces]
    assert names[:5] == KOBERT_SPECIALS, names[:5]
    out.mkdir(parents=True, exist_ok=True)
    (out / KOBERT_MODEL).write_bytes(proto.SerializePartialToString())
    (out / "vocab.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    print(out, len(names), "pieces,", (out / KOBERT_MODEL).stat().st_size, "and", (out / "vocab.txt").stat().st_size, "bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the tasks' folders")
    parser.add_argument("--root", type=Path, required=True, help="where plugins/ is")
    parser.add_argument("--only", default="kcbert,koelectra,distilkobert")
    parser.add_argument("--wordpieces", type=int, default=7000)
    parser.add_argument("--min-character", type=int, default=8, help="least count of a character of the alphabet")
    parser.add_argument("--pieces", type=int, default=7000, help="of the SentencePiece model")
    parser.add_argument("--positions", type=int, default=160)
    args = parser.parse_args()
    only = args.only.split(",")
    if "kcbert" in only:
        wordpiece(args, args.root / "plugins/kcbert/demo", slice(0, None, 2))
    if "koelectra" in only:
        wordpiece(args, args.root / "plugins/koelectra/demo", slice(1, None, 2))
    if "distilkobert" in only:
        sentencepiece(args, args.root / "plugins/distilkobert/demo")


if __name__ == "__main__":
    main()
