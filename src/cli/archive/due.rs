//! When rows are due, by flags and settings.

use clap::{Arg, ArgMatches, Command, FromArgMatches};

use crate::archive::Rule;
use crate::cli::args;
use crate::config::{ArchiveSettings, DueSettings};
use crate::resources::registry;

/// `--older-than`, and `--<resource>-due` for each resource whose rows can be kept by their children.
#[derive(Debug)]
pub struct DueArgs {
    older_than: Option<i64>,
    by_activity: Vec<(&'static str, bool)>,
}

impl DueArgs {
    /// Returns the rule of the flags, and of the settings where a flag is missing.
    pub fn rule(&self, settings: &ArchiveSettings, resource: &str) -> Rule {
        let rule = rule(settings, resource);
        let by_activity = self.by_activity.iter().find(|(name, _)| *name == resource);
        Rule {
            older_than: self.older_than.unwrap_or(rule.older_than),
            by_activity: by_activity.map_or(rule.by_activity, |(_, by_activity)| *by_activity),
        }
    }
}

/// Returns the rule of the settings.
pub fn rule(settings: &ArchiveSettings, resource: &str) -> Rule {
    let DueSettings { older_than, by_activity } = settings.due(resource);
    Rule { older_than, by_activity }
}

/// Returns the resources with a flag of their own.
fn with_activity() -> impl Iterator<Item = &'static str> {
    let resources = registry::moving();
    resources
        .filter(|resource| resource.moves.as_ref().is_some_and(|moves| moves.due_by_activity))
        .map(|resource| resource.name)
}

// By hand, because the flags follow from the registry.
impl clap::Args for DueArgs {
    fn augment_args(command: Command) -> Command {
        let older_than = Arg::new("older_than").long("older-than").value_name("OLDER_THAN");
        let older_than = older_than.value_parser(args::span);
        let help = "The age at which a row is due [default: as in the settings, or 30d]";
        let command = command.arg(older_than.help(help));
        with_activity().fold(command, |command, name| {
            let due = Arg::new(format!("{name}_due")).long(format!("{name}-due")).value_name("WHAT");
            let help = format!(
                "The time that makes {name} due: their creation or their newest comment [default: as in the settings, or \
                 created]"
            );
            command.arg(due.value_parser(["created", "activity"]).help(help))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for DueArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let by_activity = with_activity().filter_map(|name| {
            let due = matches.get_one::<String>(&format!("{name}_due"))?;
            Some((name, due == "activity"))
        });
        Ok(Self { older_than: matches.get_one("older_than").copied(), by_activity: by_activity.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
