//! Answers by row, each given once.

/// One answer a row, in any order.
#[derive(Debug)]
pub(super) struct OnePerRow<T> {
    rows: Vec<Option<T>>,
}

impl<T> OnePerRow<T> {
    pub(super) fn new(rows: usize) -> Self {
        Self { rows: (0..rows).map(|_| None).collect() }
    }

    /// Sets a row's answer.
    pub(super) fn put(&mut self, row: u32, answer: T) -> Result<(), String> {
        match self.rows.get_mut(row as usize) {
            Some(slot @ None) => {
                *slot = Some(answer);
                Ok(())
            }
            Some(Some(_)) => Err(format!("row {row} was answered twice")),
            None => Err(format!("row {row} was answered, but was not asked for")),
        }
    }

    /// Whether every row has its answer.
    pub(super) fn complete(&self) -> Result<(), String> {
        match self.rows.iter().position(Option::is_none) {
            None => Ok(()),
            Some(row) => Err(format!("row {row} was not answered")),
        }
    }

    /// The answers in the order of the rows.
    pub(super) fn into_rows(self) -> Vec<T> {
        self.rows.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::OnePerRow;

    #[test]
    fn answers_that_do_not_fit_the_question_are_noticed() {
        let mut rows = OnePerRow::new(2);
        rows.put(1, 'b').unwrap();
        assert!(rows.complete().unwrap_err().contains("row 0 was not answered"));
        assert!(rows.put(1, 'c').unwrap_err().contains("twice"));
        assert!(rows.put(2, 'c').unwrap_err().contains("not asked for"));
        rows.put(0, 'a').unwrap();
        rows.complete().unwrap();
        assert_eq!(rows.into_rows(), ['a', 'b']);
    }
}
