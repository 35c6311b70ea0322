//! Training: settings, losses, optimisers, one step after the other, and the state that a resumed run needs.
//!
//! A [`Trainer`] holds what training needs beside the model: the optimiser's moments, gradients, and the number of
//! passes, from which dropout follows. It is the host that has the data, their order and the schedule.
//!
//! # Memory
//!
//! With P trainable elements, a step of T tokens in B sequences keeps, in f32:
//!
//! - weights, gradients and AdamW's two moments: 16 P bytes (AdaLomo: 4 P, its gradients 4 P more unless fused;
//!   its moments are a row and a column of each matrix);
//! - per layer of an encoder with absolute positions, H its hidden and F its middle width, A its heads:
//!   the layer's input, attention's mixed values, two normalised rows and the middle's input (5 H), query, key and
//!   value (3 H), both sides of the activation (2 F), and log-sum-exp and two deviations (A + 2): 4 T (8 H + 2 F + A + 2);
//! - embeddings: normalised rows and deviations, 4 T (E + 1), with E their width, and with ELECTRA's projection
//!   its input too (4 T E); the head a few rows of B.
//!
//! Beside that there are the scratch buffers of one layer at a time: the gradient of its largest matrix, and
//! those of its activations. What a step returns to the pool serves the next one.

mod adalomo;
mod adamw;
#[cfg(feature = "cuda")]
mod device;
mod fused;
mod gradients;
mod objective;
mod segments;
pub mod settings;
mod state;
mod trainer;

pub(crate) use objective::Objective;
pub use objective::{Loss, Targets};
pub use settings::Settings;
pub use trainer::{StepOptions, Stepped, Trainer};

/// Elements in one unit of parallel work; fixed, so that sums do not depend on the number of threads.
const CHUNK: usize = 1 << 15;
