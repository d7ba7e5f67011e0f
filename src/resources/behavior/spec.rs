//! The declaration of user behaviour.

use super::{STATEMENTS, http, tables};
use crate::resources::resource::Resource;

/// User actions are counted in cold as rows are archived. Hot has no table of them.
pub static BEHAVIOR: Resource = Resource::new("behavior", &[])
    .in_cold(&[&tables::BEHAVIOR], &[])
    .listed(&[&STATEMENTS])
    .routed(http::routes);
