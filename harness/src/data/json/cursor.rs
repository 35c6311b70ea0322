//! Goes through a JSON text: lists and objects member by member, their values through serde.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny};

use crate::data::row_error::RowError;

/// A place in a JSON text.
#[derive(Debug)]
pub(in crate::data) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Line of `counted`, from 1.
    line: u32,
    counted: usize,
}

/// A text that is borrowed where it holds no escapes.
#[derive(Debug, Deserialize)]
pub(in crate::data) struct Key<'a>(#[serde(borrow)] pub(in crate::data) Cow<'a, str>);

impl<'a> Cursor<'a> {
    /// The beginning of `text`, after its byte order mark if it has one.
    pub(in crate::data) fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, at, line: 1, counted: 0 }
    }

    /// The line of the next value.
    pub(in crate::data) fn line(&mut self) -> u32 {
        self.skip_space();
        let newlines = self.text.as_bytes()[self.counted..self.at].iter().filter(|b| **b == b'\n');
        self.line += u32::try_from(newlines.count()).unwrap_or(u32::MAX);
        self.counted = self.at;
        self.line
    }

    /// Goes through a list; `item` takes each value. `what` says in messages what the list holds.
    pub(in crate::data) fn list(
        &mut self,
        what: &str,
        mut item: impl FnMut(&mut Self) -> Result<(), RowError>,
    ) -> Result<(), RowError> {
        self.take(b'[', || format!("a list of {what}"))?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => return self.take(b']', || "`,` or `]`".to_owned()),
            }
        }
    }

    /// Goes through an object; `member` is given each key and must take its value.
    pub(in crate::data) fn object(
        &mut self,
        what: &str,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), RowError>,
    ) -> Result<(), RowError> {
        self.take(b'{', || what.to_owned())?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.expected("the name of a member in quotation marks"));
            }
            let Key(key) = self.value(std::marker::PhantomData)?;
            self.take(b':', || "`:`".to_owned())?;
            member(self, &key)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => return self.take(b'}', || "`,` or `}`".to_owned()),
            }
        }
    }

    /// Reads the next value.
    pub(in crate::data) fn value<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, RowError> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let mut deserializer = serde_json::Deserializer::from_str(rest);
        match seed.deserialize(&mut deserializer) {
            Ok(value) => {
                self.at += deserializer.into_iter::<IgnoredAny>().byte_offset();
                Ok(value)
            }
            Err(error) => Err(self.error(rest, &error)),
        }
    }

    /// Passes over the next value.
    pub(in crate::data) fn skip(&mut self) -> Result<(), RowError> {
        self.value(std::marker::PhantomData::<IgnoredAny>).map(drop)
    }

    /// Checks that nothing follows.
    pub(in crate::data) fn end(&mut self) -> Result<(), RowError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("nothing more")),
        }
    }

    /// What stands here is not what was expected.
    pub(in crate::data) fn expected(&mut self, expected: &str) -> RowError {
        self.skip_space();
        let found = match self.text[self.at..].chars().next() {
            Some(character) => format!("`{}`", character.escape_debug()),
            None => "the end of the file".to_owned(),
        };
        self.wrong(format!("expected {expected}, found {found}"))
    }

    /// Something is wrong here.
    pub(in crate::data) fn wrong(&self, message: String) -> RowError {
        let (line, column) = place(self.text, self.at);
        RowError::Json { line, column, message }
    }

    fn error(&self, rest: &str, error: &serde_json::Error) -> RowError {
        let starts = rest.split_inclusive('\n').take(error.line().saturating_sub(1));
        let offset = starts.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        let (line, column) = place(self.text, (self.at + offset).min(self.text.len()));
        let whole = error.to_string();
        // The place is in front of our message already.
        let message = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(message, _)| message);
        RowError::Json { line, column, message: message.to_owned() }
    }

    fn take(&mut self, byte: u8, what: impl Fn() -> String) -> Result<(), RowError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.expected(&what()))
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(|byte| is_space(byte)).count();
    }
}

/// Line and column of an offset in bytes, both from 1; columns count characters.
fn place(text: &str, at: usize) -> (u32, u32) {
    let before = &text.as_bytes()[..at];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (narrow(line), narrow(column))
}
