//! The outcome of a run.

use serde::Serialize;

/// The outcome of the run of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing is due any more.
    Done,
    /// It was told to stop, or the limit was reached.
    Stopped,
    /// An operator keeps the mover away from the resource until `archive resume`.
    Held,
    /// Another mover claimed a later number, and no patience was left to take turns.
    Overtaken,
    /// Hot did not become fast enough in time.
    HotIsSlow,
    /// It failed.
    Failed,
}
