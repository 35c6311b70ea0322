//! The texts that checks use.

use crate::worker::RowInput;

/// Texts that have broken tokenisers: nothing, white space, controls, decomposed and compatibility jamo,
/// Hanja, emoji sequences, lone marks, special tokens as text.
pub(super) const NASTY: [&str; 16] = [
    "",
    " ",
    "\t\u{3000}\u{a0}\u{2028}",
    "\0\u{1}\u{7f}\u{85}",
    "이 영화 정말 재미있어요",
    "ㅋㅋㅋㅋㅋ ㅠㅠ ㅡㅡ",
    "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}",
    "大韓民國 \u{20000} かな カナ",
    "👨‍👩‍👧‍👦🇰🇷👍🏽🫠",
    "\u{301}\u{20dd}",
    "e\u{301} é",
    "[CLS] [SEP] [MASK] [UNK] ##가",
    "“”‘’…·～、。!?.,",
    "\u{feff}\u{200b}\u{200d}\u{fffd}",
    "별로",
    "a",
];

/// Plain sentences, whose words are between single spaces.
pub(super) const PLAIN: [&str; 6] = [
    "이 영화 정말 재미있어요",
    "서울은 대한민국의 수도이다",
    "a b c",
    "별로",
    "두 번 보기에는 너무 길고 지루한 이야기였다",
    "1984년에 나온 책을 다시 읽었다",
];

/// The kinds of examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Pair,
    Words,
    Question,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Text, Self::Pair, Self::Words, Self::Question];

    /// For messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "texts",
            Self::Pair => "pairs of texts",
            Self::Words => "texts split into words",
            Self::Question => "questions",
        }
    }

    /// A row of this kind from two texts.
    pub(super) fn row(self, first: &str, second: &str) -> RowInput {
        let both = || format!("{first} {second}");
        match self {
            Self::Text => RowInput::Text(first.into()),
            Self::Pair => RowInput::Pair(first.into(), second.into()),
            Self::Words => RowInput::Words(both().split(' ').map(ToOwned::to_owned).collect()),
            Self::Question => RowInput::Question { question: first.into(), context: second.into() },
        }
    }

    /// Rows of ordinary sentences.
    pub(super) fn plain(self) -> Vec<RowInput> {
        let others = PLAIN.iter().cycle().skip(1);
        PLAIN.iter().zip(others).map(|(first, second)| self.row(first, second)).collect()
    }

    /// Rows of the texts that have broken tokenisers, and of one very long word.
    pub(super) fn nasty(self) -> Vec<RowInput> {
        let long = "가".repeat(5_000);
        let texts = || NASTY.into_iter().chain([long.as_str()]);
        match self {
            Self::Text => texts().map(|t| self.row(t, "")).collect(),
            Self::Pair => {
                texts().zip(texts().skip(3).cycle()).map(|(a, b)| self.row(a, b)).collect()
            }
            Self::Words => {
                let all = RowInput::Words(texts().map(ToOwned::to_owned).collect());
                let each = texts().map(|t| RowInput::Words(vec![t.to_owned(), "끝".to_owned()]));
                [all, RowInput::Words(Vec::new())].into_iter().chain(each).collect()
            }
            Self::Question => {
                texts().map(|t| self.row(t, &format!("{} {t}", NASTY.join(" ")))).collect()
            }
        }
    }
}
