//! The resources that a command is about.

use clap::builder::PossibleValuesParser;

use crate::archive::Family;
use crate::resources::registry;

/// `--resource`, for a command on any number of resources.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct ResourceArgs {
    /// Only this resource; may be repeated
    #[arg(long, value_parser = PossibleValuesParser::new(registry::MOVING_NAMES))]
    resource: Vec<String>,
}

impl ResourceArgs {
    /// Returns the chosen resources; all by default.
    pub fn families(&self) -> Vec<&'static Family> {
        let is_chosen = |name| self.resource.is_empty() || self.resource.iter().any(|chosen| chosen == name);
        registry::families().into_iter().filter(|family| is_chosen(family.resource)).collect()
    }
}

/// Returns a resource that moves, by its name.
pub fn find(name: &str) -> Option<&'static Family> {
    registry::families().into_iter().find(|family| family.resource == name)
}

/// Returns the names by which rows of `family` can be erased: those of its tables with ids, its own first.
pub fn erasable(family: &'static Family) -> impl Iterator<Item = &'static str> {
    let own = family.tables.len() - 1;
    let tables =
        family.tables.iter().enumerate().rev().filter(|(_, moved)| moved.table.columns[0].name == "id");
    tables.map(move |(place, moved)| if place == own { family.resource } else { moved.table.name })
}
