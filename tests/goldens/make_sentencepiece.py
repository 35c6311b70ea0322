#!/usr/bin/env python3
r"""Make the SentencePiece goldens: small models, and ids and offsets of 2,000 lines from transformers' slow tokenizers.

    python3.11 -m venv main && main/bin/pip install transformers==4.57.6 sentencepiece==0.2.1 protobuf
    main/bin/python tests/goldens/make_sentencepiece.py --sample tasks/samples/nsmc/ratings_test.sample.txt \
        --wordpiece tests/goldens/wordpiece/lines.jsonl --out tests/goldens/sentencepiece

`--keep` keeps the models that are there and makes everything else again.

Files:

*.model         models trained on the NSMC sample and made-up text. kobert, xlm_roberta and deberta_v2 lack their
                normalizer_spec, which is the same for all (240 kB): appending nmt_nfkc.bin to such a file gives the
                whole one, for protobuf messages merge when they are concatenated. gemma is whole (no normalisation).
kobert.vocab.txt   [UNK], [PAD], [CLS], [SEP], [MASK], then pieces of kobert.model in another order, some left out.
lines.jsonl     814 texts, each a JSON string; with the 1,186 of ../wordpiece/lines.jsonl before them the 2,000 lines.
hashes.json     for each family and block of 10 lines the first 16 hexadecimal digits of a SHA-256, over the ids and
                over the offsets: of each line its number of tokens and then the numbers, all little-endian u32
                (offsets: start, end, start, end ...).
full.jsonl      every 37th line in full: {"line", family: {"ids", "offsets"}}.
pairs.jsonl     {"family", "a", "b" (or null), "max_length", "input_ids", "token_type_ids"}: what
                `tokenizer(a, b, max_length=m, truncation=True)` gives. A question and its context use the same template.
*.tokenizer.json   what transformers converts xlm_roberta and gemma to, but for the character map (put in by the test).

Ids are `convert_tokens_to_ids(tokenize(text))` of XLMRobertaTokenizer, DebertaV2Tokenizer and GemmaTokenizer. KoBERT's
tokenizer is not in transformers: `KoBert` below says what it does (after monologg/KoBERT-Transformers).

Slow tokenizers have no offsets. Here they follow from the offsets of SentencePiece's own normaliser
(`normalize(text, with_offsets=True)`, where each normalised character begins), by this rule: a token has the text from
the beginning of the first to the end of the last character that it stands for, spaces at either end left out unless
there is nothing else; characters that the normaliser drops are in no token at its ends; the bytes of one character all
have the character; the dummy prefix has nothing. (SentencePiece's own token offsets join spaces and dropped characters
to a token.) The fast tokenizers join spaces to tokens as well. Where their ids are the slow ones' (1,778, 1,678 and 1,996
lines of XLM-R, DeBERTa and Gemma) and spaces are cut off, their offsets are these, but for 50, 38 and 1 lines: there
they are shifted behind characters that the normaliser drops, or give a dropped character to a token.

Ties: segmentations of equal score ("ㅋㅋㅋㅋ" from "ㅋㅋ" and "ㅋ") are decided by how sums are rounded.
sentencepiece 0.1.91, 0.1.94, 0.1.95, 0.1.96, 0.1.99, 0.2.0 and 0.2.1 give the same ids on all lines; 0.2.3 decides some
ties otherwise (7, 3, 11 and 0 lines of KoBERT, XLM-R, DeBERTa and Gemma). The published numbers are older than it.
"""

import argparse
import hashlib
import io
import json
import os
import random
import re
import struct
import tempfile
import unicodedata
from pathlib import Path

os.environ.setdefault("USE_TORCH", "0")
os.environ.setdefault("USE_TF", "0")

SPACE = "\u2581"
FAMILIES = ["kobert", "xlm_roberta", "deberta_v2", "gemma"]
LINES = 2000
FULL = 37

# ---- models ------------------------------------------------------------------------------------


def model_pb2():
    from transformers.convert_slow_tokenizer import import_protobuf

    return import_protobuf()


def train(texts, family):
    """The serialized model of a family."""
    import sentencepiece as spm

    options = {
        "kobert": dict(vocab_size=1600, character_coverage=0.985, user_defined_symbols=[]),
        "xlm_roberta": dict(vocab_size=1500, character_coverage=0.98, unk_id=0, bos_id=1, eos_id=2),
        "deberta_v2": dict(vocab_size=1800, character_coverage=0.98, pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]",
                           bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]", user_defined_symbols=["ㅋㅋ", "!!"]),
        "gemma": dict(vocab_size=1800, character_coverage=0.98, model_type="bpe", byte_fallback=True, pad_id=0, eos_id=1, bos_id=2,
                      unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>", add_dummy_prefix=False,
                      remove_extra_whitespaces=False, normalization_rule_name="identity", split_digits=True,
                      allow_whitespace_only_pieces=True,
                      user_defined_symbols=["<start_of_turn>", "<end_of_turn>", "\n", "\n\n", "\n\n\n", SPACE * 2, SPACE * 3]),
    }[family]
    options = {"model_type": "unigram", "normalization_rule_name": "nmt_nfkc", **options}
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(sentence_iterator=iter(texts), model_writer=model, minloglevel=2, num_threads=1, **options)
    proto = model_pb2().ModelProto()
    proto.ParseFromString(model.getvalue())
    for spec in (proto.trainer_spec, proto.normalizer_spec):
        for path in ("input", "model_prefix"):
            if hasattr(spec, path):
                spec.ClearField(path)
    proto.ClearField("denormalizer_spec")
    return proto


def write_models(texts, out):
    shared = None
    for family in FAMILIES:
        proto = train(texts, family)
        if family != "gemma":
            alone = model_pb2().ModelProto()
            alone.normalizer_spec.CopyFrom(proto.normalizer_spec)
            field = alone.SerializePartialToString()
            assert shared in (None, field)
            shared = field
            proto.ClearField("normalizer_spec")
        (out / f"{family}.model").write_bytes(proto.SerializePartialToString())
        if family == "kobert":
            pieces = [p.piece for p in proto.pieces if p.type == 1]
            random.Random(5).shuffle(pieces)
            vocab = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"] + pieces[20:]
            (out / "kobert.vocab.txt").write_text("".join(f"{p}\n" for p in vocab), encoding="utf-8")
    (out / "nmt_nfkc.bin").write_bytes(shared)


def whole_model(out, family):
    data = (out / f"{family}.model").read_bytes()
    return data if family == "gemma" else data + (out / "nmt_nfkc.bin").read_bytes()


# ---- lines -------------------------------------------------------------------------------------

SPECIALS = ["[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]", "<s>", "</s>", "<unk>", "<pad>", "<mask>", "<bos>", "<eos>",
            "<start_of_turn>", "<end_of_turn>", "<0x41>", "<0x09>", "[cls]", "< s >", "＜s＞", "＜pad＞", "[ＣＬＳ]"]
SPACES = [" ", " ", " ", "  ", "   ", "\t", "\n", "\n\n", "\n\n\n\n\n", "\r\n", "\u3000", "\u00a0", "\u2003", "\u202f", "\u2028", "\u1680", "\x1c", "\x0b"]
ODD = ["\u200b", "\u200c", "\u200d", "\ufeff", "\u00ad", "\u200e", "\u2060", "\u0000", "\u0001", "\u0007", "\u007f", "\u0085", "\ufffd", "\ue000",
       "\u0301", "\u0308", "\u20dd", "\u302e", "\u3099", "\u0345", "\ufe0f", "\u1160", "\u115f", "\u3164", "\uffa0", SPACE, SPACE * 2, SPACE * 3]
MARKS = ["``", "''", "```", "`", "'", "''''", '"', "...", "…", "!!", "!!!", "?!", "~", "～", "ㅋㅋ", "ㅋㅋㅋ", "ㅋ", "ㅠㅠ", ",", "，", "、", "·", "ㆍ"]
NUMBERS = ["1,", "10,000", "10,000원", "1,234,567", "3,", "12,34,", "５，", "３，０００", "1,a", "2014,", "0,5", "٣,", "²,", "①,", "9,,", ",9,", "100", "007", "½", "3.14"]
COMPAT = ["㎏", "№", "ﷺ", "¨", "´", "ﬁ", "ﬃ", "Å", "Å", "Ω", "①", "㉠", "㈜", "㊗", "Ⅳ", "ｶﾞ", "ガ", "か\u3099", "が", "é", "e\u0301", "Ａｂｃ", "ｈｅｌｌｏ", "％", "￦",
          "豈", "更", "ſ", "ẛ\u0323", "𝓗𝓮", "㍿", "ﾡ", "ﾢ", "㋀", "¼", "\u1e9b\u0323"]
SCRIPTS = ["大韓民國", "韓國영화", "中國語", "日本", "漢", "\U00020000", "ひらがな", "カタカナ", "Ελλάδα", "Привет", "שלום", "مرحبا", "हिन्दी", "ไทย", "movie", "Good", "CGV", "naïve"]
EMOJI = ["😀", "😂😂", "❤", "❤️", "👍🏻", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇰🇷", "1️⃣", "🤦🏽‍♀️", "★★★", "♥", "♡"]
JAMO = ["\u1100\u1161\u11a8", "\u1112\u119e\u11ab", "\u1100\u1161", "가\u11a8", "\u11a8", "\u1161", "ㄱㅏ", "ㄳ", "ㅏㅣ", "\ua960\u1161\ud7cb", "뷁", "쀍"]


def made_lines(documents, known, count):
    """Rows of the sample in other forms, and fragments thrown together."""
    rng = random.Random(20250101)
    words = sorted({word for text in documents for word in text.split()})
    pools = [SPECIALS, ODD, MARKS, NUMBERS, COMPAT, SCRIPTS, EMOJI, JAMO]
    forms = [lambda t: t, lambda t: unicodedata.normalize("NFD", t), lambda t: unicodedata.normalize("NFKD", t),
             lambda t: "".join(unicodedata.normalize(rng.choice(["NFC", "NFD"]), c) for c in t), str.upper,
             lambda t: t.replace(" ", rng.choice(SPACES)), lambda t: f"  {t} \u3000"]
    lines = dict.fromkeys(known)
    # What must be among them, whatever the random numbers say.
    for fragment in [f for pool in [*pools, SPACES] for f in pool]:
        lines[fragment] = None
    for unit in ["영화", "ㅋ", "가나다라", "abc", "😀", "각", "1,"]:
        lines[unit * 150] = None
    while len(lines) < count:
        kind = rng.random()
        if kind < 0.25:
            line = rng.choice(forms)(rng.choice(documents)[:80])
        else:
            parts = []
            for _ in range(rng.randint(1, 7)):
                pick = rng.random()
                part = rng.choice(words) if pick < 0.35 else rng.choice(rng.choice(pools))
                if rng.random() < 0.1:
                    part = unicodedata.normalize("NFD", part)
                parts.append(part)
                if rng.random() < 0.5:
                    parts.append(rng.choice(SPACES))
            line = "".join(parts)
        lines[line] = None
    return list(lines)[len(known):]


# ---- references --------------------------------------------------------------------------------


def sources(text, sp, drops):
    """The normalised text, and for each of its characters where in `text` it begins and ends."""
    if not text:
        return "", []
    normalized, begins = sp.normalize(text, with_offsets=True)
    assert len(begins) == len(normalized) + 1
    spans = []
    for i, begin in enumerate(begins[:-1]):
        end = next((b for b in begins[i + 1:] if b > begin), begin)
        if end == begin and i and begins[-1] == begin:
            end = len(text)
        while drops and end > begin + 1 and sp.normalize(text[end - 1]) == "":
            end -= 1
        spans.append((begin, end))
    return normalized, spans


def token_spans(text, sp, drops, dummy):
    """[(piece, start, end)] of a stretch of text without special tokens."""
    pieces = sp.encode(text, out_type=str)
    normalized, spans = sources(text, sp, drops)
    if dummy and normalized:
        assert normalized[0] == SPACE
        spans[0] = (spans[0][0], spans[0][0])
    tokens, at, pending = [], 0, b""
    for piece in pieces:
        byte = re.fullmatch("<0x([0-9A-F]{2})>", piece)
        if byte and not normalized.startswith(piece, at):
            pending += bytes([int(byte[1], 16)])
            first, last = at, at + 1
            if len(pending) == len(normalized[at].encode()):
                assert pending == normalized[at].encode()
                at, pending = at + 1, b""
        else:
            assert normalized.startswith(piece, at), (text, piece)
            first, last = at, at + len(piece)
            at = last
        while first < last and normalized[first] == SPACE:
            first += 1
        if first == last:
            first, last = last - len(piece) if not byte else last - 1, last
        while last > first + 1 and normalized[last - 1] == SPACE and set(normalized[first:last]) != {SPACE}:
            last -= 1
        tokens.append((piece, spans[first][0], spans[last - 1][1]))
    assert at == len(normalized)
    return tokens


class Slow:
    """A slow tokenizer of transformers, with offsets."""

    def __init__(self, tokenizer, sp, dummy):
        self.tokenizer, self.sp, self.dummy = tokenizer, sp, dummy
        self.added = sorted(tokenizer.added_tokens_encoder, key=len, reverse=True)

    def stretches(self, text):
        pattern = "|".join(re.escape(token) for token in self.added)
        at = 0
        for match in re.finditer(pattern, text):
            end = match.start()
            if self.tokenizer.added_tokens_decoder[self.tokenizer.added_tokens_encoder[match[0]]].lstrip:
                end = at + len(text[at:end].rstrip())
            yield at, text[at:end], False
            yield match.start(), match[0], True
            at = match.end()
        yield at, text[at:], False

    def tokens(self, text):
        for at, stretch, special in self.stretches(text):
            if special:
                yield stretch, at, at + len(stretch)
            else:
                yield from ((piece, at + start, at + end) for piece, start, end in self.pieces(stretch))

    def pieces(self, stretch):
        return token_spans(stretch, self.sp, self.dummy, self.dummy)

    def encode(self, text):
        tokens = list(self.tokens(text))
        names = [piece for piece, _, _ in tokens]
        assert names == self.tokenizer.tokenize(text), (text, names, self.tokenizer.tokenize(text))
        ids = self.tokenizer.convert_tokens_to_ids(names)
        before = [0]
        for c in text:
            before.append(before[-1] + len(c.encode()))
        return ids, [before[p] for _, start, end in tokens for p in (start, end)]


class KoBert(Slow):
    """KoBERT's tokenizer.

    1. The special tokens are cut out. 2. Whitespace at the ends goes, runs of it become one space. 3. `` and '' become ".
    4. NFKD; characters with a combining class go. 5. SentencePiece. 6. A piece of two characters or more that ends with a
    digit and a comma: without the comma and SPACE it is segmented again; if the piece did not begin with SPACE, the SPACE that
    the new segmentation begins with goes (with its piece, if that is all); then comes the comma. 7. vocab.txt, or [UNK].
    """

    def __init__(self, sp, vocab):
        self.sp, self.dummy = sp, True
        self.vocab = {piece: i for i, piece in enumerate(vocab)}
        self.added = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]

    def stretches(self, text):
        at = 0
        for match in re.finditer("|".join(map(re.escape, self.added)), text):
            yield at, text[at:match.start()], False
            yield match.start(), match[0], True
            at = match.end()
        yield at, text[at:], False

    def prepare(self, text):
        """[(character, start, end)]"""
        chars, at = [], 0
        for run in re.findall(r"(?:(?=.)(?:\s|[\x1c-\x1f]))+|[^\s\x1c-\x1f]+", text, flags=re.S):
            if not run.strip():
                chars.append((" ", at, at + len(run)))
            else:
                chars += [(c, at + i, at + i + 1) for i, c in enumerate(run)]
            at += len(run)
        assert at == len(text) and " ".join(text.strip().split()) == "".join(c for c, _, _ in chars).strip(" ")
        if chars and chars[0][0] == " ":
            chars = chars[1:]
        if chars and chars[-1][0] == " ":
            chars = chars[:-1]
        quoted = []
        while chars:
            if len(chars) > 1 and chars[0][0] == chars[1][0] and chars[0][0] in "`'":
                quoted.append(('"', chars[0][1], chars[1][2]))
                chars = chars[2:]
            else:
                quoted.append(chars[0])
                chars = chars[1:]
        parts = [(d, start, end) for c, start, end in quoted for d in unicodedata.normalize("NFKD", c)]
        kept = [part for part in parts if not unicodedata.combining(part[0])]
        whole = " ".join(text.strip().split()).replace("``", '"').replace("''", '"')
        assert "".join(c for c in unicodedata.normalize("NFKD", whole) if not unicodedata.combining(c)) == "".join(c for c, _, _ in kept)
        return kept

    def pieces(self, stretch):
        chars = self.prepare(stretch)
        text = "".join(c for c, _, _ in chars)

        def spanned(tokens, chars):
            for piece, start, end in tokens:
                if start < end:
                    yield piece, chars[start][1], chars[end - 1][2]
                else:
                    yield piece, chars[start][1], chars[start][1]

        for piece, start, end in token_spans(text, self.sp, True, True):
            if not (len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()):
                yield from spanned([(piece, start, end)], chars)
                continue
            digits = piece[:-1].replace(SPACE, "")
            # Every character of such a piece stands for itself, or for a wide form of it.
            inner = chars[start:end - 1]
            assert len(inner) == len(digits) and chars[end - 1][0] in ",，﹐︐", (piece, inner)
            again = token_spans(digits, self.sp, True, True)
            if piece[0] != SPACE and again[0][0][0] == SPACE:
                again = again[1:] if again[0][0] == SPACE else [(again[0][0][1:], *again[0][1:]), *again[1:]]
            yield from spanned(again, inner)
            yield ",", chars[end - 1][1], chars[end - 1][2]

    def encode(self, text):
        tokens = list(self.tokens(text))
        before = [0]
        for c in text:
            before.append(before[-1] + len(c.encode()))
        ids = [self.vocab.get(piece, 0) for piece, _, _ in tokens]
        return ids, [before[p] for _, start, end in tokens for p in (start, end)]


def references(out, folder):
    import sentencepiece as spm
    from transformers import DebertaV2Tokenizer, GemmaTokenizer, XLMRobertaTokenizer, logging

    logging.set_verbosity_error()

    found = {}
    for family, kind in [("kobert", None), ("xlm_roberta", XLMRobertaTokenizer), ("deberta_v2", DebertaV2Tokenizer), ("gemma", GemmaTokenizer)]:
        path = folder / f"{family}.model"
        path.write_bytes(whole_model(out, family))
        sp = spm.SentencePieceProcessor(model_file=str(path))
        if kind is None:
            vocab = (out / "kobert.vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
            found[family] = KoBert(sp, vocab)
        else:
            found[family] = Slow(kind(str(path)), sp, family != "gemma")
    return found


# ---- output ------------------------------------------------------------------------------------


def digest(rows):
    sha = hashlib.sha256()
    for row in rows:
        sha.update(struct.pack(f"<{len(row) + 1}I", len(row), *row))
    return sha.hexdigest()[:16]


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_lines(path, rows):
    path.write_bytes("".join(f"{dump(row)}\n" for row in rows).encode())
    print(path.name, len(rows), "rows", path.stat().st_size, "bytes")


def make_pairs(found, documents):
    rng = random.Random(11)
    for family in FAMILIES[1:]:
        tokenizer = found[family].tokenizer
        for m in (9, 16, 17, 32, 33, 64):
            for _ in range(5):
                a, b = rng.choice(documents)[:70], rng.choice([None, *(text[:70] for text in rng.sample(documents, 3))])
                encoded = tokenizer(a, b, max_length=m, truncation=True, return_token_type_ids=True)
                yield {"family": family, "a": a, "b": b, "max_length": m, "input_ids": encoded["input_ids"],
                       "token_type_ids": encoded["token_type_ids"]}


def write_json(found, out):
    from transformers.convert_slow_tokenizer import convert_slow_tokenizer

    for family in ("xlm_roberta", "gemma"):
        document = json.loads(convert_slow_tokenizer(found[family].tokenizer).to_str())
        for part in (document["normalizer"] or {}).get("normalizers", []):
            if part["type"] == "Precompiled":
                part["precompiled_charsmap"] = "CHARSMAP"
        path = out / f"{family}.tokenizer.json"
        path.write_bytes(f"{dump(document)}\n".encode())
        print(path.name, path.stat().st_size, "bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=Path, required=True, help="NSMC sample with a header line")
    parser.add_argument("--wordpiece", type=Path, required=True, help="lines.jsonl of the WordPiece goldens")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep", action="store_true", help="keep the models")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = [line.strip().split("\t") for line in args.sample.read_text(encoding="utf-8").split("\n")[1:] if line]
    documents = [row[1] for row in rows]
    known = [json.loads(line)["text"] for line in args.wordpiece.read_bytes().decode().split("\n") if line]
    made = made_lines(documents, known, LINES)
    write_lines(args.out / "lines.jsonl", made)
    lines = known + made
    assert len(lines) == len(set(lines)) == LINES
    if not args.keep:
        write_models(documents + NUMBERS * 30 + MARKS * 3, args.out)
    with tempfile.TemporaryDirectory() as folder:
        found = references(args.out, Path(folder))
        encoded = {family: [found[family].encode(line) for line in lines] for family in FAMILIES}
        hashes = {
            family: {what: [digest(row[i] for row in rows[at:at + 10]) for at in range(0, LINES, 10)] for i, what in enumerate(["ids", "offsets"])}
            for family, rows in encoded.items()
        }
        (args.out / "hashes.json").write_text(json.dumps(hashes, separators=(",", ":")) + "\n")
        full = [{"line": n, **{family: dict(zip(["ids", "offsets"], encoded[family][n])) for family in FAMILIES}} for n in range(0, LINES, FULL)]
        write_lines(args.out / "full.jsonl", full)
        write_lines(args.out / "pairs.jsonl", list(make_pairs(found, documents)))
        write_json(found, args.out)
    print(sum(path.stat().st_size for path in args.out.iterdir()), "bytes in all")


if __name__ == "__main__":
    main()
