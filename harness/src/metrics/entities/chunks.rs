//! From the labels of words to entities.

use super::tags::{Part, Tag};

/// An entity: first word, one past the last, and type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Chunk {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) kind: u32,
}

/// How labels are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunking {
    /// As conlleval and seqeval's `get_entities`: an inside that follows nothing, or another type, begins
    /// an entity.
    Lenient,
    /// As seqeval's IOB2 with `mode="strict"`: only a beginning begins one, and an inside belongs to it
    /// while the type stays.
    Strict,
}

impl Chunking {
    /// The entities in `tags`, in order, into `chunks`.
    pub(crate) fn chunks(self, tags: impl Iterator<Item = Tag>, chunks: &mut Vec<Chunk>) {
        chunks.clear();
        let mut open: Option<Chunk> = None;
        let mut previous = Tag::OUTSIDE;
        for (at, tag) in (0u32..).zip(tags) {
            let goes_on = match self {
                Self::Lenient => continues(previous, tag),
                Self::Strict => {
                    open.is_some_and(|chunk| chunk.kind == tag.kind) && tag.part == Part::Inside
                }
            };
            let begins = match self {
                Self::Lenient => tag.part != Part::Outside,
                Self::Strict => tag.part == Part::Begin,
            };
            if goes_on {
                if let Some(chunk) = &mut open {
                    chunk.end = at + 1;
                }
            } else {
                chunks.extend(open.take());
                open = begins.then_some(Chunk { start: at, end: at + 1, kind: tag.kind });
            }
            previous = tag;
        }
        chunks.extend(open);
    }
}

/// Whether a word belongs to the entity of the word before it.
fn continues(previous: Tag, tag: Tag) -> bool {
    matches!(previous.part, Part::Begin | Part::Inside)
        && matches!(tag.part, Part::Inside | Part::End)
        && previous.kind == tag.kind
}

/// Entities that are in both; both are in order.
pub(crate) fn common<'a>(
    gold: &'a [Chunk],
    predicted: &'a [Chunk],
) -> impl Iterator<Item = Chunk> + 'a {
    let mut rest = predicted;
    gold.iter().copied().filter(move |chunk| {
        while let Some((first, others)) = rest.split_first() {
            if first.start >= chunk.start {
                return first == chunk;
            }
            rest = others;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(chunking: Chunking, text: &str) -> Vec<(u32, u32, u32)> {
        let tags = text.split_whitespace().map(|tag| {
            let part = match &tag[..1] {
                "B" => Part::Begin,
                "I" => Part::Inside,
                "E" => Part::End,
                "S" => Part::Single,
                _ => return Tag::OUTSIDE,
            };
            Tag { part, kind: tag[1..].parse().expect("a type") }
        });
        let mut chunks = Vec::new();
        chunking.chunks(tags, &mut chunks);
        chunks.iter().map(|chunk| (chunk.start, chunk.end, chunk.kind)).collect()
    }

    #[test]
    fn lenient_begins_at_a_stray_inside_and_strict_does_not() {
        let both = |text| (chunks(Chunking::Lenient, text), chunks(Chunking::Strict, text));
        assert_eq!(both("B1 I1 O B2"), (vec![(0, 2, 1), (3, 4, 2)], vec![(0, 2, 1), (3, 4, 2)]));
        assert_eq!(both("I1 I1 O I2"), (vec![(0, 2, 1), (3, 4, 2)], vec![]));
        assert_eq!(both("B1 I2 I2"), (vec![(0, 1, 1), (1, 3, 2)], vec![(0, 1, 1)]));
        assert_eq!(both("B1 I2 I1"), (vec![(0, 1, 1), (1, 2, 2), (2, 3, 1)], vec![(0, 1, 1)]));
        assert_eq!(both("B1 B1 I1"), (vec![(0, 1, 1), (1, 3, 1)], vec![(0, 1, 1), (1, 3, 1)]));
        assert_eq!(both(""), (vec![], vec![]));
        assert_eq!(
            chunks(Chunking::Lenient, "B1 E1 I1 S1 E1 E2 I2 B2"),
            [(0, 2, 1), (2, 3, 1), (3, 4, 1), (4, 5, 1), (5, 6, 2), (6, 7, 2), (7, 8, 2)]
        );
    }

    #[test]
    fn entities_are_equal_in_place_length_and_type() {
        let list = |list: &[(u32, u32, u32)]| -> Vec<Chunk> {
            list.iter()
                .map(|(start, end, kind)| Chunk { start: *start, end: *end, kind: *kind })
                .collect()
        };
        let gold = list(&[(0, 1, 1), (2, 4, 1), (5, 6, 2), (8, 9, 1)]);
        let predicted = list(&[(0, 2, 1), (2, 4, 1), (5, 6, 1), (6, 7, 1), (8, 9, 1)]);
        assert_eq!(common(&gold, &predicted).collect::<Vec<_>>(), list(&[(2, 4, 1), (8, 9, 1)]));
        assert_eq!(common(&gold, &[]).count(), 0);
        assert_eq!(common(&[], &gold).count(), 0);
    }
}
