#!/usr/bin/env python3
r"""Make the WordPiece goldens with the slow `BertTokenizer` of transformers.

The published numbers come from *slow* (pure Python) tokenisers with `do_lower_case=False`. Which transformers it was
matters at the edges, so three are asked; the old two still install on Python 3.8:

    python3.8 -m venv t412 && t412/bin/pip install transformers==4.12.5 six
    python3.8 -m venv t331 && t331/bin/pip install transformers==3.3.1 six
    VOCAB=tests/goldens/wordpiece/vocab.txt OUT=tests/goldens/wordpiece
    t412/bin/python tests/goldens/make_wordpiece.py --vocab $VOCAB --out $OUT \
        --sample tasks/samples/nsmc/ratings_test.sample.txt
    t331/bin/python tests/goldens/make_wordpiece.py --vocab $VOCAB --out $OUT --add-uncleaned
    t412/bin/python tests/goldens/make_wordpiece.py --vocab $VOCAB --out $OUT \
        --more tests/goldens/sentencepiece/lines.jsonl
    t412/bin/python tests/goldens/make_wordpiece.py --vocab VOCAB --out $OUT --hash NAME --nsmc-test ratings_test.txt

and with any other transformers, to see what has changed since:

    python tests/goldens/make_wordpiece.py --vocab $VOCAB --out $OUT --check

* 2.8 to 2.11, 3.4 to 4.30 (4.12.5 stands for them): clean, no NFC. This is `ids`.
* 3.0 to 3.3.1, the version that the reference pins: `BasicTokenizer.tokenize` **does not call `_clean_text`** (it is
  defined, the call was lost and came back in 3.4), so control and format characters stay in their word and mostly
  make it [UNK]. Where that differs the line has `ids_uncleaned`. In the public data it touches one row of PAWS-X dev
  and two rows of NSMC train, and no row of any test set (KorQuAD dev has one U+200E, in an Arabic word that is [UNK]
  with KcBERT's and KoELECTRA's vocabulary either way).
* 4.57 (recent): clean, then `unicodedata.normalize("NFC")`. Not what any published number was made with.

Files (JSON Lines, UTF-8; only \n ends a line, texts contain U+2028, U+0085 and the like):

lines.jsonl   {"text", "ids", "pieces"}: `tokenize()` and `convert_tokens_to_ids()`, no [CLS] and [SEP].
              Lines with characters that are unassigned in Unicode 12.1 but assigned by now also have
              "ids_if_assigned", see below; "ids_uncleaned" where 3.3.1 differs.
pairs.jsonl   {"a", "b" (or null), "max_length", "input_ids", "token_type_ids"}: `batch_encode_plus([(a, b)],
              max_length=m, truncation=True)`.
more.json     {"lines", "ids"}: for each block of 10 of the 814 texts in ../sentencepiece/lines.jsonl the first 16
              hexadecimal digits of a SHA-256 over the ids of each (their number, then they, little-endian u32).
nsmc_test_ids.json   for each vocabulary the SHA-256 over the 50,000 official NSMC test documents in order, every
              row as its length and its ids, [CLS] ... [SEP] included, all little-endian u32, nothing cut.
              A document is column 1 of line.strip().split("\t"), empty ones included.

What the tokeniser does, as far as the goldens can tell apart:

* `text.strip()` empty -> no pieces. Literal "[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]" in the text are taken out
  first and become their ids; "[cls]" and "[ SEP ]" are ordinary text. A word that equals a special token only after
  the cleaning ("[SEP" + U+200B + "]") becomes it too; the fast tokeniser does not see that one.
* Clean: drop U+0000, U+FFFD and general category C* (Cc, Cf, Co, Cs, **Cn**) but keep tab, LF, CR, which become a
  space as all Zs do. ZWJ, ZWSP, BOM, soft hyphen, tags vanish without a space; so do VT, FF, U+001C-1F, U+0085.
  U+FE0F and other variation selectors are Mn and stay.
* A space on both sides of each CJK ideograph (the eight ranges of BERT; kana and Hangul are none). The fast
  tokeniser (tokenizers 0.22) begins the seventh at U+2B920 instead of U+2B820.
* **No NFC** (4.57 does it here: NFD Hangul composes, U+F9xx and U+2F8xx compatibility ideographs change, U+212A
  becomes K). No NFD, no accents stripped, no lower-casing.
* Split at whitespace as Python's str.split() does: after the cleaning that is U+0020, **U+2028 and U+2029** (Zl and
  Zp are neither cleaned nor turned into a space).
* Each punctuation character is a word of its own: ASCII 33-47, 58-64, 91-96, 123-126 and category P*.
  Symbols (S*: emoji, ~ only as ASCII, math, U+FF5E) are not punctuation and stay in their word.
* A word of more than 100 code points, or one with no segmentation, is one [UNK]; else greedy longest match, "##"
  before all but the first piece.
* Truncation of a pair: one token at a time, `if len(a) > len(b): a.pop() else: b.pop()`, so ties and odd budgets cost B.
  transformers 4.57's slow tokeniser computes the same split in closed form; the fast tokeniser's longest_first
  differs (it leaves the extra token to the longer side; 20 of the 162 pairs here).
* The fast tokeniser also keeps unassigned characters (Cn), which the slow one drops.

Unicode versions: Python 3.8 has Unicode 12.1. A character assigned since, such as U+1FAE8 SHAKING FACE, is Cn there
and is dropped; under newer tables it is a symbol, stays in its word and usually makes the whole word [UNK].
`ids_if_assigned` is the result with those characters counted as assigned (So). No character of the public test
sets (NSMC, hate speech, KorNLI, KorSTS, PAWS-X, question pairs, KorQuAD dev, KLUE dev) has changed its category
between Unicode 9.0 and 18.0, so the published numbers do not depend on this.
"""

import argparse
import hashlib
import json
import os
import random
import struct
import sys
import tempfile
import unicodedata
from pathlib import Path

os.environ.setdefault("USE_TORCH", "0")
os.environ.setdefault("USE_TF", "0")

# Assigned after Unicode 12.1, up to 15.0 (the last one); all symbols.
NEWER = "\U0001F9AC\U0001FAD0\U0001F6D7\U0001F972\U0001FAC2\U0001FAE0\U0001FAF6\U0001F979\U0001FAE8\U0001FA77\U0001FADB"


def tokenizer_of(vocab):
    from transformers import BertTokenizer

    # From a folder, as the reference does it: the bare constructor does not register the special tokens in 3.x.
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "vocab.txt").write_bytes(Path(vocab).read_bytes())
        (Path(folder) / "config.json").write_text('{"model_type": "bert"}')
        return BertTokenizer.from_pretrained(folder, do_lower_case=False)


def read_documents(path):
    with open(path, encoding="utf-8") as lines:
        rows = [line.strip().split("\t") for line in lines]
    return [row[1] for row in rows[1:]]


def nasty():
    """Texts made to break a tokeniser; each has a reason, see the comment of its group."""
    yield from ["", " ", "    ", "\t", "\n", "\r\n", " \t \n ", "\u3000", "\u00a0", "\u2028", "\u2029", "\u200b", "\ufeff",
                "\u0000", "\ufffd", "\u0085", "\u00ad", "\u200d"]
    # One separator, control or format character between, before, after and in place of words.
    odd = ("\t\n\r\v\f\u001c\u001d\u001e\u001f\u0000\u0001\u0008\u001b\u007f\u0080\u0085\u009f\u00a0\u00ad\u034f\u061c"
           "\u115f\u1160\u1680\u17b4\u180e\u2000\u2003\u2007\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e"
           "\u202f\u205f\u2060\u2063\u2066\u206f\u3000\u3164\ufe00\ufe0e\ufe0f\ufeff\uffa0\ufff9\ufffc\ufffd\ue000\uf8ff\ufdd0"
           "\uffff\U000e0001\U000e0041\U000e0100\U000f0000\U0010ffff\u0378\U0001d173")
    for c in odd:
        yield f"영화{c}재미"
        yield f"{c}good {c} movie{c}"
    # Hangul in every form: precomposed, conjoining jamo (NFD), half of it composed, old Hangul, compatibility
    # jamo, half-width jamo, tone marks.
    for text in ["재미있는 영화", "너무 좋아요", "최고의 연기 강추", "값싼 닭볶음탕을 넓게 읽다"]:
        yield text
        yield unicodedata.normalize("NFD", text)
        yield text[:2] + unicodedata.normalize("NFD", text[2:])
    yield from ["각", "\u1100\u1161\u11a8", "가\u11a8", "\u1100\u119e", "\ua960\u1161\ud7cb", "\u1112\u119e\u11ab글", "\u302e가\u302f",
                "ㅋㅋㅋ", "ㅋㅋㅋㅋㅋㅋ", "ㅠㅠ", "ㅜ.ㅜ", "ㅎㄷㄷ", "ㄱㅅ", "ㅏㅣ", "ㆍ", "ㆅ", "ㅋ쿠ㅜ", "\uffa1\uffc2\uffda", "뷁쀍쒧뙕", "똠방각하 펲시콜라"]
    # Hanja and other ideographs, in and out of BERT's ranges; kana are no ideographs.
    yield from ["大韓民國", "韓國영화最高", "中 國", "㐀㒨", "\U00020000\U0002a6d6", "\U0002a700\U0002b81d", "\U0002b820\U0002ceb0",
                "\U0002ebe0", "豈更車", "\uf9d0\ufa0e\ufad9", "\U0002f800\U0002fa1d", "々〆〇", "⺀⼀", "㈱㈜①②㊗㊙㉠㉮",
                "ひらがな カタカナ", "ｶﾀｶﾅ", "日本のアニメ", "アニメ大好き", "ㄅㄆㄇ", "ꀀꀁ", "一二三", "\u4dff\u4e00\u9fef\ua000", "\u4db5\u4dc0"]
    # Emoji: plain, with variation selectors, ZWJ families, skin tones, flags, keycaps, tag sequences, recent ones.
    yield from ["😀", "😂😂😂", "재밌다😂", "재밌다 😂", "❤", "❤️", "❤︎", "♥", "★★★★★", "☆", "👍", "👍🏻", "👍🏿굿", "👨‍👩‍👧‍👦", "👩‍❤️‍💋‍👨", "🏳️‍🌈", "🇰🇷", "🇰🇷🇺🇸",
                "🇰", "1️⃣", "#️⃣", "*⃣", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🤦🏽‍♀️", "🧑‍🚀", "\u2600\u2601",
                "©", "®", "™", "ℹ", "Ⓜ", "🅰🅱", "〰", "‼", "⁉", "🀄", "🃏", "🈚", "㊙"]
    for c in NEWER:
        yield f"영화{c}"
    yield from [f"좋아요 {NEWER[0]} 굿", NEWER, f"good{NEWER[8]}movie", f"{NEWER[9]}{NEWER[10]} ㅋㅋ"]
    # Combining marks and accents, composed and decomposed.
    yield from ["café", "cafe\u0301", "é", "e\u0301", "\u0301", "\u0301\u0302", "naïve résumé", "nai\u0308ve re\u0301sume\u0301", "Å", "\u212b",
                "A\u030a", "ñ", "ô\u0323", "ﬁ", "ﬃ", "Ǆ", "ß", "ẞ", "İ", "ı", "ǰ", "\u0345", "가\u0301", "ㅋ\u0336ㅋ\u0336", "z\u0311\u0300\u0301"]
    # Other scripts.
    yield from ["αβγ Ελλάδα", "Привет мир", "Ёлка", "שלום", "مرحبا", "١٢٣", "हिन्दी", "ไทย", "ไทยสวย", "Ω", "\u2126", "K", "\u212a", "𝓗𝓮𝓵𝓵𝓸",
                "Ｈｅｌｌｏ", "１２３", "①", "Ⅳ", "½", "²", "㎏", "％", "𐍈", "ᚠ", "ᄒᆞᆫ글"]
    # Punctuation and symbols: which of them split.
    yield from ["!", "!!!", "...", "…", "……", "··", "ㆍㆍ", "~", "~~", "～", "〜", "∼", "-", "–—―‐", "“따옴표”", "‘작은’", "'\"", "「낫표」", "『겹』",
                "《영화》", "〈영〉", "【】", "〔〕", "（괄호）", "()[]{}<>", "！？", "、。", "，．", "：；", "＃＆＊＠", "¡¿", "§¶", "¢£¤¥₩€", "+-*/=", "×÷±≠≤≥∞√",
                "←↑→↓⇒", "■□▲△▶◀●○◆◇", "†‡•‣", "°′″", "^_^", "^^", "-_-", "ㅡㅡ;;", "ㅡ_ㅡ", "T^T", "ㅠ_ㅠ", "OTL", "@.@", "`", "´", "¨", "|", "\\", "＼",
                "￦", "$100", "10,000원", "3.14", "1/2", "50%", "a_b", "don't", "#해시태그", "@mention", "http://www.naver.com/a?b=1&c=2",
                "a.b@c.com", "영화.재미.없음", "영화,재미", "(영화)재미", "영화?!재미", "영화···재미", "영화·재미", "영화ㆍ재미", "영화‧재미", "영화・재미", "영화•재미",
                "영화~재미", "영화～재미", "영화∼재미", "영화^재미", "영화+재미", "영화♡재미", "영화★재미", "영화→재미", "৷", "՞", "༺", "᠀", "⸮", "︰", "﹏", "𐄀"]
    # Special tokens and WordPiece's own marks as text.
    yield from ["[SEP]", "[CLS]", "[MASK]", "[PAD]", "[UNK]", "[SEP][SEP]", "영화[SEP]재미", "영화 [SEP] 재미", "[MASK]한 영화", "[cls]", "[Sep]", "[ SEP ]",
                "[SE P]", "[[SEP]]", "[SEP", "SEP]", "[CLS] 영화 [SEP] 재미 [SEP]", "[MASK][MASK]", "a[UNK]b", "[unused0]", "[EOS]", "<s>", "</s>",
                "[SEP\u200b]", "[\u200bSEP]", "##ing", "##", "#", "####", "##영화", "영화##", "영 ##화", "playing", "[PAD]\t[PAD]", "\u3000[SEP]\u3000"]
    # Case, digits, spacing.
    yield from ["GOOD good Good gOOD", "Iron Man 3", "CG 굿", "2014년", "007", "1000000000", "٣", "10점", "１０점", "영화  재미", " 영화 ", "영 화",
                "\t영화\t재미\t", "영\n화", "영\r\n화", "a b c d e", "ㅋ ㅋ ㅋ"]
    # Lengths: 100 code points in a word are tried, 101 are [UNK]; the count is after cleaning and splitting.
    for unit in ["a", "ㅋ", "가", "1", "😀", "영화재미"]:
        for size in (99, 100, 101, 200):
            yield (unit * size)[:size]
    yield "ㅋ" * 100 + "\u200b"
    yield "ㅋ" * 60 + "\u200b" + "ㅋ" * 40
    yield "ㅋ" * 60 + "." + "ㅋ" * 60
    yield "." * 150
    yield unicodedata.normalize("NFD", "가" * 50)
    yield unicodedata.normalize("NFD", "가" * 51)
    yield "영화 " * 100
    yield ("이 영화는 정말 재미있고 감동적이다! ㅋㅋㅋ " * 200)[:5000]
    yield "가나다라마바사" * 700 + "!" + "영화"


def choose_rows(documents, size):
    """All rows with unusual characters, the longest ones, and others evenly."""
    def unusual(text):
        return any(not (c.isascii() or "가" <= c <= "힣" or "ㄱ" <= c <= "ㅣ") for c in text)
    chosen = {i for i, text in enumerate(documents) if unusual(text)}
    chosen = set(sorted(chosen)[:250])
    chosen |= set(sorted(range(len(documents)), key=lambda i: -len(documents[i]))[:50])
    others = [i for i in range(len(documents)) if i not in chosen]
    step = len(others) / max(1, size - len(chosen))
    chosen |= {others[int(k * step)] for k in range(size - len(chosen))}
    return [documents[i] for i in sorted(chosen)]


def encode(tokenizer, text):
    pieces = tokenizer.tokenize(text)
    return tokenizer.convert_tokens_to_ids(pieces), pieces


def with_newer_assigned(tokenizer, text):
    """Ids with the characters of NEWER counted as assigned symbols: replaced by one that no vocabulary has."""
    stand_in = "\U0001f000"
    assert unicodedata.category(stand_in) == "So"
    return encode(tokenizer, "".join(stand_in if c in NEWER else c for c in text))[0]


def make_lines(tokenizer, documents):
    texts = list(dict.fromkeys(list(nasty()) + choose_rows(documents, 700)))
    for text in texts:
        ids, pieces = encode(tokenizer, text)
        row = {"text": text, "ids": ids, "pieces": pieces}
        if any(c in NEWER for c in text):
            assert all(unicodedata.category(c) == "Cn" for c in NEWER), "make these with Python 3.8 (Unicode 12.1)"
            if not any(c in tokenizer.vocab or "##" + c in tokenizer.vocab for c in NEWER):
                row["ids_if_assigned"] = with_newer_assigned(tokenizer, text)
        yield row


def truncate(a, b, room):
    """The reference's rule, written out; the goldens are checked against it."""
    a, b = list(a), list(b)
    while len(a) + len(b) > room:
        if len(a) > len(b):
            a.pop()
        else:
            b.pop()
    return a, b


def make_pairs(tokenizer, documents):
    rng = random.Random(7)
    def text(size):
        """A text of exactly `size` word pieces (pieces of real rows, cut at a word)."""
        while True:
            words = " ".join(rng.sample(documents, 12)).split()
            for end in range(1, len(words)):
                found = len(tokenizer.tokenize(" ".join(words[:end])))
                if found == size:
                    return " ".join(words[:end])
                if found > size:
                    break
    cases = []
    for m in (16, 17, 32, 72, 73, 128):
        room = m - 3
        half = room // 2
        sizes = [(half, half), (half + 1, half), (half, half + 1), (half + 1, half + 1), (half + 2, half + 1), (room, room),
                 (room + 5, room + 5), (room - 1, 1), (1, room - 1), (room, 1), (1, room), (room + 9, 2), (2, room + 9),
                 (half + 7, half + 2), (half + 2, half + 7), (half - 2, half + 9), (half + 9, half - 2), (3, 4)]
        cases += [(text(a), text(b), m) for a, b in sizes]
        cases += [("", text(room + 2), m), (text(room + 2), "", m), ("", "", m)]
        cases += [(rng.choice(documents), rng.choice(documents), m) for _ in range(6)]
        cases += [(text(m - 2), None, m), (text(m - 1), None, m), (text(m + 20), None, m), ("", None, m), (text(5), None, m),
                  (rng.choice(documents) + " " + rng.choice(documents), None, m)]
    for a, b, m in cases:
        encoded = tokenizer.batch_encode_plus([(a, b)], max_length=m, truncation=True)
        ids, types = encoded["input_ids"][0], encoded["token_type_ids"][0]
        first = encode(tokenizer, a)[0]
        if b is None:
            want = [2] + first[: m - 2] + [3]
            assert types == [0] * len(want)
        else:
            first, second = truncate(first, encode(tokenizer, b)[0], m - 3)
            want = [2] + first + [3] + second + [3]
            assert types == [0] * (len(first) + 2) + [1] * (len(second) + 1)
        assert ids == want, (a, b, m)
        yield {"a": a, "b": b, "max_length": m, "input_ids": ids, "token_type_ids": types}


def write(path, rows):
    rows = list(rows)
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    path.write_bytes(text.encode("utf-8"))
    print(path, len(rows), "rows", len(text.encode()), "bytes")


def read(path):
    return [json.loads(line) for line in path.read_bytes().decode().split("\n") if line]


def check(tokenizer, out):
    differ = []
    for row in read(out / "lines.jsonl"):
        ids, pieces = encode(tokenizer, row["text"])
        if ids != row["ids"]:
            differ.append((row["text"], row["pieces"], pieces, ids == row.get("ids_if_assigned")))
    pairs = read(out / "pairs.jsonl")
    wrong = 0
    for row in pairs:
        encoded = tokenizer.batch_encode_plus([(row["a"], row["b"])], max_length=row["max_length"], truncation=True)
        wrong += encoded["input_ids"][0] != row["input_ids"] or encoded["token_type_ids"][0] != row["token_type_ids"]
    for text, was, now, newer in differ:
        print(json.dumps(text)[:60], "was", was[:8], "now", now[:8], "(newer Unicode)" if newer else "")
    print(f"{len(differ)} lines and {wrong} of {len(pairs)} pairs differ")


def add_uncleaned(tokenizer, out):
    rows = read(out / "lines.jsonl")
    for row in rows:
        ids = encode(tokenizer, row["text"])[0]
        row.pop("ids_uncleaned", None)
        if ids != row["ids"]:
            row["ids_uncleaned"] = ids
            # The cleaning is the only difference; anything else would need a look.
            assert any(unicodedata.category(c)[0] == "C" or c == "\ufffd" for c in row["text"]), row
    write(out / "lines.jsonl", rows)
    print(sum("ids_uncleaned" in row for row in rows), "lines differ without cleaning")


def hash_rows(tokenizer, vocab, path, name, out):
    digest, tokens, unknown = hashlib.sha256(), 0, 0
    documents = read_documents(path)
    for text in documents:
        ids = [2] + encode(tokenizer, text)[0] + [3]
        digest.update(struct.pack(f"<{len(ids) + 1}I", len(ids), *ids))
        tokens += len(ids)
        unknown += ids.count(1)
    target = out / "nsmc_test_ids.json"
    known = json.loads(target.read_text()) if target.exists() else {}
    known[name] = {"sha256": digest.hexdigest(), "rows": len(documents), "tokens": tokens, "unknown": unknown,
                   "vocab_sha256": hashlib.sha256(Path(vocab).read_bytes()).hexdigest(),
                   "data_sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()}
    target.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
    print(name, known[name])


def make_more(tokenizer, lines, out):
    texts = read(lines)
    rows = [encode(tokenizer, text)[0] for text in texts]
    blocks = []
    for at in range(0, len(rows), 10):
        digest = hashlib.sha256()
        for ids in rows[at:at + 10]:
            digest.update(struct.pack(f"<{len(ids) + 1}I", len(ids), *ids))
        blocks.append(digest.hexdigest()[:16])
    (out / "more.json").write_text(json.dumps({"lines": len(rows), "ids": blocks}, separators=(",", ":")) + "\n")
    print("more.json", len(rows), "lines,", sum(map(len, rows)), "tokens")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocab", type=Path, required=True)
    parser.add_argument("--sample", type=Path, help="NSMC sample with a header line")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="compare the stored goldens with this transformers")
    parser.add_argument("--add-uncleaned", action="store_true", help="add what 3.3.1 gives where it differs")
    parser.add_argument("--hash", help="name under which to store the hash of the whole NSMC test set")
    parser.add_argument("--nsmc-test", type=Path)
    parser.add_argument("--more", type=Path, help="lines.jsonl of the SentencePiece goldens, for more.json")
    args = parser.parse_args()
    import transformers

    print("transformers", transformers.__version__, "python", sys.version.split()[0], "unicode", unicodedata.unidata_version)
    tokenizer = tokenizer_of(args.vocab)
    if args.check:
        return check(tokenizer, args.out)
    if args.add_uncleaned:
        assert transformers.__version__ == "3.3.1"
        return add_uncleaned(tokenizer, args.out)
    assert transformers.__version__ == "4.12.5", "see the header: versions differ"
    args.out.mkdir(parents=True, exist_ok=True)
    if args.more:
        return make_more(tokenizer, args.more, args.out)
    if args.hash:
        return hash_rows(tokenizer, args.vocab, args.nsmc_test, args.hash, args.out)
    documents = read_documents(args.sample)
    write(args.out / "lines.jsonl", make_lines(tokenizer, documents))
    write(args.out / "pairs.jsonl", make_pairs(tokenizer, documents))


if __name__ == "__main__":
    main()
