//! Recipes of fine-tuning as data: what is trained how long, with what, and which checkpoint is taken.
//!
//! A recipe file (`tasks/recipes/*.yaml`, or a user's) says by task and model what a published table was
//! trained with. [`Recipe::resolve`] makes the [`Settings`] of one model on one task of it; `--set` edits
//! them ([`Override`]), and several values of a key make a grid ([`Grid`]).

mod check;
mod document;
mod error;
mod grid;
mod label;
mod library;
mod loss;
mod merge;
mod optimizer;
mod policy;
mod resolve;
mod schedule;
mod set;
mod settings;

pub use document::{Document, Exception};
pub use error::RecipeError;
pub use grid::{Grid, Point};
pub use label::split_label;
pub use library::Library;
pub use loss::{FocalMean, FocalReading, Loss};
pub use optimizer::{AdamVariant, Optimizer};
pub use policy::{DevSource, EvaluateEvery, Select};
pub use resolve::{Recipe, Resolved};
pub use schedule::{Schedule, Warmup};
pub use set::Override;
pub use settings::Settings;

#[cfg(test)]
mod published_tests;
