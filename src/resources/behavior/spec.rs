//! The declaration of user behaviour.

use super::{STATEMENTS, http, tables};
use crate::resources::resource::Resource;

/// What users did is counted in cold as rows are archived; hot has no table of it.
pub static BEHAVIOR: Resource = Resource::new("behavior", &[])
    .in_cold(&[&tables::BEHAVIOR], &[])
    .listed(&[&STATEMENTS])
    .routed(http::routes);
