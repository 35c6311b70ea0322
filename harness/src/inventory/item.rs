//! One split of one task.

use std::fmt;
use std::path::PathBuf;

use crate::data::DataPlaces;
use crate::task::{Split, SplitLocation, Task};

/// One split of one task. Shown as `nsmc/test`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item<'a> {
    /// The task.
    pub task: &'a Task,
    /// The split's name.
    pub name: &'a str,
    /// The split.
    pub split: &'a Split,
}

/// How a split's file is got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obtain<'a> {
    /// It is part of kobench.
    Bundled,
    /// `kobench data fetch` downloads it from this URL.
    Fetch(&'a str),
    /// By the user; in the task's words, where it has some.
    ByHand(Option<&'a str>),
}

impl<'a> Item<'a> {
    /// The splits of a task, ordered by name.
    pub fn of(task: &'a Task) -> impl Iterator<Item = Self> {
        task.splits.iter().map(move |(name, split)| Self { task, name, split })
    }

    /// Its path below a data folder; none where it is part of kobench.
    pub fn file(&self) -> Option<&'a str> {
        match self.split.location() {
            SplitLocation::File(file) => Some(file),
            SplitLocation::Bundled(_) => None,
        }
    }

    /// Where a new file is put: in the first of the places. None where there is no place, or the split is part
    /// of kobench.
    pub fn target(&self, places: &DataPlaces) -> Option<PathBuf> {
        Some(places.folders().first()?.join(self.file()?))
    }

    /// How it is got.
    pub fn obtain(&self) -> Obtain<'a> {
        match (self.split.location(), &self.split.url) {
            (SplitLocation::Bundled(_), _) => Obtain::Bundled,
            (SplitLocation::File(_), Some(url)) => Obtain::Fetch(url),
            (SplitLocation::File(_), None) => Obtain::ByHand(self.task.obtain.as_deref()),
        }
    }

    /// Licence of the split, or the task's.
    pub fn licence(&self) -> &'a str {
        self.split.licence.as_deref().unwrap_or(&self.task.licence)
    }

    /// Origin of the split, or the task's.
    pub fn source(&self) -> &'a str {
        self.split.source.as_deref().unwrap_or(&self.task.source)
    }
}

impl fmt::Display for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.task.name, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Registry;

    #[test]
    fn how_a_split_is_got() {
        let mut task = Registry::load(&[]).expect("loads").get("nsmc").expect("is there");
        task.obtain = Some("ask the owners".into());
        let split = task.splits.get_mut("test").expect("is there");
        split.url = Some("https://example.org/test".into());
        split.licence = Some("MIT".into());
        task.splits.get_mut("train").expect("is there").url = None;
        let items: Vec<Item<'_>> = Item::of(&task).collect();
        let names: Vec<String> = items.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["nsmc/sample", "nsmc/test", "nsmc/train", "nsmc/train_sample"]);
        assert_eq!(items[0].obtain(), Obtain::Bundled);
        assert_eq!(items[1].obtain(), Obtain::Fetch("https://example.org/test"));
        assert_eq!(items[2].obtain(), Obtain::ByHand(Some("ask the owners")));
        assert_eq!((items[1].licence(), items[2].licence()), ("MIT", "CC0-1.0"));
        let places = DataPlaces::new(Some("/d".as_ref()));
        assert_eq!(items[0].target(&places), None);
        assert_eq!(items[1].target(&places), Some("/d/nsmc/ratings_test.txt".into()));
    }
}
