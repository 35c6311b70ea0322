//! An optimiser's moments on a device.

use std::sync::Arc;

use kobench_cuda::{DeviceBuffer, Gpu};

use super::super::adalomo::{Moment, sides};
use super::super::segments::Segment;
use super::super::settings::Optimizer;
use super::super::trainer::Rule;
use crate::error::Result;

/// Two runs of f32 for each tensor; what they are is the optimiser's matter.
#[derive(Debug)]
pub(super) struct Moments {
    gpu: Arc<Gpu>,
    /// By parameter and segment; `None` where it is frozen.
    own: Vec<Vec<Option<[Run; 2]>>>,
}

/// Some f32.
#[derive(Debug)]
struct Run {
    memory: Option<DeviceBuffer>,
    len: usize,
}

impl Run {
    fn zeros(gpu: &Arc<Gpu>, len: usize) -> Result<Self> {
        let memory = match len {
            0 => None,
            _ => Some(gpu.zeros(len * size_of::<f32>(), "a moment of the optimiser")?),
        };
        Ok(Self { memory, len })
    }

    fn address(&self) -> u64 {
        self.memory.as_ref().map_or(0, DeviceBuffer::ptr)
    }

    fn download(&self, gpu: &Gpu, to: &mut [f32]) -> Result<()> {
        Ok(gpu.download(self.address(), to)?)
    }

    fn upload(&self, gpu: &Gpu, from: &[f32]) -> Result<()> {
        Ok(gpu.upload(from, self.address())?)
    }
}

impl Moments {
    /// Zeros for every tensor that is trained.
    pub(super) fn new(
        gpu: &Arc<Gpu>,
        optimizer: &Optimizer,
        segments: &[Vec<Segment>],
    ) -> Result<Self> {
        let sizes = |segment: &Segment| {
            let elements = segment.range.len();
            match (optimizer, sides(&segment.shape)) {
                (Optimizer::Adamw(_), _) => [elements; 2],
                (Optimizer::Adalomo(_), Some((rows, columns))) => {
                    [elements / columns.max(1), elements / rows.max(1)]
                }
                (Optimizer::Adalomo(_), None) => [elements, 0],
            }
        };
        let of_segment = |segment: &Segment| {
            if segment.frozen {
                return Ok(None);
            }
            let [first, second] = sizes(segment);
            Ok(Some([Run::zeros(gpu, first)?, Run::zeros(gpu, second)?]))
        };
        let of_param = |own: &Vec<Segment>| own.iter().map(of_segment).collect::<Result<_>>();
        let own = segments.iter().map(of_param).collect::<Result<_>>()?;
        Ok(Self { gpu: Arc::clone(gpu), own })
    }

    pub(super) fn bytes(&self) -> usize {
        self.own.iter().flatten().flatten().flatten().map(|run| run.len * size_of::<f32>()).sum()
    }

    /// Where the moments of a segment lie; 0 for none.
    pub(super) fn addresses(&self, index: usize, part: usize) -> (u64, u64) {
        let runs = self.own[index][part].as_ref();
        runs.map_or((0, 0), |[first, second]| (first.address(), second.address()))
    }

    /// Fills the moments of the CPU's optimiser.
    pub(super) fn download(&self, rule: &mut Rule) -> Result<()> {
        self.each(rule, |run, host| run.download(&self.gpu, host))
    }

    /// Takes over the moments of the CPU's optimiser.
    pub(super) fn upload(&self, rule: &mut Rule) -> Result<()> {
        self.each(rule, |run, host| run.upload(&self.gpu, host))
    }

    /// Calls `f` with each run and its place in the CPU's optimiser.
    fn each(&self, rule: &mut Rule, f: impl Fn(&Run, &mut [f32]) -> Result<()>) -> Result<()> {
        for (index, own) in self.own.iter().enumerate() {
            let mut start = 0;
            for (part, runs) in own.iter().enumerate() {
                let Some([first, second]) = runs else { continue };
                match rule {
                    Rule::AdamW(rule) => {
                        let Some(moments) = &mut rule.moments[index] else { continue };
                        let range = start..start + first.len;
                        f(first, &mut moments.first[range.clone()])?;
                        f(second, &mut moments.second[range])?;
                        start += first.len;
                    }
                    Rule::AdaLomo(rule) => match &mut rule.moments[index][part] {
                        Moment::Factored { rows, columns } => {
                            f(first, rows)?;
                            f(second, columns)?;
                        }
                        Moment::Full(all) => f(first, all)?,
                        Moment::None => {}
                    },
                    Rule::Device(_) => {}
                }
            }
        }
        Ok(())
    }
}
