//! Steps whose shapes repeat are captured once and launched as graphs: a step of a small batch is a few hundred kernels,
//! and putting them into the stream one by one takes longer than they run.
//!
//! Batches are padded to buckets ([`PackedBatch::bucketed`]). The first step of a bucket runs as ever, which takes all the
//! memory that it needs; the second is captured; from then on there is one launch a step. What differs from step to step
//! lies in device memory and not among the launches' arguments.

use std::collections::HashMap;

use kobench_cuda::Graph;

use crate::batch::PackedBatch;
use crate::stage::Places;

/// What a graph is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Shape {
    rows: usize,
    sequences: usize,
    reach: usize,
}

impl Shape {
    pub(in super::super) fn of(batch: &PackedBatch) -> Self {
        Self { rows: batch.rows(), sequences: batch.sequences(), reach: batch.reach() }
    }
}

/// What is known of a shape.
#[derive(Debug)]
enum State {
    /// A step of it has run.
    Seen,
    /// Its steps are this graph, with lists at these places.
    Captured(Box<Graph>, Places),
    /// It could not be captured.
    Refused,
}

/// How a step is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum How {
    /// Kernel by kernel.
    Plainly,
    /// While it is captured.
    Capturing,
    /// As a graph.
    AsGraph,
}

/// The graphs of a training.
#[derive(Debug)]
pub(in super::super) struct Graphs {
    by_shape: HashMap<Shape, State>,
    on: bool,
}

impl Graphs {
    /// No graphs yet; with `on` false there never are any.
    pub(super) fn new(on: bool) -> Self {
        Self { by_shape: HashMap::new(), on }
    }

    /// Whether steps may become graphs.
    pub(in super::super) fn are_on(&self) -> bool {
        self.on
    }

    /// Forgets all: addresses have changed.
    pub(super) fn clear(&mut self) {
        self.by_shape.clear();
    }

    /// How the next step of a shape runs, with its lists at `places`; `settled`: whether nothing but the step itself is to
    /// be done.
    pub(in super::super) fn how(&mut self, shape: Shape, places: &Places, settled: bool) -> How {
        match self.by_shape.get(&shape) {
            None => {
                self.by_shape.insert(shape, State::Seen);
                How::Plainly
            }
            Some(State::Captured(graph, own)) if graph.is_valid() && own == places => How::AsGraph,
            Some(State::Seen | State::Captured(..)) if settled => How::Capturing,
            Some(State::Captured(..)) => {
                self.by_shape.insert(shape, State::Seen);
                How::Plainly
            }
            Some(State::Seen | State::Refused) => How::Plainly,
        }
    }

    /// Takes over the graph of a shape; `None`: there cannot be one.
    pub(in super::super) fn put(&mut self, shape: Shape, graph: Option<(Graph, Places)>) {
        let state = match graph {
            Some((graph, places)) => State::Captured(Box::new(graph), places),
            None => State::Refused,
        };
        self.by_shape.insert(shape, state);
    }

    /// The graph of a shape.
    pub(in super::super) fn get(&mut self, shape: Shape) -> Option<&mut Graph> {
        match self.by_shape.get_mut(&shape) {
            Some(State::Captured(graph, _)) => Some(graph),
            _ => None,
        }
    }
}
