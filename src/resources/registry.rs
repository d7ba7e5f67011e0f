//! The resources of the program. This is the only list of them: everything else that needs their names reads it.

use super::resource::{Import, Resource};
use super::{behavior, conversations, messages, posts, stocks, users};
use crate::archive::Family;

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

/// How many resources move.
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

/// Returns the names of the resources that move.
pub fn moving_names() -> [&'static str; MOVING] {
    families().map(|family| family.resource)
}

/// Returns what the mover knows of each resource that moves.
pub fn families() -> [&'static Family; MOVING] {
    let families: Vec<_> = moving().filter_map(Resource::family).collect();
    families.try_into().expect("MOVING counts the resources that move")
}

/// Returns the resource of this name.
pub fn find(name: &str) -> Option<&'static Resource> {
    RESOURCES.into_iter().find(|resource| resource.name == name)
}

/// Returns everything that can be imported with the resource it belongs to, parents before children.
pub fn imports() -> impl Iterator<Item = (&'static Resource, &'static Import)> {
    RESOURCES.into_iter().flat_map(|resource| resource.imports.iter().map(move |import| (resource, import)))
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
