//! Users, who write and read everything else. They stay in hot and have no routes.

pub mod spec;
pub mod tables;
