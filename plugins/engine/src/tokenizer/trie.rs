//! A byte trie over a fixed set of strings.

/// No string ends here.
const NONE: u32 = u32::MAX;

/// A trie whose nodes' children lie side by side, sorted by their byte.
#[derive(Debug, Default)]
pub(super) struct Trie {
    /// For each node the byte that leads to it.
    labels: Vec<u8>,
    /// For each node the id of the string that ends there, or [`NONE`].
    values: Vec<u32>,
    /// For each node the first of its children; they end where those of the next node begin.
    children: Vec<u32>,
}

/// A node of the trie, to go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node(u32);

impl Trie {
    /// Of equal strings the first counts. Empty strings are left out.
    pub(super) fn new<'a>(strings: impl IntoIterator<Item = (&'a [u8], u32)>) -> Self {
        let mut sorted: Vec<(&[u8], u32)> =
            strings.into_iter().filter(|(s, _)| !s.is_empty()).collect();
        // Stable, so that the first of equal strings stays the first.
        sorted.sort_by_key(|&(s, _)| s);
        sorted.dedup_by_key(|&mut (s, _)| s);
        let mut trie = Self { labels: vec![0], values: vec![NONE], children: Vec::new() };
        // Level by level: each node with the strings below it and how many of their bytes are used.
        let mut level = vec![(0..sorted.len(), 0_usize)];
        while !level.is_empty() {
            let mut next = Vec::new();
            for (range, depth) in level {
                trie.children.push(trie.labels.len() as u32);
                let mut from = range.start;
                if sorted.get(from).is_some_and(|(s, _)| s.len() == depth) && !range.is_empty() {
                    from += 1;
                }
                while from < range.end {
                    let byte = sorted[from].0[depth];
                    let count = sorted[from..range.end].partition_point(|(s, _)| s[depth] == byte);
                    let ends = sorted[from].0.len() == depth + 1;
                    trie.labels.push(byte);
                    trie.values.push(if ends { sorted[from].1 } else { NONE });
                    next.push((from..from + count, depth + 1));
                    from += count;
                }
            }
            level = next;
        }
        trie.children.push(trie.labels.len() as u32);
        trie
    }

    /// The node before the first byte.
    pub(super) fn root(&self) -> Node {
        Node(0)
    }

    /// The node after one more byte, if a string goes on so.
    pub(super) fn step(&self, node: Node, byte: u8) -> Option<Node> {
        let at = node.0 as usize;
        let (from, to) = (self.children[at] as usize, self.children[at + 1] as usize);
        let found = self.labels[from..to].binary_search(&byte).ok()?;
        Some(Node((from + found) as u32))
    }

    /// The string that ends at a node.
    pub(super) fn value(&self, node: Node) -> Option<u32> {
        let value = self.values[node.0 as usize];
        (value != NONE).then_some(value)
    }

    /// The id of exactly this string.
    pub(super) fn get(&self, string: &[u8]) -> Option<u32> {
        let node = string.iter().try_fold(self.root(), |node, &byte| self.step(node, byte))?;
        self.value(node)
    }

    /// The longest string that `text` begins with: its id and its length.
    pub(super) fn longest_prefix(&self, text: &[u8]) -> Option<(u32, usize)> {
        let mut node = self.root();
        let mut longest = None;
        for (at, &byte) in text.iter().enumerate() {
            let Some(next) = self.step(node, byte) else { break };
            node = next;
            longest = self.value(node).map(|id| (id, at + 1)).or(longest);
        }
        longest
    }

    /// Whether there is no string in it.
    pub(super) fn is_empty(&self) -> bool {
        self.labels.len() <= 1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::Trie;

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(
            strings in proptest::collection::vec("[ab\u{ac00}]{0,4}", 0..30),
            asked in proptest::collection::vec("[ab\u{ac00}]{0,5}", 0..30),
        ) {
            let trie = Trie::new(strings.iter().map(String::as_bytes).zip(0..));
            let mut map: HashMap<&str, u32> = HashMap::new();
            for (s, id) in strings.iter().zip(0..).filter(|(s, _)| !s.is_empty()) {
                map.entry(s).or_insert(id);
            }
            prop_assert_eq!(trie.is_empty(), map.is_empty());
            for s in strings.iter().chain(&asked) {
                prop_assert_eq!(trie.get(s.as_bytes()), map.get(s.as_str()).copied());
                let longest = (1..=s.len())
                    .rev()
                    .filter(|&n| s.is_char_boundary(n))
                    .find_map(|n| map.get(&s[..n]).map(|&id| (id, n)));
                prop_assert_eq!(trie.longest_prefix(s.as_bytes()), longest);
            }
        }
    }
}
