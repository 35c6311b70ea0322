//! Lists of numbers that the operations of a pass read beside their buffers: ids, lengths, work lists. A device has them in
//! one piece of memory at an address that stays, and gets all of them with one copy before the pass begins.

/// A table of embeddings, whose rows tokens take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Of words.
    Words,
    /// Of token types.
    TokenTypes,
    /// Of positions.
    Positions,
    /// Of relative positions.
    Relative,
}

#[cfg(feature = "cuda")]
pub use device::Stage;
#[cfg(feature = "cuda")]
pub(crate) use device::{List, Staged, not_staged};

#[cfg(feature = "cuda")]
mod device {
    use std::collections::HashMap;
    use std::sync::Arc;

    use kobench_cuda::ops::embedding::{Groups, plan};
    use kobench_cuda::ops::gradient::{StepMemory, Update};
    use kobench_cuda::{DeviceBuffer, Gpu, Ids, Pinned, StepState, bytes_of};

    use super::Table;
    use crate::batch::PackedBatch;
    use crate::error::{EngineError, Result};

    /// The name of a list.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub(crate) enum List {
        /// Cumulative lengths, `[B + 1]`.
        CuSeqlens,
        /// The position of each token in its sequence, `[T]`.
        PositionIds,
        /// The row of a table that each token takes, `[T]`.
        Ids(Table),
        /// Rows of a table that tokens take, each once.
        Rows(Table),
        /// Where each row's tokens begin.
        Starts(Table),
        /// Tokens in the order of their rows.
        Tokens(Table),
        /// The work list of attention.
        Plan,
        /// The rows of relative positions, by distance.
        Distances,
        /// A token of each sequence.
        Picked,
        /// A target for each row of logits.
        Targets,
        /// Factors of classes, as bits.
        ClassWeights,
        /// First tokens of answers.
        AnswerStarts,
        /// Last tokens of answers.
        AnswerEnds,
    }

    /// Sizes of the work lists, as each attention has them.
    #[derive(Debug, Clone, Copy, Default)]
    pub(crate) struct Plans {
        pub(crate) absolute: Option<kobench_cuda::ops::attention::Tiles>,
        pub(crate) disentangled: Option<kobench_cuda::ops::disentangled::Lists>,
    }

    /// The lists of a pass, while they are collected.
    #[derive(Debug, Default)]
    pub struct Stage {
        lists: Vec<(List, Vec<u32>)>,
        rows: HashMap<Table, Vec<u32>>,
        pub(crate) plans: Plans,
        /// Whether a backward pass will follow.
        pub(crate) trains: bool,
    }

    impl Stage {
        /// No lists yet; `trains`: a backward pass will follow.
        pub(crate) fn new(trains: bool) -> Self {
            Self { trains, ..Self::default() }
        }

        /// Adds a list.
        pub(crate) fn push(&mut self, list: List, values: Vec<u32>) {
            self.lists.push((list, values));
        }

        /// Adds what sequences are.
        pub(crate) fn sequences(&mut self, batch: &PackedBatch) {
            self.push(List::CuSeqlens, batch.cu_seqlens().to_vec());
        }

        /// Adds the row of a table that each token takes, and, where the table is trained, the tokens by their rows.
        pub(crate) fn lookup(
            &mut self,
            table: Table,
            ids: &[u32],
            padding: Option<u32>,
            trained: bool,
        ) {
            self.push(List::Ids(table), ids.to_vec());
            if self.trains && trained {
                self.groups(table, plan(ids, padding), ids.len());
            }
        }

        /// Adds tokens by their rows; no more than `most` of each.
        pub(crate) fn groups(&mut self, table: Table, mut groups: Groups, most: usize) {
            self.rows.insert(table, groups.rows.clone());
            groups.pad(most, most);
            self.push(List::Rows(table), groups.rows);
            self.push(List::Starts(table), groups.starts);
            self.push(List::Tokens(table), groups.tokens);
        }
    }

    /// The error of an operation whose work list is missing.
    pub(crate) fn not_staged() -> EngineError {
        EngineError::Internal(
            "the work list of an attention was not staged for this pass".to_owned(),
        )
    }

    /// Alignment of lists, in numbers: kernels read entries of 16 bytes.
    const ALIGNED: usize = 64;

    /// The lists of the pass that comes next, on the device.
    #[derive(Debug, Default)]
    pub(crate) struct Staged {
        buffer: Option<DeviceBuffer>,
        pinned: Option<Pinned>,
        places: HashMap<List, (usize, usize)>,
        rows: HashMap<Table, Vec<u32>>,
        pub(crate) plans: Plans,
        memory: Option<StepMemory>,
        pub(crate) graph_launches: u64,
    }

    impl Staged {
        /// What came of a step, on the device.
        ///
        /// # Errors
        /// [`EngineError::Internal`] before the first pass.
        pub(crate) fn memory(&self) -> Result<&StepMemory> {
            self.memory.as_ref().ok_or_else(|| {
                EngineError::Internal("nothing was staged for a step yet".to_owned())
            })
        }

        /// Takes over the lists of a pass, and puts the copy of them and of the step's state into the stream.
        pub(crate) fn load(
            &mut self,
            gpu: &Arc<Gpu>,
            stage: Stage,
            state: StepState,
        ) -> Result<()> {
            self.prepare(gpu, 0)?;
            self.places.clear();
            let mut numbers: Vec<u32> = Vec::new();
            for (list, values) in stage.lists {
                let first = numbers.len().next_multiple_of(ALIGNED);
                numbers.resize(first, 0);
                self.places.insert(list, (first, values.len()));
                numbers.extend(values);
            }
            (self.rows, self.plans) = (stage.rows, stage.plans);
            self.prepare(gpu, size_of_val(numbers.as_slice()))?;
            if let (Some(buffer), Some(pinned)) = (&self.buffer, &mut self.pinned) {
                pinned.upload(&[state.bytes()], gpu.step_address())?;
                pinned.upload(&[bytes_of(&numbers)], buffer.ptr())?;
            }
            Ok(())
        }

        /// Puts the copy of an update's numbers into the stream.
        pub(crate) fn write_update(&mut self, gpu: &Arc<Gpu>, update: &Update) -> Result<()> {
            self.prepare(gpu, 0)?;
            if let (Some(memory), Some(pinned)) = (&self.memory, &mut self.pinned) {
                pinned.upload(&[bytes_of(std::slice::from_ref(update))], memory.update())?;
            }
            Ok(())
        }

        /// Takes memory for so many bytes of lists.
        fn prepare(&mut self, gpu: &Arc<Gpu>, bytes: usize) -> Result<()> {
            if self.memory.is_none() {
                self.memory = Some(StepMemory::new(gpu)?);
            }
            if self.buffer.as_ref().is_none_or(|buffer| buffer.bytes() < bytes) {
                // Both wait for what is in the stream.
                self.buffer = None;
                self.pinned = None;
                let room = bytes.next_power_of_two().max(1 << 16);
                self.buffer = Some(gpu.allocate(room, "lists of a batch")?);
                self.pinned = Some(Pinned::new(gpu, room)?);
            }
            Ok(())
        }

        /// A list of the pass.
        ///
        /// # Errors
        /// [`EngineError::Internal`] where it was not staged.
        pub(crate) fn ids(&self, list: List) -> Result<Ids<'_>> {
            let found = self.places.get(&list).zip(self.buffer.as_ref());
            let ((first, len), buffer) = found.ok_or_else(|| {
                EngineError::Internal(format!("the list {list:?} was not staged for this pass"))
            })?;
            Ok(buffer.ids(*first, *len))
        }

        /// The rows of a table that the pass takes, ascending.
        pub(crate) fn rows(&self, table: Table) -> &[u32] {
            self.rows.get(&table).map_or(&[], Vec::as_slice)
        }
    }
}
