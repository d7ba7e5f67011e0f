//! Adopting the tables of a platform in the hot tier: what has to change before the first migration finds them as it needs
//! them.

mod orphans;
pub mod plan;
pub mod platform;
pub mod postgres;
mod sample;
mod zone;

pub use orphans::{count_orphans, missing_keys, prepare as prepare_keys};
pub use sample::texts;
pub use zone::{PlatformZone, offset_text};

/// The choices of the operator who adopts a platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adoption {
    /// The zone of the times that the platform has stored so far; `None` if they are in UTC.
    pub zone: Option<PlatformZone>,
}

/// The changes by which a platform's tables are adopted.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Preparation {
    /// Why the tables cannot be adopted, a sentence each. Unless this is empty, nothing is changed.
    pub refusals: Vec<String>,
    /// Facts that an operator should know, a sentence each.
    pub notes: Vec<String>,
    /// The statements, in their order. They and the first migration are one transaction.
    pub statements: Vec<String>,
}
