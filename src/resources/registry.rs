//! The resources of the program. This is the only list of them: everything else that needs their names reads it.

use super::resource::Resource;
use super::{behavior, conversations, messages, posts, stocks, users};
use crate::archive::Family;
use crate::import::Noun;
use crate::schema::Table;
use crate::tier::Tier;

/// Every resource, parents before children.
pub static RESOURCES: [&Resource; 7] = [
    &users::spec::USERS,
    &conversations::spec::CONVERSATIONS,
    &messages::spec::MESSAGES,
    &posts::spec::POSTS,
    &stocks::spec::STOCKS,
    &stocks::spec::PRICES,
    &behavior::spec::BEHAVIOR,
];

/// The number of resources that move.
pub const MOVING: usize = {
    let (mut count, mut place) = (0, 0);
    while place < RESOURCES.len() {
        count += RESOURCES[place].moves.is_some() as usize;
        place += 1;
    }
    count
};

/// Returns the resources that move, in the order in which `archive run` takes them.
pub fn moving() -> impl Iterator<Item = &'static Resource> {
    RESOURCES.into_iter().filter(|resource| resource.moves.is_some())
}

/// The names of the resources that move, in the same order.
pub static MOVING_NAMES: [&str; MOVING] = {
    let (mut names, mut count, mut place) = ([""; MOVING], 0, 0);
    while place < RESOURCES.len() {
        if RESOURCES[place].moves.is_some() {
            names[count] = RESOURCES[place].name;
            count += 1;
        }
        place += 1;
    }
    names
};

/// Returns the family of each resource that moves.
pub fn families() -> [&'static Family; MOVING] {
    let families: Vec<_> = moving().filter_map(Resource::family).collect();
    families.try_into().expect("MOVING counts the resources that move")
}

/// Returns the number of tables that the resources declare for a tier. Those of cold are versions and counted blocks.
pub const fn count(tier: Tier) -> usize {
    let (mut count, mut place) = (0, 0);
    while place < RESOURCES.len() {
        let resource = RESOURCES[place];
        count += match tier {
            Tier::Hot => resource.tables.len(),
            Tier::Cold => resource.cold.len() + resource.blocks.len(),
        };
        place += 1;
    }
    count
}

/// Returns the tables that the resources declare for a tier, followed by `more`. `N` is the number of both together.
///
/// # Panics
/// For another `N`, at compile time.
pub const fn tables<const N: usize>(tier: Tier, more: &[&'static Table]) -> [&'static Table; N] {
    assert!(count(tier) + more.len() == N, "as many tables as places");
    let mut tables = [RESOURCES[0].tables[0]; N];
    let (mut at, mut place) = (0, 0);
    while place < RESOURCES.len() {
        at = match tier {
            Tier::Hot => copy(&mut tables, at, RESOURCES[place].tables),
            Tier::Cold => copy(&mut tables, at, RESOURCES[place].cold),
        };
        place += 1;
    }
    place = 0;
    while matches!(tier, Tier::Cold) && place < RESOURCES.len() {
        at = copy(&mut tables, at, RESOURCES[place].blocks);
        place += 1;
    }
    copy(&mut tables, at, more);
    tables
}

/// Copies `from` into `to`, starting at `at`. Returns the position after the copy.
const fn copy(to: &mut [&'static Table], at: usize, from: &[&'static Table]) -> usize {
    let mut place = 0;
    while place < from.len() {
        to[at + place] = from[place];
        place += 1;
    }
    at + from.len()
}

/// Returns the resource of this name.
pub fn find(name: &str) -> Option<&'static Resource> {
    RESOURCES.into_iter().find(|resource| resource.name == name)
}

/// Returns everything that can be imported with the resource it belongs to, parents before children.
pub fn imports() -> impl Iterator<Item = (&'static Resource, &'static Noun)> {
    RESOURCES.into_iter().flat_map(|resource| resource.imports.iter().map(move |noun| (resource, *noun)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = RESOURCES.iter().map(|resource| resource.name).collect();
        assert_eq!(names.len(), RESOURCES.len());
        let kinds: BTreeSet<_> = imports().map(|(_, import)| import.name).collect();
        assert_eq!(kinds.len(), imports().count());
    }

    #[test]
    fn a_family_is_named_as_its_resource() {
        for resource in moving() {
            assert_eq!(resource.family().map(|family| family.resource), Some(resource.name));
        }
    }
}
