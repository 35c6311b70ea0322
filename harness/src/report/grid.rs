//! A table for people, whatever the format: titles, texts, and how they may be laid out.

/// A table. Every row has a cell for each column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// One line or several.
    pub(crate) title: String,
    /// Whether it is aligned to the right.
    pub(crate) numeric: bool,
    /// On a narrow terminal, columns give way in this order; those without stay.
    pub(crate) gives_way: Option<u8>,
}

/// A text and what it means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

/// What colour may say beside the text, never in its stead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Good,
    Bad,
    Faint,
}

impl Column {
    pub(crate) fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), numeric: false, gives_way: None }
    }

    pub(crate) fn number(title: impl Into<String>) -> Self {
        Self { numeric: true, ..Self::text(title) }
    }

    pub(crate) fn gives_way(self, rank: u8) -> Self {
        Self { gives_way: Some(rank), ..self }
    }

    /// The title in one line.
    pub(crate) fn line(&self) -> String {
        self.title.replace('\n', " ")
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), tone: Tone::Plain }
    }
}

impl Cell {
    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
}

impl Grid {
    /// Without one column.
    pub(crate) fn without(&self, column: usize) -> Self {
        let mut grid = self.clone();
        grid.columns.remove(column);
        for row in &mut grid.rows {
            row.remove(column);
        }
        grid
    }
}
