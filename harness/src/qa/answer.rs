//! From candidates to the answer's text.

use super::{Candidate, Document, PieceStyle, Pieces, Window, Words, detokenise, final_text};

/// What the reference answers where no span may be an answer.
pub const NO_ANSWER: &str = "empty";

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its text.
    pub text: String,
    /// The sum of its logits.
    pub score: f64,
}

/// At most `n` answers with different texts, the best first. `candidates` are sorted.
pub fn n_best(
    words: &Words<'_>,
    windows: &[Window],
    candidates: &[Candidate],
    n: usize,
) -> Vec<Answer> {
    let style = windows.first().map_or(PieceStyle::WordPiece, |window| style(words, window));
    let mut answers: Vec<Answer> = Vec::new();
    for candidate in candidates {
        if answers.len() >= n {
            break;
        }
        let Some(window) = windows.get(candidate.window) else { continue };
        let text = text_of(words, window, style, candidate.start, candidate.end);
        if answers.iter().all(|answer| answer.text != text) {
            answers.push(Answer { text, score: candidate.score() });
        }
    }
    answers
}

/// The text of the best candidate, or [`NO_ANSWER`].
pub fn answer(words: &Words<'_>, windows: &[Window], candidates: &[Candidate]) -> String {
    let best = n_best(words, windows, candidates, 1).into_iter().next();
    best.map_or_else(|| NO_ANSWER.to_owned(), |answer| answer.text)
}

/// The text that tokens `start..=end` of a context come to.
pub fn span_text(words: &Words<'_>, document: &Document<'_>, start: usize, end: usize) -> String {
    let pieces: Pieces = (0..document.len()).map(|at| document.piece(at)).collect();
    let all = (0..document.len()).filter_map(|at| document.word(words, at));
    let style = PieceStyle::of(&pieces, all);
    let tokens = detokenise(style, (start..=end).map(|at| document.piece(at)));
    final_text(&tokens, &whole_words(words, document, start, end)).to_owned()
}

/// The words that tokens `start..=end` of a context are of.
pub fn whole_words(words: &Words<'_>, document: &Document<'_>, start: usize, end: usize) -> String {
    let (first, last) = (document.word(words, start), document.word(words, end));
    first.zip(last).map_or_else(String::new, |(first, last)| words.join(first..=last))
}

fn style(words: &Words<'_>, window: &Window) -> PieceStyle {
    let all = (0..window.len()).filter_map(|index| window.word(words, index));
    PieceStyle::of(&window.pieces, all)
}

fn text_of(
    words: &Words<'_>,
    window: &Window,
    style: PieceStyle,
    start: usize,
    end: usize,
) -> String {
    let tokens = detokenise(style, (start..=end).map(|index| window.pieces.get(index)));
    let range = window.word(words, start).zip(window.word(words, end));
    let original = range.map_or_else(String::new, |(first, last)| words.join(first..=last));
    final_text(&tokens, &original).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &str = "바그너는 「파우스트」를 읽었다";

    /// 바그 ##너 ##는 「 파우스트 」 를 읽 ##었다
    fn windows() -> Vec<Window> {
        let pieces = ["바그", "##너", "##는", "「", "파우스트", "」", "를", "읽", "##었다"];
        let starts = [0, 6, 9, 13, 16, 28, 31, 35, 38];
        vec![Window {
            context_start: 2,
            offsets: starts.to_vec(),
            pieces: pieces.into_iter().collect(),
        }]
    }

    fn candidate(start: usize, end: usize) -> Candidate {
        Candidate { window: 0, start, end, start_logit: 1.0, end_logit: 0.5 }
    }

    #[test]
    fn answers_are_cut_out_of_the_context_and_doubles_are_skipped() {
        let words = Words::split(CONTEXT);
        let all =
            [candidate(4, 4), candidate(3, 5), candidate(1, 2), candidate(0, 2), candidate(7, 7)];
        let found = n_best(&words, &windows(), &all, 3);
        let texts: Vec<&str> = found.iter().map(|answer| answer.text.as_str()).collect();
        // "##너는" is not found, so that its word is the answer; "바그너는" is the same text.
        assert_eq!(texts, ["파우스트", "「파우스트」", "바그너는"]);
        assert_eq!(n_best(&words, &windows(), &all, 9).len(), 4);
        assert_eq!(answer(&words, &windows(), &all), "파우스트");
        assert_eq!(answer(&words, &windows(), &[]), "empty");
    }

    #[test]
    fn spans_of_the_document_have_their_text() {
        let (words, windows) = (Words::split(CONTEXT), windows());
        let document = Document::new(&windows, 128).unwrap();
        assert_eq!(span_text(&words, &document, 3, 4), "「파우스트");
        assert_eq!(whole_words(&words, &document, 3, 4), "「파우스트」를");
    }
}
