//! One field of a row, whatever the format.

use std::borrow::Cow;

use super::lines::python_split;

/// What stands in a field. Formats without types have texts alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Field<'a> {
    /// The row does not have it.
    #[default]
    Absent,
    Null,
    Text(Cow<'a, str>),
    /// A number as it is written, and its value.
    Number(String, f64),
    Bool(bool),
    /// Texts, or numbers as they are written.
    List(Vec<Cow<'a, str>>),
    Object,
}

impl Field<'_> {
    /// For messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Absent => "missing",
            Self::Null => "null",
            Self::Text(_) => "a text",
            Self::Number(..) => "a number",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Object => "an object",
        }
    }

    /// The field as one text; none of lists, objects and what is not there.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(text, _) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Absent | Self::Null | Self::List(_) | Self::Object => None,
        }
    }

    /// The field as a list: as it is, or a text split at white space as Python's `str.split()` does.
    pub(super) fn list(&self) -> Option<Vec<&str>> {
        match self {
            Self::List(items) => Some(items.iter().map(AsRef::as_ref).collect()),
            Self::Text(text) => Some(python_split(text).collect()),
            _ => None,
        }
    }
}
