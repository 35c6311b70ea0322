//! Text that was edited, and where each of its characters came from.

/// An edited text whose characters remember their bytes in the original.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aligned {
    chars: Vec<(char, u32, u32)>,
}

impl Aligned {
    /// A text before any edit.
    ///
    /// Offsets are 32 bits wide; a text beyond 4 GiB saturates.
    pub fn new(text: &str) -> Self {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let chars =
            text.char_indices().map(|(i, c)| (c, narrow(i), narrow(i + c.len_utf8()))).collect();
        Self { chars }
    }

    /// The characters, each with its byte range in the original.
    pub fn chars(&self) -> &[(char, u32, u32)] {
        &self.chars
    }

    /// Replaces the characters by an edited form; each keeps the range that it stands for.
    pub fn set_chars(&mut self, chars: Vec<(char, u32, u32)>) {
        self.chars = chars;
    }

    /// The edited text.
    pub fn text(&self) -> String {
        self.chars.iter().map(|&(c, ..)| c).collect()
    }

    /// For each byte of the edited text, the range in the original of its character.
    pub(super) fn byte_spans(&self) -> Vec<(u32, u32)> {
        self.chars
            .iter()
            .flat_map(|&(c, start, end)| std::iter::repeat_n((start, end), c.len_utf8()))
            .collect()
    }
}
