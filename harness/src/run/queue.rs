//! The cells that are to be done, for one or several devices that take one at a time.
//!
//! A GPU that cannot be opened would fail one cell after the other, faster than any other GPU does one. So a
//! device whose first cells all failed for that reason waits for what the others have to say: where one of them works, it is
//! left out; where none does, all go on, and every cell says what is wrong.

use crate::record::{CellRecord, RecordError};
use crate::worker::OpenRequest;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is known of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has opened no model so far.
    Untried,
    /// It has opened one.
    Works,
    /// All that it was asked to open it could not.
    Suspect,
    /// It takes no more cells.
    Gone,
}

/// A cell as far as the queue knows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// Two cells of one id are never done at once.
    pub(super) id: String,
    /// What it needs opened, whatever the GPU.
    pub(super) open: OpenRequest,
}

/// What a device is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Do this cell.
    Cell(usize),
    /// The others do without it.
    LeftOut,
    /// There is nothing left.
    Nothing,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    items: Vec<Item>,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inner {
    /// Items that nobody has taken, in order.
    pending: Vec<usize>,
    /// What each device is at.
    at: Vec<Option<usize>>,
    states: Vec<State>,
    records: Vec<Option<CellRecord>>,
    skipped: usize,
    error: Option<RecordError>,
}

impl Queue {
    /// All items, for so many devices.
    pub(super) fn new(items: Vec<Item>, devices: usize) -> Self {
        let inner = Inner {
            pending: (0..items.len()).collect(),
            at: vec![None; devices],
            states: vec![State::Untried; devices],
            records: vec![None; items.len()],
            skipped: 0,
            error: None,
        };
        Self { items, inner: Mutex::new(inner), changed: Condvar::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next cell for a device: the first one that needs what it has open, else the first one. Waits while that depends on
    /// another device.
    pub(super) fn next(&self, device: usize, open: Option<&OpenRequest>) -> Next {
        let mut inner = self.inner();
        loop {
            if inner.pending.is_empty() || inner.error.is_some() {
                inner.states[device] = State::Gone;
                self.changed.notify_all();
                return Next::Nothing;
            }
            let any = |state| inner.states.contains(&state);
            if inner.states[device] == State::Suspect && any(State::Works) {
                inner.states[device] = State::Gone;
                self.changed.notify_all();
                return Next::LeftOut;
            }
            let must_wait = inner.states[device] == State::Suspect && any(State::Untried);
            if !must_wait && let Some(place) = self.choose(&inner, open) {
                let item = inner.pending.remove(place);
                inner.at[device] = Some(item);
                return Next::Cell(item);
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn choose(&self, inner: &Inner, open: Option<&OpenRequest>) -> Option<usize> {
        let is_free = |item: usize| {
            let id = &self.items[item].id;
            !inner.at.iter().flatten().any(|&other| self.items[other].id == *id)
        };
        let fits = |item: usize| open.is_some_and(|open| self.items[item].open == *open);
        let find = |wanted: &dyn Fn(usize) -> bool| {
            inner.pending.iter().position(|&item| is_free(item) && wanted(item))
        };
        find(&fits).or_else(|| find(&|_| true))
    }

    /// A device has opened a model, or could not because it is not there.
    pub(super) fn opened(&self, device: usize, works: bool) {
        let mut inner = self.inner();
        match (works, inner.states[device]) {
            (true, _) => inner.states[device] = State::Works,
            (false, State::Untried) => inner.states[device] = State::Suspect,
            (false, _) => {}
        }
        self.changed.notify_all();
    }

    /// A cell is done, or was done before.
    pub(super) fn done(&self, device: usize, item: usize, record: CellRecord, skipped: bool) {
        let mut inner = self.inner();
        inner.records[item] = Some(record);
        inner.skipped += usize::from(skipped);
        inner.at[device] = None;
        self.changed.notify_all();
    }

    /// Nothing more can be recorded: all devices end with what they are at.
    pub(super) fn fail(&self, device: usize, error: RecordError) {
        let mut inner = self.inner();
        inner.error.get_or_insert(error);
        inner.at[device] = None;
        inner.states[device] = State::Gone;
        self.changed.notify_all();
    }

    /// The records in the order of the items, and how many were done before.
    pub(super) fn finish(self) -> Result<(Vec<CellRecord>, usize), RecordError> {
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        match inner.error {
            Some(error) => Err(error),
            None => Ok((inner.records.into_iter().flatten().collect(), inner.skipped)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::done;
    use std::time::Duration;

    fn item(id: &str, model: &str) -> Item {
        let json = format!(r#"{{"variant": "{model}"}}"#);
        let open = OpenRequest {
            library: "x.so".into(),
            tokenizer: serde_json::from_str(&json).unwrap(),
            model: serde_json::from_str(&json).unwrap(),
        };
        Item { id: id.into(), open }
    }

    #[test]
    fn a_device_stays_with_its_model_and_no_cell_is_done_twice_at_once() {
        let items = vec![item("1", "a"), item("2", "b"), item("3", "a"), item("1", "a")];
        let (a, b) = (items[0].open.clone(), items[1].open.clone());
        let queue = Queue::new(items, 2);
        assert_eq!(queue.next(0, None), Next::Cell(0));
        assert_eq!(queue.next(1, None), Next::Cell(1));
        queue.done(0, 0, done(), false);
        assert_eq!(queue.next(0, Some(&a)), Next::Cell(2), "it needs the same model");
        queue.done(0, 2, done(), false);
        assert_eq!(queue.next(0, Some(&a)), Next::Cell(3));
        queue.done(1, 1, done(), true);
        assert_eq!(queue.next(1, Some(&b)), Next::Nothing);
        queue.done(0, 3, done(), true);
        assert_eq!(queue.next(0, Some(&a)), Next::Nothing);
        let (records, skipped) = queue.finish().unwrap();
        assert_eq!((records.len(), skipped), (4, 2));
    }

    #[test]
    fn a_device_that_is_not_there_costs_one_cell() {
        let queue = Queue::new((0..9).map(|n| item(&n.to_string(), "a")).collect(), 2);
        assert_eq!(queue.next(0, None), Next::Cell(0));
        assert_eq!(queue.next(1, None), Next::Cell(1));
        queue.opened(1, false);
        queue.done(1, 1, done(), false);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| queue.next(1, None));
            std::thread::sleep(Duration::from_millis(30));
            assert!(!waits.is_finished(), "what the other device is like is not known yet");
            queue.opened(0, true);
            assert_eq!(waits.join().unwrap(), Next::LeftOut);
        });
    }

    #[test]
    fn where_no_device_is_there_every_cell_says_so() {
        let queue = Queue::new((0..4).map(|n| item(&n.to_string(), "a")).collect(), 2);
        for device in [0, 1, 0, 1] {
            let Next::Cell(cell) = queue.next(device, None) else { panic!("no cell for {device}") };
            queue.opened(device, false);
            queue.done(device, cell, done(), false);
        }
        assert_eq!(queue.next(0, None), Next::Nothing);
    }

    #[test]
    fn an_error_of_the_records_ends_all() {
        let queue = Queue::new((0..4).map(|n| item(&n.to_string(), "a")).collect(), 2);
        assert_eq!(queue.next(0, None), Next::Cell(0));
        queue.fail(0, RecordError::BadId { id: "x".into() });
        assert_eq!(queue.next(1, None), Next::Nothing);
        assert!(queue.finish().is_err());
    }
}
