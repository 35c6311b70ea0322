//! Captured graphs: a step's launches, put into the stream again by one call.
#![expect(unsafe_code, reason = "calls of the driver")]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cudarc::driver::result;
use cudarc::driver::sys::{self, CUgraph, CUgraphExec};

use crate::device::Gpu;
use crate::error::{Named, Result};

/// What was put into the stream during a capture, to be launched as often as wanted. Addresses are those of the capture.
#[derive(Debug)]
pub struct Graph {
    gpu: Arc<Gpu>,
    graph: CUgraph,
    exec: CUgraphExec,
    /// [`Gpu::frees`] at the capture.
    frees: u64,
}

// SAFETY: the driver takes the handles from any thread, one call at a time, and calls that change it take `&mut`.
unsafe impl Send for Graph {}
// SAFETY: as above; there is nothing that `&Graph` allows but reading a number.
unsafe impl Sync for Graph {}

impl Graph {
    /// Captures what `record` puts into the stream; nothing of it runs yet. Memory must not be taken meanwhile.
    ///
    /// # Errors
    /// Of the driver, and of `record`, in which case nothing is left of the capture.
    pub fn capture<E: From<crate::CudaError>>(
        gpu: &Arc<Gpu>,
        record: impl FnOnce() -> std::result::Result<(), E>,
    ) -> std::result::Result<Self, E> {
        gpu.bind()?;
        let mode = sys::CUstreamCaptureMode_enum::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream is there, and nothing is being captured in it.
        unsafe { result::stream::begin_capture(gpu.stream(), mode) }
            .named("beginning a capture")?;
        let recorded = record();
        // SAFETY: the capture that began above ends, whatever came of it.
        let graph = unsafe { result::stream::end_capture(gpu.stream()) }.named("ending a capture");
        let graph = match (recorded, graph) {
            (Ok(()), graph) => graph?,
            (Err(error), graph) => {
                if let Ok(graph) = graph {
                    // SAFETY: the graph is nobody's else.
                    let _ = unsafe { result::graph::destroy(graph) };
                }
                return Err(error);
            }
        };
        // SAFETY: the graph is whole.
        match unsafe { result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0)) } {
            Ok(exec) => {
                let frees = gpu.frees.load(Ordering::Relaxed);
                Ok(Self { gpu: Arc::clone(gpu), graph, exec, frees })
            }
            Err(error) => {
                // SAFETY: as above.
                let _ = unsafe { result::graph::destroy(graph) };
                Err(crate::CudaError::driver("making a graph", error).into())
            }
        }
    }

    /// Whether all memory of the capture is still there. Where some was freed, the graph is of no more use.
    pub fn is_valid(&self) -> bool {
        self.frees == self.gpu.frees.load(Ordering::Relaxed)
    }

    /// Puts everything into the stream again.
    ///
    /// # Errors
    /// Of the driver.
    ///
    /// # Panics
    /// When the graph is not valid.
    pub fn launch(&mut self) -> Result<()> {
        assert!(self.is_valid(), "memory of a captured graph was freed");
        self.gpu.bind()?;
        // SAFETY: all memory that the kernels use is there, as was just seen.
        unsafe { result::graph::launch(self.exec, self.gpu.stream()) }.named("launching a graph")
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if self.gpu.bind().is_ok() {
            // SAFETY: both are this graph's alone. An error cannot be reported from here.
            let _ = unsafe { result::graph::exec_destroy(self.exec) };
            // SAFETY: as above.
            let _ = unsafe { result::graph::destroy(self.graph) };
        }
    }
}
