//! The outcome of a run.

use serde::{Serialize, Serializer};

/// The outcome of the run of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is due any more.
    Done,
    /// It was told to stop, or the limit was reached.
    Stopped,
    /// An operator keeps the mover away from the resource until `archive resume`.
    Held,
    /// An operator has paused the resource, and the run was not to wait.
    Paused,
    /// Another mover claimed a later number, and no patience was left to take turns.
    Overtaken,
    /// Hot did not become fast enough in time.
    HotIsSlow,
    /// It failed.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Done, Self::Stopped, Self::Held, Self::Paused, Self::Overtaken, Self::HotIsSlow, Self::Failed];

    /// Returns its name in reports and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Held => "held",
            Self::Paused => "paused",
            Self::Overtaken => "overtaken",
            Self::HotIsSlow => "hot_is_slow",
            Self::Failed => "failed",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
