//! Texts that stand once, each with its number.

use std::collections::HashMap;

/// Notes below a table, in the order in which they were first needed.
#[derive(Debug, Default)]
pub(crate) struct Numbered {
    texts: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Numbered {
    /// The text's number, counted from 0: a new one, or that which it has.
    pub(crate) fn number(&mut self, text: String) -> usize {
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        self.texts.push(text.clone());
        self.numbers.insert(text, self.texts.len() - 1);
        self.texts.len() - 1
    }

    /// All texts.
    pub(crate) fn into_texts(self) -> Vec<String> {
        self.texts
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_text_keeps_its_number() {
        let mut texts = super::Numbered::default();
        let numbers = ["a", "b", "a", "c", "b"].map(|text| texts.number(text.to_owned()));
        assert_eq!(numbers, [0, 1, 0, 2, 1]);
        assert_eq!(texts.into_texts(), ["a", "b", "c"]);
    }
}
