//! The tables of a platform's archive, and how they are read.

use std::collections::BTreeSet;

use crate::archive::Family;
use crate::archive::adopt::{self, ActivitySource, Original, Source};
use crate::resources::registry;
use crate::tier::adoption::PlatformZone;
use crate::tier::{Engine, TierError};

/// Tables of ours that no platform has: where one stands, the archive is ours.
const OURS: [&str; 2] = ["archive_head", "archive_batches"];

/// The contents of the cold database.
#[derive(Debug)]
pub enum Detected {
    /// No archive of a platform.
    Nothing,
    /// The archive of a platform, as it stands.
    Platform(Vec<Original>),
    /// Such an archive, with everything that keeps it from being adopted.
    Refused(Vec<String>),
}

/// Options for reading the tables of an archive.
#[derive(Debug)]
pub struct Plan {
    /// The tables whose rows become versions.
    pub sources: Vec<Source<'static>>,
    /// The counts of user actions.
    pub activity: Option<ActivitySource>,
    /// The time zone of instants without one.
    pub zone: Option<PlatformZone>,
}

impl Plan {
    /// Plans to read these tables.
    ///
    /// # Errors
    /// Everything that keeps them from being read.
    pub fn of(originals: &[Original], zone: Option<PlatformZone>) -> Result<Self, Vec<String>> {
        let (mut sources, mut activity, mut obstacles) = (Vec::new(), None, Vec::new());
        for family in registry::families() {
            let own = family.own().archived;
            let Some(original) = originals.iter().find(|original| original.name == own) else { continue };
            match Source::of(original, family, zone) {
                Ok(source) => sources.push(source),
                Err(found) => obstacles.extend(found),
            }
        }
        if let Some(original) = originals.iter().find(|original| original.name == adopt::ACTIVITY) {
            match ActivitySource::of(original, zone) {
                Ok(source) => activity = Some(source),
                Err(found) => obstacles.extend(found),
            }
        }
        if obstacles.is_empty() { Ok(Self { sources, activity, zone }) } else { Err(obstacles) }
    }

    /// Returns the tables.
    pub fn originals(&self) -> impl Iterator<Item = &Original> {
        let sources = self.sources.iter().map(|source| &source.original);
        sources.chain(self.activity.iter().map(|source| &source.original))
    }
}

/// Returns the tables of a platform's archive that were set aside.
pub async fn set_aside(cold: &dyn Engine) -> Result<Vec<Original>, TierError> {
    let mut found = adopt::find(cold, &names()).await?;
    found.retain(Original::is_set_aside);
    Ok(found)
}

/// Looks for the archive of a platform that was not set aside yet.
pub async fn detect(cold: &dyn Engine) -> Result<Detected, TierError> {
    let mut asked = names();
    asked.extend(OURS);
    let mut found = adopt::find(cold, &asked).await?;
    let waiting: BTreeSet<String> = found
        .iter()
        .filter(|original| original.is_set_aside())
        .map(|original| original.name.clone())
        .collect();
    found.retain(|original| !original.is_set_aside());
    let is_ours = |original: &Original| OURS.contains(&&*original.name) || !original.is_foreign();
    if found.is_empty() || found.iter().any(is_ours) {
        return Ok(Detected::Nothing);
    }
    let mut obstacles = Vec::new();
    for original in &found {
        let name = &original.name;
        if waiting.contains(name) {
            obstacles.push(format!("{name} is in the schema {} too", adopt::SCHEMA));
        }
        if children().any(|child| child == name) && !adopt::is_empty(cold, original).await? {
            obstacles.push(format!("{name} has rows, and the archive of a platform holds no children"));
        }
    }
    if let Err(more) = Plan::of(&found, None) {
        obstacles.extend(more);
    }
    Ok(if obstacles.is_empty() { Detected::Platform(found) } else { Detected::Refused(obstacles) })
}

/// Returns the tables of children.
fn children() -> impl Iterator<Item = &'static str> {
    registry::families().into_iter().flat_map(Family::children).map(|moved| moved.archived)
}

/// Returns the names of the tables that a platform's archive shares with ours.
fn names() -> Vec<&'static str> {
    let own = registry::families().into_iter().map(|family| family.own().archived);
    own.chain([adopt::ACTIVITY]).chain(children()).collect()
}
