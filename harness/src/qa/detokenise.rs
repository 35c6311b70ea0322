//! Tokens back to text, as the reference's tokenisers join them (`convert_tokens_to_string`).

use crate::data::python_split;

use super::Pieces;

/// How the pieces of a vocabulary show where words begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceStyle {
    /// A piece within a word begins with `##` (BERT, ELECTRA).
    WordPiece,
    /// A piece at the beginning of a word begins with `▁` (SentencePiece).
    Metaspace,
}

impl PieceStyle {
    /// The style of pieces of which `words` gives the words: metaspace where most words begin with `▁`.
    /// No piece alone tells, for a text may hold any character.
    pub fn of(pieces: &Pieces, words: impl IntoIterator<Item = usize>) -> Self {
        let (mut initial, mut marked, mut last) = (0_usize, 0_usize, None);
        for (piece, word) in pieces.iter().zip(words) {
            if last != Some(word) {
                initial += 1;
                marked += usize::from(piece.starts_with('▁'));
                last = Some(word);
            }
        }
        if 2 * marked > initial { Self::Metaspace } else { Self::WordPiece }
    }
}

/// The text of some tokens: words separated by single spaces, none at the ends. A `##` at the very
/// beginning stays, as in the reference.
pub fn detokenise<'a>(style: PieceStyle, pieces: impl IntoIterator<Item = &'a str>) -> String {
    let pieces: Vec<&str> = pieces.into_iter().collect();
    let joined = match style {
        PieceStyle::WordPiece => pieces.join(" ").replace(" ##", ""),
        PieceStyle::Metaspace => pieces.concat().replace('▁', " "),
    };
    let words: Vec<&str> = python_split(&joined).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_words() {
        let word_piece =
            |pieces: &[&str]| detokenise(PieceStyle::WordPiece, pieces.iter().copied());
        assert_eq!(word_piece(&["바그", "##너", "##는", "[UNK]", ","]), "바그너는 [UNK] ,");
        assert_eq!(word_piece(&["##너", "##는", "가"]), "##너는 가");
        let metaspace = |pieces: &[&str]| detokenise(PieceStyle::Metaspace, pieces.iter().copied());
        assert_eq!(metaspace(&["▁", "바그", "너", "▁파우스트", "▁"]), "바그너 파우스트");
        assert_eq!(metaspace(&["▁"]), "");
    }

    #[test]
    fn the_style_is_what_most_words_show() {
        let of = |pieces: &[&str], words: &[usize]| {
            PieceStyle::of(&pieces.iter().copied().collect(), words.iter().copied())
        };
        assert_eq!(of(&["가", "##나", "▁"], &[0, 0, 1]), PieceStyle::WordPiece);
        assert_eq!(of(&["▁가", "##", "▁나", "다"], &[0, 0, 1, 2]), PieceStyle::Metaspace);
        assert_eq!(of(&[], &[]), PieceStyle::WordPiece);
    }
}
